#include "config.h"
#include "cli/membership.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	const struct membership *m_a = a, *m_b = b;
	int order = strcmp(m_a->group, m_b->group);

	return order ? order : strcmp(m_a->node, m_b->node);
}

void memberships_sort(struct membership *list, size_t n)
{
	if (n > 1)
		qsort(list, n, sizeof(*list), compare);
}

bool memberships_have(const struct membership *list, size_t n, const struct membership *wanted)
{
	return n > 0 && bsearch(wanted, list, n, sizeof(*list), compare);
}
