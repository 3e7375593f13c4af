#include "verify/dkim_signature.h"

#include "test.h"
#include "verify/body_digest.h"

#define BH   "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; "
#define GOOD "v=1; a=rsa-sha256; d=example.org; s=sel; h=from:to; b=AAAA; "

static const struct row {
    const char *sentence;
    const char *value;
    enum dkim_result result; /* DKIM_PASS: nothing wrong */
} rows[] = {
    {"the least there must be", GOOD BH, DKIM_PASS},
    {"a value that is no list", "v=1; ;", DKIM_NEUTRAL},
    {"no value", "", DKIM_NEUTRAL},
    /* v= */
    {"no version", "a=rsa-sha256; d=example.org; s=sel; h=from; b=AAAA; " BH, DKIM_PERMERROR},
    {"another version", "v=2; a=rsa-sha256; d=example.org; s=s; h=from; b=AAAA; " BH, DKIM_NEUTRAL},
    {"version 0.5", "v=0.5; a=rsa-sha256; d=example.org; s=s; h=from; b=AAAA; " BH, DKIM_NEUTRAL},
    {"an empty version", "v=; a=rsa-sha256; d=example.org; s=s; h=from; b=AAAA; " BH, DKIM_NEUTRAL},
    {"the version may stand anywhere", "a=rsa-sha256; d=example.org; s=s; h=from; b=AAAA; v=1;" BH,
     DKIM_PASS},
    /* a= */
    {"ed25519", "v=1; a=ed25519-sha256; d=example.org; s=s; h=from; b=AAAA; " BH, DKIM_PASS},
    {"no algorithm", "v=1; d=example.org; s=s; h=from; b=AAAA; " BH, DKIM_PERMERROR},
    {"RFC 8301: rsa-sha1", "v=1; a=rsa-sha1; d=example.org; s=s; h=from; b=AAAA; " BH,
     DKIM_PERMERROR},
    {"section 3.3.4: an algorithm of the future",
     "v=1; a=dsa-sha3; d=example.org; s=s; h=from; b=AAAA; " BH, DKIM_NEUTRAL},
    {"section 3.2: values are case-sensitive",
     "v=1; a=RSA-SHA256; d=example.org; s=s; h=from; b=AAAA; " BH, DKIM_NEUTRAL},
    /* b=, bh= */
    {"no signature", "v=1; a=rsa-sha256; d=example.org; s=s; h=from; " BH, DKIM_PERMERROR},
    {"an empty signature", "v=1; a=rsa-sha256; d=example.org; s=s; h=from; b=; " BH, DKIM_NEUTRAL},
    {"a folded signature", "v=1; a=rsa-sha256; d=example.org; s=s; h=from; b=A A\r\n\tAA; " BH,
     DKIM_PASS},
    {"base64 with a hole", "v=1; a=rsa-sha256; d=example.org; s=s; h=from; b=AA-A; " BH,
     DKIM_NEUTRAL},
    {"base64 that is cut", "v=1; a=rsa-sha256; d=example.org; s=s; h=from; b=AAAAA; " BH,
     DKIM_NEUTRAL},
    {"base64 with padding inside", "v=1; a=rsa-sha256; d=example.org; s=s; h=from; b=AA==AAAA; " BH,
     DKIM_NEUTRAL},
    {"no body hash", GOOD, DKIM_PERMERROR},
    {"an empty body hash", GOOD "bh=;", DKIM_NEUTRAL},
    /* c= */
    {"one canonicalization", GOOD BH "c=relaxed", DKIM_PASS},
    {"both", GOOD BH "c=relaxed/relaxed", DKIM_PASS},
    {"an unknown one", GOOD BH "c=nowsp", DKIM_NEUTRAL},
    {"an unknown one for the body", GOOD BH "c=simple/nowsp", DKIM_NEUTRAL},
    {"three of them", GOOD BH "c=simple/simple/simple", DKIM_NEUTRAL},
    {"an empty one", GOOD BH "c=", DKIM_NEUTRAL},
    {"an empty one for the body", GOOD BH "c=simple/", DKIM_NEUTRAL},
    /* d=, s= */
    {"no domain", "v=1; a=rsa-sha256; s=s; h=from; b=AAAA; " BH, DKIM_PERMERROR},
    {"a domain of one label", "v=1; a=rsa-sha256; d=org; s=s; h=from; b=AAAA; " BH, DKIM_NEUTRAL},
    {"a domain with a dot at its end",
     "v=1; a=rsa-sha256; d=example.org.; s=s; h=from; b=AAAA; " BH, DKIM_NEUTRAL},
    {"a domain with an empty label", "v=1; a=rsa-sha256; d=a..org; s=s; h=from; b=AAAA; " BH,
     DKIM_NEUTRAL},
    {"an address for a domain", "v=1; a=rsa-sha256; d=a@b.org; s=s; h=from; b=AAAA; " BH,
     DKIM_NEUTRAL},
    {"a domain literal", "v=1; a=rsa-sha256; d=[192.0.2.1]; s=s; h=from; b=AAAA; " BH,
     DKIM_NEUTRAL},
    {"RFC 8616: U-labels",
     "v=1; a=rsa-sha256; d=b\xc3\xbc"
     "cher.org; s=s; h=from; b=AAAA; " BH,
     DKIM_PASS},
    {"8-bit bytes that are no UTF-8",
     "v=1; a=rsa-sha256; d=b\xfc"
     "cher.org; s=s; h=from; b=AAAA; " BH,
     DKIM_NEUTRAL},
    {"no selector", "v=1; a=rsa-sha256; d=example.org; h=from; b=AAAA; " BH, DKIM_PERMERROR},
    {"an empty selector", "v=1; a=rsa-sha256; d=example.org; s=; h=from; b=AAAA; " BH,
     DKIM_NEUTRAL},
    {"section 3.1: a selector of several labels",
     "v=1; a=rsa-sha256; d=example.org; s=foo.bar; h=from; b=AAAA; " BH, DKIM_PASS},
    {"a selector with an underscore",
     "v=1; a=rsa-sha256; d=example.org; s=a_b; h=from; b=AAAA; " BH, DKIM_PASS},
    {"a selector with a backslash",
     "v=1; a=rsa-sha256; d=example.org; s=a\\.b; h=from; b=AAAA; " BH, DKIM_NEUTRAL},
    /* h= */
    {"no list of fields", "v=1; a=rsa-sha256; d=example.org; s=s; b=AAAA; " BH, DKIM_PERMERROR},
    {"an empty list of fields", "v=1; a=rsa-sha256; d=example.org; s=s; h=; b=AAAA; " BH,
     DKIM_PERMERROR},
    {"an empty name in the list", "v=1; a=rsa-sha256; d=example.org; s=s; h=from::to; b=AAAA; " BH,
     DKIM_PASS},
    {"a name with a blank", "v=1; a=rsa-sha256; d=example.org; s=s; h=from to; b=AAAA; " BH,
     DKIM_NEUTRAL},
    {"white space around colons",
     "v=1; a=rsa-sha256; d=example.org; s=s; h=To :\r\n FROM; b=AAAA; " BH, DKIM_PASS},
    {"section 5.4: From is not signed", "v=1; a=rsa-sha256; d=example.org; s=s; h=to; b=AAAA; " BH,
     DKIM_PERMERROR},
    /* i= */
    {"the domain's own identity", GOOD BH "i=@example.org", DKIM_PASS},
    {"a user", GOOD BH "i=joe@EXAMPLE.org", DKIM_PASS},
    {"section 3.10: a subdomain", GOOD BH "i=joe@a.b.example.org", DKIM_PASS},
    {"section 6.1.1: another domain", GOOD BH "i=joe@example.net", DKIM_PERMERROR},
    {"a parent", GOOD BH "i=@org", DKIM_NEUTRAL},
    {"a domain that only ends alike", GOOD BH "i=@notexample.org", DKIM_PERMERROR},
    {"a quoted local part with an at sign", GOOD BH "i=\"a@example.net\"@example.org", DKIM_PASS},
    {"no at sign", GOOD BH "i=example.org", DKIM_NEUTRAL},
    {"an empty identity", GOOD BH "i=", DKIM_NEUTRAL},
    {"quoted-printable in the local part", GOOD BH "i=a=3Bb@example.org", DKIM_PASS},
    {"an at sign in quoted-printable", GOOD BH "i=a=40example.org", DKIM_PASS},
    {"an equals sign in the local part", GOOD BH "i=b+a=b@example.org", DKIM_PASS},
    /* l= */
    {"a body length", GOOD BH "l=10", DKIM_PASS},
    {"of zero", GOOD BH "l=0", DKIM_PASS},
    {"of 76 digits",
     GOOD BH "l=9999999999999999999999999999999999999999999999999999999999999999999999999999",
     DKIM_PASS},
    {"of 77 digits",
     GOOD BH "l=99999999999999999999999999999999999999999999999999999999999999999999999999999",
     DKIM_NEUTRAL},
    {"negative", GOOD BH "l=-1", DKIM_NEUTRAL},
    {"empty", GOOD BH "l=", DKIM_NEUTRAL},
    /* q= */
    {"the query method", GOOD BH "q=dns/txt", DKIM_PASS},
    {"among others", GOOD BH "q=http/x : dns/txt", DKIM_PASS},
    {"only unknown ones", GOOD BH "q=http", DKIM_NEUTRAL},
    {"without its option", GOOD BH "q=dns", DKIM_NEUTRAL},
    /* t=, x= */
    {"times", GOOD BH "t=1; x=2", DKIM_PASS},
    {"it expires when it is made", GOOD BH "t=2; x=2", DKIM_NEUTRAL},
    {"it expires before it is made", GOOD BH "t=3; x=2", DKIM_NEUTRAL},
    {"times without end", GOOD BH "t=1; x=99999999999999999999999", DKIM_PASS},
    {"no number", GOOD BH "t=now", DKIM_NEUTRAL},
    {"an expiry of no digits", GOOD BH "x=", DKIM_NEUTRAL},
    {"a fraction", GOOD BH "x=1.5", DKIM_NEUTRAL},
    /* others */
    {"z= is not looked at", GOOD BH "z=From:a@b|To:c", DKIM_PASS},
    {"section 3.2: unknown tags", GOOD BH "foo=bar; Z=9", DKIM_PASS},
    {"section 3.2: a tag given twice", GOOD BH "s=sel", DKIM_NEUTRAL},
};

TEST(rfc6376_3_5_and_6_1_1_the_field_is_validated)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct dkim_signature signature;
        struct dkim_verdict verdict =
            dkim_signature_parse(&arena, str_of(rows[i].value), &signature);
        CHECK_ROW(rows[i].sentence, verdict.result == rows[i].result);
        CHECK_ROW(rows[i].sentence, dkim_is_good(verdict) == (*verdict.reason == '\0'));
        arena_reset(&arena);
    }
}

TEST(rfc6376_3_5_what_the_tags_say)
{
    struct arena arena = arena_make();
    struct dkim_signature signature;
    struct dkim_verdict verdict = dkim_signature_parse(
        &arena,
        STR(" v=1; a=rsa-sha256; d=example.net; s=brisbane;\r\n"
            "      c=relaxed; q=dns/txt; i=@eng.example.net;\r\n"
            "      t=1117574938; x=1118006938; l=17;\r\n"
            "      h=from:to:subject:date;\r\n"
            "      z=From:foo@eng.example.net|To:joe@example.com|\r\n"
            "       Subject:demo=20run|Date:July=205,=202005=203:44:08=20PM=20-0700;\r\n"
            "      bh=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=;\r\n"
            "      b=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZ\r\n"
            "       VoG4ZHRNiYzR"),
        &signature);
    CHECK_INT(verdict.result, DKIM_PASS);
    CHECK_STR(signature.domain, STR("example.net"));
    CHECK_STR(signature.selector, STR("brisbane"));
    CHECK_STR(signature.identity, STR("@eng.example.net"));
    CHECK_STR(signature.identity_domain, STR("eng.example.net"));
    CHECK_STR(signature.body_hash, STR("12345678901234567890123456789012"));
    CHECK_INT(signature.signature.len, 48);
    CHECK_STR(signature.signature_text,
              STR("dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR"));
    CHECK_INT(signature.header_canonicalization, CANONICAL_RELAXED);
    CHECK_INT(signature.body_canonicalization, CANONICAL_SIMPLE);
    CHECK_INT(signature.time_s, 1117574938);
    CHECK_INT(signature.expires_s, 1118006938);
    CHECK_INT(signature.body_length, 17);
    CHECK(signature.has_body_length);
    arena_reset(&arena);
}

TEST(rfc6376_3_5_defaults)
{
    struct arena arena = arena_make();
    struct dkim_signature signature;
    CHECK(dkim_is_good(dkim_signature_parse(&arena, STR(GOOD BH), &signature)));
    CHECK_STR(signature.identity, STR("@example.org"));
    CHECK_STR(signature.identity_domain, STR("example.org"));
    CHECK_INT(signature.header_canonicalization, CANONICAL_SIMPLE);
    CHECK_INT(signature.body_canonicalization, CANONICAL_SIMPLE);
    CHECK(signature.body_length == BODY_LENGTH_WHOLE && !signature.has_body_length);
    CHECK(signature.expires_s == UINT64_MAX && !signature.has_time);
    arena_reset(&arena);
}

TEST(what_can_be_read_of_a_bad_signature_is_read)
{
    struct arena arena = arena_make();
    struct dkim_signature signature;
    struct dkim_verdict verdict =
        dkim_signature_parse(&arena, STR("v=9; a=rsa-sha1; d=example.org; s=sel; b=?"), &signature);
    CHECK_INT(verdict.result, DKIM_NEUTRAL);
    CHECK_STR(signature.domain, STR("example.org"));
    CHECK_STR(signature.selector, STR("sel"));
    CHECK_STR(signature.algorithm_text, STR("rsa-sha1"));
    arena_reset(&arena);
}

TEST(rfc8616_5_names_are_asked_for_in_ascii)
{
    struct arena arena = arena_make();
    struct dkim_signature signature;
    CHECK(dkim_is_good(dkim_signature_parse(&arena,
                                            STR("v=1; a=rsa-sha256; d=b\xc3\xbc"
                                                "cher.org; i=@x.b\xc3\xbc"
                                                "cher.org; s=s; h=from; "
                                                "b=AAAA; " BH),
                                            &signature)));
    CHECK_STR(signature.domain, STR("xn--bcher-kva.org"));
    CHECK_STR(signature.identity_domain, STR("x.xn--bcher-kva.org"));
    arena_reset(&arena);
}

static const struct seal_row {
    const char *sentence;
    enum signature_kind kind;
    const char *value;
    bool is_good;
} seal_rows[] = {
    {"a seal", SIGNATURE_ARC_SEAL, "i=1; a=rsa-sha256; cv=none; d=a.org; s=s; b=AAAA", true},
    {"a seal with h=", SIGNATURE_ARC_SEAL,
     "i=1; a=rsa-sha256; cv=none; d=a.org; s=s; b=AAAA; h=from", false},
    {"a seal without d=", SIGNATURE_ARC_SEAL, "i=1; a=rsa-sha256; cv=none; s=s; b=AAAA", false},
    {"a message signature, without v=", SIGNATURE_ARC_MESSAGE,
     "i=1; a=rsa-sha256; d=a.org; s=s; h=from; b=AAAA; " BH, true},
    {"v= says nothing there", SIGNATURE_ARC_MESSAGE,
     "v=7; i=1; a=rsa-sha256; d=a.org; s=s; h=from; b=AAAA; " BH, true},
    {"a message signature over a seal", SIGNATURE_ARC_MESSAGE,
     "i=1; a=rsa-sha256; d=a.org; s=s; h=from:ARC-Seal; b=AAAA; " BH, false},
    {"over other fields of ARC", SIGNATURE_ARC_MESSAGE,
     "i=1; a=rsa-sha256; d=a.org; s=s; h=from:arc-authentication-results; b=AAAA; " BH, true},
    {"a message signature without h=", SIGNATURE_ARC_MESSAGE,
     "i=1; a=rsa-sha256; d=a.org; s=s; b=AAAA; " BH, false},
};

TEST(rfc8617_4_1_the_same_tags_in_arc)
{
    for (size_t i = 0; i < ARRAY_LEN(seal_rows); i++) {
        struct arena arena = arena_make();
        struct tag_list tags;
        struct dkim_signature signature;
        CHECK(tag_list_parse(str_of(seal_rows[i].value), &tags) == OK);
        struct dkim_verdict verdict =
            dkim_signature_read(&arena, &tags, seal_rows[i].kind, &signature);
        CHECK_ROW(seal_rows[i].sentence, dkim_is_good(verdict) == seal_rows[i].is_good);
        arena_reset(&arena);
    }
}

int main(void)
{
    RUN(rfc6376_3_5_and_6_1_1_the_field_is_validated);
    RUN(rfc6376_3_5_what_the_tags_say);
    RUN(rfc6376_3_5_defaults);
    RUN(what_can_be_read_of_a_bad_signature_is_read);
    RUN(rfc8616_5_names_are_asked_for_in_ascii);
    RUN(rfc8617_4_1_the_same_tags_in_arc);
    return test_summary();
}
