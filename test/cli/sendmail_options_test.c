#include "cli/sendmail_options.h"
#include "test.h"

#include <fcntl.h>
#include <unistd.h>

#define WORDS_MAX 12

/* False when it complained, into the void. */
static bool read_words(const char *name, const char *const *words, struct sendmail_options *out)
{
    static char *argv[WORDS_MAX + 2];
    int argc = 1;
    argv[0] = (char *)(uintptr_t)name;
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    argv[argc] = NULL;
    int saved = dup(2), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, 2);
    bool ok = sendmail_options_read(name, argc, argv, out);
    dup2(saved, 2);
    close(saved);
    close(nowhere);
    return ok;
}

static bool is_text(const char *got, const char *want)
{
    return got && want ? strcmp(got, want) == 0 : got == want;
}

TEST(programs_are_understood)
{
    static const struct {
        const char *about, *words[WORDS_MAX];
        enum sendmail_mode mode;
        const char *sender, *full_name;
        bool takes_header, ignores_dots;
        size_t recipients;
    } rows[] = {
        {"cron",
         {"-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f", "root"},
         SENDMAIL_DELIVER,
         "root",
         "CronDaemon",
         true,
         true,
         0},
        {"PHP", {"-t", "-i"}, SENDMAIL_DELIVER, NULL, NULL, true, true, 0},
        {"PHP with a sender",
         {"-t", "-i", "-fwww@example.org"},
         SENDMAIL_DELIVER,
         "www@example.org",
         NULL,
         true,
         true,
         0},
        {"git",
         {"-i", "-f", "me@a.b", "you@a.b", "x@a.b"},
         SENDMAIL_DELIVER,
         "me@a.b",
         NULL,
         false,
         true,
         2},
        {"mailx",
         {"-i", "-r", "me@a.b", "--", "you@a.b"},
         SENDMAIL_DELIVER,
         "me@a.b",
         NULL,
         false,
         true,
         1},
        {"mutt",
         {"-oem", "-oi", "-f", "me@a.b", "--", "you@a.b"},
         SENDMAIL_DELIVER,
         "me@a.b",
         NULL,
         false,
         true,
         1},
        {"letters in one word", {"-tivfme@a.b"}, SENDMAIL_DELIVER, "me@a.b", NULL, true, true, 0},
        {"nothing but a recipient", {"you@a.b"}, SENDMAIL_DELIVER, NULL, NULL, false, false, 1},
        {"the null sender", {"-f", "", "you@a.b"}, SENDMAIL_DELIVER, "", NULL, false, false, 1},
        {"behind -- all are recipients",
         {"-t", "--", "-bs", "-t"},
         SENDMAIL_DELIVER,
         NULL,
         NULL,
         true,
         false,
         2},
        {"behind the first one too",
         {"you@a.b", "-bs"},
         SENDMAIL_DELIVER,
         NULL,
         NULL,
         false,
         false,
         2},
        {"options of other servers",
         {"-OQueueDirectory=/x", "-Am", "-G", "-U", "-d0.1", "-em", "-L", "tag", "-bm", "-B",
          "8BITMIME", "you@a.b"},
         SENDMAIL_DELIVER,
         NULL,
         NULL,
         false,
         false,
         1},
        {"SMTP", {"-bs"}, SENDMAIL_SMTP, NULL, NULL, false, false, 0},
        {"the queue", {"-bp"}, SENDMAIL_LIST, NULL, NULL, false, false, 0},
        {"a run of it", {"-q"}, SENDMAIL_RUN_QUEUE, NULL, NULL, false, false, 0},
        {"aliases", {"-bi"}, SENDMAIL_ALIASES, NULL, NULL, false, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *words[WORDS_MAX + 1] = {0};
        memcpy(words, rows[i].words, sizeof rows[i].words);
        struct sendmail_options got = {0};
        CHECK_ROW(rows[i].about, read_words("sendmail", words, &got));
        CHECK_ROW(rows[i].about, got.mode == rows[i].mode && is_text(got.sender, rows[i].sender) &&
                                     is_text(got.full_name, rows[i].full_name));
        CHECK_ROW(rows[i].about, got.takes_header == rows[i].takes_header &&
                                     got.ignores_dots == rows[i].ignores_dots &&
                                     got.word_count == rows[i].recipients);
    }
}

TEST(the_name_is_a_mode)
{
    static const char *const none[] = {NULL};
    struct sendmail_options got = {0};
    CHECK(read_words("mailq", none, &got));
    CHECK_INT(got.mode, SENDMAIL_LIST);
    CHECK(read_words("newaliases", none, &got));
    CHECK_INT(got.mode, SENDMAIL_ALIASES);
}

TEST(reports_are_asked_for)
{
    static const char *const words[] = {"-N", "Success,delay", "-Rhdrs", "-V", "id", "x@y", NULL};
    struct sendmail_options got = {0};
    CHECK(read_words("sendmail", words, &got));
    CHECK_INT(got.notify, SPOOL_NOTIFY_SUCCESS | SPOOL_NOTIFY_DELAY);
    CHECK_INT(got.returns, SPOOL_RETURN_HEADERS);
    CHECK(is_text(got.envelope_id, "id"));
}

TEST(a_server_and_a_message_are_named)
{
    static const char *const words[] = {"-C", "/x.conf", "-qIABC", NULL};
    static const char *const sandbox[] = {"--dir", "/x", "you@a.b", NULL};
    struct sendmail_options got = {0};
    CHECK(read_words("sendmail", words, &got));
    CHECK(is_text(got.config_file, "/x.conf") && is_text(got.queue_id, "ABC"));
    CHECK(read_words("sendmail", sandbox, &got));
    CHECK(is_text(got.directory, "/x") && got.word_count == 1);
}

TEST(what_is_not_understood_is_refused)
{
    static const char *const rows[][3] = {
        {"-y"},        {"-f"},      {"-bd"},       {"-bv"},    {"-bx"},
        {"-b"},        {"-q30m"},   {"-N", "x"},   {"-N", ""}, {"-N", "never,delay"},
        {"-R", "all"}, {"-B", "x"}, {"--unknown"}, {"--dir"},  {"-tiy"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sendmail_options got;
        CHECK_ROW(rows[i][0], !read_words("sendmail", rows[i], &got));
    }
}

int main(void)
{
    RUN(programs_are_understood);
    RUN(the_name_is_a_mode);
    RUN(reports_are_asked_for);
    RUN(a_server_and_a_message_are_named);
    RUN(what_is_not_understood_is_refused);
    return test_summary();
}
