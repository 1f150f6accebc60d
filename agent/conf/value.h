/*
 * What is right for one value on its own. Each check returns 0, or -EINVAL with the reason as a
 * sentence without its subject ("is not an absolute path"). Internal to conf/.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "base/err.h"

int check_url(const char *value, struct err *why);
int check_prefix(const char *value, struct err *why);
int check_path(const char *value, struct err *why);
int check_state_dir(const char *value, struct err *why);
int check_target(const char *value, struct err *why);
int check_user(const char *value, struct err *why);
int check_name(const char *value, struct err *why);
int check_address(const char *value, struct err *why);

#endif
