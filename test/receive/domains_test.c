#include "receive/domains.h"

#include "test.h"

static const struct row {
    const char *name;
    enum receive_dmarc setting;
} rows[] = {
    {"local.example", RECEIVE_DMARC_ENFORCE},
    {"LOCAL.Example", RECEIVE_DMARC_ENFORCE},
    {"b\xc3\xbc"
     "cher.example",
     RECEIVE_DMARC_MARK},
    {"xn--bcher-kva.example", RECEIVE_DMARC_MARK},
    {"sub.local.example", RECEIVE_DMARC_QUARANTINE},
    {"other.example", RECEIVE_DMARC_QUARANTINE},
    {"[192.0.2.1]", RECEIVE_DMARC_QUARANTINE},
    {"", RECEIVE_DMARC_QUARANTINE},
};

TEST(a_domain_has_its_setting_however_it_is_written)
{
    struct receive_domains *domains = receive_domains_new();
    receive_domains_add(domains, STR("local.example"), RECEIVE_DMARC_ENFORCE);
    receive_domains_add(domains,
                        STR("b\xc3\xbc"
                            "cher.example"),
                        RECEIVE_DMARC_MARK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_ROW(rows[i].name,
                  receive_domains_dmarc(domains, str_of(rows[i].name)) == rows[i].setting);
    receive_domains_free(domains);
}

TEST(without_any_setting_all_have_the_default)
{
    CHECK_INT(receive_domains_dmarc(NULL, STR("local.example")), RECEIVE_DMARC_QUARANTINE);
    receive_domains_free(NULL);
}

int main(void)
{
    RUN(a_domain_has_its_setting_however_it_is_written);
    RUN(without_any_setting_all_have_the_default);
    return test_summary();
}
