#include "verify/dmarc.h"

#include "verify/dmarc_walk.h"
#include "verify/zone.h"

static const struct zone_row zone[] = {
    {"_dmarc.example.com", DNS_TXT, "v=DMARC1; p=reject; sp=quarantine; np=reject"},
    {"_dmarc.example.com", DNS_TXT, "another text"},
    {"mail.example.com", DNS_A, "192.0.2.1"},
    {"_dmarc.news.example.com", DNS_TXT, "v=DMARC1; p=none"},
    {"_dmarc.strict.example", DNS_TXT, "v=DMARC1; p=reject; adkim=s; aspf=s"},
    {"_dmarc.testing.example", DNS_TXT, "v=DMARC1; p=reject; sp=quarantine; t=y"},
    {"a.testing.example", DNS_A, "192.0.2.1"},
    {"_dmarc.two.example", DNS_TXT, "v=DMARC1; p=reject"},
    {"_dmarc.two.example", DNS_TXT, "v=DMARC1; p=none"},
    {"_dmarc.invalid.example", DNS_TXT, "v=DMARC1; p=never"},
    {"_dmarc.reported.example", DNS_TXT, "v=DMARC1; p=never; rua=mailto:a@reported.example"},
    {"_dmarc.down.example", DNS_TXT, NULL},
    {"_dmarc.own.halfdown.example", DNS_TXT, "v=DMARC1; p=reject"},
    {"_dmarc.halfdown.example", DNS_TXT, NULL},
    {"_dmarc.below.silent", DNS_TXT, "v=DMARC1; p=reject"},
    {"_dmarc.silent", DNS_TXT, NULL},
    {"_dmarc.xn--bcher-kva.example", DNS_TXT, "v=DMARC1; p=reject"},
    /* A public suffix with a policy, and what lies below it. */
    {"_dmarc.suffix", DNS_TXT, "v=DMARC1; p=none; sp=quarantine; np=reject; psd=y"},
    {"mail.plain.suffix", DNS_A, "192.0.2.1"},
    {"plain.suffix", DNS_A, "192.0.2.1"},
    {"_dmarc.org.suffix", DNS_TXT, "v=DMARC1; p=quarantine"},
    {"x.org.suffix", DNS_A, "192.0.2.1"},
    /* A department that is an organization of its own. */
    {"_dmarc.bank.example", DNS_TXT, "v=DMARC1; p=reject; psd=y"},
    {"_dmarc.giant.bank.example", DNS_TXT, "v=DMARC1; p=quarantine"},
    {"_dmarc.nothing.test", DNS_TXT, "v=DMARC1; sp=reject; np=reject"},
    {"_dmarc.big.test", DNS_TXT, "v=DMARC1; p=reject"},
    {"_dmarc.dept.big.test", DNS_TXT, "v=DMARC1; p=none; psd=n"},
};

/* ---- The walk ---- */

static struct dmarc_walk walk_from(struct resolver *resolver, struct arena *arena,
                                   const char *domain)
{
    struct dmarc_walk walk;
    dmarc_walk_begin(resolver, str_of(domain), soon(), arena, &walk);
    dmarc_walk_finish(&walk);
    return walk;
}

/* A zone in which every name above the deepest is marked by a record, to see which are asked for.
 */
TEST_VIRTUAL(section_4_10_eight_look_ups_at_most)
{
    static const char *const marked[] = {
        "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "_dmarc.b.c.d.e.f.g.h.i.j.mail.example.com",
        "_dmarc.f.g.h.i.j.mail.example.com",
        "_dmarc.g.h.i.j.mail.example.com",
        "_dmarc.h.i.j.mail.example.com",
        "_dmarc.i.j.mail.example.com",
        "_dmarc.j.mail.example.com",
        "_dmarc.mail.example.com",
        "_dmarc.example.com",
        "_dmarc.com",
    };
    static const char *const asked[] = {
        "a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "g.h.i.j.mail.example.com",
        "h.i.j.mail.example.com",
        "i.j.mail.example.com",
        "j.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    };
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_scripted_new();
    for (size_t i = 0; i < ARRAY_LEN(marked); i++)
        resolver_script(resolver, marked[i], DNS_TXT, "v=DMARC1");
    struct dmarc_walk walk = walk_from(resolver, &arena, asked[0]);
    REQUIRE(walk.count == ARRAY_LEN(asked));
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        CHECK_STR(walk.steps[i].domain, str_of(asked[i]));
    walk = walk_from(resolver, &arena, "1.2.3.i.j.mail.example.com");
    CHECK_INT(walk.count, 5);
    arena_reset(&arena);
    resolver_free(resolver);
}

static void check_organization(const struct zone_row *rows, size_t count, const char *domain,
                               const char *want)
{
    struct arena arena = arena_make();
    struct resolver *resolver = zone_resolver(rows, count);
    struct dmarc_walk walk = walk_from(resolver, &arena, domain);
    CHECK_STR(dmarc_walk_organization(&walk), str_of(want));
    arena_reset(&arena);
    resolver_free(resolver);
}

/* The RFC's own. */
TEST_VIRTUAL(section_4_10_2_examples)
{
    static const struct zone_row both[] = {
        {"_dmarc.mail.example.com", DNS_TXT, "v=DMARC1; p=none"},
        {"_dmarc.example.com", DNS_TXT, "v=DMARC1; p=none"},
    };
    static const struct zone_row own[] = {
        {"_dmarc.mail.example.com", DNS_TXT, "v=DMARC1; p=none; psd=n"},
        {"_dmarc.example.com", DNS_TXT, "v=DMARC1; p=none"},
    };
    static const struct zone_row suffix[] = {
        {"_dmarc.com", DNS_TXT, "v=DMARC1; p=none; psd=y"},
    };
    static const struct zone_row low_suffix[] = {
        {"_dmarc.example.com", DNS_TXT, "v=DMARC1; p=none; psd=y"},
        {"_dmarc.com", DNS_TXT, "v=DMARC1; p=none"},
    };
    check_organization(both, ARRAY_LEN(both), "a.mail.example.com", "example.com");
    check_organization(own, ARRAY_LEN(own), "a.mail.example.com", "mail.example.com");
    check_organization(suffix, ARRAY_LEN(suffix), "a.mail.example.com", "example.com");
    check_organization(low_suffix, ARRAY_LEN(low_suffix), "a.mail.example.com", "mail.example.com");
    check_organization(low_suffix, ARRAY_LEN(low_suffix), "example.com", "example.com");
    check_organization(NULL, 0, "a.mail.example.com", "a.mail.example.com");
}

/* Section 5.1.7: a cut that the short way does not see. */
TEST_VIRTUAL(section_5_1_a_deep_cut_is_not_found)
{
    static const struct zone_row rows[] = {
        {"_dmarc.example.com", DNS_TXT, "v=DMARC1; p=none"},
        {"_dmarc.b.c.d.e.f.g.example.com", DNS_TXT, "v=DMARC1; p=reject; psd=n"},
    };
    check_organization(rows, ARRAY_LEN(rows), "mail.a.b.c.d.e.f.g.example.com", "example.com");
}

/* ---- Verdicts ---- */

struct verdict_row {
    const char *row, *from;
    const char *spf, *dkim; /* domains that are vouched for, "?" in front: a temporary error */
    const char *want;       /* "result policy disposition record-domain" */
};

static size_t add_identifier(struct dmarc_identifier *identifiers, size_t count,
                             enum dmarc_method method, const char *domain)
{
    if (!domain)
        return count;
    bool is_temporary = *domain == '?';
    identifiers[count] =
        (struct dmarc_identifier){method, str_of(domain + is_temporary), is_temporary};
    return count + 1;
}

static struct dmarc_answer check_row(struct resolver *resolver, struct arena *arena,
                                     const struct verdict_row *row, const char *second_field)
{
    struct dmarc_identifier identifiers[2];
    struct dmarc_authors authors = dmarc_authors_make();
    struct dmarc_answer answer;
    size_t count = add_identifier(identifiers, 0, DMARC_BY_SPF, row->spf);
    count = add_identifier(identifiers, count, DMARC_BY_DKIM, row->dkim);
    if (row->from)
        dmarc_authors_add(&authors, arena, str_of(row->from));
    if (second_field)
        dmarc_authors_add(&authors, arena, str_of(second_field));
    struct dmarc_query query = {&authors, identifiers, count};
    dmarc_check(resolver, &query, soon(), arena, &answer);
    return answer;
}

static void check_verdict(const struct verdict_row *row, const char *second_field)
{
    struct arena arena = arena_make();
    struct resolver *resolver = zone_resolver(zone, ARRAY_LEN(zone));
    struct dmarc_answer answer = check_row(resolver, &arena, row, second_field);
    struct str result = dmarc_result_text(answer.result);
    struct str got = arena_printf(
        &arena, "%.*s %.*s %.*s %.*s", STR_FMT(result), STR_FMT(dmarc_policy_text(answer.policy)),
        STR_FMT(dmarc_policy_text(answer.disposition)), STR_FMT(answer.record_domain));
    if (!str_eq(got, str_of(row->want)))
        printf("# got %.*s (%.*s)\n", STR_FMT(got), STR_FMT(answer.reason));
    CHECK_ROW(row->row, str_eq(got, str_of(row->want)));
    CHECK_ROW(row->row, answer.reason.len > 0);
    arena_reset(&arena);
    resolver_free(resolver);
}

static void check_verdicts(const struct verdict_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_verdict(&rows[i], NULL);
}

/* The table of section 4.4, and what follows from it. */
TEST_VIRTUAL(section_4_4_alignment)
{
    static const struct verdict_row rows[] = {
        {"identical", "a@news.example.com", NULL, "news.example.com",
         "pass none none news.example.com"},
        {"relaxed: the same organization", "a@news.example.com", NULL, "foo.example.com",
         "pass none none news.example.com"},
        {"relaxed: the organization itself", "a@news.example.com", "example.com", NULL,
         "pass none none news.example.com"},
        {"relaxed: from below", "a@example.com", "Bounce.Mail.Example.COM", NULL,
         "pass reject none example.com"},
        {"another organization", "a@news.example.com", "foo.example.net", "foo.example.net",
         "fail none none news.example.com"},
        {"the end of a label is no label", "a@example.com", "anexample.com", NULL,
         "fail reject reject example.com"},
        {"strict: identical", "a@strict.example", "strict.example", NULL,
         "pass reject none strict.example"},
        {"strict: below, SPF", "a@strict.example", "a.strict.example", NULL,
         "fail reject reject strict.example"},
        {"strict: below, DKIM", "a@strict.example", NULL, "a.strict.example",
         "fail reject reject strict.example"},
        {"nothing vouches for it", "a@example.com", NULL, NULL, "fail reject reject example.com"},
        {"a parent in another organization", "a@dept.big.test", "big.test", NULL,
         "fail none none dept.big.test"},
        {"and the other way round", "a@big.test", NULL, "dept.big.test",
         "fail reject reject big.test"},
        {"A-labels and U-labels", "a@b\xc3\xbc\x63her.example", NULL, "xn--bcher-kva.example",
         "pass reject none xn--bcher-kva.example"},
    };
    check_verdicts(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_4_10_1_policy_discovery)
{
    static const struct verdict_row rows[] = {
        {"the author's own record", "a@example.com", NULL, NULL, "fail reject reject example.com"},
        {"a subdomain that exists", "a@mail.example.com", NULL, NULL,
         "fail quarantine quarantine example.com"},
        {"a subdomain that does not", "a@ghost.example.com", NULL, NULL,
         "fail reject reject example.com"},
        {"own record below an organization: p", "a@news.example.com", NULL, NULL,
         "fail none none news.example.com"},
        {"no record anywhere", "a@nowhere.test", NULL, NULL, "none none none "},
        {"several records are none", "a@two.example", NULL, NULL, "none none none "},
        {"an invalid policy", "a@invalid.example", NULL, NULL, "none none none "},
        {"an invalid policy with reports", "a@reported.example", NULL, NULL,
         "fail none none reported.example"},
        {"a record without p asks for nothing", "a@a.nothing.test", NULL, NULL,
         "fail none none nothing.test"},
        {"the public suffix's, for what exists", "a@mail.plain.suffix", NULL, NULL,
         "fail quarantine quarantine suffix"},
        {"the public suffix's, for what does not", "a@ghost.suffix", NULL, NULL,
         "fail reject reject suffix"},
        {"alignment below a public suffix", "a@mail.plain.suffix", "plain.suffix", NULL,
         "pass quarantine none suffix"},
        {"never across it", "a@plain.suffix", "org.suffix", NULL,
         "fail quarantine quarantine suffix"},
        {"the organization's before the suffix's", "a@x.org.suffix", NULL, NULL,
         "fail quarantine quarantine org.suffix"},
        {"the public suffix itself", "a@suffix", NULL, NULL, "fail none none suffix"},
    };
    check_verdicts(rows, ARRAY_LEN(rows));
}

/* Sections B.1.1 (SPF) and B.1.2 (DKIM), three examples each. */
TEST_VIRTUAL(appendix_b_1_alignment)
{
    static const struct verdict_row rows[] = {
        {"SPF in alignment, strict", "a@example.com", "example.com", NULL,
         "pass reject none example.com"},
        {"SPF in alignment, the path's domain below", "a@example.com", "child.example.com", NULL,
         "pass reject none example.com"},
        {"SPF not in alignment", "a@child.example.com", "example.net", NULL,
         "fail reject reject example.com"},
        {"DKIM in alignment, strict", "a@example.com", NULL, "example.com",
         "pass reject none example.com"},
        {"DKIM in alignment, the author's domain below", "a@child.example.com", NULL, "example.com",
         "pass reject none example.com"},
        {"DKIM not in alignment", "a@child.example.com", NULL, "example.net",
         "fail reject reject example.com"},
    };
    check_verdicts(rows, ARRAY_LEN(rows));
}

/* Section B.4.3: two banks below a public suffix that publishes. */
TEST_VIRTUAL(appendix_b_4_organizations_below_a_public_suffix)
{
    static const struct verdict_row rows[] = {
        {"the bank's own mail server", "a@giant.bank.example", "mail.giant.bank.example", NULL,
         "pass quarantine none giant.bank.example"},
        {"another bank's signature", "a@giant.bank.example", NULL, "mail.mega.bank.example",
         "fail quarantine quarantine giant.bank.example"},
        {"a bank without a record", "a@mega.bank.example", "mail.mega.bank.example", NULL,
         "pass reject none bank.example"},
        {"the suffix does not vouch for a bank", "a@giant.bank.example", "bank.example", NULL,
         "fail quarantine quarantine giant.bank.example"},
    };
    check_verdicts(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_4_7_testing_is_one_level_below)
{
    static const struct verdict_row rows[] = {
        {"reject", "a@testing.example", NULL, NULL, "fail reject quarantine testing.example"},
        {"quarantine", "a@a.testing.example", NULL, NULL, "fail quarantine none testing.example"},
    };
    check_verdicts(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_5_3_6_errors_neither_pass_nor_fail)
{
    static const struct verdict_row rows[] = {
        {"the author's record", "a@down.example", "down.example", NULL, "temperror none none "},
        {"a record above it", "a@x.halfdown.example", NULL, NULL, "temperror none none "},
        {"not needed for what is identical", "a@own.halfdown.example", "own.halfdown.example", NULL,
         "pass reject none own.halfdown.example"},
        {"needed for relaxed alignment", "a@own.halfdown.example", "x.own.halfdown.example", NULL,
         "temperror reject none own.halfdown.example"},
        {"a top-level domain above a record", "a@a.below.silent", "b.below.silent", NULL,
         "pass reject none below.silent"},
        {"a top-level domain and nothing else", "a@other.silent", NULL, NULL,
         "temperror none none "},
        {"SPF of an aligned domain", "a@example.com", "?example.com", NULL,
         "temperror reject none example.com"},
        {"SPF of another domain", "a@example.com", "?example.net", NULL,
         "fail reject reject example.com"},
        {"DKIM passes all the same", "a@example.com", "?example.com", "example.com",
         "pass reject none example.com"},
    };
    check_verdicts(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_11_5_unclear_authors_never_pass)
{
    static const struct verdict_row rows[] = {
        {"no From", NULL, "example.com", "example.com", "permerror none none "},
        {"an empty group", "undisclosed:;", "example.com", NULL, "permerror none none "},
        {"nothing readable", "<<>", "example.com", NULL, "permerror none none "},
        {"two authors, one spoofed", "a@nowhere.test, b@example.com", "nowhere.test", NULL,
         "fail reject reject example.com"},
        {"the strictest counts", "a@testing.example, b@example.com, c@reported.example", NULL, NULL,
         "fail reject reject example.com"},
        {"two of one domain, vouched for", "a@example.com, b@example.com", "example.com", NULL,
         "permerror reject none example.com"},
        {"two of one domain, not vouched for", "a@example.com, b@example.com", NULL, NULL,
         "fail reject reject example.com"},
        {"an address as a display name", "b@example.com <a@evil.test>", "evil.test", NULL,
         "fail reject reject example.com"},
        {"an address literal", "a@[192.0.2.1]", "example.com", NULL, "permerror none none "},
    };
    check_verdicts(rows, ARRAY_LEN(rows));
    struct verdict_row row = {"two fields", "a@nowhere.test", "nowhere.test", NULL,
                              "fail reject reject example.com"};
    check_verdict(&row, "b@example.com");
    row = (struct verdict_row){"one field twice", "a@example.com", "example.com", NULL,
                               "permerror reject none example.com"};
    check_verdict(&row, "a@example.com");
}

TEST_VIRTUAL(who_vouched_is_told)
{
    struct arena arena = arena_make();
    struct resolver *resolver = zone_resolver(zone, ARRAY_LEN(zone));
    struct verdict_row row = {"", "a@example.com", "mail.example.com", "evil.test", ""};
    struct dmarc_answer answer = check_row(resolver, &arena, &row, NULL);
    CHECK(answer.aligned_spf && !answer.aligned_dkim);
    row = (struct verdict_row){"", "a@example.com", "evil.test", "example.com", ""};
    answer = check_row(resolver, &arena, &row, NULL);
    CHECK(!answer.aligned_spf && answer.aligned_dkim);
    arena_reset(&arena);
    resolver_free(resolver);
}

TEST_VIRTUAL(a_slow_dns_is_a_temporary_error)
{
    struct arena arena = arena_make();
    struct resolver *resolver = zone_resolver(zone, ARRAY_LEN(zone));
    struct verdict_row row = {"", "a@a.b.c.d.e.f.nowhere.test", NULL, NULL, ""};
    resolver_script_delay(resolver, 3000);
    uint64_t began_ms = loop_now_ms();
    CHECK_INT(check_row(resolver, &arena, &row, NULL).result, DMARC_RESULT_TEMPERROR);
    CHECK(loop_now_ms() - began_ms <= 10000);
    arena_reset(&arena);
    resolver_free(resolver);
}

int main(void)
{
    RUN(section_4_10_eight_look_ups_at_most);
    RUN(section_4_10_2_examples);
    RUN(section_5_1_a_deep_cut_is_not_found);
    RUN(section_4_4_alignment);
    RUN(section_4_10_1_policy_discovery);
    RUN(appendix_b_1_alignment);
    RUN(appendix_b_4_organizations_below_a_public_suffix);
    RUN(section_4_7_testing_is_one_level_below);
    RUN(section_5_3_6_errors_neither_pass_nor_fail);
    RUN(section_11_5_unclear_authors_never_pass);
    RUN(who_vouched_is_told);
    RUN(a_slow_dns_is_a_temporary_error);
    return test_summary();
}
