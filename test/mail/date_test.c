#include "mail/date.h"
#include "test.h"

#define NOVEMBER 1795392196LL /* Mon, 23 Nov 2026 00:03:16 +0000, as date(1) says */

static const struct print_row {
    const char *sentence;
    int64_t wall_us;
    const char *text;
} printed[] = {
    {"the epoch", 0, "Thu, 01 Jan 1970 00:00:00 +0000"},
    {"microseconds are cut", 999999, "Thu, 01 Jan 1970 00:00:00 +0000"},
    {"before the epoch they are cut downwards", -1, "Wed, 31 Dec 1969 23:59:59 +0000"},
    {"a day of this project", NOVEMBER * 1000000, "Mon, 23 Nov 2026 00:03:16 +0000"},
    {"a leap day", 1709164800LL * 1000000, "Thu, 29 Feb 2024 00:00:00 +0000"},
    {"the leap day of a century", 951782400LL * 1000000, "Tue, 29 Feb 2000 00:00:00 +0000"},
    {"beyond 32 bits", 4294967296LL * 1000000, "Sun, 07 Feb 2106 06:28:16 +0000"},
    {"the last second", 253402300799LL * 1000000, "Fri, 31 Dec 9999 23:59:59 +0000"},
    {"later is that too", INT64_MAX, "Fri, 31 Dec 9999 23:59:59 +0000"},
    {"the first second", -2208988800LL * 1000000, "Mon, 01 Jan 1900 00:00:00 +0000"},
    {"earlier is that too", INT64_MIN, "Mon, 01 Jan 1900 00:00:00 +0000"},
};

TEST(times_print_as_rfc_5322_writes_them)
{
    for (size_t i = 0; i < ARRAY_LEN(printed); i++) {
        struct buf buf = buf_make(MAIL_DATE_BYTES);
        CHECK_ROW(printed[i].sentence, mail_date_print(&buf, printed[i].wall_us) == OK);
        CHECK_STR(buf_str(&buf), str_of(printed[i].text));
        buf_free(&buf);
    }
}

static const struct parse_row {
    const char *sentence;
    const char *text;
    enum err err;
    int64_t seconds;
} parsed[] = {
    {"as we print it", "Mon, 23 Nov 2026 00:03:16 +0000", OK, NOVEMBER},
    {"east", " Mon, 23 Nov 2026 05:33:16 +0530", OK, NOVEMBER},
    {"west", "Sun, 22 Nov 2026 16:03:16 -0800", OK, NOVEMBER},
    {"without a weekday", "23 Nov 2026 00:03:16 +0000", OK, NOVEMBER},
    {"a wrong weekday", "Fri, 23 Nov 2026 00:03:16 +0000", OK, NOVEMBER},
    {"no comma", "Mon 23 Nov 2026 00:03:16 +0000", OK, NOVEMBER},
    {"one-digit hour", "23 Nov 2026 0:03:16 +0000", OK, NOVEMBER},
    {"no seconds", "23 Nov 2026 00:03 +0000", OK, NOVEMBER - 16},
    {"a fraction", "23 Nov 2026 00:03:16.789 +0000", OK, NOVEMBER},
    {"two digits of the year", "23 Nov 26 00:03:16 +0000", OK, NOVEMBER},
    {"two digits of the last century", "01 Jan 70 00:00:00 GMT", OK, 0},
    {"three digits", "01 Jan 070 00:00:00 GMT", OK, 0},
    {"a comment", "Mon, 23 Nov 2026 00:03:16 +0000 (UTC)", OK, NOVEMBER},
    {"comments and folds all over", "Mon(a),\r\n 23(b) Nov 2026 00 : 03 (c):16 +0000", OK,
     NOVEMBER},
    {"Eastern", "22 Nov 2026 19:03:16 EST", OK, NOVEMBER},
    {"an unknown zone is UTC", "23 Nov 2026 00:03:16 CET", OK, NOVEMBER},
    {"a military zone is UTC", "23 Nov 2026 00:03:16 K", OK, NOVEMBER},
    {"no zone", "23 Nov 2026 00:03:16", OK, NOVEMBER},
    {"a leap second", "31 Dec 2016 23:59:60 +0000", OK, 1483228799},
    {"the month in full, in lower case", "23 november 2026 00:03:16 +0000", OK, NOVEMBER},
    {"nothing", "", ERR_SYNTAX, 0},
    {"rubbish", "yesterday", ERR_SYNTAX, 0},
    {"29 February of a common year", "29 Feb 2026 00:00:00 +0000", ERR_SYNTAX, 0},
    {"day 0", "0 Jan 2026 00:00:00 +0000", ERR_SYNTAX, 0},
    {"day 32", "32 Jan 2026 00:00:00 +0000", ERR_SYNTAX, 0},
    {"hour 24", "1 Jan 2026 24:00:00 +0000", ERR_SYNTAX, 0},
    {"minute 60", "1 Jan 2026 00:60:00 +0000", ERR_SYNTAX, 0},
    {"second 61", "1 Jan 2026 00:00:61 +0000", ERR_SYNTAX, 0},
    {"a negative day", "-1 Jan 2026 00:00:00 +0000", ERR_SYNTAX, 0},
    {"a year of five digits", "1 Jan 12026 00:00:00 +0000", ERR_SYNTAX, 0},
    {"a year before 1900", "1 Jan 1899 00:00:00 +0000", ERR_SYNTAX, 0},
    {"a zone of three digits", "1 Jan 2026 00:00:00 +000", ERR_SYNTAX, 0},
    {"a zone of 60 minutes", "1 Jan 2026 00:00:00 +0060", ERR_SYNTAX, 0},
    {"text behind", "1 Jan 2026 00:00:00 +0000 x", ERR_SYNTAX, 0},
    {"no time", "1 Jan 2026", ERR_SYNTAX, 0},
    {"ISO", "2026-11-23T00:03:16Z", ERR_SYNTAX, 0},
    {"an open comment", "1 Jan 2026 00:00:00 +0000 (x", ERR_SYNTAX, 0},
};

TEST(dates_of_real_mail_are_read)
{
    for (size_t i = 0; i < ARRAY_LEN(parsed); i++) {
        int64_t wall_us = 0;
        enum err err = mail_date_parse(str_of(parsed[i].text), &wall_us);
        CHECK_ROW(parsed[i].sentence, err == parsed[i].err);
        CHECK_ROW(parsed[i].sentence, wall_us == parsed[i].seconds * 1000000);
    }
}

TEST(every_day_of_two_centuries_comes_back)
{
    for (int64_t day = -25567; day < 60000; day += 1) {
        int64_t wall_us = (day * 86400 + 86399) * 1000000, back = 0;
        struct buf buf = buf_make(MAIL_DATE_BYTES);
        CHECK(mail_date_print(&buf, wall_us) == OK);
        CHECK(mail_date_parse(buf_str(&buf), &back) == OK);
        buf_free(&buf);
        REQUIRE(back == wall_us);
    }
}

int main(void)
{
    RUN(times_print_as_rfc_5322_writes_them);
    RUN(dates_of_real_mail_are_read);
    RUN(every_day_of_two_centuries_comes_back);
    return test_summary();
}
