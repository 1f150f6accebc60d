# Prints C sources as FILE:LINE:text with block comments and the insides of strings and character
# constants blanked, so that a lint sees code alone. A line comment is left for a lint to find.
FNR == 1 { inside = 0 }
{
	out = ""
	n = length($0)
	for (i = 1; i <= n; i++) {
		c = substr($0, i, 1)
		two = substr($0, i, 2)
		if (inside) {
			if (two == "*/") {
				inside = 0
				i++
			}
			continue
		}
		if (two == "/*") {
			inside = 1
			out = out " "
			i++
			continue
		}
		if (c == "\"" || c == "'") {
			quote = c
			out = out c
			for (i++; i <= n; i++) {
				c = substr($0, i, 1)
				if (c == "\\") {
					i++
					continue
				}
				if (c == quote)
					break
			}
			out = out quote
			continue
		}
		out = out c
	}
	print FILENAME ":" FNR ":" out
}
