#include "route/srs.h"
#include "test.h"

#define DAY ((int64_t)86400 * 1000000)
#define NOW (20000 * DAY + 7)

static const struct srs_key key = {{1, 2, 3}};

static struct mail_address address_of(struct arena *arena, const char *text)
{
    struct mail_address address = {.local = STR_EMPTY, .domain = STR_EMPTY};
    CHECK_INT(mail_address_parse(arena, str_of(text), MAIL_ADDRESS_UTF8, &address), OK);
    return address;
}

/* The address that is written for `sender`; empty when there is none. */
static struct str rewrite(struct arena *arena, const char *sender, const char *domain)
{
    struct mail_address address = address_of(arena, sender), out;
    if (!srs_rewrite(&key, NOW, &address, str_of(domain), arena, &out))
        return STR_EMPTY;
    return mail_address_text(arena, &out);
}

static struct str reverse_at(struct arena *arena, struct str text, int64_t wall_us)
{
    static const char *const words[] = {
        [SRS_NONE] = "none", [SRS_FORGED] = "forged", [SRS_EXPIRED] = "expired"};
    struct mail_address address = address_of(arena, arena_copy(arena, text).at), out;
    enum srs_answer answer = srs_reverse(&key, wall_us, &address, arena, &out);
    return answer == SRS_OURS ? mail_address_text(arena, &out) : str_of(words[answer]);
}

static struct str reverse(struct arena *arena, struct str text)
{
    return reverse_at(arena, text, NOW);
}

TEST(a_sender_is_rewritten_and_found_again)
{
    static const struct {
        const char *about, *sender, *local; /* `*` stands for any digit */
        const char *back;                   /* NULL: the sender */
    } rows[] = {
        {"a plain sender", "joe@away.example", "SRS0=******=**=away.example=joe", NULL},
        {"its case is kept", "Joe@away.example", "SRS0=******=**=away.example=Joe", NULL},
        {"equal signs in the local part", "a=b=c@away.example", "SRS0=******=**=away.example=a=b=c",
         NULL},
        {"a local part that needs quotes", "\"joe doe\"@away.example",
         "\"SRS0=******=**=away.example=joe doe\"", NULL},
        {"what looks like SRS but is none", "SRS0@away.example", "SRS0=******=**=away.example=SRS0",
         NULL},
        {"an SRS1 address without its parts", "SRS1=x=y@away.example",
         "SRS0=******=**=away.example=SRS1=x=y", NULL},
        {"a chain of two", "SRS0=abcd=XY=away.example=joe@first.example",
         "SRS1=********=first.example==abcd=XY=away.example=joe",
         "SRS0=abcd=XY=away.example=joe@first.example"},
        {"a chain of two, with the other separator", "srs0+abcd=XY=away.example=joe@first.example",
         "SRS1=********=first.example=+abcd=XY=away.example=joe",
         "SRS0+abcd=XY=away.example=joe@first.example"},
        {"a chain of three grows no longer",
         "SRS1=wxyz=first.example==abcd=XY=away.example=joe@second.example",
         "SRS1=********=first.example==abcd=XY=away.example=joe",
         "SRS0=abcd=XY=away.example=joe@first.example"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct str text = rewrite(&arena, rows[i].sender, "ours.example");
        struct str want = arena_printf(&arena, "%s@ours.example", rows[i].local);
        bool is_alike = text.len == want.len;
        for (size_t j = 0; is_alike && j < want.len; j++)
            is_alike = want.at[j] == '*' || want.at[j] == text.at[j];
        CHECK_ROW(rows[i].about, is_alike);
        CHECK_STR(reverse(&arena, text), str_of(rows[i].back ? rows[i].back : rows[i].sender));
        arena_reset(&arena);
    }
}

TEST(a_sender_that_has_no_such_address_is_left_to_the_caller)
{
    static const char *const senders[] = {
        "joe@[192.0.2.1]",
        "a-local-part-that-is-longer-than-most-for-it-counts-things@away.example",
        "joe@a-domain-that-is-longer-than-most.and-has-quite-a-few.labels.example",
    };
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(senders); i++)
        CHECK_STR(rewrite(&arena, senders[i], "ours.example"), STR_EMPTY);
    arena_reset(&arena);
}

TEST(an_address_is_good_for_three_weeks)
{
    struct arena arena = arena_make();
    struct str text = rewrite(&arena, "joe@away.example", "ours.example");
    CHECK_STR(reverse_at(&arena, text, NOW - DAY), STR("joe@away.example"));
    CHECK_STR(reverse_at(&arena, text, NOW + 21 * DAY), STR("joe@away.example"));
    CHECK_STR(reverse_at(&arena, text, NOW + 22 * DAY), STR("expired"));
    CHECK_STR(reverse_at(&arena, text, NOW + 1000 * DAY), STR("expired"));
    CHECK_STR(reverse_at(&arena, text, NOW + 1024 * DAY), STR("forged"));
    CHECK_STR(reverse_at(&arena, text, NOW - 2 * DAY), STR("forged"));
    arena_reset(&arena);
}

TEST(a_change_of_case_on_the_way_does_no_harm)
{
    struct arena arena = arena_make();
    struct str text = rewrite(&arena, "Joe@away.example", "Ours.example");
    CHECK_STR(reverse(&arena, mail_domain_lower(&arena, text)), STR("joe@away.example"));
    arena_reset(&arena);
}

/* Every byte of it counts, those of the code too. */
TEST(no_other_byte_is_taken)
{
    static const char *const senders[] = {"joe@away.example",
                                          "SRS0=abcd=XY=away.example=joe@first.example"};
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(senders); i++) {
        struct str text = rewrite(&arena, senders[i], "ours.example");
        for (size_t at = 0; at < text.len; at++) {
            struct str other = arena_copy(&arena, text);
            char *byte = (char *)(uintptr_t)&other.at[at];
            if (*byte == '@' || *byte == '.')
                continue;
            *byte = *byte == '2' ? '3' : '2';
            struct str answer = reverse(&arena, other);
            CHECK(str_eq(answer, STR("forged")) || str_eq(answer, STR("none")));
        }
        struct str local = str_first(text, str_find_last(text, '@'));
        for (size_t len = 5; len < local.len; len++) {
            if (local.at[len - 1] == '.')
                continue; /* no address at all */
            struct str cut =
                arena_printf(&arena, "%.*s@ours.example", STR_FMT(str_first(local, len)));
            CHECK_STR(reverse(&arena, cut), STR("forged"));
        }
    }
    arena_reset(&arena);
}

TEST(what_is_not_ours_is_not_given_back)
{
    static const struct {
        const char *about, *address, *answer;
    } rows[] = {
        {"an ordinary address", "joe@ours.example", "none"},
        {"the name alone", "SRS0@ours.example", "none"},
        {"the form that others write", "SRS0+abcd=XY=away.example=joe@ours.example", "none"},
        {"nothing behind the name", "SRS0=@ours.example", "forged"},
        {"a guess", "SRS0=AAAAAA=AA=away.example=joe@ours.example", "forged"},
        {"a guess of the second kind", "SRS1=AAAAAAAA=first.example==x@ours.example", "forged"},
        {"a code of no bytes", "SRS0==AA=away.example=joe@ours.example", "forged"},
        {"no code at all", "SRS0=away.example=joe@ours.example", "forged"},
        {"a code of other characters", "SRS0=!!!!!!=AA=away.example=joe@ours.example", "forged"},
        {"a day of other characters", "SRS0=AAAAAA=!!=away.example=joe@ours.example", "forged"},
        {"no day", "SRS0=AAAAAA==away.example=joe@ours.example", "forged"},
        {"no sender", "SRS0=AAAAAA=AA=away.example=@ours.example", "forged"},
    };
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_ROW(rows[i].about,
                  str_eq(reverse(&arena, str_of(rows[i].address)), str_of(rows[i].answer)));
    arena_reset(&arena);
}

TEST(an_address_is_good_in_the_domain_and_for_the_key_it_was_made_for)
{
    struct arena arena = arena_make();
    struct str text = rewrite(&arena, "joe@away.example", "ours.example");
    struct str local = str_first(text, str_find_last(text, '@'));
    CHECK_STR(reverse(&arena, arena_printf(&arena, "%.*s@other.example", STR_FMT(local))),
              STR("forged"));
    struct srs_key other = {{1, 2, 4}};
    struct mail_address address = address_of(&arena, arena_copy(&arena, text).at), out;
    CHECK_INT(srs_reverse(&other, NOW, &address, &arena, &out), SRS_FORGED);
    arena_reset(&arena);
}

/* The parts of one kind are not taken for those of the other. */
TEST(a_kind_is_part_of_the_code)
{
    struct arena arena = arena_make();
    struct str text = rewrite(&arena, "joe@away.example", "ours.example"), tag, day, rest;
    REQUIRE(str_cut(str_from(text, 5), '=', &tag, &rest) && str_cut(rest, '=', &day, &rest));
    struct str other =
        arena_printf(&arena, "SRS1=%.*s%.*s=%.*s", STR_FMT(tag), STR_FMT(day), STR_FMT(rest));
    CHECK_STR(reverse(&arena, other), STR("forged"));
    arena_reset(&arena);
}

int main(void)
{
    RUN(a_sender_is_rewritten_and_found_again);
    RUN(a_sender_that_has_no_such_address_is_left_to_the_caller);
    RUN(an_address_is_good_for_three_weeks);
    RUN(a_change_of_case_on_the_way_does_no_harm);
    RUN(no_other_byte_is_taken);
    RUN(what_is_not_ours_is_not_given_back);
    RUN(an_address_is_good_in_the_domain_and_for_the_key_it_was_made_for);
    RUN(a_kind_is_part_of_the_code);
    return test_summary();
}
