/*
 * An attribute is compared with every word, though one would do to print it, because each word that
 * never matched is reported in the end. What each object matched is kept in a table by its name:
 * answers may hold the objects in any order.
 */
#include "config.h"
#include "cli/names.h"

#include <string.h>

#include "base/bitset.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/writer.h"

#define SLOTS_FIRST 64u

/* What an agent takes of names in a request. */
#define ATTRIBUTES_MAX 64
#define ATTRIBUTE_MAX  255

struct object {
	char *name;
	struct bitset seen; /* numbers of words */
};

struct names {
	int count;
	char **words;	 /* as the user typed them; for messages */
	char **patterns; /* full names in lower case */
	struct object *objects;
	uint32_t n, cap;
	uint32_t *slots; /* numbers of objects + 1, by hash; 0: free */
	uint32_t slots_n;
	uint32_t last; /* the object of the call before: answers come object by object */
};

static const char *const aliases[][2] = {
	{"bmc", "hardwaremanagement.manager"},
	{"bmcuser", "secret.hardwaremanagementuser"},
	{"bmcpass", "secret.hardwaremanagementpassword"},
	{"switchuser", "secret.hardwaremanagementuser"},
	{"switchpass", "secret.hardwaremanagementpassword"},
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static char *pattern_of(const char *word)
{
	char *pattern;

	if (text_starts(word, "hm"))
		pattern = xasprintf("hardwaremanagement%s", word + 2);
	else
		pattern = xstrdup(word);
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (strcmp(pattern, aliases[i][0]) == 0) {
			free(pattern);
			pattern = xstrdup(aliases[i][1]);
		}
	for (char *p = pattern; *p; p++)
		*p = lower(*p);
	return pattern;
}

struct names *names_new(char *const *words, int count)
{
	struct names *names = xcalloc(1, sizeof(*names));

	names->count = count;
	names->words = xcalloc((size_t)count + 1, sizeof(*names->words));
	names->patterns = xcalloc((size_t)count + 1, sizeof(*names->patterns));
	for (int i = 0; i < count; i++) {
		names->words[i] = xstrdup(words[i]);
		names->patterns[i] = pattern_of(words[i]);
	}
	return names;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	for (int i = 0; i < names->count; i++) {
		free(names->words[i]);
		free(names->patterns[i]);
	}
	for (uint32_t i = 0; i < names->n; i++) {
		free(names->objects[i].name);
		bitset_done(&names->objects[i].seen);
	}
	free(names->words);
	free(names->patterns);
	free(names->objects);
	free(names->slots);
	free(names);
}

static uint32_t slot_of(const struct names *names, const char *object)
{
	static const struct hash_key key = {0, 0};
	uint32_t at = (uint32_t)hash_bytes(&key, object, strlen(object));

	for (at &= names->slots_n - 1; names->slots[at]; at = (at + 1) & (names->slots_n - 1))
		if (strcmp(names->objects[names->slots[at] - 1].name, object) == 0)
			break;
	return at;
}

static void grow(struct names *names)
{
	free(names->slots);
	names->slots_n = names->slots_n ? names->slots_n * 2 : SLOTS_FIRST;
	names->slots = xcalloc(names->slots_n, sizeof(*names->slots));
	names->cap = names->slots_n / 2;
	names->objects = xrealloc(names->objects, names->cap, sizeof(*names->objects));
	for (uint32_t i = 0; i < names->n; i++)
		names->slots[slot_of(names, names->objects[i].name)] = i + 1;
}

static struct object *find(struct names *names, const char *object)
{
	uint32_t at;

	if (names->n && strcmp(names->objects[names->last].name, object) == 0)
		return &names->objects[names->last];
	if (names->n == names->cap)
		grow(names);
	at = slot_of(names, object);
	if (!names->slots[at]) {
		names->objects[names->n++] = (struct object){.name = xstrdup(object)};
		names->slots[at] = names->n;
	}
	names->last = names->slots[at] - 1;
	return &names->objects[names->last];
}

void names_expect(struct names *names, const char *object)
{
	if (names->count)
		find(names, object);
}

/* [seq] at pattern[0]: its length, 0 where it is not closed and '[' stands for itself. */
static size_t class_length(const char *pattern)
{
	size_t i = 1;

	i += pattern[i] == '!';
	i += pattern[i] == ']';
	i += strcspn(pattern + i, "]");
	return pattern[i] ? i + 1 : 0;
}

static bool class_matches(const char *class, size_t len, char c)
{
	bool negated = class[1] == '!';
	bool found = false;
	const char *end = class + len - 1;

	for (const char *p = class + 1 + negated; p < end; p++) {
		if (p + 2 < end && p[1] == '-') {
			found |= p[0] <= c && c <= p[2];
			p += 2;
		} else {
			found |= *p == c;
		}
	}
	return found != negated;
}

/* One step of the pattern other than '*': how long it is, 0 where it does not match c. */
static size_t step(const char *pattern, char c)
{
	size_t len = *pattern == '[' ? class_length(pattern) : 0;

	if (len)
		return class_matches(pattern, len, c) ? len : 0;
	return *pattern && (*pattern == '?' || *pattern == c);
}

/* The last '*' takes one more letter whenever the rest does not match: at most pattern times name. */
static bool glob(const char *pattern, const char *name)
{
	const char *star = NULL, *taken = NULL;

	while (*name) {
		size_t len;

		if (*pattern == '*') {
			star = ++pattern;
			taken = name;
			continue;
		}
		len = step(pattern, lower(*name));
		if (len) {
			pattern += len;
			name++;
		} else if (star) {
			pattern = star;
			name = ++taken;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

static bool is_below(const char *pattern, const char *name)
{
	while (*pattern && *pattern == lower(*name)) {
		pattern++;
		name++;
	}
	return !*pattern && *name == '.';
}

bool names_wanted(struct names *names, const char *object, const char *attribute)
{
	struct object *o;
	bool wanted = !names->count;

	if (wanted)
		return true;
	o = find(names, object);
	for (int i = 0; i < names->count; i++)
		if (glob(names->patterns[i], attribute) ||
			is_below(names->patterns[i], attribute)) {
			bitset_add(&o->seen, (uint32_t)i);
			wanted = true;
		}
	return wanted;
}

static void complain(FILE *err, const char *word, const char *what, const char *object)
{
	fputs("Error: ", err);
	writer_print(err, word);
	fputs(what, err);
	writer_print(err, object);
	fputc('\n', err);
}

bool names_complete(const struct names *names, FILE *err)
{
	CLEANUP(bitset_done) struct bitset some = BITSET_INIT;
	bool complete = true;

	if (!names->n)
		return true;
	for (uint32_t i = 0; i < names->n; i++)
		bitset_unite(&some, &names->objects[i].seen);
	for (uint32_t i = 0; i < names->n; i++)
		for (int w = 0; w < names->count; w++)
			if (bitset_has(&some, (uint32_t)w) &&
				!bitset_has(&names->objects[i].seen, (uint32_t)w)) {
				complain(err, names->words[w], " matches no valid value for ",
					names->objects[i].name);
				complete = false;
			}
	for (int w = 0; w < names->count; w++)
		if (!bitset_has(&some, (uint32_t)w)) {
			complain(err, names->words[w], " not a valid attribute", "");
			complete = false;
		}
	return complete;
}

json *names_parameters(const struct names *names)
{
	json *parameters;
	json *list;

	if (!names->count || names->count >= ATTRIBUTES_MAX)
		return NULL;
	for (int i = 0; i < names->count; i++)
		if (strlen(names->patterns[i]) > ATTRIBUTE_MAX ||
			strpbrk(names->patterns[i], "\\^"))
			return NULL;
	parameters = json_new_object();
	list = json_set(parameters, "attributes", json_new_array());
	for (int i = 0; i < names->count; i++)
		json_add_str(list, names->patterns[i]);
	json_add_str(list, "id.index");
	return parameters;
}
