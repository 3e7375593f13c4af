#include "receive/header_watch.h"

#include "test.h"

static const char message[] = "Received: from a\r\n\tby b\r\n"
                              "From: a@b.example\r\n"
                              "received : c\r\n"
                              "no field at all\r\n"
                              "FROM:x@y.example,\r\n z@y.example\r\n"
                              "Date: now\r\n"
                              "message-id: <1@x>\r\n"
                              "\r\n"
                              "Received: in the body\r\n";

static void check_facts(struct header_watch *watch)
{
    header_watch_end(watch);
    CHECK(watch->is_done && watch->has_date && watch->has_message_id && !watch->begins_folded);
    CHECK_INT(watch->received_count, 2);
    CHECK_INT(watch->from_count, 2);
    CHECK_STR(header_watch_from(watch, 0), STR(" a@b.example"));
    CHECK_STR(header_watch_from(watch, 1), STR("x@y.example,\r\n z@y.example"));
}

TEST(any_split_gives_the_same_facts)
{
    struct str all = str_of(message);
    for (size_t first = 0; first <= all.len; first++) {
        for (size_t step = 1; step <= all.len; step = step * 2 + 1) {
            struct header_watch watch;
            header_watch_init(&watch);
            CHECK_INT(header_watch_add(&watch, str_first(all, first)), OK);
            for (size_t at = first; at < all.len; at += step)
                CHECK_INT(header_watch_add(&watch, str_first(str_from(all, at), step)), OK);
            check_facts(&watch);
            header_watch_done(&watch);
        }
    }
}

TEST(a_message_may_end_within_its_header)
{
    struct header_watch watch;
    header_watch_init(&watch);
    CHECK_INT(header_watch_add(&watch, STR("Date: now\r\nFrom: a@b.example")), OK);
    header_watch_end(&watch);
    CHECK(watch.has_date);
    REQUIRE(watch.from_count == 1);
    CHECK_STR(header_watch_from(&watch, 0), STR(" a@b.example"));
    header_watch_done(&watch);

    header_watch_init(&watch);
    header_watch_end(&watch);
    CHECK(watch.is_done && watch.from_count == 0);
    header_watch_done(&watch);
}

TEST(fields_are_found_by_name_and_the_body_does_not_count)
{
    static const struct {
        const char *about, *message;
        size_t count; /* of To */
        bool has_8bit;
    } rows[] = {
        {"none", "Subject: x\r\n\r\n", 0, false},
        {"more than are wanted", "To: a\r\nX: y\r\ntO: b\r\nTo: c\r\n\r\n", 2, false},
        {"in the body", "To: a\r\n\r\nTo: b\xc3\xbc\r\n", 1, false},
        {"beyond ASCII", "To: a\xc3\xbc\r\n\r\nTo: b\r\n", 1, true},
        {"a message that ends in its header", "X: \xc3\xbc\r\nTo: a", 1, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct header_watch watch;
        struct str values[2];
        header_watch_init(&watch);
        CHECK_INT(header_watch_add(&watch, str_of(rows[i].message)), OK);
        header_watch_end(&watch);
        CHECK_ROW(rows[i].about,
                  header_watch_values(&watch, STR("To"), values, 2) == rows[i].count);
        CHECK_ROW(rows[i].about, header_watch_has_8bit(&watch) == rows[i].has_8bit);
        header_watch_done(&watch);
    }
}

/* The limit is of the header, however it comes; a body behind it does not count. */
TEST(a_header_of_the_largest_size_passes_and_a_larger_one_does_not)
{
    static const size_t pieces[] = {1, 1000, 4096, 65536, HEADER_MAX_BYTES * 2};
    static char bytes[HEADER_MAX_BYTES * 2];
    for (size_t larger = 0; larger <= 1; larger++) {
        memset(bytes, 'x', sizeof bytes);
        memcpy(bytes + HEADER_MAX_BYTES - 4 + larger, "\r\n\r\n", 4);
        for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
            struct header_watch watch;
            enum err err = OK;
            header_watch_init(&watch);
            for (size_t at = 0; at < sizeof bytes && !err; at += pieces[i])
                err = header_watch_add(
                    &watch, str_first(str_make(bytes + at, sizeof bytes - at), pieces[i]));
            CHECK_INT(err, larger ? ERR_LIMIT : OK);
            header_watch_done(&watch);
        }
    }
}

int main(void)
{
    RUN(any_split_gives_the_same_facts);
    RUN(a_message_may_end_within_its_header);
    RUN(fields_are_found_by_name_and_the_body_does_not_count);
    RUN(a_header_of_the_largest_size_passes_and_a_larger_one_does_not);
    return test_summary();
}
