#include "config.h"
#include "cli/show_managers.h"

#include <stdbool.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/commands.h"

static double number_at(const json *object, const char *path)
{
	double value = 0;

	return json_number(object, path, &value, NULL) == 0 ? value : 0;
}

static const char *nodes(double n)
{
	return n >= 1 && n < 2 ? "node" : "nodes";
}

/* A count that is worth a word only where it is not 0. */
static void write_count(struct writer *w, const json *row, const char *key, const char *label)
{
	double value = number_at(row, key);

	if (json_get(row, key))
		writer_number(w, key, value, value >= 1 ? label : NULL, NULL);
}

/* "mgt1: 32 nodes, online" */
static void write_manager(struct writer *w, const json *row)
{
	double n = number_at(row, "nodes");
	const char *state = json_text(json_at(row, "state"));
	CLEANUP(freep) char *count = xasprintf("%.0f %s", n, nodes(n));
	CLEANUP(freep) char *shown = NULL;
	bool draining = false;

	if (json_bool(row, "draining", &draining, NULL) < 0)
		draining = false;
	shown = xasprintf("%s%s", state ? state : "", draining ? ", draining" : "");
	writer_object(w, NULL, NULL);
	writer_text(w, "name", "", json_text(json_at(row, "name")));
	writer_number(w, "nodes", n, "", count);
	writer_text_as(w, "state", "", state, shown);
	writer_flag(w, "draining", NULL, draining);
	write_count(w, row, "orphaned", "orphaned");
	write_count(w, row, "without_candidates", "without candidates");
	write_count(w, row, "waiting", "waiting");
	write_count(w, row, "kept", "kept");
	writer_end(w);
}

static void write_names(struct writer *w, const json *answer, const char *key, const char *label)
{
	const json *it;

	if (!json_is_array(json_at(answer, key)))
		return;
	writer_list(w, key, label);
	json_foreach(it, json_at(answer, key))
	{
		if (json_text(it))
			writer_entry(w, json_text(it), "");
	}
	writer_end(w);
}

/* In JSON; for people it is a note. */
static void write_drains(struct writer *w, const json *answer)
{
	static const char *const texts[] = {"member", "by", "actor", "reason"};
	const json *row;
	double at;

	if (!json_is_array(json_at(answer, "drains")))
		return;
	writer_list(w, "drains", NULL);
	json_foreach(row, json_at(answer, "drains"))
	{
		writer_object(w, NULL, NULL);
		for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
			const char *text = json_text(json_at(row, texts[i]));

			if (text)
				writer_text(w, texts[i], NULL, text);
		}
		if (json_number(row, "at", &at, NULL) == 0)
			writer_number(w, "at", at, NULL, NULL);
		writer_end(w);
	}
	writer_end(w);
}

void show_managers_write(struct writer *w, const json *answer)
{
	bool verbose = json_at(answer, "managers");
	const json *row;

	write_names(w, answer, "draining", verbose ? "Members being drained" : NULL);
	write_drains(w, answer);
	write_count(w, answer, "left_alone", NULL);
	if (json_get(answer, "orphaned"))
		writer_number(w, "orphaned", number_at(answer, "orphaned"),
			verbose ? "Orphaned nodes" : NULL, NULL);
	if (!verbose)
		return;
	writer_list(w, "managers", "Managers");
	json_foreach(row, json_at(answer, "managers")) write_manager(w, row);
	writer_end(w);
	write_names(w, answer, "orphans", "Orphans");
	write_count(w, answer, "without_manager", "Nodes without a manager");
	writer_object(w, "moving", NULL);
	write_count(w, json_at(answer, "moving"), "done", NULL);
	write_count(w, json_at(answer, "moving"), "all", NULL);
	write_count(w, json_at(answer, "moving"), "moved", NULL);
	writer_end(w);
}

/* What may be forgotten: a member that was drained stays so. */
static void note_drain(FILE *err, const json *order)
{
	const char *member = json_text(json_at(order, "member"));

	if (!member)
		return;
	writer_print(err, member);
	fputs(" is being drained", err);
	command_print_order(err, order);
	fputs("; collective undrain ends that\n", err);
}

void show_managers_notes(FILE *err, const json *answer)
{
	double orphaned = number_at(answer, "orphaned");
	double alone = number_at(answer, "left_alone");
	const json *it;

	json_foreach(it, json_at(answer, "drains")) note_drain(err, it);
	if (orphaned >= 1)
		fprintf(err,
			"%.0f %s orphaned: none of %s candidates is there (collective show -v)\n",
			orphaned, orphaned < 2 ? "node is" : "nodes are",
			orphaned < 2 ? "its" : "their");
	if (alone >= 1)
		fprintf(err,
			"%.0f %s no candidates, and a manager that is not there: nobody takes "
			"%s over (collective plan)\n",
			alone, alone < 2 ? "node has" : "nodes have", alone < 2 ? "it" : "them");
}
