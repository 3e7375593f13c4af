#include "verify/message.h"

#include "test.h"

struct watcher {
    struct verify_observer observer;
    int calls;
    const struct body_digest *body;
};

static void header_known(struct verify_observer *observer, struct verify_message *message)
{
    struct watcher *watcher = CONTAINER_OF(observer, struct watcher, observer);
    watcher->calls++;
    watcher->body =
        body_digests_want(&message->body, CANONICAL_SIMPLE, BODY_LENGTH_WHOLE, &message->arena);
}

static struct verify_message *fed(struct watcher *watcher, struct str bytes, size_t piece)
{
    struct verify_message *message = verify_message_new();
    *watcher = (struct watcher){.observer.header_known = header_known};
    verify_message_observe(message, &watcher->observer);
    for (; bytes.len; bytes = str_from(bytes, min_size(piece, bytes.len)))
        verify_message_add(message, str_first(bytes, piece));
    verify_message_end(message);
    return message;
}

static const struct row {
    const char *sentence;
    const char *bytes;
    size_t fields;
    const char *body; /* in simple form */
} rows[] = {
    {"header and body", "A: 1\r\nB: 2\r\n 3\r\n\r\nHi\r\n", 2, "Hi\r\n"},
    {"no body", "A: 1\r\n\r\n", 1, "\r\n"},
    {"no empty line", "A: 1\r\n", 1, "\r\n"},
    {"a header that is cut", "A: 1", 1, "\r\n"},
    {"no header", "\r\nHi\r\n", 0, "Hi\r\n"},
    {"nothing", "", 0, "\r\n"},
};

TEST(any_pieces_give_the_same_header_and_the_same_hash)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str bytes = str_of(rows[i].bytes), body = str_of(rows[i].body);
        uint8_t want[DIGEST_LEN];
        CHECK(EVP_Digest(body.at, body.len, want, NULL, EVP_sha256(), NULL) == 1);
        for (size_t piece = 1; piece <= bytes.len + 1; piece++) {
            struct watcher watcher;
            struct verify_message *message = fed(&watcher, bytes, piece);
            CHECK_ROW(rows[i].sentence, watcher.calls == 1);
            CHECK_ROW(rows[i].sentence, message->fields.count == rows[i].fields);
            CHECK_ROW(rows[i].sentence, memcmp(watcher.body->bytes, want, DIGEST_LEN) == 0);
            verify_message_free(message);
        }
    }
}

TEST(rfc6376_5_4_2_fields_are_picked_from_the_bottom_up)
{
    struct watcher watcher;
    struct verify_message *message = fed(
        &watcher, STR("Received: A\r\nX: 1\r\nreceived: B\r\nRECEIVED: C\r\n no field\r\n\r\n"), 7);
    struct field_index *index = &message->fields;
    const struct mail_field *own = &index->fields[2].field;
    CHECK_STR(field_index_lowest(index, STR("Received"))->field.value, STR(" C\r\n no field"));
    CHECK(field_index_lowest(index, STR("Absent")) == NULL);
    for (int turn = 0; turn < 2; turn++) {
        field_index_begin_picking(index);
        CHECK_STR(field_index_pick(index, STR("received"), NULL)->value, STR(" C\r\n no field"));
        CHECK_STR(field_index_pick(index, STR("x"), NULL)->value, STR(" 1"));
        CHECK(field_index_pick(index, STR("x"), NULL) == NULL);
        CHECK_STR(field_index_pick(index, STR("Received"), own)->value, STR(" A"));
        CHECK(field_index_pick(index, STR("Received"), own) == NULL);
        CHECK(field_index_pick(index, STR("absent"), NULL) == NULL);
    }
    verify_message_free(message);
}

int main(void)
{
    RUN(any_pieces_give_the_same_header_and_the_same_hash);
    RUN(rfc6376_5_4_2_fields_are_picked_from_the_bottom_up);
    return test_summary();
}
