#include "verify/judgement.h"

#include "zone.h"

static const struct zone_row zone[] = {
    {"1.2.0.192.in-addr.arpa", DNS_PTR, "mail.example.org"},
    {"mail.example.org", DNS_A, "192.0.2.1"},
    {"example.org", DNS_TXT, "v=spf1 mx a:mail.example.org -all"},
    {"_dmarc.example.org", DNS_TXT, "v=DMARC1; p=quarantine"},
    {"s._domainkey.example.org", DNS_TXT, NULL},
};

static const char message[] = "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=from;\r\n"
                              " bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA\r\n"
                              "From: Alice <alice@example.org>\r\nSubject: x\r\n\r\n";

struct bench {
    struct arena arena;
    struct resolver *resolver;
    struct judgement *judgement;
};

static void begin(struct bench *bench, const char *sender)
{
    struct spf_query query = {.helo = STR("mail.example.org"), .sender = str_of(sender)};
    CHECK_INT(net_address_parse_ip(STR("192.0.2.1"), &query.client), OK);
    bench->arena = arena_make();
    bench->resolver = zone_resolver(zone, ARRAY_LEN(zone));
    bench->judgement = judgement_new(bench->resolver, &query, &bench->arena);
}

static void end(struct bench *bench)
{
    judgement_free(bench->judgement);
    resolver_free(bench->resolver);
    arena_reset(&bench->arena);
}

TEST_VIRTUAL(all_methods_stand_in_one_field_in_their_order)
{
    struct bench bench;
    begin(&bench, "alice@example.org");
    judgement_add(bench.judgement, str_of(message));
    CHECK_INT(judgement_finish(bench.judgement, soon()), OK);
    CHECK_STR(judgement_print_results(bench.judgement, STR("mx.example.net")),
              STR("mx.example.net;\r\n"
                  "\tiprev=pass (mail.example.org) policy.iprev=192.0.2.1;\r\n"
                  "\tspf=pass reason=\"a:mail.example.org of example.org matches\"\r\n"
                  "\tsmtp.mailfrom=alice@example.org;\r\n"
                  "\tdkim=temperror reason=\"the key could not be looked up\"\r\n"
                  "\theader.d=example.org header.s=s header.a=rsa-sha256 header.b=AAAA;\r\n"
                  "\tdmarc=pass (p=quarantine dis=none)\r\n"
                  "\treason=\"SPF vouches for example.org\" header.from=example.org;\r\n"
                  "\tarc=none"));
    end(&bench);
}

TEST_VIRTUAL(the_same_is_told_in_plain_words)
{
    struct bench bench;
    begin(&bench, "");
    judgement_add(bench.judgement, str_of(message));
    CHECK_INT(judgement_finish(bench.judgement, soon()), OK);
    CHECK_STR(judgement_tell(bench.judgement),
              STR("iprev pass: 192.0.2.1 is mail.example.org\n"
                  "SPF none for the HELO name mail.example.org: mail.example.org has no SPF record "
                  "(0 look-ups, 0 void)\n"
                  "DKIM temperror for example.org, selector s, rsa-sha256: the key could not be "
                  "looked up\n"
                  "DMARC temperror: the DNS gave no answer that the result depends on "
                  "(p=quarantine, published at example.org)"));
    end(&bench);
}

/* In any pieces, and with nothing at all: whatever is left behind is the sanitizer's to find. */
TEST_VIRTUAL(it_may_end_at_any_time)
{
    for (size_t len = 0; len <= sizeof message; len += 20) {
        struct bench bench;
        begin(&bench, "alice@example.org");
        resolver_script_delay(bench.resolver, 1000);
        for (size_t at = 0; at < len; at += 7)
            judgement_add(bench.judgement,
                          str_first(str_from(str_first(str_of(message), len), at), 7));
        CHECK_INT(fiber_sleep_until(loop_now_ms() + 500), OK);
        end(&bench);
    }
}

/* No answer is a temporary error, of each that needed one, by the deadline. */
TEST_VIRTUAL(silence_is_a_temporary_error)
{
    struct bench bench;
    begin(&bench, "alice@example.org");
    resolver_script_delay(bench.resolver, 3600 * 1000);
    judgement_add(bench.judgement, str_of(message));
    uint64_t deadline_ms = loop_now_ms() + 20000;
    CHECK_INT(judgement_finish(bench.judgement, deadline_ms), OK);
    CHECK(loop_now_ms() <= deadline_ms);
    CHECK_INT(bench.judgement->iprev, IPREV_TEMPERROR);
    CHECK_INT(bench.judgement->spf.result, SPF_RESULT_TEMPERROR);
    CHECK_INT(bench.judgement->dmarc.result, DMARC_RESULT_TEMPERROR);
    REQUIRE(bench.judgement->dkim.count == 1);
    CHECK_INT(bench.judgement->dkim.items[0].verdict.result, DKIM_TEMPERROR);
    end(&bench);
}

int main(void)
{
    RUN(all_methods_stand_in_one_field_in_their_order);
    RUN(the_same_is_told_in_plain_words);
    RUN(it_may_end_at_any_time);
    RUN(silence_is_a_temporary_error);
    return test_summary();
}
