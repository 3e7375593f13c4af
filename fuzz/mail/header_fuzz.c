/* Laws: the raw fields, one after the other, are the header; a message that arrives in pieces
 * gives the same fields. The first byte says how large the pieces are. */
#include "mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t check_in_pieces(struct str message, size_t piece)
{
    struct mail_header_reader reader = mail_header_reader_make();
    struct mail_header_reader whole = mail_header_reader_make();
    struct mail_field field, same;
    size_t len = 0, end = 0;
    while (!reader.is_at_end) {
        bool is_whole = len >= message.len;
        switch (mail_header_next(&reader, str_first(message, len), is_whole, &field)) {
        case MAIL_HEADER_FIELD:
            assert(field.raw.at == message.at + end && field.raw.len > 0);
            assert(mail_header_next(&whole, message, true, &same) == MAIL_HEADER_FIELD);
            assert(str_eq(field.raw, same.raw) && str_eq(field.name, same.name));
            assert(str_eq(field.value, same.value));
            end += field.raw.len;
            break;
        case MAIL_HEADER_MORE:
            assert(!is_whole);
            len += piece;
            break;
        case MAIL_HEADER_END:
            assert(mail_header_next(&whole, message, true, &same) == MAIL_HEADER_END);
            break;
        }
    }
    assert(reader.at == end || reader.at == end + 2);
    assert(reader.fields == whole.fields && reader.at == whole.at);
    return reader.at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str message = str_make((const char *)data + 1, size - 1), id;
    struct arena arena = arena_make();
    struct mail_field field;
    size_t len = check_in_pieces(message, (size_t)data[0] + 1);
    assert(len == mail_header_len(message));
    if (mail_header_find(message, STR("Authentication-Results"), &field)) {
        struct str line = mail_field_unfold(&arena, field.value);
        assert(line.len <= field.value.len);
        enum err err = mail_field_authserv_id(&arena, field.value, &id);
        assert(err || id.len <= field.value.len);
    }
    arena_reset(&arena);
    return 0;
}
