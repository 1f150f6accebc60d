/* libs: model base */
/*
 * Takes the bytes as a noderange: written out, and evaluated against a few nodes and groups. An error
 * must say why and where; names that come out must come back from their folded text.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/natsort.h"
#include "model/noderange.h"
#include "tests/unit/noderange_world.h"

#define TEXT_MAX  1024
#define NAMES_MAX 20000 /* more are not folded */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world *make_world(void)
{
	struct world *world = world_new();
	struct noderange_names names = {NULL};

	world_add_group(world, "rack1", "");
	world_add_group(world, "self", "n1,self");
	world_add_group(world, "dynamic", "n[2-30],-rack1");
	if (noderange_expand("n[1-40],r[1-3]u[01-10],a-b,x_1,s[1-3].dom", &names, NULL) < 0)
		abort();
	for (size_t i = 0; i < names.n; i++) {
		uint32_t node = world_add_node(world, names.at[i]);

		if (i % 3 == 0)
			world_add_member(world, "rack1", node);
		world_add_value(world, node, "type", i % 2 ? "a1" : "");
	}
	noderange_names_done(&names);
	return world;
}

static void check_error(const struct err *err)
{
	if (!*err->text || strlen(err->text) >= ERR_TEXT_MAX - 1)
		abort();
	for (const char *p = err->text; *p; p++) {
		if ((unsigned char)*p < 0x20)
			abort();
	}
	if (!strstr(err->text, "(at character "))
		abort();
}

static size_t tidy(char **names, size_t n)
{
	natsort_sort((const char **)names, n);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(names[i - 1], names[i]) == 0)
			abort();
	}
	return n;
}

/* The names as nodes of their own: so each is found, whatever it looks like. */
static void check_fold(const struct noderange_names *names)
{
	struct world *world = world_new();
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	struct noderange_source source;
	char *folded[2];

	for (size_t i = 0; i < names->n; i++)
		(void)world_add_node(world, names->at[i]);
	source = world_source(world);
	folded[0] = noderange_fold((const char *const *)names->at, names->n);
	folded[1] = noderange_abbreviate(&source, source.all(source.arg), NULL, 0);
	for (size_t i = 0; i < 2 && names->n; i++) {
		if (noderange_evaluate(&source, folded[i], &set, NULL) < 0 ||
			!bitset_equal(&set, source.all(source.arg)))
			abort();
	}
	free(folded[0]);
	free(folded[1]);
	world_free(world);
}

/* Names that begin as an expression does, or have a '=' in them, can't be written. */
static bool can_be_written(const struct noderange_names *names)
{
	for (size_t i = 0; i < names->n && names->n <= NAMES_MAX; i++) {
		const char *name = names->at[i];

		if (*name == '~' || *name == '/' || strchr(name, '=') || strstr(name, "!~"))
			return false;
	}
	return names->n <= NAMES_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world *world;
	struct noderange_source source;
	struct noderange_names names = {NULL};
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	char text[TEXT_MAX + 1];
	struct err err = {""};

	if (size > TEXT_MAX)
		return 0;
	if (!world)
		world = make_world();
	memcpy(text, data, size);
	text[size] = '\0';
	source = world_source(world);
	if (noderange_evaluate(&source, text, &set, &err) < 0)
		check_error(&err);
	else if (!bitset_within(&set, source.all(source.arg)))
		abort();
	err_clear(&err);
	if (noderange_expand(text, &names, &err) < 0) {
		check_error(&err);
		return 0;
	}
	if (can_be_written(&names)) {
		tidy(names.at, names.n);
		check_fold(&names);
	}
	noderange_names_done(&names);
	return 0;
}
