#include "smtp/redact.h"
#include "test.h"

static const struct {
    const char *sentence;
    struct str line;
    const char *kept;
} rows[] = {
    {"ordinary commands are kept", STR("MAIL FROM:<a@b.c> SIZE=1"), "MAIL FROM:<a@b.c> SIZE=1"},
    {"an initial response goes", STR("AUTH PLAIN AGEAYg=="), "AUTH PLAIN <redacted>"},
    {"in any case and with many blanks", STR("auth   plain   AGEAYg== "), "auth plain <redacted>"},
    {"a mechanism alone is kept", STR("AUTH LOGIN"), "AUTH LOGIN"},
    {"an unknown mechanism may be a password", STR("AUTH hunter2"), "AUTH <redacted>"},
    {"a tab hides nothing", STR("AUTH PLAIN\tAGEAYg=="), "AUTH <redacted>"},
    {"a tab behind the verb hides nothing", STR("AUTH\tPLAIN AGEAYg=="), "<redacted>"},
    {"a blank in front hides nothing", STR(" AUTH PLAIN AGEAYg=="), "<redacted>"},
    {"AUTH alone", STR("AUTH"), "AUTH"},
    {"a password sent as a command goes", STR("aHVudGVyMg=="), "<redacted>"},
    {"the body of a web request goes", STR("POST /login?p=hunter2 HTTP/1.1"), "HTTP <redacted>"},
    {"controls become question marks", STR("NOOP \x1b[2J\xff"), "NOOP ?[2J?"},
    {"nothing is nothing", STR(""), ""},
};

TEST(secrets_and_controls_are_kept_out)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_STR(smtp_command_redact(&arena, rows[i].line), str_of(rows[i].kept));
    }
    arena_reset(&arena);
}

int main(void)
{
    RUN(secrets_and_controls_are_kept_out);
    return test_summary();
}
