#include "base/list.h"
#include "test.h"

struct item {
    char name;
    struct list link;
};

static struct item items[5] = {
    {.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}, {.name = 'e'}};

/* The names in order, as a string that the next call overwrites. */
static struct str names(const struct list *list)
{
    static char text[ARRAY_LEN(items)];
    size_t len = 0;
    LIST_EACH ((struct list *)list, link)
        text[len++] = CONTAINER_OF(link, struct item, link)->name;
    return str_make(text, len);
}

static void fill(struct list *list, size_t from, size_t to)
{
    list_init(list);
    for (size_t i = from; i < to; i++)
        list_push_back(list, &items[i].link);
}

TEST(members_keep_the_order_they_came_in)
{
    struct list list;
    fill(&list, 0, 3);
    CHECK_STR(names(&list), STR("abc"));
    list_push_front(&list, &items[3].link);
    CHECK_STR(names(&list), STR("dabc"));
}

TEST(taking_from_the_front_ends_with_null)
{
    struct list list;
    fill(&list, 0, 2);
    CHECK(list_pop_front(&list) == &items[0].link);
    CHECK(list_pop_front(&list) == &items[1].link);
    CHECK(list_is_empty(&list));
    CHECK(list_pop_front(&list) == NULL);
}

TEST(removing_twice_is_harmless)
{
    struct list list;
    fill(&list, 0, 3);
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    CHECK_STR(names(&list), STR("ac"));
}

TEST(the_body_of_a_safe_loop_may_remove)
{
    struct list list;
    fill(&list, 0, 5);
    LIST_EACH_SAFE (&list, link) {
        if (CONTAINER_OF(link, struct item, link)->name % 2)
            list_remove(link);
    }
    CHECK_STR(names(&list), STR("bd"));
}

TEST(all_members_move_behind_the_others)
{
    struct list to;
    struct list from;
    fill(&to, 0, 2);
    fill(&from, 2, 5);
    list_move_all(&to, &from);
    CHECK_STR(names(&to), STR("abcde"));
    CHECK(list_is_empty(&from));
    list_move_all(&to, &from);
    CHECK_STR(names(&to), STR("abcde"));
}

int main(void)
{
    RUN(members_keep_the_order_they_came_in);
    RUN(taking_from_the_front_ends_with_null);
    RUN(removing_twice_is_harmless);
    RUN(the_body_of_a_safe_loop_may_remove);
    RUN(all_members_move_behind_the_others);
    return test_summary();
}
