/* Laws: every address found is clean and has both parts; a printed list parses to the same list,
 * and then nothing in it is ambiguous; a completed value parses to the list that was completed, and
 * to what the value says itself if it says anything. */
#include "mail/address_list.h"

#include "mail/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_ADDRESSES 100

static void print_list(struct buf *buf, const struct mail_address_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        enum err err = i ? buf_add(buf, STR(", ")) : OK;
        if (!err)
            err = mail_address_print(buf, &list->items[i]);
        assert(!err);
    }
}

static void check_same(const struct mail_address_list *a, const struct mail_address_list *b)
{
    assert(a->count == b->count);
    for (size_t i = 0; i < a->count; i++)
        assert(mail_address_eq(&a->items[i], &b->items[i]));
}

static void check_completion(struct arena *arena, struct str value)
{
    struct mail_address_list plain, complete, again;
    struct str text;
    enum err err = mail_address_list_parse(arena, value, MAX_ADDRESSES, &plain);
    bool is_plain = err == OK;
    err = mail_address_list_complete(arena, value, MAX_ADDRESSES, STR("home"), &complete, &text);
    if (is_plain) {
        assert(!err && str_eq(text, value));
        check_same(&plain, &complete);
    }
    if (err)
        return;
    err = mail_address_list_parse(arena, text, MAX_ADDRESSES, &again);
    assert(!err);
    check_same(&complete, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str value = str_make((const char *)data, size);
    struct arena arena = arena_make();
    struct mail_address_list list, again;
    struct buf buf = buf_make(1 << 20);
    if (size < 10000)
        check_completion(&arena, value);
    if (size < 10000 && mail_address_list_parse(&arena, value, MAX_ADDRESSES, &list) == OK) {
        assert(list.count <= MAX_ADDRESSES);
        for (size_t i = 0; i < list.count; i++) {
            assert(list.items[i].local.len && mail_text_is_clean(list.items[i].local));
            assert(list.items[i].domain.len && mail_text_is_clean(list.items[i].domain));
        }
        print_list(&buf, &list);
        enum err err = mail_address_list_parse(&arena, buf_str(&buf), MAX_ADDRESSES, &again);
        assert(!err && !again.is_ambiguous);
        check_same(&list, &again);
    }
    buf_free(&buf);
    arena_reset(&arena);
    return 0;
}
