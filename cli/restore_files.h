/*
 * The files of a backup being read, as dump_files.h describes them; backups of confluentdbutil look the
 * same. What is looked at here is the form of the files, and that groups and nodes agree on who is in
 * which group; all else is for the agent to judge.
 */
#ifndef CLI_RESTORE_FILES_H
#define CLI_RESTORE_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"
#include "wire/json.h"

struct restore_files {
	json *main;
	json *keys; /* NULL: there are none */
	/* sorted by the bytes of their names */
	const json **nodes, **groups;
	size_t n_nodes, n_groups;
};

int restore_files_read(struct restore_files *ret, const char *folder, struct err *err) MUST_CHECK;
/* Wipes. */
void restore_files_done(struct restore_files *f);

/* Are the keys in clear, protected by a password, or of no use here? */
enum restore_keys { RESTORE_NO_KEYS, RESTORE_OPEN, RESTORE_LOCKED, RESTORE_FOREIGN };
enum restore_keys restore_files_keys(const struct restore_files *f);
/* Calls fn for each group whose nodes don't say that they are in it. Returns how many there are. */
size_t restore_files_check(
	const struct restore_files *f, void (*fn)(const char *text, void *arg), void *arg);
/* Calls fn for each part of the backup that there is no place for. */
void restore_files_strange(const struct restore_files *f,
	void (*fn)(const char *name, size_t entries, void *arg), void *arg);

#endif
