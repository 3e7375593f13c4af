#include "net/proxy.h"

#include "test.h"

#define V2         "\r\n\r\n\0\r\nQUIT\n"
#define V4_CLIENT  "\xc0\0\2\1"
#define V6_CLIENT  "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define V6_MAPPED  "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"
#define LINE_OF_63 "123456789 123456789 123456789 123456789 123456789 123456789 123"

#define S(literal)                      \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

static const struct {
    const char *about;
    struct str bytes;
    const char *client; /* NULL: ERR_SYNTAX; "": no client */
} rows[] = {
    {"IPv4", S("PROXY TCP4 192.0.2.1 192.0.2.25 40000 25\r\n"), "192.0.2.1:40000"},
    {"IPv6", S("PROXY TCP6 2001:db8::1 2001:db8::25 40000 25\r\n"), "[2001:db8::1]:40000"},
    {"IPv4 in IPv6", S("PROXY TCP6 ::ffff:192.0.2.1 ::1 7 25\r\n"), "192.0.2.1:7"},
    {"the longest of IPv6",
     S("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "65535 65535\r\n"),
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    {"unknown", S("PROXY UNKNOWN\r\n"), ""},
    {"unknown, with more", S("PROXY UNKNOWN ffff::1 whatever 1 2 3\r\n"), ""},
    {"no words", S("PROXY \r\n"), NULL},
    {"another protocol", S("PROXY UDP4 192.0.2.1 192.0.2.25 40000 25\r\n"), NULL},
    {"in small letters", S("PROXY tcp4 192.0.2.1 192.0.2.25 40000 25\r\n"), NULL},
    {"the wrong family", S("PROXY TCP4 2001:db8::1 192.0.2.25 40000 25\r\n"), NULL},
    {"the wrong family of the server", S("PROXY TCP6 2001:db8::1 192.0.2.25 40000 25\r\n"), NULL},
    {"no port of the server", S("PROXY TCP4 192.0.2.1 192.0.2.25 40000\r\n"), NULL},
    {"a word too many", S("PROXY TCP4 192.0.2.1 192.0.2.25 40000 25 1\r\n"), NULL},
    {"two blanks", S("PROXY TCP4  192.0.2.1 192.0.2.25 40000 25\r\n"), NULL},
    {"a port too high", S("PROXY TCP4 192.0.2.1 192.0.2.25 65536 25\r\n"), NULL},
    {"a port of words", S("PROXY TCP4 192.0.2.1 192.0.2.25 smtp 25\r\n"), NULL},
    {"a name", S("PROXY TCP4 localhost 192.0.2.25 40000 25\r\n"), NULL},
    {"an LF alone", S("PROXY TCP4 192.0.2.1 192.0.2.25 40000 25\n"), NULL},
    {"the longest line", S("PROXY UNKNOWN " LINE_OF_63 " 123456789 123456789 1234567\r\n"), ""},
    {"a line too long", S("PROXY UNKNOWN " LINE_OF_63 " 123456789 123456789 12345678\r\n"), NULL},
    {"no header", S("EHLO client.test\r\n"), NULL},
    {"a header in small letters", S("proxy TCP4 192.0.2.1 192.0.2.25 40000 25\r\n"), NULL},

    {"v2, IPv4", S(V2 "\x21\x11\0\xc" V4_CLIENT "\xc0\0\2\x19\x9c\x40\0\x19"), "192.0.2.1:40000"},
    {"v2, IPv6", S(V2 "\x21\x21\0\x24" V6_CLIENT V6_CLIENT "\x9c\x40\0\x19"),
     "[2001:db8::1]:40000"},
    {"v2, IPv4 in IPv6", S(V2 "\x21\x21\0\x24" V6_MAPPED V6_CLIENT "\x9c\x40\0\x19"),
     "192.0.2.1:40000"},
    {"v2, with more behind the addresses",
     S(V2 "\x21\x11\0\x11" V4_CLIENT "\xc0\0\2\x19\x9c\x40\0\x19\4\0\2ab"), "192.0.2.1:40000"},
    {"v2, local", S(V2 "\x20\0\0\0"), ""},
    {"v2, local, with addresses to be ignored",
     S(V2 "\x20\x11\0\xc" V4_CLIENT "\xc0\0\2\x19\x9c\x40\0\x19"), ""},
    {"v2, unspecified", S(V2 "\x21\0\0\3abc"), ""},
    {"v2, UDP", S(V2 "\x21\x12\0\xc" V4_CLIENT "\xc0\0\2\x19\x9c\x40\0\x19"), ""},
    {"v2, a UNIX socket", S(V2 "\x21\x31\0\2ab"), ""},
    {"v2, too short for IPv4", S(V2 "\x21\x11\0\xb" V4_CLIENT "\xc0\0\2\x19\x9c\x40\0"), NULL},
    {"v2, too short for IPv6", S(V2 "\x21\x21\0\xc" V4_CLIENT "\xc0\0\2\x19\x9c\x40\0\x19"), NULL},
    {"v2, another version", S(V2 "\x31\x11\0\xc" V4_CLIENT "\xc0\0\2\x19\x9c\x40\0\x19"), NULL},
    {"v2, another command", S(V2 "\x22\x11\0\xc" V4_CLIENT "\xc0\0\2\x19\x9c\x40\0\x19"), NULL},
    {"v2, too long", S(V2 "\x21\x11\x3f\xf1"), NULL},
    {"v2, damaged", S("\r\n\r\n\0\r\nQUIT\r"), NULL},
};

/* Whatever follows it is not its. */
static void check_whole(size_t i)
{
    struct arena arena = arena_make();
    struct net_proxy_header header;
    size_t used = 0;
    struct str in = arena_printf(&arena, "%*s", (int)rows[i].bytes.len + 2, "\r\n");
    memcpy((char *)(uintptr_t)in.at, rows[i].bytes.at, rows[i].bytes.len);
    enum err err = net_proxy_parse(in, &header, &used);
    CHECK_ROW(rows[i].about, err == (rows[i].client ? OK : ERR_SYNTAX));
    if (!err && rows[i].client) {
        CHECK_ROW(rows[i].about, used == rows[i].bytes.len);
        CHECK_ROW(rows[i].about, header.has_client == (rows[i].client[0] != '\0'));
        if (header.has_client)
            CHECK_STR(net_address_print(&arena, &header.client), str_of(rows[i].client));
    }
    arena_reset(&arena);
}

static void check_pieces(size_t i)
{
    struct net_proxy_header header;
    size_t used;
    for (size_t len = 0; rows[i].client && len < rows[i].bytes.len; len++)
        CHECK_ROW(rows[i].about,
                  net_proxy_parse(str_first(rows[i].bytes, len), &header, &used) == ERR_MORE);
}

TEST(headers_are_read)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_whole(i);
}

TEST(a_header_may_come_byte_by_byte)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_pieces(i);
}

TEST(what_is_no_header_is_seen_at_its_first_wrong_byte)
{
    struct net_proxy_header header;
    size_t used;
    CHECK_INT(net_proxy_parse(STR(""), &header, &used), ERR_MORE);
    CHECK_INT(net_proxy_parse(STR("E"), &header, &used), ERR_SYNTAX);
    CHECK_INT(net_proxy_parse(STR("PROXE"), &header, &used), ERR_SYNTAX);
    CHECK_INT(net_proxy_parse(STR("\r\n\r\r"), &header, &used), ERR_SYNTAX);
}

int main(void)
{
    RUN(headers_are_read);
    RUN(a_header_may_come_byte_by_byte);
    RUN(what_is_no_header_is_seen_at_its_first_wrong_byte);
    return test_summary();
}
