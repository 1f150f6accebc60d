/*
 * What options ask of each other and of the host. Internal to conf/.
 */
#ifndef CONF_RULES_H
#define CONF_RULES_H

#include <stdint.h>

#include "conf/conf.h"

/* Options whose value was refused already (bit per enum conf_id) are left out: one mistake, one
 * problem. */
_Static_assert(CONF_OPTIONS <= 64, "a bit for each option");

/* Options that need, or exclude, each other. */
void rules_check(const struct conf *conf, uint64_t refused, const char *file,
	struct conf_problems *problems);
/* Files and folders that the configuration names. Those that it doesn't are their owners' matter. */
void rules_check_files(const struct conf *conf, const char *file, struct conf_problems *problems);
/* Groups, which may ask a name service. */
void rules_check_groups(const struct conf *conf, const char *file, struct conf_problems *problems);

#endif
