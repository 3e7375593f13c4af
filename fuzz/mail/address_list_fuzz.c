/* Laws: every address found is clean and has both parts; a printed list parses to the same list,
 * and then nothing in it is ambiguous. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str value = str_make((const char *)data, size);
    struct arena arena = arena_make();
    struct mail_address_list list, again;
    struct buf buf = buf_make(1 << 20);
    if (size < 10000 && mail_address_list_parse(&arena, value, MAX_ADDRESSES, &list) == OK) {
        assert(list.count <= MAX_ADDRESSES);
        for (size_t i = 0; i < list.count; i++) {
            assert(list.items[i].local.len && mail_text_is_clean(list.items[i].local));
            assert(list.items[i].domain.len && mail_text_is_clean(list.items[i].domain));
        }
        print_list(&buf, &list);
        enum err err = mail_address_list_parse(&arena, buf_str(&buf), MAX_ADDRESSES, &again);
        assert(!err && again.count == list.count && !again.is_ambiguous);
        for (size_t i = 0; i < list.count; i++)
            assert(mail_address_eq(&list.items[i], &again.items[i]));
    }
    buf_free(&buf);
    arena_reset(&arena);
    return 0;
}
