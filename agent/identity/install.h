/*
 * Putting the files of a successful join in place, all of them or none.
 *
 * The new files are staged in cfg/joining, and the old ones linked into a dated backup folder
 * (cfg/before-join-<stamp>), the key as well, which stays. Renaming cfg/joining to cfg/joined is the
 * one step that decides; all that can fail for want of space comes before it. From then on the change
 * is only rolled forward: each new file is renamed into place, and what the old membership left
 * behind (pending invitations) removed. A crash before the decision leaves the member as it was, a
 * crash after it is completed by install_recover() at the next start.
 */
#ifndef IDENTITY_INSTALL_H
#define IDENTITY_INSTALL_H

#include <sys/types.h>

#include "base/err.h"

/* The files of a membership, below the configuration folder. */
#define INSTALL_KEY	    "privkey.pem"
#define INSTALL_CERTIFICATE "srvcert.pem"
#define INSTALL_NAME	    "cfg/myname"
#define INSTALL_BUNDLE	    "cfg/collective"
#define INSTALL_INVITATIONS "cfg/invitations"

struct install {
	const char *certificate; /* PEM */
	const char *name;
	const char *bundle; /* text of the bundle */
};

/* stamp names the backup folder, as 20261122-031500. *ret_backup is the folder's path (new), or NULL
 * where there was nothing to keep. On failure nothing has changed. */
int install_commit(const char *config_dir, const struct install *install, const char *stamp,
	char **ret_backup, struct err *err) MUST_CHECK;
/* At start: completes a decided change (returns 1), drops an undecided one (returns 0). */
int install_recover(const char *config_dir, char **ret_backup, struct err *err) MUST_CHECK;

#endif
