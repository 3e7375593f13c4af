#include "mail/status.h"
#include "test.h"

static const struct row {
    const char *sentence;
    const char *text;
    enum err err;
    struct mail_status status;
    size_t used;
} rows[] = {
    {"a plain one", "5.1.1", OK, {5, 1, 1}, 5},
    {"text behind", "2.0.0 Ok", OK, {2, 0, 0}, 5},
    {"three digits", "4.123.999", OK, {4, 123, 999}, 9},
    {"no detail", "5.1", ERR_SYNTAX, {0}, 0},
    {"four parts", "5.1.1.1", ERR_SYNTAX, {0}, 0},
    {"another class", "3.1.1", ERR_SYNTAX, {0}, 0},
    {"class of two digits", "55.1.1", ERR_SYNTAX, {0}, 0},
    {"four digits", "5.1.1000", ERR_SYNTAX, {0}, 0},
    {"a leading zero", "5.01.1", ERR_SYNTAX, {0}, 0},
    {"an empty part", "5..1", ERR_SYNTAX, {0}, 0},
    {"text at once", "5.1.1x", ERR_SYNTAX, {0}, 0},
    {"a host's address", "2.0.0.1 is not one", ERR_SYNTAX, {0}, 0},
    {"nothing", "", ERR_SYNTAX, {0}, 0},
};

TEST(status_codes_are_read_and_come_back)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mail_status status = MAIL_STATUS_NONE;
        size_t used = 0;
        CHECK_ROW(rows[i].sentence,
                  mail_status_parse(str_of(rows[i].text), &status, &used) == rows[i].err);
        CHECK_ROW(rows[i].sentence, mail_status_eq(status, rows[i].status));
        CHECK_INT(used, rows[i].used);
        if (rows[i].err)
            continue;
        struct buf buf = buf_make(MAIL_STATUS_MAX_BYTES);
        CHECK(mail_status_print(&buf, status) == OK);
        CHECK_STR(buf_str(&buf), str_first(str_of(rows[i].text), used));
        buf_free(&buf);
    }
}

int main(void)
{
    RUN(status_codes_are_read_and_come_back);
    return test_summary();
}
