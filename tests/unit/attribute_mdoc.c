#include "config.h"
#include "tests/unit/attribute_mdoc.h"

#include <stdbool.h>
#include <string.h>

#include "base/macros.h"
#include "model/attribute.h"

#define WIDTH 78

struct page {
	FILE *out;
	size_t used; /* of the current line */
};

static void end_line(struct page *page)
{
	if (page->used > 0)
		fputc('\n', page->out);
	page->used = 0;
}

static void word(struct page *page, const char *text, size_t len)
{
	if (page->used > 0 && page->used + 1 + len > WIDTH)
		end_line(page);
	if (page->used > 0)
		fputc(' ', page->out);
	fwrite(text, 1, len, page->out);
	page->used += len + (page->used > 0);
	if (text[len - 1] == '.' || text[len - 1] == ':')
		end_line(page);
}

/* "`x`" and punctuation behind it: a macro line, on which punctuation stands apart. */
static void typed(struct page *page, const char *text, size_t len)
{
	const char *end = memchr(text + 1, '`', len - 1);
	size_t behind = len - (size_t)(end + 1 - text);

	end_line(page);
	fprintf(page->out, ".Ql %.*s%s%.*s\n", (int)(end - text - 1), text + 1, behind ? " " : "",
		(int)behind, end + 1);
}

static void prose(struct page *page, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (*text == '`')
			typed(page, text, len);
		else
			word(page, text, len);
		text += len;
		text += strspn(text, " ");
	}
	end_line(page);
}

/* "a, b and c", each a macro line. */
static void words_of(struct page *page, const char *accepted)
{
	while (*accepted) {
		size_t len = strcspn(accepted, " ");
		const char *next = accepted + len + strspn(accepted + len, " ");

		fprintf(page->out, ".Ql %.*s%s\n", (int)len, accepted, *next ? " ," : " .");
		accepted = next;
	}
}

static void facts(struct page *page, const struct attribute *row)
{
	static const char *const lead[] = {[ATTRIBUTE_ONE_OF] = "One of these:",
		[ATTRIBUTE_SOME_OF] = "Any of these, with commas between:",
		[ATTRIBUTE_KEYS_OF] = "With any of these keys:"};

	if (row->accepted) {
		prose(page, lead[row->values]);
		words_of(page, row->accepted);
	}
	if (row->acts_as)
		fprintf(page->out, "Unset, it counts as\n.Ql %s .\n", row->acts_as);
	if (!row->on_group)
		prose(page, "Nodes only.");
	if (!row->on_node)
		prose(page, "Groups only.");
}

void attribute_mdoc(FILE *out)
{
	struct page page = {.out = out};
	const struct attribute *row;

	fputs(".Bl -tag -width Ds\n", out);
	for (size_t i = 0; (row = attribute_at(i)); i++) {
		size_t head = strcspn(row->name, ".");

		if (row->named)
			fprintf(out, ".It Va %s , Va %.*s. Ns Ar NAME Ns Va %s\n", row->name,
				(int)head, row->name, row->name + head);
		else
			fprintf(out, ".It Va %s\n", row->name);
		prose(&page, row->help);
		facts(&page, row);
	}
	fputs(".El\n", out);
}
