/* Our signatures: whose mail is signed, and that others find them right; ARC on what is forwarded.
 */
#include "script.h"
#include "verify/arc.h"

#define LOGIN         "EHLO me\r\nAUTH PLAIN AHRlc3R1c2VyAHRlc3RwYXNz\r\n"
#define TO_ALICE      "RCPT TO:<alice@local.example>\r\nDATA\r\n"
#define FROM(address) "MAIL FROM:<alice@local.example>\r\n" TO_ALICE "From: " address "\r\n"
#define REST          "Subject: x\r\n\r\ntext \r\n\r\n..dots\r\n.\r\nQUIT\r\n"

/* Keys of local.example, published. */
static void make_keys(struct world *world, struct keyring *keyring)
{
    static const struct {
        enum dkim_algorithm algorithm;
        const char *selector;
    } rows[] = {{DKIM_ED25519_SHA256, "small"}, {DKIM_RSA_SHA256, "large"}};
    world->resolver = resolver_scripted_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct private_key *key = private_key_generate(rows[i].algorithm, 1024);
        struct str pem = private_key_print(&world->arena, key);
        CHECK_INT(keyring_add(keyring, STR("local.example"), str_of(rows[i].selector), pem), OK);
        struct str name =
            arena_printf(&world->arena, "%s._domainkey.local.example", rows[i].selector);
        resolver_script(world->resolver, name.at, DNS_TXT,
                        private_key_record(&world->arena, key).at);
        private_key_free(key);
    }
}

struct bench {
    struct world world;
    struct keyring *keyring;
};

static void begin(struct bench *bench, void (*init)(struct world *))
{
    init(&bench->world);
    bench->keyring = keyring_new();
    make_keys(&bench->world, bench->keyring);
    bench->world.service.keyring = bench->keyring;
}

static void end(struct bench *bench)
{
    world_done(&bench->world);
    keyring_free(bench->keyring);
}

static void begin_submission(struct bench *bench)
{
    begin(bench, world_init_submission);
    bench->world.service.senders = RECEIVE_SENDERS_ANY;
}

static struct dkim_keys keys_of(struct world *world)
{
    return dkim_keys_make(world->resolver, loop_now_ms() + 20000, &world->arena);
}

static struct dkim_verified_list verify(struct bench *bench, size_t i)
{
    struct world *world = &bench->world;
    struct verify_message *message = verify_message_new();
    struct dkim_verifier *verifier = dkim_verifier_new(message);
    struct dkim_keys keys = keys_of(world);
    struct dkim_verified_list list = {0};
    verify_message_add(message, world_content(world, i));
    verify_message_end(message);
    CHECK_INT(dkim_verifier_finish(verifier, &keys, 0, &world->arena, &list), OK);
    dkim_keys_done(&keys);
    verify_message_free(message);
    return list;
}

static void check_both(struct bench *bench, size_t i, const char *about)
{
    struct dkim_verified_list list = verify(bench, i);
    CHECK_ROW(about, list.count == 2);
    for (size_t k = 0; k < list.count; k++) {
        CHECK_ROW(about, list.items[k].verdict.result == DKIM_PASS);
        CHECK_STR(list.items[k].domain, STR("local.example"));
    }
}

static bool has(struct str text, const char *part)
{
    return str_search(text, str_of(part)) != SIZE_MAX;
}

/* ---- DKIM ---- */

static const struct {
    const char *about, *header;
    bool is_signed;
    const char *told; /* in the story; NULL: nothing of it */
} submissions[] = {
    {"a message of our domain", FROM("alice@local.example"), true,
     "signed for local.example with small, large"},
    {"of a domain below it", FROM("alice@sub.local.example"), true,
     "signed for local.example with small, large"},
    {"with a name and in other case", FROM("Alice <alice@LOCAL.example>"), true,
     "signed for local.example with small, large"},
    {"of a domain without keys", FROM("alice@open.example"), false, NULL},
    {"of nobody", "MAIL FROM:<alice@local.example>\r\n" TO_ALICE, false, "not signed: "},
    {"of two addresses", FROM("alice@local.example, bob@local.example"), false, "not signed: "},
    {"of two fields", FROM("alice@local.example") "From: bob@local.example\r\n", false,
     "not signed: "},
};

TEST_FIBER(who_logs_in_has_mail_signed_with_all_keys)
{
    struct bench bench;
    begin_submission(&bench);
    struct world *world = &bench.world;
    for (size_t i = 0; i < ARRAY_LEN(submissions); i++) {
        const char *about = submissions[i].about;
        world_say(world, arena_printf(&world->arena, LOGIN "%s" REST, submissions[i].header));
        CHECK_ROW(about, world->message_count == i + 1);
        struct str content = world_content(world, i), story = world_story(world, i);
        CHECK_ROW(about, str_starts(content, STR("DKIM-Signature: ")) == submissions[i].is_signed);
        CHECK_ROW(about, has(content, "\r\nDate: ") && has(content, "\r\nMessage-ID: "));
        CHECK_ROW(about,
                  submissions[i].told ? has(story, submissions[i].told) : !has(story, "signed"));
        if (submissions[i].is_signed)
            check_both(&bench, i, about);
    }
    end(&bench);
}

TEST_FIBER(what_we_add_is_signed_with_the_rest)
{
    static const char *const changes[] = {"Date: ", "Message-ID: ", "Subject: ", "From: "};
    struct bench bench;
    begin_submission(&bench);
    struct world *world = &bench.world;
    world_say(world, STR(LOGIN FROM("alice@local.example") REST));
    REQUIRE(world->message_count == 1);
    struct str content = world_content(world, 0);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct verify_message *message = verify_message_new();
        struct dkim_verifier *verifier = dkim_verifier_new(message);
        struct dkim_keys keys = keys_of(world);
        struct dkim_verified_list list = {0};
        char *changed = arena_alloc(&world->arena, content.len);
        memcpy(changed, content.at, content.len);
        struct str field = arena_printf(&world->arena, "\r\n%s", changes[i]);
        changed[str_search(content, field) + field.len] ^= 1;
        verify_message_add(message, str_make(changed, content.len));
        verify_message_end(message);
        CHECK_INT(dkim_verifier_finish(verifier, &keys, 0, &world->arena, &list), OK);
        CHECK_ROW(changes[i], list.count == 2 && list.items[0].verdict.result == DKIM_FAIL);
        dkim_keys_done(&keys);
        verify_message_free(message);
    }
    end(&bench);
}

TEST_FIBER(pieces_and_chunks_are_signed_alike)
{
    static const char said[] = LOGIN FROM("alice@local.example") REST;
    struct bench bench;
    begin_submission(&bench);
    for (size_t piece = 1; piece < 64; piece = piece * 3 + 1)
        world_say_in_pieces(&bench.world, str_of(said), piece);
    world_say(&bench.world, STR(LOGIN "MAIL FROM:<alice@local.example>\r\n"
                                      "RCPT TO:<alice@local.example>\r\n"
                                      "BDAT 20\r\nFrom: alice@local.exBDAT 21 LAST\r\n"
                                      "ample\r\n\r\ntext\r\nmore\r\nQUIT\r\n"));
    CHECK_INT(bench.world.message_count, 5);
    for (size_t i = 0; i < bench.world.message_count; i++)
        check_both(&bench, i, "signed");
    end(&bench);
}

/* The field is gone before it is signed. */
TEST_FIBER(what_is_signed_is_what_is_sent)
{
    struct bench bench;
    begin_submission(&bench);
    world_say(&bench.world, STR(LOGIN FROM("alice@local.example") "Authentication-Results: "
                                                                  "mx.local.example; "
                                                                  "dkim=pass\r\n" REST));
    REQUIRE(bench.world.message_count == 1);
    CHECK(!has(world_content(&bench.world, 0), "Authentication-Results"));
    check_both(&bench, 0, "signed");
    end(&bench);
}

TEST_FIBER(hosts_that_relay_through_us_have_mail_signed_and_strangers_have_not)
{
    struct net_range range;
    struct bench bench;
    begin(&bench, world_init);
    struct world *world = &bench.world;
    struct str said = STR("EHLO me\r\n" FROM("alice@local.example") REST);
    world_say(world, said);
    CHECK_INT(net_range_parse(STR("198.51.100.0/24"), &range), OK);
    world->service.relay_from = &range;
    world->service.relay_from_count = 1;
    world_say(world, said);
    world_say(world, STR("EHLO me\r\n" FROM("alice@open.example") REST));
    REQUIRE(world->message_count == 3);
    CHECK(!has(world_content(world, 0), "DKIM-Signature: "));
    check_both(&bench, 1, "a relay client");
    CHECK(has(world_content(world, 1), "\r\nDate: ")); /* it is signed that there is one */
    CHECK(!has(world_content(world, 2), "DKIM-Signature: "));
    CHECK(!has(world_content(world, 2), "\r\nDate: "));
    end(&bench);
}

TEST_FIBER(programs_of_this_host_have_mail_signed)
{
    struct bench bench;
    begin(&bench, world_init_local);
    world_say(&bench.world, STR("EHLO host\r\n" FROM("alice@local.example") REST));
    REQUIRE(bench.world.message_count == 1);
    check_both(&bench, 0, "the submit socket");
    end(&bench);
}

/* Header fields without end: the signature would have to name them all. */
TEST_FIBER(what_cannot_be_signed_goes_unsigned)
{
    struct bench bench;
    begin_submission(&bench);
    struct world *world = &bench.world;
    struct buf said = buf_make(1 << 20);
    CHECK_INT(buf_add(&said, STR(LOGIN FROM("alice@local.example"))), OK);
    for (int i = 0; i < 1500; i++)
        CHECK_INT(buf_add(&said, STR("To: a@b.example\r\n")), OK);
    CHECK_INT(buf_add(&said, STR(REST)), OK);
    world_say(world, buf_str(&said));
    buf_free(&said);
    REQUIRE(world->message_count == 1);
    CHECK(str_starts(world_content(world, 0), STR("Received: ")));
    CHECK(has(world_story(world, 0), "not signed: its header has too many fields"));
    end(&bench);
}

/* Written by one of ours, read by one of ours. */
TEST_FIBER(what_we_sign_passes_where_we_judge)
{
    struct bench bench;
    begin_submission(&bench);
    struct world *world = &bench.world;
    resolver_script(world->resolver, "_dmarc.local.example", DNS_TXT, "v=DMARC1; p=reject");
    world_say(world, STR(LOGIN FROM("alice@local.example") REST));
    REQUIRE(world->message_count == 1);
    struct str content = world_content(world, 0);
    world->service.kind = RECEIVE_MX;
    world_say(world, arena_printf(&world->arena,
                                  "EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<bob@local.example>\r\n"
                                  "BDAT %zu LAST\r\n%.*sQUIT\r\n",
                                  content.len, STR_FMT(content)));
    REQUIRE(world->message_count == 2);
    struct str judged = world_content(world, 1);
    CHECK(has(judged, "dkim=pass (256-bit key)") && has(judged, "dkim=pass (1024-bit key)"));
    CHECK(has(judged, "dmarc=pass"));
    end(&bench);
}

/* ---- ARC ---- */

static const char forwarded[] =
    "EHLO me\r\nMAIL FROM:<x@else.example>\r\nRCPT TO:<list@local.example>\r\nDATA\r\n"
    "From: x@else.example\r\n" REST;

static struct arc_chain validate(struct bench *bench, size_t i, struct verify_message *message)
{
    struct world *world = &bench->world;
    struct arc_validator *validator = arc_validator_new(message);
    struct dkim_keys keys = keys_of(world);
    struct arc_chain chain = {0};
    verify_message_add(message, world_content(world, i));
    verify_message_end(message);
    CHECK_INT(arc_validator_finish(validator, &keys, 0, &chain), OK);
    dkim_keys_done(&keys);
    return chain;
}

static void check_chain(struct bench *bench, size_t i, unsigned instance)
{
    struct verify_message *message = verify_message_new();
    struct arc_chain chain = validate(bench, i, message);
    CHECK_STR(arc_result_text(chain.result), instance ? STR("pass") : STR("none"));
    CHECK_INT(chain.instance, instance);
    if (chain.result == ARC_PASS) {
        CHECK_STR(chain.sets[instance - 1].seal_domain, STR("local.example"));
        CHECK_STR(chain.sets[instance - 1].seal_selector, STR("large"));
        CHECK(has(chain.sets[instance - 1].authentication_results, "mx.local.example;"));
        CHECK(has(chain.sets[instance - 1].authentication_results, "spf=none"));
    }
    verify_message_free(message);
}

TEST_FIBER(what_an_alias_forwards_is_sealed_and_the_seal_is_right)
{
    struct bench bench;
    begin(&bench, world_init);
    world_say(&bench.world, str_of(forwarded));
    REQUIRE(bench.world.message_count == 1);
    CHECK(str_starts(world_content(&bench.world, 0), STR("ARC-Seal: i=1;")));
    CHECK(has(world_story(&bench.world, 0), "sealed with ARC for local.example with large"));
    check_chain(&bench, 0, 1);
    end(&bench);
}

TEST_FIBER(a_chain_grows_by_one_set_at_each_host)
{
    struct bench bench;
    begin(&bench, world_init);
    struct world *world = &bench.world;
    world_say(world, str_of(forwarded));
    REQUIRE(world->message_count == 1);
    struct str content = world_content(world, 0);
    world_say(world, arena_printf(&world->arena,
                                  "EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<list@local.example>\r\n"
                                  "BDAT %zu LAST\r\n%.*sQUIT\r\n",
                                  content.len, STR_FMT(content)));
    REQUIRE(world->message_count == 2);
    check_chain(&bench, 1, 2);
    end(&bench);
}

TEST_FIBER(what_stays_here_or_was_not_judged_is_not_sealed)
{
    struct bench bench;
    begin(&bench, world_init);
    struct world *world = &bench.world;
    world_say(world, STR("EHLO me\r\nMAIL FROM:<x@else.example>\r\n" TO_ALICE
                         "From: x@else.example\r\n" REST));
    struct receive_domains *domains = receive_domains_new();
    receive_domains_add(domains, STR("local.example"), RECEIVE_DMARC_OFF);
    world->service.domains = domains;
    world_say(world, str_of(forwarded));
    REQUIRE(world->message_count == 2);
    check_chain(&bench, 0, 0);
    check_chain(&bench, 1, 0);
    end(&bench);
    receive_domains_free(domains);
}

/* ---- the pool ---- */

TEST_FIBER(a_full_pool_says_to_come_again)
{
    struct bench bench;
    begin_submission(&bench);
    struct blocking_pool *pool = bench.world.signing;
    bench.world.service.signing_pool = bench.world.signing = blocking_pool_new("full", 1, 0);
    struct str said = world_say(&bench.world, STR(LOGIN FROM("alice@local.example") REST));
    CHECK(has(said, "\r\n451 4.3.0 Too many messages to sign at once, try again later\r\n"));
    CHECK_INT(bench.world.message_count, 0);
    blocking_pool_free(pool);
    end(&bench);
}

int main(void)
{
    RUN(who_logs_in_has_mail_signed_with_all_keys);
    RUN(what_we_add_is_signed_with_the_rest);
    RUN(pieces_and_chunks_are_signed_alike);
    RUN(what_is_signed_is_what_is_sent);
    RUN(hosts_that_relay_through_us_have_mail_signed_and_strangers_have_not);
    RUN(programs_of_this_host_have_mail_signed);
    RUN(what_cannot_be_signed_goes_unsigned);
    RUN(what_we_sign_passes_where_we_judge);
    RUN(what_an_alias_forwards_is_sealed_and_the_seal_is_right);
    RUN(a_chain_grows_by_one_set_at_each_host);
    RUN(what_stays_here_or_was_not_judged_is_not_sealed);
    RUN(a_full_pool_says_to_come_again);
    return test_summary();
}
