/* Addresses and headers beyond ASCII: RFC 6531. */
#include "script.h"

#define UE      "\xc3\xbc"
#define BUECHER "b" UE "cher.example"
#define HELLO   "EHLO me\r\n"
#define TEXT    "DATA\r\nSubject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n"
#define OPENED  "220, 250, 250 2.1.0, "
#define END     "221 2.0.0, closed"

static void init(struct world *world)
{
    static const struct str users[] = {{"j" UE "rgen", 7}, {"bob", 3}};
    static const struct str away[] = {{"far@away.example", 16}};
    struct route_way maildir = {.via = ROUTE_MAILDIR, .maildir = STR("/mail/%{user}")};
    world_init(world);
    struct route_domain_options domain = {.name = STR("xn--bcher-kva.example"),
                                          .way = maildir,
                                          .user_names = users,
                                          .user_count = ARRAY_LEN(users)};
    CHECK_INT(route_table_add_domain(world->routes, &domain), OK);
    CHECK_INT(route_table_add_alias(world->routes, domain.name, STR("w" UE "rzburg"), away, 1), OK);
}

TEST_FIBER(addresses_beyond_ascii_need_smtputf8)
{
    static const struct script scripts[] = {
        {"a local part, by a client that did not ask",
         {S(HELLO "MAIL FROM:<j" UE "rgen@b.example>\r\nQUIT\r\n")},
         "220, 250, 553 5.6.7, " END,
         0},
        {"a domain",
         {S(HELLO "MAIL FROM:<a@" BUECHER ">\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<bob@" BUECHER
                  ">\r\nQUIT\r\n")},
         "220, 250, 553 5.6.7, 250 2.1.0, 553 5.6.7, " END,
         0},
        {"the same domain in ASCII",
         {S(HELLO "MAIL FROM:<a@b.example>\r\nRCPT TO:<bob@XN--Bcher-kva.example>\r\nQUIT\r\n")},
         OPENED "250 2.1.5, " END,
         0},
        {"a domain that no domain can be",
         {S(HELLO "MAIL FROM:<a@b.example> SMTPUTF8\r\nRCPT TO:<bob@\xe2\x98\x83\xcd\x8f.example>"
                  "\r\nQUIT\r\n")},
         OPENED "501 5.1.3, " END,
         0},
        {"a stranger's",
         {S(HELLO "MAIL FROM:<a@b.example> SMTPUTF8\r\nRCPT TO:<bob@m" UE "nchen.example>\r\n"
                  "QUIT\r\n")},
         OPENED "554 5.7.1, " END,
         0},
    };
    scripts_run_new(init, scripts, ARRAY_LEN(scripts));
}

TEST_FIBER(the_envelope_has_a_labels_and_needs_smtputf8_only_where_it_must)
{
    static const struct {
        const char *about, *sender, *recipient, *text;
        const char *sender_taken, *recipient_taken, *original, *forwarded_by;
        bool smtputf8;
    } rows[] = {
        {"it was asked for, and nothing needs it", "a@b.example", "bob@xn--bcher-kva.example", TEXT,
         "a@b.example", "bob@xn--bcher-kva.example", "", "", false},
        {"domains need it not", "a@M" UE "nchen.example", "bob@" BUECHER, TEXT,
         "a@xn--mnchen-3ya.example", "bob@xn--bcher-kva.example", "utf-8;bob@" BUECHER, "", false},
        {"a recipient counts for itself", "a@b.example", "J" UE "rgen@" BUECHER, TEXT,
         "a@b.example", "J" UE "rgen@xn--bcher-kva.example", "utf-8;J" UE "rgen@" BUECHER, "",
         false},
        {"behind an alias is nothing left of it", "a@b.example", "w" UE "rzburg@" BUECHER, TEXT,
         "a@b.example", "far@away.example", "utf-8;w" UE "rzburg@" BUECHER,
         "w" UE "rzburg@xn--bcher-kva.example", false},
        {"a sender", "j" UE "rgen@b.example", "bob@" BUECHER, TEXT, "j" UE "rgen@b.example",
         "bob@xn--bcher-kva.example", "utf-8;bob@" BUECHER, "", true},
        {"the header", "a@b.example", "bob@" BUECHER,
         "DATA\r\nSubject: " UE "\r\n\r\nhello\r\n.\r\nQUIT\r\n", "a@b.example",
         "bob@xn--bcher-kva.example", "utf-8;bob@" BUECHER, "", true},
        {"but not the body", "a@b.example", "bob@" BUECHER,
         "DATA\r\nSubject: x\r\n\r\n" UE "\r\n.\r\nQUIT\r\n", "a@b.example",
         "bob@xn--bcher-kva.example", "utf-8;bob@" BUECHER, "", false},
    };
    struct world world;
    init(&world);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world_say(&world,
                  arena_printf(&world.arena, HELLO "MAIL FROM:<%s> SMTPUTF8\r\nRCPT TO:<%s>\r\n%s",
                               rows[i].sender, rows[i].recipient, rows[i].text));
        CHECK_ROW(rows[i].about, world.message_count == i + 1);
        if (world.message_count != i + 1)
            break;
        struct spool_envelope taken = world_envelope(&world, i);
        CHECK_STR(taken.sender, str_of(rows[i].sender_taken));
        CHECK_STR(taken.recipients[0].address, str_of(rows[i].recipient_taken));
        CHECK_STR(taken.recipients[0].original, str_of(rows[i].original));
        CHECK_STR(taken.recipients[0].forwarded_by, str_of(rows[i].forwarded_by));
        CHECK_ROW(rows[i].about, taken.smtputf8 == rows[i].smtputf8);
        struct str content = world_content(&world, i);
        bool is_plain = !str_has_8bit(str_first(content, str_search(content, STR("\r\nSubject"))));
        CHECK_ROW(rows[i].about, is_plain); /* what we put on top */
        CHECK(str_search(content, STR("with UTF8SMTP ")) != SIZE_MAX);
    }
    world_done(&world);
}

int main(void)
{
    RUN(addresses_beyond_ascii_need_smtputf8);
    RUN(the_envelope_has_a_labels_and_needs_smtputf8_only_where_it_must);
    return test_summary();
}
