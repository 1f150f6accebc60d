/*
 * Which node is in which group, as a sorted list: what the files of a backup say twice, of nodes and of
 * groups.
 */
#ifndef CLI_MEMBERSHIP_H
#define CLI_MEMBERSHIP_H

#include <stdbool.h>
#include <stddef.h>

struct membership {
	const char *group, *node;
};

/* By group, then by node. */
void memberships_sort(struct membership *list, size_t n);
/* In a sorted list. */
bool memberships_have(const struct membership *list, size_t n, const struct membership *wanted);

#endif
