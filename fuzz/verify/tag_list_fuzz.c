/* Laws: names and values are slices of the text; the list printed from its tags is read as the same
 * list; unquoting never makes a value longer. */
#include "base/buf.h"
#include "verify/tag_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_slice(struct str text, struct str slice)
{
    assert(slice.at >= text.at && slice.at + slice.len <= text.at + text.len);
}

static void check_printed(const struct tag_list *list)
{
    struct buf printed = buf_make(1 << 20);
    struct tag_list again;
    for (size_t i = 0; i < list->count; i++) {
        enum err err = buf_add(&printed, list->tags[i].name);
        err = err ? err : buf_add(&printed, STR("="));
        err = err ? err : buf_add(&printed, list->tags[i].raw);
        err = err ? err : buf_add(&printed, STR(";"));
        assert(err == OK);
    }
    enum err err = tag_list_parse(buf_str(&printed), &again);
    assert(err == OK && again.count == list->count);
    for (size_t i = 0; i < list->count; i++)
        assert(str_eq(again.tags[i].name, list->tags[i].name) &&
               str_eq(again.tags[i].value, list->tags[i].value));
    buf_free(&printed);
}

static void check_value(struct arena *arena, struct str value)
{
    struct str text = STR_EMPTY, item;
    struct tag_items items = tag_items_make(value);
    size_t len = 0;
    while (tag_items_next(&items, &item))
        len += item.len;
    assert(len <= value.len);
    assert(tag_value_strip(arena, value).len <= value.len);
    assert(tag_value_unquote(arena, value, &text) || text.len <= value.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);
    struct arena arena = arena_make();
    struct tag_list list;
    if (tag_list_parse(text, &list) == OK) {
        assert(list.count > 0 && list.count <= TAG_LIST_MAX);
        for (size_t i = 0; i < list.count; i++) {
            check_slice(text, list.tags[i].name);
            check_slice(text, list.tags[i].raw);
            check_slice(list.tags[i].raw, list.tags[i].value);
            assert(tag_list_find(&list, list.tags[i].name) == &list.tags[i]);
            check_value(&arena, list.tags[i].value);
        }
        check_printed(&list);
    }
    arena_reset(&arena);
    return 0;
}
