#include "config.h"
#include "conf/problem.h"

#include <stdarg.h>
#include <string.h>

void problem_init(struct conf_problems *problems)
{
	problems->n = 0;
	problems->left_out = 0;
}

void problem_add(
	struct conf_problems *problems, const char *file, unsigned line, const char *fmt, ...)
{
	size_t i = problems->n;
	int used = 0;
	va_list ap;

	if (problems->n == CONF_PROBLEMS_MAX) {
		problems->left_out++;
		return;
	}
	while (i > 0 && problems->at[i - 1].line > line)
		i--;
	memmove(&problems->at[i + 1], &problems->at[i],
		(problems->n - i) * sizeof(problems->at[0]));
	problems->n++;
	problems->at[i].line = line;
	/* a long path is cut so that the text behind it stays readable */
	if (file && line)
		used = snprintf(problems->at[i].text, CONF_PROBLEM_TEXT, "%.255s:%u: ", file, line);
	else if (file)
		used = snprintf(problems->at[i].text, CONF_PROBLEM_TEXT, "%.255s: ", file);
	va_start(ap, fmt);
	vsnprintf(problems->at[i].text + used, CONF_PROBLEM_TEXT - (size_t)used, fmt, ap);
	va_end(ap);
}

void conf_problems_print(const struct conf_problems *problems, FILE *out)
{
	for (size_t i = 0; i < problems->n; i++)
		fprintf(out, "%s\n", problems->at[i].text);
	if (problems->left_out)
		fprintf(out, "%zu more problem%s not shown\n", problems->left_out,
			problems->left_out == 1 ? "" : "s");
}
