/*
 * A small source of nodes and groups for tests of noderanges (model/noderange.h): what is put in is
 * what is there. The attribute names that filters may use are the few that the fixture needs.
 */
#ifndef TESTS_UNIT_NODERANGE_WORLD_H
#define TESTS_UNIT_NODERANGE_WORLD_H

#include "model/noderange.h"

struct world;

struct world *world_new(void);
void world_free(struct world *world);
DEFINE_CLEANUP(struct world *, world_free)
/* Reads noderange_fixture.tsv. */
void world_load(struct world *world, const char *path);
uint32_t world_add_node(struct world *world, const char *name);
void world_add_group(struct world *world, const char *name, const char *noderange);
/* The group must be there. */
void world_add_member(struct world *world, const char *group, uint32_t node);
void world_add_value(struct world *world, uint32_t node, const char *name, const char *value);

/* Lives until the next change. */
struct noderange_source world_source(struct world *world);
/* For noderange_abbreviate(); lives as long. */
size_t world_groups(struct world *world, const struct noderange_group **ret);

#endif
