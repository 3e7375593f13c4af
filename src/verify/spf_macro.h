/* SPF macros: RFC 7208 section 7. Pure: whoever expands brings the values.
 *
 * Two texts hold macros: the <domain-spec> of a term, checked before anything is evaluated, and
 * the explanation that an exp= leads to. Only the latter may hold %{c}, %{r} and %{t}, and spaces.
 * A transformer count of zero is a syntax error (section 7.3); counts of any size are taken. */
#ifndef VERIFY_SPF_MACRO_H
#define VERIFY_SPF_MACRO_H

#include "base/arena.h"
#include "base/buf.h"

enum spf_macro_text {
    SPF_MACRO_DOMAIN,      /* domain-spec: ends in a top label or a macro */
    SPF_MACRO_STRING,      /* macro-string, of modifiers that nobody knows; any letter */
    SPF_MACRO_EXPLANATION, /* explain-string */
};

/* OK, or ERR_SYNTAX. */
MUST_CHECK enum err spf_macro_check(struct str text, enum spf_macro_text kind);

/* True when the checked text has a macro of this (lower-case) letter. */
bool spf_macro_uses(struct str text, char letter);

/* The value of each macro, by letter: values->of[SPF_MACRO('d')]. */
#define SPF_MACRO(letter) ((letter) - 'a')
struct spf_macro_values {
    struct str of[26];
};

#define SPF_EXPLANATION_MAX_BYTES 4096

/* The name that a checked domain-spec stands for: without a trailing dot, and shortened from the
 * left, label by label, to 253 bytes (section 7.3). It may still be no name that can be asked for.
 * ERR_UNSUPPORTED: a value holds bytes that are not ASCII, so nothing can match (RFC 8616
 * section 4). */
MUST_CHECK enum err spf_macro_expand_domain(struct arena *arena, struct str spec,
                                            const struct spf_macro_values *values,
                                            struct str *out_name);

/* The explanation that a checked text stands for. ERR_UNSUPPORTED as above; ERR_LIMIT. */
MUST_CHECK enum err spf_macro_expand_explanation(struct arena *arena, struct str text,
                                                 const struct spf_macro_values *values,
                                                 struct str *out_explanation);

#endif
