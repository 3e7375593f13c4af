/* The input's first line is the value of all macros, the rest is the text. Laws: a domain-spec is a
 * macro-string, a macro-string an explanation; a name is never longer than 253 bytes and ASCII;
 * two expansions are the same. */
#include "verify/spf_macro.h"

#include "verify/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_domain(struct arena *arena, struct str text,
                         const struct spf_macro_values *values)
{
    struct str name, again;
    enum err err = spf_macro_expand_domain(arena, text, values, &name);
    assert(err == OK || err == ERR_UNSUPPORTED || err == ERR_LIMIT);
    if (err)
        return;
    assert(name.len <= DOMAIN_MAX_BYTES && !str_has_8bit(name));
    err = spf_macro_expand_domain(arena, text, values, &again);
    assert(!err && str_eq(name, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make();
    struct str value = STR_EMPTY, text = str_make((const char *)data, size);
    struct spf_macro_values values;
    str_cut(text, '\n', &value, &text);
    for (size_t i = 0; i < ARRAY_LEN(values.of); i++)
        values.of[i] = value;
    bool is_domain = spf_macro_check(text, SPF_MACRO_DOMAIN) == OK;
    bool is_string = spf_macro_check(text, SPF_MACRO_STRING) == OK;
    bool is_explanation = spf_macro_check(text, SPF_MACRO_EXPLANATION) == OK;
    assert((!is_domain || is_string) && (!is_string || is_explanation));
    assert(!spf_macro_uses(text, 'p') || str_find(text, '%') != SIZE_MAX);
    if (is_domain)
        check_domain(&arena, text, &values);
    struct str explanation;
    if (is_explanation && !spf_macro_expand_explanation(&arena, text, &values, &explanation))
        assert(explanation.len <= SPF_EXPLANATION_MAX_BYTES && !str_has_8bit(explanation));
    arena_reset(&arena);
    return 0;
}
