#include "verify/dkim_verify.h"

#include "base/buf.h"
#include "dns/resolver.h"
#include "verify/signing.h"

/* RFC 8463 section A.3. */
static const char rfc8463_message[] =
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    " subject : date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
    " date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    "\r\n"
    "Hi.\r\n"
    "\r\n"
    "We lost the game.  Are you hungry yet?\r\n"
    "\r\n"
    "Joe.\r\n";

/* RFC 6376 section A.2, with the white space that its signature was made over: the RFC's own layout
 * changed some. */
static const char rfc6376_message[] =
    "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
    "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
    "      h=Received : From : To : Subject : Date : Message-ID;\r\n"
    "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"
    "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"
    "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"
    "      4bmp/YzhwvcubU4=;\r\n"
    "Received: from client1.football.example.com  [192.0.2.1]\r\n"
    "      by submitserver.example.com with SUBMISSION;\r\n"
    "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n"
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    "\r\n"
    "Hi.\r\n"
    "\r\n"
    "We lost the game. Are you hungry yet?\r\n"
    "\r\n"
    "Joe.\r\n";

static struct resolver *published(void)
{
    struct resolver *resolver = resolver_scripted_new();
    resolver_script(resolver, "brisbane._domainkey.football.example.com", DNS_TXT, ED25519_RECORD);
    resolver_script(resolver, "test._domainkey.football.example.com", DNS_TXT, RSA_RECORD_8463);
    resolver_script(resolver, "brisbane._domainkey.example.com", DNS_TXT, RSA_RECORD_6376);
    resolver_script(resolver, "e._domainkey.example.org", DNS_TXT, ED25519_RECORD);
    resolver_script(resolver, "exact._domainkey.example.org", DNS_TXT, ED25519_RECORD "; t=s");
    resolver_script(resolver, "tests._domainkey.example.org", DNS_TXT, ED25519_RECORD "; t=y");
    resolver_script(resolver, "gone._domainkey.example.org", DNS_TXT, "v=DKIM1; k=ed25519; p=");
    resolver_script(resolver, "rsa._domainkey.example.org", DNS_TXT, RSA_RECORD_6376);
    resolver_script(resolver, "spf._domainkey.example.org", DNS_TXT, "v=spf1 -all");
    resolver_script(resolver, "several._domainkey.example.org", DNS_TXT, "v=spf1 -all");
    resolver_script(resolver, "several._domainkey.example.org", DNS_TXT, "v=DKIM1; k=ed25519; p=");
    resolver_script(resolver, "several._domainkey.example.org", DNS_TXT, RSA_RECORD_6376);
    resolver_script(resolver, "several._domainkey.example.org", DNS_TXT, ED25519_RECORD);
    resolver_script(resolver, "other._domainkey.example.org", DNS_TXT,
                    "k=ed25519; p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    resolver_script(resolver, "alias._domainkey.example.org", DNS_CNAME,
                    "brisbane._domainkey.football.example.com");
    resolver_script_failure(resolver, "down._domainkey.example.org", DNS_TXT);
    return resolver;
}

TEST_VIRTUAL(rfc8463_appendix_a)
{
    struct arena arena = arena_make();
    struct resolver *resolver = published();
    struct dkim_verified_list list =
        verify_all(resolver, str_of(rfc8463_message), 1528637910, &arena);
    REQUIRE(list.count == 2);
    CHECK_INT(list.items[0].verdict.result, DKIM_PASS);
    CHECK_STR(list.items[0].algorithm, STR("ed25519-sha256"));
    CHECK_STR(list.items[0].domain, STR("football.example.com"));
    CHECK_STR(list.items[0].selector, STR("brisbane"));
    CHECK_STR(list.items[0].identity, STR("@football.example.com"));
    CHECK(str_starts(list.items[0].signature_text, STR("/gCrinpc")));
    CHECK_INT(list.items[1].verdict.result, DKIM_PASS);
    CHECK_STR(list.items[1].algorithm, STR("rsa-sha256"));
    CHECK_INT(list.items[1].key_bits, 1024);
    CHECK_INT(list.ignored, 0);
    arena_reset(&arena);
    resolver_free(resolver);
}

/* Ed25519 has one signature for a message and a key: we make the RFC's. */
TEST(rfc8463_appendix_a_is_signed_the_same)
{
    struct arena arena = arena_make();
    struct private_key *key = key_of(ED25519_PEM);
    struct field_index index;
    struct dkim_signature signature;
    struct header_digest digest;
    uint8_t bytes[DIGEST_LEN];
    field_index_init(&index, str_of(rfc8463_message), 100);
    const struct mail_field *field = &index.fields[0].field;
    struct dkim_verdict verdict = dkim_signature_parse(&arena, field->value, &signature);
    CHECK(dkim_is_good(verdict));
    header_digest_begin(&digest, CANONICAL_RELAXED);
    header_digest_add_picked(&digest, &index, signature.signed_names, field);
    header_digest_end(&digest, field->raw, signature.signature_raw, bytes);
    CHECK_STR(private_key_sign(&arena, key, bytes), signature.signature);
    field_index_done(&index);
    private_key_free(key);
    arena_reset(&arena);
}

TEST_VIRTUAL(rfc6376_appendix_a)
{
    struct arena arena = arena_make();
    struct resolver *resolver = published();
    struct dkim_verified_list list = verify_all(resolver, str_of(rfc6376_message), 0, &arena);
    REQUIRE(list.count == 1);
    CHECK_INT(list.items[0].verdict.result, DKIM_PASS);
    CHECK_STR(list.items[0].identity, STR("joe@football.example.com"));
    arena_reset(&arena);
    resolver_free(resolver);
}

/* ---- the steps of section 6.1, with signatures of our own making ---- */

#define HEADER                                                     \
    "Received: from a\r\nReceived: from b\r\nReceived: from c\r\n" \
    "From: joe@example.org\r\nTo: suzie@example.net\r\nSubject: x  y\r\n"
#define BODY "Hi.  You.\r\n\r\nJoe. \r\n\r\n"
#define TAGS "v=1; a=ed25519-sha256; d=example.org; "

static const struct row {
    const char *sentence;
    const char *tags;
    enum dkim_result result;
} rows[] = {
    {"simple/simple by default", TAGS "s=e; h=from:to", DKIM_PASS},
    {"relaxed/simple", TAGS "s=e; h=from:to; c=relaxed", DKIM_PASS},
    {"simple/relaxed", TAGS "s=e; h=from:to; c=simple/relaxed", DKIM_PASS},
    {"relaxed/relaxed", TAGS "s=e; h=from:to; c=relaxed/relaxed", DKIM_PASS},
    {"section 5.4.2: repeated fields from the bottom up", TAGS "s=e; h=received:received:from",
     DKIM_PASS},
    {"section 3.5: names of absent fields",
     TAGS "s=e; h=from:reply-to:cc:from:received:received:received:received", DKIM_PASS},
    {"names in any case", TAGS "s=e; h=FROM:sUBJECT", DKIM_PASS},
    {"the field itself cannot be signed", TAGS "s=e; h=from:dkim-signature:dkim-signature",
     DKIM_PASS},
    {"unknown tags are signed too", TAGS "s=e; h=from; foo=bar", DKIM_PASS},
    {"section 3.6.2.1: CNAMEs are followed", TAGS "s=alias; h=from", DKIM_PASS},
    {"names in the DNS in any case", "v=1; a=ed25519-sha256; d=EXAMPLE.org; s=E; h=from",
     DKIM_PASS},
    {"section 3.10: an identity below the domain", TAGS "s=e; h=from; i=x@a.example.org",
     DKIM_PASS},
    {"section 3.6.1: t=s forbids it", TAGS "s=exact; h=from; i=x@a.example.org", DKIM_PERMERROR},
    {"t=s with the domain itself", TAGS "s=exact; h=from; i=x@EXAMPLE.org", DKIM_PASS},
    {"t=s without an identity", TAGS "s=exact; h=from", DKIM_PASS},
    {"section 6.1.2 step 2: no answer", TAGS "s=down; h=from", DKIM_TEMPERROR},
    {"step 3: no key", TAGS "s=nothing; h=from", DKIM_PERMERROR},
    {"step 4: several records, one of them right", TAGS "s=several; h=from", DKIM_PASS},
    {"step 5: no key record", TAGS "s=spf; h=from", DKIM_PERMERROR},
    {"step 7: revoked", TAGS "s=gone; h=from", DKIM_PERMERROR},
    {"step 8: a key for another algorithm", TAGS "s=rsa; h=from", DKIM_PERMERROR},
    {"section 6.1.3 step 4: another key", TAGS "s=other; h=from", DKIM_FAIL},
    {"section 3.5: a body length for the whole body", TAGS "s=e; h=from; l=20", DKIM_PASS},
    {"section 8.2: a body length for less", TAGS "s=e; h=from; l=19", DKIM_POLICY},
    {"section 8.2: a body length of nothing", TAGS "s=e; h=from; l=0", DKIM_POLICY},
    {"section 3.5: a body length for more than there is", TAGS "s=e; h=from; l=21", DKIM_PERMERROR},
    {"not yet expired", TAGS "s=e; h=from; x=1000", DKIM_PASS},
    {"section 6.1.1: expired", TAGS "s=e; h=from; x=999", DKIM_POLICY},
    {"made in the future", TAGS "s=e; h=from; t=2000", DKIM_PASS},
    {"RFC 8301 section 3.1: rsa-sha1", "v=1; a=rsa-sha1; d=example.org; s=rsa; h=from",
     DKIM_PERMERROR},
    {"From is not signed", TAGS "s=e; h=to", DKIM_PERMERROR},
};

TEST_VIRTUAL(rfc6376_6_1_each_step)
{
    struct resolver *resolver = published();
    struct private_key *key = key_of(ED25519_PEM);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct str message = sign_as(&arena, key, "DKIM-Signature", rows[i].tags, HEADER, BODY);
        struct dkim_verified_list list = verify_all(resolver, message, 1000, &arena);
        CHECK_ROW(rows[i].sentence, list.count == 1);
        CHECK_ROW(rows[i].sentence, list.items[0].verdict.result == rows[i].result);
        CHECK_ROW(rows[i].sentence, (list.items[0].verdict.result == DKIM_PASS) !=
                                        (*list.items[0].verdict.reason != 0));
        arena_reset(&arena);
    }
    private_key_free(key);
    resolver_free(resolver);
}

/* ---- what happens to messages on their way ---- */

static const struct change {
    const char *sentence;
    const char *from; /* in the message */
    const char *to;
    bool simple_passes;
    bool relaxed_passes;
} changes[] = {
    {"nothing", "Joe.", "Joe.", true, true},
    {"a letter of the body", "Joe.", "Jim.", false, false},
    {"a letter of a signed field", "joe@", "jim@", false, false},
    {"a letter of a field that is not signed", "from a", "from z", true, true},
    {"blanks in the body", "Hi.  You.", "Hi. You.", false, true},
    {"a blank taken out of the body", "Hi.  You.", "Hi.You.", false, false},
    {"a blank at the end of a line", "Joe. \r\n", "Joe.\r\n", false, true},
    {"lines at the end", "Joe. \r\n", "Joe. \r\n\r\n\r\n", true, true},
    {"text at the end", "Joe. \r\n\r\n", "Joe. \r\n\r\nBuy!\r\n", false, false},
    {"blanks in a signed field", "Subject: x  y", "Subject:  x y ", false, true},
    {"a fold in a signed field", "Subject: x  y", "Subject: x\r\n y", false, true},
    {"the case of a name", "Subject:", "SUBJECT:", false, true},
    {"the case of a value", "Subject: x", "Subject: X", false, false},
    {"a second From at the bottom", "Subject:", "From: evil@example.net\r\nSubject:", false, false},
    {"a field that was signed as absent", "To:", "Cc: x@example.net\r\nTo:", false, false},
    {"a signed field taken out", "To: suzie@example.net\r\n", "", false, false},
    {"blanks in the signature itself", "v=1; ", "v=1;  ", false, true},
    {"a tag put into the signature", "v=1; ", "v=1; z=; ", false, false},
};

static struct str replaced(struct arena *arena, struct str text, struct str from, struct str to)
{
    size_t at = str_search(text, from);
    assert(at != SIZE_MAX);
    return arena_printf(arena, "%.*s%.*s%.*s", STR_FMT(str_first(text, at)), STR_FMT(to),
                        STR_FMT(str_from(text, at + from.len)));
}

static void check_change(const struct change *change, const char *canonicalization, bool passes)
{
    struct arena arena = arena_make();
    struct resolver *resolver = published();
    struct private_key *key = key_of(ED25519_PEM);
    struct str tags =
        arena_printf(&arena, TAGS "s=e; h=from:to:subject:cc; c=%s", canonicalization);
    struct str message = sign_as(&arena, key, "DKIM-Signature", tags.at, HEADER, BODY);
    message = replaced(&arena, message, str_of(change->from), str_of(change->to));
    struct dkim_verified_list list = verify_all(resolver, message, 0, &arena);
    CHECK_ROW(change->sentence, list.count == 1);
    CHECK_ROW(change->sentence, list.items[0].verdict.result == (passes ? DKIM_PASS : DKIM_FAIL));
    private_key_free(key);
    resolver_free(resolver);
    arena_reset(&arena);
}

TEST_VIRTUAL(rfc6376_6_1_3_changes_on_the_way)
{
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        check_change(&changes[i], "simple/simple", changes[i].simple_passes);
        check_change(&changes[i], "relaxed/relaxed", changes[i].relaxed_passes);
    }
}

TEST_VIRTUAL(rfc6376_8_15_a_second_from_is_never_passed)
{
    struct arena arena = arena_make();
    struct resolver *resolver = published();
    struct private_key *key = key_of(ED25519_PEM);
    struct str message = sign_as(&arena, key, "DKIM-Signature", TAGS "s=e; h=from", HEADER, BODY);
    message = arena_printf(&arena, "From: evil@example.net\r\n%.*s", STR_FMT(message));
    struct dkim_verified_list list = verify_all(resolver, message, 0, &arena);
    CHECK_INT(list.items[0].verdict.result, DKIM_POLICY);
    private_key_free(key);
    resolver_free(resolver);
    arena_reset(&arena);
}

TEST_VIRTUAL(rfc6376_4_every_signature_has_its_own_verdict)
{
    struct arena arena = arena_make();
    struct resolver *resolver = published();
    struct private_key *key = key_of(ED25519_PEM);
    struct str inner = sign_as(&arena, key, "DKIM-Signature", TAGS "s=e; h=from:to", HEADER, BODY);
    struct str header =
        arena_copy(&arena, str_first(inner, str_search(inner, STR("\r\n\r\n")) + 2));
    struct str outer = sign_as(&arena, key, "dkim-signature",
                               TAGS "s=tests; h=from:dkim-signature; c=relaxed", header.at, BODY);
    struct str message = arena_printf(&arena, "DKIM-Signature: rubbish\r\n%.*s", STR_FMT(outer));
    struct dkim_verified_list list = verify_all(resolver, message, 0, &arena);
    REQUIRE(list.count == 3);
    CHECK_INT(list.items[0].verdict.result, DKIM_NEUTRAL);
    CHECK_INT(list.items[1].verdict.result, DKIM_PASS);
    CHECK(list.items[1].is_testing);
    CHECK_INT(list.items[2].verdict.result, DKIM_PASS);
    CHECK(!list.items[2].is_testing);
    private_key_free(key);
    resolver_free(resolver);
    arena_reset(&arena);
}

TEST_VIRTUAL(a_message_without_signatures_has_no_verdicts)
{
    struct arena arena = arena_make();
    struct resolver *resolver = published();
    CHECK_INT(verify_all(resolver, STR(HEADER "\r\n" BODY), 0, &arena).count, 0);
    CHECK_INT(verify_all(resolver, STR(HEADER), 0, &arena).count, 0);
    CHECK_INT(verify_all(resolver, STR(""), 0, &arena).count, 0);
    CHECK_INT(verify_all(resolver, STR("\r\nDKIM-Signature: v=1\r\n"), 0, &arena).count, 0);
    resolver_free(resolver);
    arena_reset(&arena);
}

TEST_VIRTUAL(signatures_beyond_the_limit_are_counted_and_not_looked_at)
{
    struct arena arena = arena_make();
    struct resolver *resolver = published();
    struct buf message = buf_make(1 << 20);
    for (int i = 0; i < DKIM_SIGNATURES_MAX + 7; i++)
        CHECK(buf_add(&message, STR("DKIM-Signature: v=1\r\n")) == OK);
    CHECK(buf_add(&message, STR(HEADER "\r\n" BODY)) == OK);
    struct dkim_verified_list list = verify_all(resolver, buf_str(&message), 0, &arena);
    CHECK_INT(list.count, DKIM_SIGNATURES_MAX);
    CHECK_INT(list.ignored, 7);
    buf_free(&message);
    resolver_free(resolver);
    arena_reset(&arena);
}

TEST_VIRTUAL(a_key_is_asked_for_once)
{
    struct arena arena = arena_make();
    struct resolver *resolver = published();
    struct private_key *key = key_of(ED25519_PEM);
    struct str inner = sign_as(&arena, key, "DKIM-Signature", TAGS "s=e; h=from", HEADER, BODY);
    struct str header =
        arena_copy(&arena, str_first(inner, str_search(inner, STR("\r\n\r\n")) + 2));
    struct str message =
        sign_as(&arena, key, "DKIM-Signature", TAGS "s=E; h=from:to", header.at, BODY);
    resolver_script_delay(resolver, 100);
    uint64_t before = loop_now_ms();
    struct dkim_verified_list list = verify_all(resolver, message, 0, &arena);
    CHECK_INT(list.count, 2);
    CHECK_INT(list.items[1].verdict.result, DKIM_PASS);
    CHECK_INT(loop_now_ms() - before, 100);
    private_key_free(key);
    resolver_free(resolver);
    arena_reset(&arena);
}

TEST_VIRTUAL(a_dead_name_server_ends_in_temperror_at_the_deadline)
{
    struct arena arena = arena_make();
    struct resolver *resolver = published();
    struct private_key *key = key_of(ED25519_PEM);
    struct str message = sign_as(&arena, key, "DKIM-Signature", TAGS "s=e; h=from", HEADER, BODY);
    resolver_script_delay(resolver, 1000000);
    uint64_t before = loop_now_ms();
    struct dkim_verified_list list = verify_all(resolver, message, 0, &arena);
    CHECK_INT(list.items[0].verdict.result, DKIM_TEMPERROR);
    CHECK(loop_now_ms() - before <= 20000);
    private_key_free(key);
    resolver_free(resolver);
    arena_reset(&arena);
}

/* ---- hostile messages end, with a verdict ---- */

TEST_VIRTUAL(a_field_of_a_megabyte_is_verified)
{
    struct arena arena = arena_make();
    struct resolver *resolver = published();
    struct private_key *key = key_of(ED25519_PEM);
    struct buf header = buf_make(2 << 20);
    CHECK(buf_add(&header, STR(HEADER "X: ")) == OK);
    while (header.len < 1 << 20)
        CHECK(buf_add(&header, STR("all work and no play\r\n ")) == OK);
    CHECK(buf_add(&header, STR(".\r\n\0")) == OK);
    struct str message =
        sign_as(&arena, key, "DKIM-Signature", TAGS "s=e; h=from:x; c=relaxed", header.at, BODY);
    struct dkim_verified_list list = verify_all(resolver, message, 0, &arena);
    CHECK_INT(list.items[0].verdict.result, DKIM_PASS);
    buf_free(&header);
    private_key_free(key);
    resolver_free(resolver);
    arena_reset(&arena);
}

static void check_too_large(struct str line)
{
    struct arena arena = arena_make();
    struct resolver *resolver = published();
    struct private_key *key = key_of(ED25519_PEM);
    struct buf header = buf_make(8 << 20);
    CHECK(buf_add(&header, STR(HEADER)) == OK);
    for (size_t i = 0; i <= VERIFY_FIELDS_MAX; i++)
        CHECK(buf_add(&header, line) == OK);
    CHECK(buf_add_char(&header, '\0') == OK);
    struct str message =
        sign_as(&arena, key, "DKIM-Signature", TAGS "s=e; h=from; c=relaxed", header.at, BODY);
    struct dkim_verified_list list = verify_all(resolver, message, 0, &arena);
    CHECK_INT(list.count, 1);
    CHECK_INT(list.items[0].verdict.result, DKIM_POLICY);
    CHECK_STR(list.items[0].domain, STR("example.org"));
    buf_free(&header);
    private_key_free(key);
    resolver_free(resolver);
    arena_reset(&arena);
}

TEST_VIRTUAL(more_header_than_we_keep_passes_nothing)
{
    check_too_large(STR("X:\r\n"));
    check_too_large(
        STR("X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"));
}

TEST_VIRTUAL(thousands_of_names_and_thousands_of_fields_are_quick)
{
    struct arena arena = arena_make();
    struct resolver *resolver = published();
    struct private_key *key = key_of(ED25519_PEM);
    struct buf header = buf_make(1 << 20), tags = buf_make(1 << 20);
    CHECK(buf_add(&header, STR(HEADER)) == OK);
    CHECK(buf_add(&tags, STR(TAGS "s=e; c=relaxed; h=from")) == OK);
    for (int i = 0; i < 15000; i++) {
        CHECK(buf_printf(&header, "X%d: y\r\n", i % 3) == OK);
        CHECK(buf_printf(&tags, ":x%d:absent", i % 3) == OK);
    }
    CHECK(buf_add_char(&header, '\0') == OK && buf_add_char(&tags, '\0') == OK);
    struct str message = sign_as(&arena, key, "DKIM-Signature", tags.at, header.at, BODY);
    struct dkim_verified_list list = verify_all(resolver, message, 0, &arena);
    CHECK_INT(list.count, 1);
    buf_free(&header);
    buf_free(&tags);
    private_key_free(key);
    resolver_free(resolver);
    arena_reset(&arena);
}

TEST_VIRTUAL(every_defect_of_a_tag_list_ends_in_a_verdict)
{
    struct arena arena = arena_make();
    struct resolver *resolver = published();
    struct str whole = str_of(rfc8463_message);
    size_t field_len = str_search(whole, STR("DKIM-Signature: v=1; a=rsa"));
    for (size_t cut = 16; cut < field_len - 2; cut++) {
        struct str message = arena_printf(&arena, "%.*s\r\n%.*s", STR_FMT(str_first(whole, cut)),
                                          STR_FMT(str_from(whole, field_len)));
        struct dkim_verified_list list = verify_all(resolver, message, 0, &arena);
        CHECK(list.count >= 1 && list.items[0].verdict.result != DKIM_PASS);
    }
    resolver_free(resolver);
    arena_reset(&arena);
}

int main(void)
{
    RUN(rfc8463_appendix_a);
    RUN(rfc8463_appendix_a_is_signed_the_same);
    RUN(rfc6376_appendix_a);
    RUN(rfc6376_6_1_each_step);
    RUN(rfc6376_6_1_3_changes_on_the_way);
    RUN(rfc6376_8_15_a_second_from_is_never_passed);
    RUN(rfc6376_4_every_signature_has_its_own_verdict);
    RUN(a_message_without_signatures_has_no_verdicts);
    RUN(signatures_beyond_the_limit_are_counted_and_not_looked_at);
    RUN(a_key_is_asked_for_once);
    RUN(a_dead_name_server_ends_in_temperror_at_the_deadline);
    RUN(a_field_of_a_megabyte_is_verified);
    RUN(more_header_than_we_keep_passes_nothing);
    RUN(thousands_of_names_and_thousands_of_fields_are_quick);
    RUN(every_defect_of_a_tag_list_ends_in_a_verdict);
    return test_summary();
}
