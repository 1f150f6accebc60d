/*
 * The files of a backup being written: main.json (nodes and groups), keys.json (what opens the secrets, as
 * the agent made it) and collective.json (the members, for people), with the members of each object
 * sorted and four blanks a level, as confluentdbutil's are.
 *
 * Each file is written to a temporary name, synced, and put in place; main.json last, so that where there
 * is one, the others are of the same backup or newer. Only the owner may read them.
 */
#ifndef CLI_DUMP_FILES_H
#define CLI_DUMP_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"
#include "wire/json.h"

#define DUMP_MAIN	"main.json"
#define DUMP_KEYS	"keys.json"
#define DUMP_COLLECTIVE "collective.json"
/* Of main.json, written and read. */
#define DUMP_MAIN_MAX ((size_t)2 << 30)

struct dump_files;

struct dump_files *dump_files_new(void);
void dump_files_free(struct dump_files *f);
DEFINE_CLEANUP(struct dump_files *, dump_files_free)

/* Copies what it needs. A later entry of a name takes the place of an earlier one; NULL: it is gone. */
void dump_files_node(struct dump_files *f, const char *name, const json *entry);
void dump_files_group(struct dump_files *f, const char *name, const json *entry);

/* How many there are, once all were added. */
void dump_files_count(struct dump_files *f, size_t *ret_nodes, size_t *ret_groups);
/* members: of collective.json; keys NULL: none, and none may stay from an earlier backup. The folder is
 * made where it is missing. */
int dump_files_write(struct dump_files *f, const char *folder, const json *members,
	const json *keys, struct err *err) MUST_CHECK;

#endif
