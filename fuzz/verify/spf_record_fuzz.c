/* Laws: a record that parses has only checked domain-specs and prefixes in range; its terms, joined
 * by single blanks in another case, are the same record; with a faulty term added it is none. */
#include "verify/spf_record.h"

#include "verify/spf_macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_spec(struct str spec)
{
    assert(spec.len == 0 || spf_macro_check(spec, SPF_MACRO_DOMAIN) == OK);
}

static void check_record(const struct spf_record *record)
{
    check_spec(record->redirect);
    check_spec(record->explanation);
    for (size_t i = 0; i < record->count; i++) {
        const struct spf_directive *directive = &record->directives[i];
        check_spec(directive->domain_spec);
        assert(directive->bits4 <= 32 && directive->bits6 <= 128);
        assert(directive->text.len > 0 && str_find(directive->text, ' ') == SIZE_MAX);
    }
}

static struct str joined(struct arena *arena, const struct spf_record *record)
{
    struct buf buf = buf_make(1 << 20);
    enum err err = buf_add(&buf, STR("V=SPF1"));
    for (size_t i = 0; i < record->count; i++) {
        if (!err)
            err = buf_add_char(&buf, ' ');
        if (!err)
            err = buf_add(&buf, record->directives[i].text);
    }
    assert(!err);
    struct str text = arena_copy(arena, buf_str(&buf));
    buf_free(&buf);
    return text;
}

static void check_again(struct arena *arena, const struct spf_record *record)
{
    struct spf_record again;
    struct str fault, text = joined(arena, record);
    enum err err = spf_record_parse(arena, text, &again, &fault);
    assert(!err && again.count == record->count);
    for (size_t i = 0; i < record->count; i++) {
        const struct spf_directive *a = &record->directives[i], *b = &again.directives[i];
        assert(a->mechanism == b->mechanism && a->qualifier == b->qualifier &&
               a->bits4 == b->bits4 && a->bits6 == b->bits6 &&
               memcmp(a->network, b->network, sizeof a->network) == 0 &&
               str_eq(a->domain_spec, b->domain_spec));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make();
    struct str terms = str_make((const char *)data, size), fault;
    char *bytes = arena_alloc(&arena, size + 11);
    memcpy(bytes, "v=spf1 ", 7);
    memcpy(bytes + 7, terms.at, size);
    memcpy(bytes + 7 + size, " moo", 4);
    struct str txt = str_make(bytes, size + 7);
    struct spf_record record;
    if (spf_record_parse(&arena, txt, &record, &fault) == OK) {
        check_record(&record);
        check_again(&arena, &record);
    }
    enum err err = spf_record_parse(&arena, str_make(bytes, size + 11), &record, &fault);
    assert(err == ERR_SYNTAX && fault.len > 0);
    spf_record_is_one(terms);
    arena_reset(&arena);
    return 0;
}
