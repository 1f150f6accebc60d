/*
 * Which programs are to be run for an event: FOLDER/<event>, then those in FOLDER/<event>.d/ in the order of
 * their names' bytes. Names there are of letters, digits, '-', '_' and '.', a letter or digit first, and
 * not what package managers and editors leave behind (.rpmsave, .dpkg-old, .bak, …).
 */
#ifndef APP_HOOKS_FIND_H
#define APP_HOOKS_FIND_H

#include <stddef.h>

#define HOOKS_PROGRAMS_MAX 64 /* for one event */
#define HOOKS_REFUSED_MAX  16 /* that are told, of one event */

struct hooks_programs {
	char **paths; /* resolved: what is to be run */
	size_t n;
	char **refused; /* a text each: which program is not run, and why */
	size_t n_refused;
};

/* A program counts when it is a regular file that somebody may execute, and when neither it nor a
 * folder on the way to it, symbolic links resolved, belongs to others than root or the agent's user
 * or may be written by others. A folder with the sticky bit, as /tmp, is no way in. */
void hooks_find(const char *folder, const char *event, struct hooks_programs *ret);
void hooks_programs_done(struct hooks_programs *programs);

#endif
