/*
 * What dump and restore have in common: the password of a backup.
 */
#ifndef CLI_BACKUP_H
#define CLI_BACKUP_H

#include <stdbool.h>

#include "base/err.h"
#include "base/macros.h"
#include "cli/verb.h"

/* The first line of the file that --password-file names ("-": standard input), or what is typed; twice:
 * asks until the same was typed two times. *ret is new, a secret. */
int backup_password(struct call *call, bool twice, char **ret, struct err *err) MUST_CHECK;

#endif
