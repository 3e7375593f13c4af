/* A doubly linked list whose links live in its members. A member is in at most one list through
 * each `struct list` it holds. A list head and a lone link point to themselves. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/defs.h"

struct list {
    struct list *prev;
    struct list *next;
};

static inline void list_init(struct list *list) { list->prev = list->next = list; }
static inline bool list_is_empty(const struct list *list) { return list->next == list; }

static inline void list_add_between(struct list *prev, struct list *next, struct list *link)
{
    link->prev = prev;
    link->next = next;
    prev->next = link;
    next->prev = link;
}

static inline void list_push_back(struct list *list, struct list *link)
{
    list_add_between(list->prev, list, link);
}

static inline void list_push_front(struct list *list, struct list *link)
{
    list_add_between(list, list->next, link);
}

/* Harmless for a link that is in no list. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* The first link, taken out; NULL when empty. */
static inline struct list *list_pop_front(struct list *list)
{
    if (list_is_empty(list))
        return NULL;
    struct list *link = list->next;
    list_remove(link);
    return link;
}

/* Moves all members of `from` behind those of `to`. */
static inline void list_move_all(struct list *to, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define LIST_EACH(head, link) \
    for (struct list *link = (head)->next; link != (head); link = link->next)
/* The body may remove `link`. */
#define LIST_EACH_SAFE(head, link)                                                    \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head); \
         link = link##_next, link##_next = link->next)

#endif
