/*
 * An intrusive doubly linked list. A struct list is both head and link; an object that lives across
 * callbacks embeds a link for each list that may own it. list_del() leaves the link pointing at
 * itself, so deleting twice is harmless and list_linked() tells the truth.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/macros.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(head)                                                                            \
	{                                                                                          \
		&(head), &(head)                                                                   \
	}

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline bool list_linked(const struct list *l)
{
	return l->next && l->next != l;
}

static inline void list_add_tail(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline void list_add(struct list *head, struct list *l)
{
	list_add_tail(head->next, l);
}

static inline void list_del(struct list *l)
{
	if (!l->next)
		return;
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

#define list_entry(ptr, type, member) CONTAINER_OF(ptr, type, member)
#define list_first(head, type, member)                                                             \
	(list_empty(head) ? NULL : list_entry((head)->next, type, member))

#define list_foreach(it, head, member)                                                             \
	for ((it) = list_entry((head)->next, __typeof__(*(it)), member); &(it)->member != (head);  \
		(it) = list_entry((it)->member.next, __typeof__(*(it)), member))

/* The current element may be deleted from the list, any other may not. */
#define list_foreach_safe(it, tmp, head, member)                                                   \
	for ((it) = list_entry((head)->next, __typeof__(*(it)), member),                           \
	    (tmp) = list_entry((it)->member.next, __typeof__(*(it)), member);                      \
		&(it)->member != (head);                                                           \
		(it) = (tmp), (tmp) = list_entry((tmp)->member.next, __typeof__(*(it)), member))

#endif
