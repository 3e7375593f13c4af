#include "verify/dmarc_record.h"

#include "test.h"

TEST(section_4_7_the_version_comes_first_and_is_exact)
{
    static const struct {
        const char *row, *txt;
        bool is_record;
    } rows[] = {
        {"the version alone", "v=DMARC1", true},
        {"with an end", "v=DMARC1;", true},
        {"blanks around", "v = DMARC1 ; p=none", true},
        {"the name in upper case", "V=DMARC1; p=none", true},
        {"the version in lower case", "v=dmarc1; p=none", false},
        {"another version", "v=DMARC2; p=none", false},
        {"a longer version", "v=DMARC10; p=none", false},
        {"not first", "p=none; v=DMARC1", false},
        {"a blank in front", " v=DMARC1; p=none", false},
        {"no semicolon", "v=DMARC1 p=none", false},
        {"SPF", "v=spf1 -all", false},
        {"nothing", "", false},
        {"a semicolon first", ";v=DMARC1", false},
    };
    struct dmarc_record record;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_ROW(rows[i].row,
                  dmarc_record_parse(str_of(rows[i].txt), &record) == rows[i].is_record);
}

static struct dmarc_record parse(const char *txt)
{
    struct dmarc_record record = {0};
    CHECK_ROW(txt, dmarc_record_parse(str_of(txt), &record));
    return record;
}

TEST(section_4_7_tags_and_defaults)
{
    struct dmarc_record record = parse("v=DMARC1");
    CHECK_INT(record.policy, DMARC_POLICY_UNSET);
    CHECK_INT(record.psd, DMARC_PSD_UNKNOWN);
    CHECK(!record.is_testing && !record.is_strict_dkim && !record.is_strict_spf);
    CHECK_STR(record.fo, STR("0"));

    record = parse("v=DMARC1; p=Reject;sp=quarantine ; np = none; psd=y; t=y; adkim=s; aspf=S;"
                   "rua=mailto:a@example.org; ruf=mailto:b@example.org ;fo=d:s;");
    CHECK_INT(record.policy, DMARC_POLICY_REJECT);
    CHECK_INT(record.subdomain_policy, DMARC_POLICY_QUARANTINE);
    CHECK_INT(record.nonexistent_policy, DMARC_POLICY_NONE);
    CHECK_INT(record.psd, DMARC_PSD_YES);
    CHECK(record.is_testing && record.is_strict_dkim && record.is_strict_spf);
    CHECK_STR(record.rua, STR("mailto:a@example.org"));
    CHECK_STR(record.ruf, STR("mailto:b@example.org"));
    CHECK_STR(record.fo, STR("d:s"));
}

TEST(section_4_7_what_is_wrong_or_unknown_is_ignored)
{
    struct dmarc_record record =
        parse("v=DMARC1; ;; =; junk; pct=0; rf=x; ri=1; x=y; p=reject; p=none; "
              "t=maybe; psd=x; adkim=strict; aspf=; fo=\x01");
    CHECK_INT(record.policy, DMARC_POLICY_REJECT);
    CHECK_INT(record.psd, DMARC_PSD_UNKNOWN);
    CHECK(!record.is_testing && !record.is_strict_dkim && !record.is_strict_spf);
    CHECK_STR(record.fo, STR("0"));
    CHECK_INT(parse("v=DMARC1; p=").policy, DMARC_POLICY_INVALID);
    CHECK_INT(parse("v=DMARC1; p=\xff").policy, DMARC_POLICY_INVALID);
}

TEST(section_4_10_1_policies_that_cannot_be_read)
{
    static const struct {
        const char *txt;
        bool is_usable;
        enum dmarc_policy policy, subdomain;
    } rows[] = {
        {"v=DMARC1", true, DMARC_POLICY_NONE, DMARC_POLICY_NONE},
        {"v=DMARC1; sp=reject; np=reject", true, DMARC_POLICY_NONE, DMARC_POLICY_NONE},
        {"v=DMARC1; p=no", false, DMARC_POLICY_NONE, DMARC_POLICY_NONE},
        {"v=DMARC1; p=no; rua=mailto:a@example.org", true, DMARC_POLICY_NONE, DMARC_POLICY_NONE},
        {"v=DMARC1; p=no; rua=a@example.org", false, DMARC_POLICY_NONE, DMARC_POLICY_NONE},
        {"v=DMARC1; p=reject; sp=no", false, DMARC_POLICY_NONE, DMARC_POLICY_NONE},
        {"v=DMARC1; p=reject; np=no; rua=x, mailto:a@example.org", true, DMARC_POLICY_NONE,
         DMARC_POLICY_NONE},
        {"v=DMARC1; p=reject", true, DMARC_POLICY_REJECT, DMARC_POLICY_REJECT},
        {"v=DMARC1; p=reject; sp=none", true, DMARC_POLICY_REJECT, DMARC_POLICY_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dmarc_record record = parse(rows[i].txt);
        CHECK_ROW(rows[i].txt, dmarc_record_is_usable(&record) == rows[i].is_usable);
        CHECK_ROW(rows[i].txt, dmarc_record_policy(&record, false, false) == rows[i].policy);
        CHECK_ROW(rows[i].txt, dmarc_record_policy(&record, true, false) == rows[i].subdomain);
    }
}

TEST(section_4_7_which_policy_for_which_name)
{
    struct dmarc_record record = parse("v=DMARC1; p=quarantine; sp=none; np=reject");
    CHECK_INT(dmarc_record_policy(&record, false, false), DMARC_POLICY_QUARANTINE);
    CHECK_INT(dmarc_record_policy(&record, false, true), DMARC_POLICY_QUARANTINE);
    CHECK_INT(dmarc_record_policy(&record, true, false), DMARC_POLICY_NONE);
    CHECK_INT(dmarc_record_policy(&record, true, true), DMARC_POLICY_REJECT);
    record = parse("v=DMARC1; p=reject; sp=none");
    CHECK_INT(dmarc_record_policy(&record, true, true), DMARC_POLICY_NONE);
    record = parse("v=DMARC1; p=none; np=reject");
    CHECK_INT(dmarc_record_policy(&record, true, false), DMARC_POLICY_NONE);
}

TEST(addresses_of_reports)
{
    struct str list =
        STR("mailto:a@example.org!10m , nothing,https://example.org/x?y=%2C,mailto:,1:x");
    struct str uri = STR_EMPTY;
    REQUIRE(dmarc_record_next_uri(&list, &uri));
    CHECK_STR(uri, STR("mailto:a@example.org"));
    REQUIRE(dmarc_record_next_uri(&list, &uri));
    CHECK_STR(uri, STR("https://example.org/x?y=%2C"));
    CHECK(!dmarc_record_next_uri(&list, &uri));
}

int main(void)
{
    RUN(section_4_7_the_version_comes_first_and_is_exact);
    RUN(section_4_7_tags_and_defaults);
    RUN(section_4_7_what_is_wrong_or_unknown_is_ignored);
    RUN(section_4_10_1_policies_that_cannot_be_read);
    RUN(section_4_7_which_policy_for_which_name);
    RUN(addresses_of_reports);
    return test_summary();
}
