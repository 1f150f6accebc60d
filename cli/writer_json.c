#include "config.h"
#include "cli/writer.h"

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/frame.h"
#include "wire/json.h"

#define DEPTH_MAX 4

struct json_writer {
	struct writer w;
	FILE *out;
	int depth;
	json *at[DEPTH_MAX];
};

static struct json_writer *self(struct writer *w)
{
	return CONTAINER_OF(w, struct json_writer, w);
}

static json *top(struct writer *w)
{
	return self(w)->at[self(w)->depth];
}

static void on_text(struct writer *w, const char *key, const char *label UNUSED, const char *value,
	const char *shown UNUSED)
{
	json_set_str(top(w), key, value);
}

static void on_flag(struct writer *w, const char *key, const char *label UNUSED, bool value)
{
	json_set_bool(top(w), key, value);
}

static void on_number(struct writer *w, const char *key, double value, const char *label UNUSED,
	const char *shown UNUSED)
{
	if (!cJSON_AddNumberToObject(top(w), key, value))
		abort();
}

static void on_entry(struct writer *w, const char *value, const char *suffix UNUSED)
{
	json_add_str(top(w), value);
}

static void push(struct writer *w, const char *key, json *child)
{
	struct json_writer *j = self(w);

	if (j->depth + 1 >= DEPTH_MAX)
		abort();
	if (key)
		json_set(top(w), key, child);
	else
		json_add(top(w), child);
	j->at[++j->depth] = child;
}

static void on_list(struct writer *w, const char *key, const char *label UNUSED)
{
	push(w, key, json_new_array());
}

static void on_object(struct writer *w, const char *key, const char *label UNUSED)
{
	push(w, key, json_new_object());
}

static void on_end(struct writer *w)
{
	self(w)->depth--;
}

static void on_free(struct writer *w)
{
	struct json_writer *j = self(w);
	/* What came in one frame, printed once more. */
	struct buf b = BUF_INIT(2 * (size_t)FRAME_BODY_MAX);

	if (json_print(j->at[0], &b) == 0)
		fprintf(j->out, "%s\n", buf_cstr(&b));
	buf_done(&b);
	json_free(j->at[0]);
	free(j);
}

struct writer *writer_json_new(FILE *out)
{
	static const struct writer_ops ops = {
		.text = on_text,
		.flag = on_flag,
		.number = on_number,
		.entry = on_entry,
		.list = on_list,
		.object = on_object,
		.end = on_end,
		.free = on_free,
	};
	struct json_writer *j = xcalloc(1, sizeof(*j));

	j->w.ops = &ops;
	j->out = out;
	j->at[0] = json_new_object();
	return &j->w;
}
