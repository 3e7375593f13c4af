#include "verify/spf.h"

#include "verify/zone.h"

static const struct zone_row zone[] = {
    /* section 4 */
    {"hard.example", DNS_TXT, "v=spf1 -all"},
    {"hard.example", DNS_TXT, "another text"},
    {"mail.hard.example", DNS_A, "192.0.2.1"},
    {"soft.example", DNS_TXT, "v=spf1 ip4:192.0.2.0/28 ~all"},
    {"empty.example", DNS_TXT, "v=spf1"},
    {"two.example", DNS_TXT, "v=spf1 -all"},
    {"two.example", DNS_TXT, "V=SPF1 +all"},
    {"down.example", DNS_TXT, NULL},
    {"syntax.example", DNS_TXT, "v=spf1 ip4:192.0.2.1 -all moo"},
    {"alias.example", DNS_CNAME, "hard.example"},
    {"xn--bcher-kva.example", DNS_TXT, "v=spf1 +all"},
    {"local.example", DNS_TXT, "v=spf1 exists:%{l}.u.local.example -all"},
    {"postmaster.u.local.example", DNS_A, "127.0.0.2"},
    {"a\\\\b.u.local.example", DNS_A, "127.0.0.2"},
    /* section 4.6.4 */
    {"loop.example", DNS_TXT, "v=spf1 include:loop.example"},
    {"redirects.example", DNS_TXT, "v=spf1 redirect=redirects.example"},
    {"ten.example", DNS_TXT, "v=spf1 a a a a a a a a a a ip4:192.0.2.1 -all"},
    {"ten.example", DNS_A, "192.0.2.99"},
    {"eleven.example", DNS_TXT, "v=spf1 a a a a a a a a a a a ip4:192.0.2.1 -all"},
    {"eleven.example", DNS_A, "192.0.2.99"},
    {"early.example", DNS_TXT, "v=spf1 ip4:192.0.2.1 a a a a a a a a a a a -all"},
    {"void2.example", DNS_TXT, "v=spf1 a:1.void2.example exists:2.void2.example ?all"},
    {"void3.example", DNS_TXT,
     "v=spf1 a:1.void3.example mx:2.void3.example exists:3.void3.example ?all"},
    {"voidinc.example", DNS_TXT, "v=spf1 include:voidinc2.example a:1.void2.example ?all"},
    {"voidinc2.example", DNS_TXT, "v=spf1 include:voidinc3.example ~all"},
    {"voidinc3.example", DNS_TXT, "v=spf1 a:2.void2.example ~all"},
    {"voidptr.example", DNS_TXT, "v=spf1 ptr ptr:voidptr.example ptr ?all"},
    {"voidmx.example", DNS_TXT, "v=spf1 mx a:1.void2.example ?all"},
    {"voidmx.example", DNS_MX, "1 m1.voidmx.example"},
    {"voidmx.example", DNS_MX, "1 m2.voidmx.example"},
    {"voidmx.example", DNS_MX, "1 m3.voidmx.example"},
    {"m3.voidmx.example", DNS_A, "192.0.2.99"},
    {"mx11.example", DNS_TXT, "v=spf1 mx ?all"},
    {"mx11.example", DNS_MX, "1 mail.hard.example"},
    {"mx11.example", DNS_MX, "2 mail.hard.example"},
    {"mx11.example", DNS_MX, "3 mail.hard.example"},
    {"mx11.example", DNS_MX, "4 mail.hard.example"},
    {"mx11.example", DNS_MX, "5 mail.hard.example"},
    {"mx11.example", DNS_MX, "6 mail.hard.example"},
    {"mx11.example", DNS_MX, "7 mail.hard.example"},
    {"mx11.example", DNS_MX, "8 mail.hard.example"},
    {"mx11.example", DNS_MX, "9 mail.hard.example"},
    {"mx11.example", DNS_MX, "10 mail.hard.example"},
    {"mx11.example", DNS_MX, "11 mail.hard.example"},
    {"ptr11.example", DNS_TXT, "v=spf1 ptr ?all"},
    {"77.2.0.192.in-addr.arpa", DNS_PTR, "p1.example"},
    {"77.2.0.192.in-addr.arpa", DNS_PTR, "p2.example"},
    {"77.2.0.192.in-addr.arpa", DNS_PTR, "p3.example"},
    {"77.2.0.192.in-addr.arpa", DNS_PTR, "p4.example"},
    {"77.2.0.192.in-addr.arpa", DNS_PTR, "p5.example"},
    {"77.2.0.192.in-addr.arpa", DNS_PTR, "p6.example"},
    {"77.2.0.192.in-addr.arpa", DNS_PTR, "p7.example"},
    {"77.2.0.192.in-addr.arpa", DNS_PTR, "p8.example"},
    {"77.2.0.192.in-addr.arpa", DNS_PTR, "p9.example"},
    {"77.2.0.192.in-addr.arpa", DNS_PTR, "p10.example"},
    {"77.2.0.192.in-addr.arpa", DNS_PTR, "ptr11.example"},
    {"ptr11.example", DNS_A, "192.0.2.77"},
    /* section 5 */
    {"all.example", DNS_TXT, "v=spf1 +all -all redirect=down.example"},
    {"inc-pass.example", DNS_TXT, "v=spf1 include:soft.example -all"},
    {"inc-soft.example", DNS_TXT, "v=spf1 include:soft.example ?all"},
    {"inc-fail.example", DNS_TXT, "v=spf1 include:hard.example ~all"},
    {"inc-neutral.example", DNS_TXT, "v=spf1 include:empty.example -all"},
    {"inc-temp.example", DNS_TXT, "v=spf1 include:down.example -all"},
    {"inc-perm.example", DNS_TXT, "v=spf1 include:syntax.example -all"},
    {"inc-none.example", DNS_TXT, "v=spf1 include:nowhere.example -all"},
    {"inc-bad.example", DNS_TXT, "v=spf1 include:a..example -all"},
    {"inc-down.example", DNS_TXT, "v=spf1 include:%{d1r}.example -all"},
    {"a.example", DNS_TXT, "v=spf1 a -all"},
    {"a.example", DNS_A, "192.0.2.1"},
    {"a.example", DNS_A, "192.0.2.2"},
    {"a.example", DNS_AAAA, "2001:db8::1"},
    {"a24.example", DNS_TXT, "v=spf1 a:a.example/24//64 -all"},
    {"a0.example", DNS_TXT, "v=spf1 a:nowhere.example/0 -all"},
    {"a-down.example", DNS_TXT, "v=spf1 a:host.a-down.example -all"},
    {"host.a-down.example", DNS_A, NULL},
    {"a-bad.example", DNS_TXT, "v=spf1 a:mail.example...org a:%{o}%{o}%{o}%{o}%{o}%{o}.org -all"},
    {"mx.example", DNS_TXT, "v=spf1 mx -all"},
    {"mx.example", DNS_MX, "10 a.example"},
    {"nomx.example", DNS_TXT, "v=spf1 mx -all"},
    {"nomx.example", DNS_A, "192.0.2.1"},
    {"nullmx.example", DNS_TXT, "v=spf1 mx ?all"},
    {"nullmx.example", DNS_MX, "0 ."},
    {"ptr.example", DNS_TXT, "v=spf1 ptr -all"},
    {"9.2.0.192.in-addr.arpa", DNS_PTR, "liar.ptr.example"},
    {"9.2.0.192.in-addr.arpa", DNS_PTR, "broken.ptr.example"},
    {"9.2.0.192.in-addr.arpa", DNS_PTR, "Mail.Ptr.Example"},
    {"liar.ptr.example", DNS_A, "192.0.2.1"},
    {"broken.ptr.example", DNS_A, NULL},
    {"mail.ptr.example", DNS_A, "192.0.2.9"},
    {"10.2.0.192.in-addr.arpa", DNS_PTR, NULL},
    {"11.2.0.192.in-addr.arpa", DNS_PTR, "not-ptr.example"},
    {"not-ptr.example", DNS_A, "192.0.2.11"},
    {"12.2.0.192.in-addr.arpa", DNS_PTR, "evil\\.ptr.example"},
    {"evil\\.ptr.example", DNS_A, "192.0.2.12"},
    {"ip.example", DNS_TXT,
     "v=spf1 ip4:192.0.2.128/25 -ip6:::ffff:192.0.2.1 ip6:2001:db8::/33 ?all"},
    {"exists.example", DNS_TXT, "v=spf1 exists:%{ir}.sbl.exists.example -all"},
    {"1.2.0.192.sbl.exists.example", DNS_A, "127.0.0.2"},
    {"2.2.0.192.sbl.exists.example", DNS_AAAA, "2001:db8::1"},
    {"exists6.example", DNS_TXT, "v=spf1 exists:a.example -all"},
    {"qualifiers.example", DNS_TXT,
     "v=spf1 ?ip4:192.0.2.1 ~ip4:192.0.2.2 -ip4:192.0.2.3 +ip4:192.0.2.4"},
    /* section 6 */
    {"re.example", DNS_TXT, "v=spf1 ip4:192.0.2.200 redirect=soft.example exp=why.example"},
    {"re-none.example", DNS_TXT, "v=spf1 redirect=nowhere.example"},
    {"re-bad.example", DNS_TXT, "v=spf1 redirect=a..example"},
    {"re-down.example", DNS_TXT, "v=spf1 redirect=down.example"},
    {"re-implicit.example", DNS_TXT, "v=spf1 redirect=a.example"},
    {"re-exp.example", DNS_TXT, "v=spf1 exp=why.example redirect=exp.example"},
    {"re-noexp.example", DNS_TXT, "v=spf1 exp=why.example redirect=hard.example"},
    {"exp.example", DNS_TXT, "v=spf1 include:re-exp2.example -all exp=why.example"},
    {"re-exp2.example", DNS_TXT, "v=spf1 -all exp=other.example"},
    {"why.example", DNS_TXT, "%{c} is not %{d}, says %{r}. 100%%"},
    {"other.example", DNS_TXT, "another"},
    {"exp-two.example", DNS_TXT, "v=spf1 -all exp=two.example"},
    {"exp-none.example", DNS_TXT, "v=spf1 -all exp=mail.hard.example"},
    {"exp-down.example", DNS_TXT, "v=spf1 -all exp=down.example"},
    {"exp-bad.example", DNS_TXT, "v=spf1 -all exp=why-bad.example"},
    {"why-bad.example", DNS_TXT, "the %{x}-files"},
    {"exp-8bit.example", DNS_TXT, "v=spf1 -all exp=why-8bit.example"},
    {"why-8bit.example", DNS_TXT, "\xef\xbb\xbfno"},
    {"exp-void.example", DNS_TXT,
     "v=spf1 a:1.void2.example a:2.void2.example -all exp=nowhere.example"},
    {"exp-p.example", DNS_TXT, "v=spf1 -all exp=why-p.example"},
    {"why-p.example", DNS_TXT, "you are %{p}"},
    {"exp-t.example", DNS_TXT, "v=spf1 -all exp=why-t.example"},
    {"why-t.example", DNS_TXT, "%{t} %{s} %{h} %{ir}.%{v}.arpa %{S}"},
    /* section 7 */
    {"p.example", DNS_TXT, "v=spf1 exists:%{p}.ok.p.example -all"},
    {"mail.ptr.example.ok.p.example", DNS_A, "127.0.0.2"},
    {"Unknown.ok.p.example", DNS_A, "127.0.0.2"},
    {"helo.example", DNS_TXT, "v=spf1 a:%{H} -all"},
    {"JUMPIN%27%20JUPITER", DNS_A, "192.0.2.1"},
    /* the RFC's appendix A */
    {"example.com", DNS_TXT, "v=spf1 mx:example.org -all"},
    {"example.com", DNS_A, "192.0.2.10"},
    {"example.org", DNS_MX, "10 mail-c.example.com"},
    {"mail-c.example.com", DNS_A, "192.0.2.140"},
    {"amy.example.com", DNS_A, "192.0.2.65"},
    {"65.2.0.192.in-addr.arpa", DNS_PTR, "amy.example.com"},
    {"140.2.0.192.in-addr.arpa", DNS_PTR, "mail-c.example.com"},
    {"ptr-org.example.com", DNS_TXT, "v=spf1 ptr:example.org -all"},
    {"ptr-com.example.com", DNS_TXT, "v=spf1 ptr:example.com -all"},
};

static struct spf_query query_of(const char *ip, const char *helo, const char *from)
{
    struct spf_query query = {.helo = str_of(helo),
                              .sender = str_of(from),
                              .receiver = STR("mx.here.example"),
                              .wall_us = 1234567890000000};
    enum err err = net_address_parse_ip(str_of(ip), &query.client);
    assert(err == OK);
    return query;
}

struct checked {
    struct arena arena;
    struct resolver *resolver;
    struct spf_answer answer;
};

static struct checked check(const char *ip, const char *helo, const char *from)
{
    struct checked checked = {.arena = arena_make()};
    checked.resolver = zone_resolver(zone, ARRAY_LEN(zone));
    struct spf_query query = query_of(ip, helo, from);
    enum spf_result result =
        spf_check(checked.resolver, &query, soon(), &checked.arena, &checked.answer);
    assert(result == checked.answer.result);
    return checked;
}

static void done(struct checked *checked)
{
    arena_reset(&checked->arena);
    resolver_free(checked->resolver);
}

static void check_result(const char *row, const char *ip, const char *helo, const char *from,
                         const char *want)
{
    struct checked checked = check(ip, helo, from);
    struct str got = spf_result_text(checked.answer.result);
    if (!str_eq(got, str_of(want)))
        printf("# %s: %.*s (%.*s)\n", row, STR_FMT(got), STR_FMT(checked.answer.reason));
    CHECK_ROW(row, str_eq(got, str_of(want)));
    CHECK_ROW(row, checked.answer.reason.len > 0);
    done(&checked);
}

struct result_row {
    const char *row, *ip, *from, *want;
};

static void check_results(const struct result_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_result(rows[i].row, rows[i].ip, "mail.hard.example", rows[i].from, rows[i].want);
}

#define LABEL63 "a12345678901234567890123456789012345678901234567890123456789012"

TEST_VIRTUAL(section_4_3_initial_processing)
{
    static const struct result_row rows[] = {
        {"a label too long", "192.0.2.1", "a@" LABEL63 "3.example", "none"},
        {"an empty label", "192.0.2.1", "a@b...example", "none"},
        {"one label", "192.0.2.1", "a@example", "none"},
        {"a domain literal", "192.0.2.1", "a@[192.0.2.1]", "none"},
        {"a name of bytes that are not UTF-8", "192.0.2.1", "a@\xff.example", "none"},
        {"a trailing dot", "192.0.2.1", "a@hard.example.", "fail"},
        {"NXDOMAIN", "192.0.2.1", "a@nowhere.example", "none"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_4_4_record_lookup)
{
    static const struct result_row rows[] = {
        {"no TXT records", "192.0.2.1", "a@mail.hard.example", "none"},
        {"the server fails", "192.0.2.1", "a@down.example", "temperror"},
        {"a CNAME is followed", "192.0.2.1", "a@alias.example", "fail"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_4_5_selecting_records)
{
    static const struct result_row rows[] = {
        {"other texts are ignored", "192.0.2.1", "a@hard.example", "fail"},
        {"two records", "192.0.2.1", "a@two.example", "permerror"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_4_6_1_syntax_errors_count_wherever_they_stand)
{
    static const struct result_row rows[] = {
        {"an error behind what matches", "192.0.2.1", "a@syntax.example", "permerror"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_4_6_2_qualifiers)
{
    static const struct result_row rows[] = {
        {"neutral", "192.0.2.1", "a@qualifiers.example", "neutral"},
        {"softfail", "192.0.2.2", "a@qualifiers.example", "softfail"},
        {"fail", "192.0.2.3", "a@qualifiers.example", "fail"},
        {"pass", "192.0.2.4", "a@qualifiers.example", "pass"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_4_7_default_result)
{
    static const struct result_row rows[] = {
        {"nothing matches", "192.0.2.1", "a@empty.example", "neutral"},
        {"names without regard to case", "192.0.2.1", "a@HARD.Example", "fail"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_4_8_names_that_cannot_be_asked_for)
{
    static const struct result_row rows[] = {
        {"names that cannot be asked for", "192.0.2.1", "a@a-bad.example", "fail"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(rfc8616_section_4_u_labels)
{
    static const struct result_row rows[] = {
        {"a U-label", "192.0.2.1", "a@b\xc3\xbc\x63her.example", "pass"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_2_4_the_helo_identity_stands_for_a_null_path)
{
    check_result("null path", "192.0.2.1", "hard.example", "", "fail");
    check_result("HELO is one label", "192.0.2.1", "localhost", "", "none");
    check_result("HELO is a literal", "192.0.2.1", "[192.0.2.1]", "", "none");
    check_result("its local part is postmaster", "192.0.2.1", "local.example", "", "pass");
    struct checked checked = check("192.0.2.1", "hard.example", "");
    CHECK(checked.answer.is_helo);
    CHECK_STR(checked.answer.domain, STR("hard.example"));
    done(&checked);
}

TEST_VIRTUAL(section_4_3_local_parts)
{
    check_result("none: postmaster", "192.0.2.1", "h.example", "@local.example", "pass");
    check_result("no at sign: postmaster", "192.0.2.1", "h.example", "local.example", "pass");
    check_result("split at the last at sign", "192.0.2.1", "h.example", "a@b@hard.example", "fail");
    check_result("a backslash is a byte", "192.0.2.1", "h.example", "a\\b@local.example", "pass");
    check_result("not ASCII: no match", "192.0.2.1", "h.example", "d\xc3\xb6@local.example",
                 "fail");
}

TEST_VIRTUAL(section_4_6_4_limits)
{
    static const struct result_row rows[] = {
        {"includes in a circle", "192.0.2.1", "a@loop.example", "permerror"},
        {"redirects in a circle", "192.0.2.1", "a@redirects.example", "permerror"},
        {"ten terms", "192.0.2.1", "a@ten.example", "pass"},
        {"eleven terms", "192.0.2.1", "a@eleven.example", "permerror"},
        {"a match before the eleventh", "192.0.2.1", "a@early.example", "pass"},
        {"two void look-ups", "192.0.2.1", "a@void2.example", "neutral"},
        {"three void look-ups", "192.0.2.1", "a@void3.example", "permerror"},
        {"an include is not void with its terms", "192.0.2.1", "a@voidinc.example", "neutral"},
        {"every ptr is void, asked for once", "192.0.2.1", "a@voidptr.example", "permerror"},
        {"a term counts once", "192.0.2.1", "a@voidmx.example", "neutral"},
        {"eleven MX records, even if one matches", "192.0.2.1", "a@mx11.example", "permerror"},
        {"eleven PTR records: the last is ignored", "192.0.2.77", "a@ptr11.example", "neutral"},
    };
    check_results(rows, ARRAY_LEN(rows));
    struct checked checked = check("192.0.2.1", "h.example", "a@ten.example");
    CHECK_INT(checked.answer.lookups, 10);
    CHECK_INT(checked.answer.void_lookups, 0);
    done(&checked);
}

TEST_VIRTUAL(section_5_what_all_mechanisms_share)
{
    static const struct result_row rows[] = {
        {"the server fails", "192.0.2.1", "a@a-down.example", "temperror"},
        {"a mapped address is IPv4", "::ffff:192.0.2.129", "a@ip.example", "pass"},
        {"and matches no ip6", "::ffff:192.0.2.1", "a@ip.example", "neutral"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_5_1_all)
{
    static const struct result_row rows[] = {
        {"behind all, nothing counts", "192.0.2.1", "a@all.example", "pass"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_5_2_include)
{
    static const struct result_row rows[] = {
        {"pass matches", "192.0.2.1", "a@inc-pass.example", "pass"},
        {"softfail does not", "192.0.2.16", "a@inc-soft.example", "neutral"},
        {"fail does not", "192.0.2.1", "a@inc-fail.example", "softfail"},
        {"neutral does not", "192.0.2.1", "a@inc-neutral.example", "fail"},
        {"temperror", "192.0.2.1", "a@inc-temp.example", "temperror"},
        {"permerror", "192.0.2.1", "a@inc-perm.example", "permerror"},
        {"none is permerror", "192.0.2.1", "a@inc-none.example", "permerror"},
        {"a malformed name is permerror", "192.0.2.1", "a@inc-bad.example", "permerror"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_5_3_a)
{
    static const struct result_row rows[] = {
        {"one of several addresses", "192.0.2.2", "a@a.example", "pass"},
        {"another address", "192.0.2.3", "a@a.example", "fail"},
        {"IPv6", "2001:db8::1", "a@a.example", "pass"},
        {"a prefix", "192.0.2.200", "a@a24.example", "pass"},
        {"outside the prefix", "192.0.3.1", "a@a24.example", "fail"},
        {"a prefix of IPv6", "2001:db8::ffff", "a@a24.example", "pass"},
        {"outside the prefix of IPv6", "2001:db8:0:1::", "a@a24.example", "fail"},
        {"no address, with /0", "192.0.2.1", "a@a0.example", "fail"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_5_4_mx)
{
    static const struct result_row rows[] = {
        {"an exchanger", "192.0.2.1", "a@mx.example", "pass"},
        {"another host", "192.0.2.3", "a@mx.example", "fail"},
        {"without MX the domain is not one", "192.0.2.1", "a@nomx.example", "fail"},
        {"a null MX", "192.0.2.1", "a@nullmx.example", "neutral"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_5_5_ptr)
{
    static const struct result_row rows[] = {
        {"validated, in any case; others skipped", "192.0.2.9", "a@ptr.example", "pass"},
        {"no PTR record", "192.0.2.1", "a@ptr.example", "fail"},
        {"the server fails: no match", "192.0.2.10", "a@ptr.example", "fail"},
        {"the end of a label is no label", "192.0.2.11", "a@ptr.example", "fail"},
        {"a dot within a label is no dot", "192.0.2.12", "a@ptr.example", "fail"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_5_6_ip4_and_ip6)
{
    static const struct result_row rows[] = {
        {"within", "192.0.2.128", "a@ip.example", "pass"},
        {"outside", "192.0.2.127", "a@ip.example", "neutral"},
        {"IPv6 within", "2001:db8:7fff::", "a@ip.example", "pass"},
        {"IPv6 outside", "2001:db8:8000::", "a@ip.example", "neutral"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_5_7_exists)
{
    static const struct result_row rows[] = {
        {"there is one", "192.0.2.1", "a@exists.example", "pass"},
        {"of IPv6 only", "192.0.2.2", "a@exists.example", "fail"},
        {"IPv4 is asked for with IPv6 too", "2001:db8::99", "a@exists6.example", "pass"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

TEST_VIRTUAL(section_6_1_redirect)
{
    static const struct result_row rows[] = {
        {"the other record decides", "192.0.2.1", "a@re.example", "pass"},
        {"and may not match", "192.0.2.99", "a@re.example", "softfail"},
        {"only where nothing matched", "192.0.2.200", "a@re.example", "pass"},
        {"no record there", "192.0.2.1", "a@re-none.example", "permerror"},
        {"no name", "192.0.2.1", "a@re-bad.example", "permerror"},
        {"no answer", "192.0.2.1", "a@re-down.example", "temperror"},
        {"the domain is the other's", "192.0.2.2", "a@re-implicit.example", "pass"},
    };
    check_results(rows, ARRAY_LEN(rows));
}

static void check_explanation(const char *ip, const char *from, const char *want)
{
    struct checked checked = check(ip, "h.example", from);
    CHECK_INT(checked.answer.result, SPF_RESULT_FAIL);
    CHECK_STR(checked.answer.explanation, str_of(want));
    done(&checked);
}

TEST_VIRTUAL(section_6_2_explanations)
{
    check_explanation("192.0.2.1", "a@exp.example",
                      "192.0.2.1 is not exp.example, says mx.here.example. 100%");
    check_explanation("192.0.2.1", "a@re-exp.example",
                      "192.0.2.1 is not exp.example, says mx.here.example. 100%");
    check_explanation("192.0.2.1", "a@re-noexp.example", "");
    check_explanation("192.0.2.1", "a@exp-two.example", "");
    check_explanation("192.0.2.1", "a@exp-none.example", "");
    check_explanation("192.0.2.1", "a@exp-down.example", "");
    check_explanation("192.0.2.1", "a@exp-bad.example", "");
    check_explanation("192.0.2.1", "a@exp-8bit.example", "");
    check_explanation("192.0.2.1", "a@exp-void.example", "");
    check_explanation("192.0.2.1", "a@hard.example", "");
    check_explanation("192.0.2.9", "a@exp-p.example", "you are Mail.Ptr.Example");
    check_explanation("192.0.2.10", "a@exp-p.example", "you are unknown");
    check_explanation("192.0.2.1", "a\x01\x1b[31m\r\n@exp-t.example",
                      "1234567890 a??[31m??@exp-t.example h.example 1.2.0.192.in-addr.arpa "
                      "a%01%1B%5B31m%0D%0A%40exp-t.example");
    check_explanation(
        "192.0.2.1", "a@exp-t.example",
        "1234567890 a@exp-t.example h.example 1.2.0.192.in-addr.arpa a%40exp-t.example");
}

TEST_VIRTUAL(section_7_macros_in_names)
{
    check_result("the validated name", "192.0.2.9", "h.example", "a@p.example", "pass");
    check_result("no validated name", "192.0.2.1", "h.example", "a@p.example", "pass");
    check_result("a HELO name of any bytes", "192.0.2.1", "JUMPIN' JUPITER", "a@helo.example",
                 "pass");
    struct checked checked = check("192.0.2.9", "h.example", "a@p.example");
    CHECK_INT(checked.answer.lookups, 2); /* exists, and the PTR of %{p} */
    done(&checked);
}

TEST_VIRTUAL(appendix_a_examples)
{
    check_result("mx:example.org", "192.0.2.140", "h.example", "a@example.com", "pass");
    check_result("mx:example.org of amy", "192.0.2.65", "h.example", "a@example.com", "fail");
    check_result("ptr:example.com", "192.0.2.65", "h.example", "a@ptr-com.example.com", "pass");
    check_result("ptr:example.org", "192.0.2.140", "h.example", "a@ptr-org.example.com", "fail");
}

TEST_VIRTUAL(the_trace_learns_what_decided)
{
    struct checked checked = check("192.0.2.1", "h.example", "a@inc-pass.example");
    CHECK_STR(checked.answer.mechanism, STR("include:soft.example"));
    CHECK_STR(checked.answer.record, STR("v=spf1 include:soft.example -all"));
    CHECK_STR(checked.answer.reason, STR("include:soft.example of inc-pass.example matches"));
    done(&checked);
    checked = check("192.0.2.99", "h.example", "a@re.example");
    CHECK_STR(checked.answer.mechanism, STR("~all"));
    CHECK_INT(checked.answer.lookups, 1);
    done(&checked);
    checked = check("192.0.2.1", "h.example", "a@syntax.example");
    CHECK_STR(checked.answer.mechanism, STR("moo"));
    done(&checked);
    checked = check("192.0.2.1", "h.example", "a@empty.example");
    CHECK_STR(checked.answer.mechanism, STR("default"));
    done(&checked);
}

/* Section 11.1: also with a server that takes its time, an answer comes by the deadline. */
TEST_VIRTUAL(a_slow_dns_is_a_temporary_error)
{
    struct arena arena = arena_make();
    struct resolver *resolver = zone_resolver(zone, ARRAY_LEN(zone));
    struct spf_query query = query_of("192.0.2.1", "h.example", "a@ten.example");
    struct spf_answer answer;
    resolver_script_delay(resolver, 3000);
    uint64_t deadline_ms = loop_now_ms() + SPF_DEADLINE_MS;
    CHECK_INT(spf_check(resolver, &query, deadline_ms, &arena, &answer), SPF_RESULT_TEMPERROR);
    CHECK(loop_now_ms() <= deadline_ms);
    arena_reset(&arena);
    resolver_free(resolver);
}

int main(void)
{
    RUN(section_4_3_initial_processing);
    RUN(section_4_4_record_lookup);
    RUN(section_4_5_selecting_records);
    RUN(section_4_6_1_syntax_errors_count_wherever_they_stand);
    RUN(section_4_6_2_qualifiers);
    RUN(section_4_7_default_result);
    RUN(section_4_8_names_that_cannot_be_asked_for);
    RUN(rfc8616_section_4_u_labels);
    RUN(section_2_4_the_helo_identity_stands_for_a_null_path);
    RUN(section_4_3_local_parts);
    RUN(section_4_6_4_limits);
    RUN(section_5_what_all_mechanisms_share);
    RUN(section_5_1_all);
    RUN(section_5_2_include);
    RUN(section_5_3_a);
    RUN(section_5_4_mx);
    RUN(section_5_5_ptr);
    RUN(section_5_6_ip4_and_ip6);
    RUN(section_5_7_exists);
    RUN(section_6_1_redirect);
    RUN(section_6_2_explanations);
    RUN(section_7_macros_in_names);
    RUN(appendix_a_examples);
    RUN(the_trace_learns_what_decided);
    RUN(a_slow_dns_is_a_temporary_error);
    return test_summary();
}
