/*
 * The table of attributes, looked up by binary search, and the rules for names and values. Nothing here
 * quotes a value of a hidden attribute.
 */
#include "config.h"
#include "model/attribute.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/name.h"
#include "base/text.h"

#define CUSTOM	   "custom."
#define NODESECRET "custom.nodesecret."

/* What the column `where` of the table stands for. */
#define WHERE_NODE  .on_node = true
#define WHERE_GROUP .on_group = true
#define WHERE_BOTH  .on_node = true, .on_group = true
#define WHERE_NAMED .on_node = true, .on_group = true, .named = true

#define ATTRIBUTE(NAME, KIND, WHERE, EXPRESSION, VALUES, ACCEPTED, ACTS_AS, HELP)                  \
	{.name = (NAME),                                                                           \
		.kind = ATTRIBUTE_##KIND,                                                          \
		.values = ATTRIBUTE_##VALUES,                                                      \
		.accepted = (ACCEPTED),                                                            \
		WHERE_##WHERE,                                                                     \
		.expression = (EXPRESSION),                                                        \
		.acts_as = (ACTS_AS),                                                              \
		.help = (HELP)},

static const struct attribute attributes[] = {
#include "model/attributes.def"
};

#undef ATTRIBUTE

static const struct {
	const char *alias, *name;
} aliases[] = {
	{"bmc", "hardwaremanagement.manager"},
	{"bmcpass", "secret.hardwaremanagementpassword"},
	{"bmcuser", "secret.hardwaremanagementuser"},
	{"switchpass", "secret.hardwaremanagementpassword"},
	{"switchuser", "secret.hardwaremanagementuser"},
};

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool attribute_name_valid(const char *name)
{
	bool between = true; /* no part has begun */
	size_t len = 0;

	for (; name[len]; len++) {
		if (len >= ATTRIBUTE_NAME_MAX)
			return false;
		if (name[len] == '.') {
			if (between)
				return false;
			between = true;
		} else if (is_letter_or_digit(name[len]) || name[len] == '_' || name[len] == '-') {
			between = false;
		} else {
			return false;
		}
	}
	return !between;
}

static const struct attribute *find_row(const char *name)
{
	size_t low = 0, high = ARRAY_SIZE(attributes);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, attributes[middle].name);

		if (order == 0)
			return &attributes[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* net.eth0.switch is the row net.switch. */
static const struct attribute *find_named(const char *name)
{
	const char *first = strchr(name, '.'), *last = strrchr(name, '.');
	char plain[ATTRIBUTE_NAME_MAX + 1];
	const struct attribute *row;
	size_t head, tail;

	if (!first || first == last)
		return NULL;
	head = (size_t)(first - name);
	tail = strlen(last);
	memcpy(plain, name, head);
	memcpy(plain + head, last, tail + 1);
	row = find_row(plain);
	return row && row->named ? row : NULL;
}

const struct attribute *attribute_find(const char *name)
{
	const struct attribute *row;

	if (!attribute_name_valid(name))
		return NULL;
	if (text_starts(name, NODESECRET))
		return find_row(NODESECRET "*");
	if (text_starts(name, CUSTOM))
		return find_row(CUSTOM "*");
	row = find_row(name);
	return row ? row : find_named(name);
}

const char *attribute_unalias(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
		if (text_eq(name, aliases[i].alias))
			return aliases[i].name;
	}
	return name;
}

const struct attribute *attribute_at(size_t i)
{
	return i < ARRAY_SIZE(attributes) ? &attributes[i] : NULL;
}

bool attribute_hidden(const struct attribute *attribute)
{
	return attribute->kind == ATTRIBUTE_SECRET || attribute->kind == ATTRIBUTE_HASH;
}

bool attribute_object_name_valid(const char *name)
{
	return name_object_valid(name);
}

int attribute_object_name_check(const char *name, const char *kind, struct err *err)
{
	return name_object_check(name, kind, err);
}

bool attribute_truth(const char *value)
{
	static const char *const words[] = {"true", "1", "y", "yes", "enable", "enabled"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(value, words[i]) == 0)
			return true;
	}
	return false;
}

/* The length of the character at s, 0 where there is none that UTF-8 allows (RFC 3629: no
 * surrogates, nothing longer than it need be, nothing above U+10FFFF). *ret is the character. */
static size_t decode(const unsigned char *s, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t c;

	if (n <= 1) {
		*ret = s[0];
		return n;
	}
	if (n > len || s[0] > 0xf4)
		return 0;
	c = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	*ret = c;
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : n;
}

int attribute_check_text(const char *value, size_t len, struct err *err)
{
	const unsigned char *s = (const unsigned char *)value;

	if (len > ATTRIBUTE_VALUE_MAX)
		return err_set(err, -EINVAL, "a value of %zu bytes is too long (at most %zu)", len,
			ATTRIBUTE_VALUE_MAX);
	for (size_t i = 0; i < len;) {
		uint32_t c = 0;
		size_t n = decode(s + i, len - i, &c);

		if (n == 0)
			return err_set(
				err, -EINVAL, "the value is not UTF-8 text (at byte %zu)", i + 1);
		if ((c < ' ' && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0))
			return err_set(err, -EINVAL,
				"the value holds a control character (U+%04X at byte %zu; only tab "
				"and newline are accepted)",
				(unsigned)c, i + 1);
		i += n;
	}
	return 0;
}

/* The row's words with commas between. New text. */
static char *accepted_words(const struct attribute *attribute)
{
	char *text = xstrdup(attribute->accepted);

	for (char *s = text; *s; s++) {
		if (*s == ' ')
			*s = ',';
	}
	return text;
}

static int refuse(const struct attribute *attribute, const char *name, const char *what,
	const char *value, size_t len, struct err *err)
{
	CLEANUP(freep) char *words = accepted_words(attribute);
	char shown[TEXT_PRINTABLE_MAX];

	return err_set(err, -EINVAL,
		"Attribute %s does not accept %s %s (valid values would be %s)", name, what,
		text_printable(value, len, shown), words);
}

/* Does c match what the pattern begins with (not '*')? *used is its length. */
static bool matches_one(const char *pattern, size_t len, char c, size_t *used)
{
	bool negated, found = false;
	size_t i = 1;

	*used = 1;
	if (*pattern == '?')
		return true;
	if (*pattern != '[')
		return *pattern == c;
	negated = i < len && (pattern[i] == '!' || pattern[i] == '^');
	i += negated;
	/* a ']' that comes first is a member */
	for (size_t first = i; i < len && (pattern[i] != ']' || i == first); i++) {
		if (i + 2 < len && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
			found |= (unsigned char)c >= (unsigned char)pattern[i] &&
				 (unsigned char)c <= (unsigned char)pattern[i + 2];
			i += 2;
		} else {
			found |= c == pattern[i];
		}
	}
	if (i >= len)
		return c == '[';
	*used = i + 1;
	return found != negated;
}

/* Behind the latest '*' one tries again one byte further on; those before it need no second try. */
static bool matches(const char *pattern, size_t pattern_len, const char *text, size_t len)
{
	size_t p = 0, t = 0, star = SIZE_MAX, from = 0, used;

	while (t < len) {
		if (p < pattern_len && pattern[p] == '*') {
			star = ++p;
			from = t;
		} else if (p < pattern_len &&
			   matches_one(pattern + p, pattern_len - p, text[t], &used)) {
			p += used;
			t++;
		} else if (star != SIZE_MAX) {
			p = star;
			t = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern_len && pattern[p] == '*')
		p++;
	return p == pattern_len;
}

static bool is_accepted(const struct attribute *attribute, const char *value, size_t len)
{
	for (const char *word = attribute->accepted; *word;) {
		size_t word_len = strcspn(word, " ");

		if (matches(word, word_len, value, len))
			return true;
		word += word_len;
		word += strspn(word, " ");
	}
	return false;
}

/* A member of a list: the word itself, or the key in front of '='. */
static int check_member(const struct attribute *attribute, const char *name, const char *member,
	size_t len, struct err *err)
{
	const char *equals;

	if (attribute->values == ATTRIBUTE_SOME_OF)
		return is_accepted(attribute, member, len)
			       ? 0
			       : refuse(attribute, name, "list member", member, len, err);
	equals = memchr(member, '=', len);
	if (!is_accepted(attribute, member, equals ? (size_t)(equals - member) : len))
		return refuse(attribute, name, "key", member,
			equals ? (size_t)(equals - member) : len, err);
	if (!equals)
		return err_set(
			err, -EINVAL, "Passed key %.*s requires a parameter", (int)len, member);
	return 0;
}

int attribute_check_value(
	const struct attribute *attribute, const char *name, const char *value, struct err *err)
{
	size_t len = strlen(value);
	int rc = attribute_check_text(value, len, err);

	if (rc < 0)
		return err_wrap(err, rc, "Attribute %s", name);
	if (attribute->values == ATTRIBUTE_ANY || len == 0)
		return 0;
	if (attribute->values == ATTRIBUTE_ONE_OF)
		return is_accepted(attribute, value, len)
			       ? 0
			       : refuse(attribute, name, "value", value, len, err);
	for (const char *member = value; rc == 0; member++) {
		size_t member_len = strcspn(member, ",");

		rc = check_member(attribute, name, member, member_len, err);
		member += member_len;
		if (!*member)
			break;
	}
	return rc;
}

bool attribute_matches(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	return len <= ATTRIBUTE_PATTERN_MAX && matches(pattern, len, name, strlen(name));
}
