#include "smtp/xclient.h"

#include "test.h"

/* What it says, in one line. */
static struct str tell(struct arena *arena, const char *attributes)
{
    struct smtp_xclient xclient;
    struct smtp_fault fault;
    if (smtp_xclient_parse(arena, str_of(attributes), &xclient, &fault))
        return arena_printf(arena, "%d %s: %.*s", fault.code, fault.text, STR_FMT(fault.subject));
    struct str ip = xclient.has_address          ? net_address_print_ip(arena, &xclient.address)
                    : xclient.is_address_unknown ? STR("unknown")
                                                 : STR("-");
    return arena_printf(arena, "%.*s %d helo=%.*s login=%.*s%s", STR_FMT(ip),
                        xclient.has_port ? xclient.port : -1, STR_FMT(xclient.helo),
                        STR_FMT(xclient.login), xclient.is_smtp ? " smtp" : "");
}

TEST(attributes_are_read)
{
    static const struct {
        const char *about, *attributes, *said;
    } rows[] = {
        {"the usual", "NAME=mail.client.test ADDR=192.0.2.1", "192.0.2.1 -1 helo= login="},
        {"IPv6", "ADDR=IPV6:2001:db8::1 PORT=40000", "2001:db8::1 40000 helo= login="},
        {"IPv6 without its prefix", "ADDR=2001:db8::1", "2001:db8::1 -1 helo= login="},
        {"in any case", "addr=ipv6:::1 Proto=smtp", "::1 -1 helo= login= smtp"},
        {"all of them",
         "NAME=a REVERSE_NAME=b ADDR=192.0.2.1 PORT=1 PROTO=ESMTP HELO=me.test LOGIN=user "
         "DESTADDR=192.0.2.2 "
         "DESTPORT=25",
         "192.0.2.1 1 helo=me.test login=user"},
        {"encoded", "HELO=+5B192.0.2.1+5D LOGIN=a+40b", "- -1 helo=[192.0.2.1] login=a@b"},
        {"several blanks", "  ADDR=192.0.2.1   PORT=2  ", "192.0.2.1 2 helo= login="},
        {"unavailable",
         "NAME=[UNAVAILABLE] ADDR=[unavailable] HELO=[TEMPUNAVAIL] LOGIN=[UNAVAILABLE]",
         "unknown -1 helo= login="},
        {"unavailable ones", "PORT=[UNAVAILABLE] DESTADDR=[UNAVAILABLE]", "- -1 helo= login="},
        {"nothing", "", "501 Syntax: XCLIENT attribute=value: "},
        {"an unknown one", "COLOUR=red", "501 Attribute not supported: COLOUR"},
        {"no value", "ADDR", "501 Bad attribute value: ADDR"},
        {"an empty value", "ADDR=", "501 Bad attribute value: ADDR"},
        {"twice", "ADDR=192.0.2.1 ADDR=192.0.2.2", "501 Attribute given twice: ADDR"},
        {"a name for an address", "ADDR=localhost", "501 Bad attribute value: ADDR"},
        {"a port too high", "PORT=65536", "501 Bad attribute value: PORT"},
        {"another protocol", "PROTO=LMTP", "501 Bad attribute value: PROTO"},
        {"a blank in HELO", "HELO=a+20b", "501 Bad attribute value: HELO"},
        {"a line end in HELO", "HELO=a+0D+0A", "501 Bad attribute value: HELO"},
        {"an encoding that is none", "HELO=a+4", "501 Bad attribute value: HELO"},
        {"a wrong address of the server", "DESTADDR=x", "501 Bad attribute value: DESTADDR"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct str said = tell(&arena, rows[i].attributes);
        CHECK_ROW(rows[i].about, str_eq(said, str_of(rows[i].said)));
        CHECK_STR(said, str_of(rows[i].said));
        arena_reset(&arena);
    }
}

TEST(names_have_a_limit)
{
    static const char *const names[] = {"NAME", "HELO"};
    struct arena arena = arena_make();
    struct smtp_xclient xclient;
    struct smtp_fault fault;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str fits = arena_printf(&arena, "%s=%0255d", names[i], 1);
        struct str over = arena_printf(&arena, "%s=%0256d", names[i], 1);
        CHECK_ROW(names[i], smtp_xclient_parse(&arena, fits, &xclient, &fault) == OK);
        CHECK_ROW(names[i], smtp_xclient_parse(&arena, over, &xclient, &fault) == ERR_SYNTAX);
    }
    arena_reset(&arena);
}

int main(void)
{
    RUN(attributes_are_read);
    RUN(names_have_a_limit);
    return test_summary();
}
