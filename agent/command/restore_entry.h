/*
 * A node or group of a backup's main.json (command/dump_entry.h) on its way into a struct backup.
 * What is wrong with it becomes a problem of the backup.
 *
 * Secrets are opened with the keys of the backup or, where it has none, with those of this collective,
 * and sealed for this one at once. One that can't be opened, and one that was redacted, is a problem,
 * unless such ones are to be left out.
 *
 * Backups that confluentdbutil wrote are taken, too: numbers and truth values as they are, and secrets as
 * such that can't be opened.
 */
#ifndef COMMAND_RESTORE_ENTRY_H
#define COMMAND_RESTORE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/json.h"

struct backup;
struct bundle;
struct keyset;

struct restore_reader {
	struct backup *backup;
	const struct keyset *keys;   /* NULL: the backup has none */
	const struct bundle *bundle; /* of this collective */
	bool without_secrets;
	size_t left_out; /* secrets and hashes */
};

/* A group's `nodes` are not looked at: the nodes' `groups` say the same. */
void restore_entry_read(
	struct restore_reader *reader, bool node, const char *name, const json *entry);

#endif
