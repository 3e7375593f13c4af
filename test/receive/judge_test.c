/* Mail from strangers: judged, then refused, put into Junk or marked; never for want of an answer.
 */
#include "script.h"

#define ENVELOPE(sender) \
    "EHLO mail.honest.example\r\nMAIL FROM:<" sender ">\r\nRCPT TO:<alice@local.example>\r\n"
#define FROM(address) "From: " address "\r\nSubject: x\r\n\r\ntext\r\n.\r\nQUIT\r\n"

static const struct str spoofed =
    STR(ENVELOPE("x@reject.example") "DATA\r\n" FROM("x@reject.example"));

/* The client of these tests is 198.51.100.7. */
static const struct {
    const char *name;
    enum dns_type type;
    const char *data; /* NULL: the server fails */
} zone[] = {
    {"7.100.51.198.in-addr.arpa", DNS_PTR, "mail.honest.example"},
    {"mail.honest.example", DNS_A, "198.51.100.7"},
    {"mail.honest.example", DNS_TXT, "v=spf1 a -all"},
    {"honest.example", DNS_TXT, "v=spf1 ip4:198.51.100.7 -all"},
    {"_dmarc.honest.example", DNS_TXT, "v=DMARC1; p=reject"},
    {"reject.example", DNS_TXT, "v=spf1 -all"},
    {"_dmarc.reject.example", DNS_TXT, "v=DMARC1; p=reject"},
    {"_dmarc.quarantine.example", DNS_TXT, "v=DMARC1; p=quarantine"},
    {"_dmarc.none.example", DNS_TXT, "v=DMARC1; p=none"},
    {"_dmarc.test.example", DNS_TXT, "v=DMARC1; p=reject; t=y"},
    {"_dmarc.mild.example", DNS_TXT, "v=DMARC1; p=quarantine; t=y"},
    {"_dmarc.silent.example", DNS_TXT, NULL},
    {"dark.example", DNS_TXT, NULL},
    {"_dmarc.dark.example", DNS_TXT, "v=DMARC1; p=reject"},
};

static void init(struct world *world)
{
    world_init(world);
    world->resolver = resolver_scripted_new();
    for (size_t i = 0; i < ARRAY_LEN(zone); i++)
        if (zone[i].data)
            resolver_script(world->resolver, zone[i].name, zone[i].type, zone[i].data);
        else
            resolver_script_failure(world->resolver, zone[i].name, zone[i].type);
}

static bool has(struct str text, const char *part)
{
    return str_search(text, str_of(part)) != SIZE_MAX;
}

/* What local.example wants; to be freed after the world. */
static struct receive_domains *set_dmarc(struct world *world, enum receive_dmarc setting)
{
    struct receive_domains *domains = receive_domains_new();
    receive_domains_add(domains, STR("local.example"), setting);
    world->service.domains = domains;
    return domains;
}

/* Makes the client a host of ours. */
static void trust_client(struct world *world, struct net_range *range)
{
    CHECK_INT(net_range_parse(STR("198.51.100.0/24"), range), OK);
    world->service.relay_from = range;
    world->service.relay_from_count = 1;
}

static void offer_logins(struct world *world)
{
    world->service.kind = RECEIVE_SUBMISSION;
    world->service.accounts = world->accounts;
    world->service.auth_in_clear = true;
}

/* A client that has said all this, and does not listen. */
static struct stream *connect_and_say(struct world *world, struct str said)
{
    struct stream *client = world_connect(world);
    CHECK_INT(stream_write(client, said, loop_now_ms() + 1000), OK);
    CHECK_INT(stream_flush(client, loop_now_ms() + 1000), OK);
    return client;
}

/* The header on one line for each field. */
static struct str unfolded(struct world *world, struct str content)
{
    char *at = arena_alloc(&world->arena, content.len);
    size_t len = 0;
    for (size_t i = 0; i < content.len; i++) {
        bool folds = i + 2 < content.len && content.at[i] == '\r' && char_is_wsp(content.at[i + 2]);
        if (folds)
            i++;
        else
            at[len++] = content.at[i] == '\t' ? ' ' : content.at[i];
    }
    return str_make(at, len);
}

/* ---- verdicts ---- */

enum fate { REFUSED, JUNKED, TAKEN };

static const struct verdict {
    const char *about;
    enum receive_dmarc setting;
    const char *sender;
    const char *content;
    enum fate fate;
    const char *told; /* in Authentication-Results; NULL: there is none, nor of a refused message */
} verdicts[] = {
    {"a spoofed message where policies are enforced", RECEIVE_DMARC_ENFORCE, "x@reject.example",
     FROM("x@reject.example"), REFUSED, NULL},
    {"the same by default", RECEIVE_DMARC_QUARANTINE, "x@reject.example", FROM("x@reject.example"),
     JUNKED, "dmarc=fail (p=reject dis=reject)"},
    {"the same where mail is only marked", RECEIVE_DMARC_MARK, "x@reject.example",
     FROM("x@reject.example"), TAKEN, "dmarc=fail (p=reject dis=reject)"},
    {"the same where nothing is looked up", RECEIVE_DMARC_OFF, "x@reject.example",
     FROM("x@reject.example"), TAKEN, NULL},
    {"a policy of quarantine, enforced", RECEIVE_DMARC_ENFORCE, "x@other.example",
     FROM("x@quarantine.example"), JUNKED, "dmarc=fail (p=quarantine dis=quarantine)"},
    {"a policy of quarantine by default", RECEIVE_DMARC_QUARANTINE, "x@other.example",
     FROM("x@quarantine.example"), JUNKED, "dmarc=fail (p=quarantine dis=quarantine)"},
    {"a policy of none", RECEIVE_DMARC_ENFORCE, "x@other.example", FROM("x@none.example"), TAKEN,
     "dmarc=fail (p=none dis=none)"},
    {"no policy", RECEIVE_DMARC_ENFORCE, "x@other.example", FROM("x@other.example"), TAKEN,
     "dmarc=none"},
    {"reject while testing is quarantine", RECEIVE_DMARC_ENFORCE, "x@other.example",
     FROM("x@test.example"), JUNKED, "dmarc=fail (p=reject dis=quarantine)"},
    {"quarantine while testing is nothing", RECEIVE_DMARC_ENFORCE, "x@other.example",
     FROM("x@mild.example"), TAKEN, "dmarc=fail (p=quarantine dis=none)"},
    {"an honest message", RECEIVE_DMARC_ENFORCE, "x@honest.example", FROM("x@honest.example"),
     TAKEN, "dmarc=pass"},
    {"the honest one's fields say who was asked", RECEIVE_DMARC_ENFORCE, "x@honest.example",
     FROM("x@honest.example"), TAKEN,
     "iprev=pass (mail.honest.example) policy.iprev=198.51.100.7; spf=pass"},
    {"no sender: HELO is asked for", RECEIVE_DMARC_ENFORCE, "", FROM("x@honest.example"), TAKEN,
     "smtp.helo=mail.honest.example; dkim=none; dmarc=pass"},
    {"an honest host with a stranger's name in From", RECEIVE_DMARC_ENFORCE, "x@honest.example",
     FROM("x@reject.example"), REFUSED, NULL},
    {"a policy that cannot be asked for", RECEIVE_DMARC_ENFORCE, "x@other.example",
     FROM("x@silent.example"), TAKEN, "dmarc=temperror"},
    {"SPF that cannot be asked for", RECEIVE_DMARC_ENFORCE, "x@dark.example",
     FROM("x@dark.example"), TAKEN, "dmarc=temperror"},
    {"the same by default", RECEIVE_DMARC_QUARANTINE, "x@dark.example", FROM("x@dark.example"),
     TAKEN, "dmarc=temperror"},
    {"two From fields, one of them honest", RECEIVE_DMARC_ENFORCE, "x@honest.example",
     "From: x@honest.example\r\n" FROM("y@reject.example"), REFUSED, NULL},
    {"two From fields of an honest domain", RECEIVE_DMARC_QUARANTINE, "x@honest.example",
     "From: x@honest.example\r\n" FROM("y@honest.example"), TAKEN, "dmarc=permerror"},
    {"two addresses in From", RECEIVE_DMARC_QUARANTINE, "x@honest.example",
     FROM("x@honest.example, y@honest.example"), TAKEN, "dmarc=permerror"},
    {"no From", RECEIVE_DMARC_ENFORCE, "x@honest.example", "Subject: x\r\n\r\n.\r\nQUIT\r\n", TAKEN,
     "dmarc=permerror"},
    {"nothing at all", RECEIVE_DMARC_ENFORCE, "x@honest.example", ".\r\nQUIT\r\n", TAKEN,
     "dmarc=permerror"},
};

static void check_taken(struct world *world, const struct verdict *row)
{
    struct str header = unfolded(world, world_content(world, 0));
    bool is_junk = row->fate == JUNKED;
    CHECK_ROW(row->about, world_envelope(world, 0).recipients[0].junk == is_junk);
    CHECK_ROW(row->about, has(header, "X-Junk-Reason: DMARC: ") == is_junk);
    CHECK_ROW(row->about, has(world_story(world, 0), "goes into Junk") == is_junk);
    CHECK_ROW(row->about, str_starts(header, STR("Received: ")) == !row->told || is_junk);
    CHECK_ROW(row->about,
              has(header, "Authentication-Results: mx.local.example; ") == (row->told != NULL));
    if (row->told && !test_check(has(header, row->told), row->about, __FILE__, __LINE__))
        printf("# %.*s\n", STR_FMT(header));
}

TEST_FIBER(a_domain_decides_what_becomes_of_mail_that_fails)
{
    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
        const struct verdict *row = &verdicts[i];
        struct world world;
        init(&world);
        struct receive_domains *domains = set_dmarc(&world, row->setting);
        struct str said = world_say(&world, arena_printf(&world.arena, ENVELOPE("%s") "DATA\r\n%s",
                                                         row->sender, row->content));
        CHECK_ROW(row->about, world.message_count == (row->fate != REFUSED));
        CHECK_ROW(row->about, has(said, "\r\n550 5.7.1 DMARC: ") == (row->fate == REFUSED));
        if (world.message_count)
            check_taken(&world, row);
        world_done(&world);
        receive_domains_free(domains);
    }
}

TEST_FIBER(a_refusal_says_what_failed)
{
    struct world world;
    init(&world);
    struct receive_domains *domains = set_dmarc(&world, RECEIVE_DMARC_ENFORCE);
    struct str said = world_say(&world, spoofed);
    CHECK(has(said, "550 5.7.1 DMARC: neither SPF nor DKIM vouches for reject.example; its policy "
                    "is reject (SPF fail for reject.example, no DKIM signature)\r\n"));
    world_done(&world);
    receive_domains_free(domains);
}

TEST_FIBER(the_story_tells_what_was_found_out)
{
    struct world world;
    init(&world);
    world_say(&world, STR(ENVELOPE("x@honest.example") "DATA\r\n" FROM("x@honest.example")));
    REQUIRE(world.message_count == 1);
    struct str story = world_story(&world, 0);
    CHECK(has(story, "iprev pass: 198.51.100.7 is mail.honest.example"));
    CHECK(has(story, "SPF pass for the domain honest.example, decided by ip4:198.51.100.7"));
    CHECK(has(story, "DKIM none: there is no signature"));
    CHECK(has(story, "DMARC pass: SPF vouches for honest.example (p=reject, published at "
                     "honest.example)"));
    world_done(&world);
}

TEST_FIBER(what_is_found_out_stands_on_top_of_our_received)
{
    struct world world;
    init(&world);
    world_say(&world, spoofed);
    REQUIRE(world.message_count == 1);
    struct str header = unfolded(&world, world_content(&world, 0));
    size_t results = str_search(header, STR("Authentication-Results: "));
    size_t junk = str_search(header, STR("X-Junk-Reason: "));
    size_t received = str_search(header, STR("Received: "));
    CHECK(results == 0 && results < junk && junk < received);
    world_done(&world);
}

/* Nothing that the DNS says makes a message need SMTPUTF8. */
TEST_FIBER(what_we_write_on_top_is_ascii_unless_the_sender_is_not)
{
    static const struct {
        const char *sender, *options, *told;
    } rows[] = {
        {"x@odd.example", "", "syntax error at \\\"??\\\""},
        {"\xc3\xbc@odd.example", " SMTPUTF8", "syntax error at \\\"\xc3\xbc\\\""},
    };
    struct world world;
    init(&world);
    resolver_script(world.resolver, "odd.example", DNS_TXT, "v=spf1 \xc3\xbc -all");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world_say(&world,
                  arena_printf(&world.arena,
                               "EHLO me\r\nMAIL FROM:<%s>%s\r\n"
                               "RCPT TO:<alice@local.example>\r\nDATA\r\n" FROM("x@odd.example"),
                               rows[i].sender, rows[i].options));
        REQUIRE(world.message_count == i + 1);
        CHECK_ROW(rows[i].sender, has(world_content(&world, i), rows[i].told));
    }
    world_done(&world);
}

/* ---- who is judged ---- */

TEST_FIBER(relay_clients_are_not_judged)
{
    struct net_range range;
    struct world world;
    init(&world);
    trust_client(&world, &range);
    world_say(&world, spoofed);
    REQUIRE(world.message_count == 1);
    CHECK(str_starts(world_content(&world, 0), STR("Received: ")));
    CHECK(!world_envelope(&world, 0).recipients[0].junk);
    world_done(&world);
}

TEST_FIBER(who_logged_in_is_not_judged)
{
    struct world world;
    init(&world);
    offer_logins(&world);
    world.service.senders = RECEIVE_SENDERS_ANY;
    world_say(&world, STR("EHLO me\r\nAUTH PLAIN AHRlc3R1c2VyAHRlc3RwYXNz\r\n"
                          "MAIL FROM:<x@reject.example>\r\nRCPT TO:<alice@local.example>\r\n"
                          "DATA\r\n" FROM("x@reject.example")));
    REQUIRE(world.message_count == 1);
    CHECK(str_starts(world_content(&world, 0), STR("Received: ")));
    world_done(&world);
}

/* Only a mailbox of ours has a Junk folder; what an alias leads to elsewhere goes there as it is.
 */
TEST_FIBER(only_our_own_recipients_have_junk)
{
    struct world world;
    init(&world);
    world_say(&world, STR("EHLO me\r\nMAIL FROM:<x@reject.example>\r\n"
                          "RCPT TO:<list@local.example>\r\nDATA\r\n" FROM("x@reject.example")));
    REQUIRE(world.message_count == 1);
    struct spool_envelope envelope = world_envelope(&world, 0);
    REQUIRE(envelope.recipient_count == 2);
    CHECK_STR(envelope.recipients[0].address, STR("alice@local.example"));
    CHECK(envelope.recipients[0].junk && !envelope.recipients[1].junk);
    world_done(&world);
}

TEST_FIBER(domains_that_differ_get_a_message_each)
{
    static const struct script scripts[] = {
        {"the setting of the first recipient is that of the transaction",
         {S("EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<alice@local.example>\r\n"
            "RCPT TO:<x@open.example>\r\nRCPT TO:<bob@LOCAL.example>\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 451 4.5.3, 250 2.1.5, 221 2.0.0, closed",
         0},
        {"the other way round",
         {S("EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<x@open.example>\r\n"
            "RCPT TO:<alice@local.example>\r\nRSET\r\nMAIL FROM:<>\r\n"
            "RCPT TO:<alice@local.example>\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 451 4.5.3, 250 2.0.0, 250 2.1.0, 250 2.1.5, 221 2.0.0, "
         "closed",
         0},
    };
    struct world world;
    init(&world);
    struct receive_domains *domains = set_dmarc(&world, RECEIVE_DMARC_ENFORCE);
    receive_domains_add(domains, STR("open.example"), RECEIVE_DMARC_OFF);
    scripts_run(&world, scripts, ARRAY_LEN(scripts));
    world_done(&world);
    receive_domains_free(domains);
}

/* ---- forgeries ---- */

static const struct forgery {
    const char *about, *field;
    bool is_removed;
} forgeries[] = {
    {"as we write it", "Authentication-Results: mx.local.example; dkim=pass\r\n", true},
    {"in other case", "AUTHENTICATION-results: MX.Local.Example; dkim=pass\r\n", true},
    {"a blank before the colon", "Authentication-Results : mx.local.example; dkim=pass\r\n", true},
    {"folded", "Authentication-Results:\r\n\tmx.local.example\r\n ; dkim=pass\r\n", true},
    {"quoted", "Authentication-Results: \"mx.local.example\"; dkim=pass\r\n", true},
    {"with a comment", "Authentication-Results: (a;b) mx.local.example (c); dkim=pass\r\n", true},
    {"with a version", "Authentication-Results: mx.local.example 1; dkim=pass\r\n", true},
    {"nobody can tell whose", "Authentication-Results: ;;dkim=pass\r\n", true},
    {"without anything", "Authentication-Results:\r\n", true},
    {"somebody else's", "Authentication-Results: mx.other.example; dkim=pass\r\n", false},
    {"a name that only begins like ours",
     "Authentication-Results: mx.local.example.org; dkim=pass\r\n", false},
    {"a field that only begins like it", "Authentication-Results-X: mx.local.example; x\r\n",
     false},
};

static void check_forgery(struct world *world, const struct forgery *row, size_t count)
{
    CHECK_ROW(row->about, world->message_count == count);
    struct str content = world_content(world, count - 1);
    struct str kept = arena_printf(&world->arena,
                                   "\r\nFrom: x@honest.example\r\n%sSubject: x\r\n\r\n"
                                   "Authentication-Results: mx.local.example; in the body\r\n",
                                   row->is_removed ? "" : row->field);
    if (!test_check(str_ends(content, kept), row->about, __FILE__, __LINE__))
        printf("# %.*s\n", STR_FMT(content));
    CHECK_ROW(row->about, has(world_story(world, count - 1), "removed 1 Authentication-Results") ==
                              row->is_removed);
}

static struct str forged_message(struct world *world, const struct forgery *row)
{
    return arena_printf(&world->arena,
                        "From: x@honest.example\r\n%sSubject: x\r\n\r\n"
                        "Authentication-Results: mx.local.example; in the body\r\n",
                        row->field);
}

TEST_FIBER(nobody_speaks_in_our_name_in_a_message_by_data)
{
    struct world world;
    init(&world);
    for (size_t i = 0; i < ARRAY_LEN(forgeries); i++) {
        struct str message = forged_message(&world, &forgeries[i]);
        struct str bytes =
            arena_printf(&world.arena, ENVELOPE("x@honest.example") "DATA\r\n%.*s.\r\nQUIT\r\n",
                         STR_FMT(message));
        world_say(&world, bytes);
        check_forgery(&world, &forgeries[i], 2 * i + 1);
        world_say_in_pieces(&world, bytes, 7);
        check_forgery(&world, &forgeries[i], 2 * i + 2);
    }
    world_done(&world);
}

TEST_FIBER(nobody_speaks_in_our_name_in_a_message_by_chunks)
{
    struct world world;
    size_t count = 0;
    init(&world);
    struct str message = forged_message(&world, &forgeries[3]);
    for (size_t at = 0; at <= message.len; at += 13) {
        struct str rest = str_from(message, at);
        world_say(&world,
                  arena_printf(&world.arena,
                               ENVELOPE("x@honest.example") "BDAT %zu\r\n%.*sBDAT %zu "
                                                            "LAST\r\n%.*sQUIT\r\n",
                               at, STR_FMT(str_first(message, at)), rest.len, STR_FMT(rest)));
        check_forgery(&world, &forgeries[3], ++count);
    }
    world_done(&world);
}

/* What only submits is no host of ours that could have looked. */
TEST_FIBER(hosts_of_ours_may_speak_in_our_name_and_people_may_not)
{
    struct net_range range;
    struct world world;
    init(&world);
    trust_client(&world, &range);
    struct str said = STR(ENVELOPE("x@local.example") "DATA\r\n"
                                                      "Authentication-Results: mx.local.example; "
                                                      "dkim=pass\r\n" FROM("x@local.example"));
    world_say(&world, said);
    REQUIRE(world.message_count == 1);
    CHECK(has(world_content(&world, 0), "Authentication-Results: mx.local.example; dkim=pass"));
    offer_logins(&world);
    world_say(&world,
              arena_printf(&world.arena, "EHLO me\r\nAUTH PLAIN AHRlc3R1c2VyAHRlc3RwYXNz\r\n%.*s",
                           STR_FMT(said)));
    REQUIRE(world.message_count == 2);
    CHECK(!has(world_content(&world, 1), "Authentication-Results"));
    world_done(&world);
}

TEST_FIBER(a_message_that_ends_within_its_header_is_kept_whole)
{
    struct world world;
    init(&world);
    world_say(&world, STR(ENVELOPE("x@honest.example") "BDAT 31 LAST\r\n"
                                                       "From: x@honest.example\r\nSubject"
                                                       "QUIT\r\n"));
    REQUIRE(world.message_count == 1);
    CHECK(str_ends(world_content(&world, 0), STR("\r\nFrom: x@honest.example\r\nSubject")));
    world_done(&world);
}

/* ---- time and broken connections ---- */

/* As long as a client may be expected to wait; then it is taken, though nobody answered. */
TEST_FIBER(name_servers_that_are_silent_cost_twenty_seconds)
{
    struct world world;
    init(&world);
    resolver_script_delay(world.resolver, 3600 * 1000);
    uint64_t began_ms = loop_now_ms();
    struct stream *client = connect_and_say(&world, spoofed);
    CHECK_INT(fiber_group_join(&world.servers, loop_now_ms() + 60000), OK);
    CHECK(loop_now_ms() - began_ms <= 20000);
    REQUIRE(world.message_count == 1);
    CHECK(!world_envelope(&world, 0).recipients[0].junk);
    CHECK(has(unfolded(&world, world_content(&world, 0)), "dmarc=temperror"));
    stream_close(client);
    world_done(&world);
}

/* Nothing is left behind, wherever the client goes away: within the content, while it is judged. */
TEST_FIBER(a_client_may_leave_at_any_time)
{
    static const char said[] =
        ENVELOPE("x@honest.example") "DATA\r\nFrom: x@honest.example\r\n\r\ntext\r\n.\r\n";
    for (size_t len = 0; len < sizeof said; len += 9) {
        struct world world;
        init(&world);
        resolver_script_delay(world.resolver, 1000);
        struct stream *client = connect_and_say(&world, str_make(said, len));
        CHECK_INT(fiber_sleep_until(loop_now_ms() + 100), OK);
        stream_abort(client);
        world_done(&world);
    }
}

TEST_FIBER(a_session_that_is_cancelled_while_it_judges_ends_at_once)
{
    struct world world;
    init(&world);
    resolver_script_delay(world.resolver, 3600 * 1000);
    struct stream *client = connect_and_say(&world, spoofed);
    CHECK_INT(fiber_sleep_until(loop_now_ms() + 1000), OK);
    uint64_t began_ms = loop_now_ms();
    fiber_group_cancel(&world.servers);
    CHECK_INT(fiber_group_join(&world.servers, loop_now_ms() + 60000), OK);
    CHECK_INT(loop_now_ms() - began_ms, 0);
    CHECK_INT(world.message_count, 0);
    stream_close(client);
    world_done(&world);
}

int main(void)
{
    RUN(a_domain_decides_what_becomes_of_mail_that_fails);
    RUN(a_refusal_says_what_failed);
    RUN(the_story_tells_what_was_found_out);
    RUN(what_is_found_out_stands_on_top_of_our_received);
    RUN(what_we_write_on_top_is_ascii_unless_the_sender_is_not);
    RUN(relay_clients_are_not_judged);
    RUN(who_logged_in_is_not_judged);
    RUN(only_our_own_recipients_have_junk);
    RUN(domains_that_differ_get_a_message_each);
    RUN(nobody_speaks_in_our_name_in_a_message_by_data);
    RUN(nobody_speaks_in_our_name_in_a_message_by_chunks);
    RUN(hosts_of_ours_may_speak_in_our_name_and_people_may_not);
    RUN(a_message_that_ends_within_its_header_is_kept_whole);
    RUN(name_servers_that_are_silent_cost_twenty_seconds);
    RUN(a_client_may_leave_at_any_time);
    RUN(a_session_that_is_cancelled_while_it_judges_ends_at_once);
    return test_summary();
}
