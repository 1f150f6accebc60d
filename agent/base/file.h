/*
 * Small files, read whole and replaced whole.
 *
 * file_replace() writes a temporary name beside the target, fsyncs, renames, and fsyncs the folder:
 * a reader sees the old contents or the new, also after a power cut. The mode is set on the open
 * descriptor, so the umask has no say.
 *
 * What is fsynced takes as long as the disk does and is for the worker thread, or for a time when no
 * loop runs. The unsynced ones are quick: the change is seen at once and a reader still sees old or
 * new, but a power cut may undo it.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends the whole file to b. -EMSGSIZE past b's ceiling, else the open or read error; the text
 * names the path. */
int file_read(const char *path, struct buf *b, struct err *err) MUST_CHECK;
int file_replace(
	const char *path, const void *data, size_t len, mode_t mode, struct err *err) MUST_CHECK;
/* unlink() plus fsync of the folder; a file that is not there is fine. */
int file_remove(const char *path, struct err *err) MUST_CHECK;
int file_replace_unsynced(
	const char *path, const void *data, size_t len, mode_t mode, struct err *err) MUST_CHECK;
int file_remove_unsynced(const char *path, struct err *err) MUST_CHECK;
/* Makes the folder and those above it, with that mode whatever the umask; existing ones are left
 * alone. */
int file_make_folder(const char *path, mode_t mode, struct err *err) MUST_CHECK;
/* -EACCES with the remedy when the file exists and anyone but its owner may read or write it;
 * -ENOENT when it is not there; a text in both cases. */
int file_check_secret(const char *path, struct err *err) MUST_CHECK;
bool file_exists(const char *path);
/* folder + "/" + name, new. */
char *file_join(const char *folder, const char *name);

#endif
