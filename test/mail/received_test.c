#include "mail/header.h"
#include "mail/received.h"
#include "test.h"

static const struct mail_address alice = {STR("alice"), STR("example.org"), false};

static const struct row {
    const char *sentence;
    struct mail_received received;
    const char *text;
} rows[] = {
    {"all parts",
     {STR("client.example"), STR("ptr.client.example"), STR("192.0.2.7"), STR("mx.example.org"),
      STR("ESMTPS"), STR("TLSv1.3 TLS_AES_256_GCM_SHA384"), STR("01HXYZ"), &alice, 0},
     "Received: from client.example (ptr.client.example [192.0.2.7]) by\r\n"
     "\tmx.example.org with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384) id 01HXYZ\r\n"
     "\tfor <alice@example.org>; Thu, 01 Jan 1970 00:00:00 +0000\r\n"},
    {"IPv6 without a name",
     {STR("c"), STR(""), STR("2001:db8::1"), STR("mx"), STR("SMTP"), STR(""), STR("1"), NULL, 0},
     "Received: from c ([IPv6:2001:db8::1]) by mx with SMTP id 1;\r\n"
     "\tThu, 01 Jan 1970 00:00:00 +0000\r\n"},
    {"nothing of the client",
     {STR(""), STR(""), STR(""), STR("mx"), STR("ESMTPSA"), STR(""), STR("1"), NULL, 0},
     "Received: by mx with ESMTPSA id 1; Thu, 01 Jan 1970 00:00:00 +0000\r\n"},
    {"no HELO",
     {STR(""), STR(""), STR("192.0.2.7"), STR("mx"), STR("ESMTP"), STR(""), STR("1"), NULL, 0},
     "Received: from [192.0.2.7] by mx with ESMTP id 1;\r\n"
     "\tThu, 01 Jan 1970 00:00:00 +0000\r\n"},
    {"a HELO that would forge",
     {STR("x) by bank\r\nFrom: y;(\xff"), STR("a b"), STR("192.0.2.7"), STR("mx"), STR("SMTP"),
      STR(""), STR("1"), NULL, 0},
     "Received: from x??by?bank??From:?y??? (a?b [192.0.2.7]) by mx with SMTP id 1;\r\n"
     "\tThu, 01 Jan 1970 00:00:00 +0000\r\n"},
};

TEST(received_fields_are_printed_and_folded)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf buf = buf_make(1024);
        struct mail_field field;
        CHECK_ROW(rows[i].sentence, mail_received_print(&buf, &rows[i].received) == OK);
        CHECK_STR(buf_str(&buf), str_of(rows[i].text));
        CHECK_INT(mail_header_len(buf_str(&buf)), buf.len);
        CHECK_ROW(rows[i].sentence, mail_header_find(buf_str(&buf), STR("Received"), &field) &&
                                        field.raw.len == buf.len);
        buf_free(&buf);
    }
}

TEST(a_full_buffer_is_an_error)
{
    struct buf buf = buf_make(40);
    CHECK(mail_received_print(&buf, &rows[0].received) == ERR_LIMIT);
    buf_free(&buf);
}

int main(void)
{
    RUN(received_fields_are_printed_and_folded);
    RUN(a_full_buffer_is_an_error);
    return test_summary();
}
