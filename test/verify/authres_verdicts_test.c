#include "verify/authres_verdicts.h"

#include "test.h"

/* The result as it is printed, on one line, behind "x;". */
static void check_result(struct authres_result result, const char *want)
{
    struct arena arena = arena_make();
    struct buf buf = buf_make(4096);
    CHECK(authres_print_payload(&buf, STR("x"), &result, 1, 0) == OK);
    struct str line = mail_field_unfold(&arena, buf_str(&buf));
    char *text = arena_alloc(&arena, line.len);
    for (size_t i = 0; i < line.len; i++)
        text[i] = line.at[i] == '\t' ? ' ' : line.at[i];
    CHECK_STR(str_make(text, line.len), arena_printf(&arena, "x; %s", want));
    buf_free(&buf);
    arena_reset(&arena);
}

static struct dkim_verified signature_of(enum dkim_result result, const char *reason)
{
    return (struct dkim_verified){
        .verdict = {result, reason},
        .domain = STR("example.org"),
        .selector = STR("s1"),
        .algorithm = STR("rsa-sha256"),
        .signature_text = STR("AAAABBBBCCCC"),
        .key_bits = 2048,
    };
}

TEST(rfc8601_2_7_1_and_rfc6008_dkim)
{
    struct arena arena = arena_make();
    struct dkim_verified signature = signature_of(DKIM_PASS, "");
    check_result(authres_of_dkim(&arena, &signature),
                 "dkim=pass (2048-bit key) header.d=example.org header.s=s1"
                 " header.a=rsa-sha256 header.b=AAAABBBB");
    signature.is_testing = true;
    signature.signature_text = STR("AA==");
    check_result(authres_of_dkim(&arena, &signature),
                 "dkim=pass (2048-bit key, testing) header.d=example.org header.s=s1"
                 " header.a=rsa-sha256 header.b=\"AA==\"");
    check_result(authres_of_no_dkim(), "dkim=none");
    arena_reset(&arena);
}

/* What cannot be read of a signature is not shown. */
TEST(rfc8601_2_7_1_every_result_has_its_keyword)
{
    static const struct {
        enum dkim_result result;
        const char *want;
    } rows[] = {
        {DKIM_FAIL, "dkim=fail reason=\"why\""},
        {DKIM_POLICY, "dkim=policy reason=\"why\""},
        {DKIM_NEUTRAL, "dkim=neutral reason=\"why\""},
        {DKIM_TEMPERROR, "dkim=temperror reason=\"why\""},
        {DKIM_PERMERROR, "dkim=permerror reason=\"why\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct dkim_verified signature = {.verdict = {rows[i].result, "why"}};
        check_result(authres_of_dkim(&arena, &signature), rows[i].want);
        arena_reset(&arena);
    }
}

TEST(rfc8601_2_7_2_spf)
{
    struct spf_query query = {.sender = STR("joe@example.org"), .helo = STR("mail.example.org")};
    struct spf_answer answer = {
        .result = SPF_RESULT_SOFTFAIL, .domain = STR("example.org"), .reason = STR("~all")};
    check_result(authres_of_spf(&query, &answer),
                 "spf=softfail reason=\"~all\" smtp.mailfrom=joe@example.org");
    query.sender = STR_EMPTY;
    answer = (struct spf_answer){.result = SPF_RESULT_NONE,
                                 .is_helo = true,
                                 .domain = STR("mail.example.org"),
                                 .reason = STR_EMPTY};
    check_result(authres_of_spf(&query, &answer), "spf=none smtp.helo=mail.example.org");
}

TEST(rfc8601_2_7_3_iprev)
{
    struct arena arena = arena_make();
    struct net_address client;
    CHECK(net_address_parse_ip(STR("192.0.2.1"), &client) == OK);
    check_result(authres_of_iprev(&arena, IPREV_PASS, &client, STR("mail.example.org")),
                 "iprev=pass (mail.example.org) policy.iprev=192.0.2.1");
    check_result(authres_of_iprev(&arena, IPREV_PERMERROR, &client, STR_EMPTY),
                 "iprev=permerror policy.iprev=192.0.2.1");
    CHECK(net_address_parse_ip(STR("2001:db8::1"), &client) == OK);
    check_result(authres_of_iprev(&arena, IPREV_FAIL, &client, STR_EMPTY),
                 "iprev=fail policy.iprev=\"2001:db8::1\"");
    arena_reset(&arena);
}

TEST(rfc9989_9_dmarc)
{
    struct arena arena = arena_make();
    struct dmarc_answer answer = {.result = DMARC_RESULT_FAIL,
                                  .policy = DMARC_POLICY_REJECT,
                                  .disposition = DMARC_POLICY_QUARANTINE,
                                  .author_domain = STR("example.org"),
                                  .record_domain = STR("example.org"),
                                  .reason = STR_EMPTY};
    check_result(authres_of_dmarc(&arena, &answer),
                 "dmarc=fail (p=reject dis=quarantine) header.from=example.org");
    answer = (struct dmarc_answer){.result = DMARC_RESULT_PERMERROR,
                                   .policy = DMARC_POLICY_NONE,
                                   .disposition = DMARC_POLICY_NONE,
                                   .author_domain = STR_EMPTY,
                                   .record_domain = STR_EMPTY,
                                   .reason = STR("no From")};
    check_result(authres_of_dmarc(&arena, &answer), "dmarc=permerror reason=\"no From\"");
    arena_reset(&arena);
}

int main(void)
{
    RUN(rfc8601_2_7_1_and_rfc6008_dkim);
    RUN(rfc8601_2_7_1_every_result_has_its_keyword);
    RUN(rfc8601_2_7_2_spf);
    RUN(rfc8601_2_7_3_iprev);
    RUN(rfc9989_9_dmarc);
    return test_summary();
}
