/* Laws of rewritten senders: what srs_rewrite makes is an address of our domain, fits, and gives
 * the sender back; with another key, in another domain, after its time, or when it was not made at
 * all, nothing is given back. */
#include "mail/idna.h"
#include "route/srs.h"

#define NOW ((int64_t)20000 * 86400 * 1000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct srs_key key = {{7}}, other_key = {{8}};

static bool is_srs(struct str local)
{
    return str_starts_nocase(local, STR("SRS0")) || str_starts_nocase(local, STR("SRS1"));
}

static void check_way_back(struct arena *arena, const struct mail_address *sender,
                           const struct mail_address *ours)
{
    struct mail_address back, elsewhere = *ours;
    int64_t later = NOW + (int64_t)(SRS_VALID_DAYS + 1) * 86400 * 1000000;
    assert(srs_reverse(&key, NOW, ours, arena, &back) == SRS_OURS);
    struct mail_address plain = mail_address_with_a_labels(arena, sender);
    assert(mail_address_eq(&back, &plain) || is_srs(sender->local));
    assert(srs_reverse(&key, later, ours, arena, &back) == SRS_EXPIRED);
    assert(srs_reverse(&other_key, NOW, ours, arena, &back) == SRS_FORGED);
    elsewhere.domain = STR("other.example");
    assert(srs_reverse(&key, NOW, &elsewhere, arena, &back) == SRS_FORGED);
}

/* Of a chain only the last link changes. */
static void check_chain(struct arena *arena, const struct mail_address *ours)
{
    struct mail_address next, third, back, back_of_third;
    if (!srs_rewrite(&key, NOW, ours, STR("next.example"), arena, &next))
        return;
    assert(srs_rewrite(&key, NOW, &next, STR("next.example"), arena, &third));
    assert(mail_address_eq(&next, &third));
    assert(srs_reverse(&key, NOW, &next, arena, &back) == SRS_OURS);
    assert(srs_reverse(&key, NOW, &third, arena, &back_of_third) == SRS_OURS);
    assert(mail_address_eq(&back, &back_of_third));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make();
    struct mail_address sender, ours, back;
    if (mail_address_parse(&arena, str_make((const char *)data, size), MAIL_ADDRESS_UTF8,
                           &sender) == OK) {
        enum srs_answer answer = srs_reverse(&key, NOW, &sender, &arena, &back);
        assert(answer == SRS_NONE || answer == SRS_FORGED);
        if (srs_rewrite(&key, NOW, &sender, STR("ours.example"), &arena, &ours)) {
            check_way_back(&arena, &sender, &ours);
            check_chain(&arena, &ours);
        }
    }
    arena_reset(&arena);
    return 0;
}
