/*
 * Adding to struct conf_problems (conf/conf.h). Internal to conf/.
 */
#ifndef CONF_PROBLEM_H
#define CONF_PROBLEM_H

#include "conf/conf.h"

void problem_init(struct conf_problems *problems);
/* "FILE:LINE: text", "FILE: text" for line 0, or the bare text for file NULL. Keeps the order of
 * lines, and among those of one line the order of adding; counts what is more than there is room
 * for. */
void problem_add(struct conf_problems *problems, const char *file, unsigned line, const char *fmt,
	...) PRINTF_LIKE(4, 5);

#endif
