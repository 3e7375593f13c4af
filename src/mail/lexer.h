/* The words of structured header fields: RFC 5322 sections 3.2 and 4.1. White space, folds and
 * comments stand between words and are skipped. Shared by the parsers of single fields. */
#ifndef MAIL_LEXER_H
#define MAIL_LEXER_H

#include "base/arena.h"
#include "base/err.h"

struct mail_lexer {
    struct str rest;
};

enum mail_token_kind {
    MAIL_TOKEN_END,
    MAIL_TOKEN_ATOM,    /* atext; 8-bit bytes count as atext (RFC 6532) */
    MAIL_TOKEN_QUOTED,  /* raw: with its quotes */
    MAIL_TOKEN_LITERAL, /* raw: with its brackets */
    MAIL_TOKEN_SPECIAL, /* one of < > : ; @ , . and other bytes that are no atext */
};

struct mail_token {
    enum mail_token_kind kind;
    struct str raw;    /* borrows from the field */
    bool is_separated; /* white space or a comment stands before it */
};

/* A byte of an atom, RFC 5322 section 3.2.3; 8-bit bytes are not counted here. */
bool mail_char_is_atext(char c);

static inline struct mail_lexer mail_lexer_make(struct str value)
{
    return (struct mail_lexer){value};
}

/* ERR_SYNTAX: a control character that is no fold, a quote, comment or literal without its end.
 * The lexer must not be used after that. */
MUST_CHECK enum err mail_lexer_next(struct mail_lexer *lexer, struct mail_token *out_token);

static inline bool mail_token_is(const struct mail_token *token, char special)
{
    return token->kind == MAIL_TOKEN_SPECIAL && token->raw.at[0] == special;
}

/* The meaning of an atom or a quoted string: without quotes, escapes and folds. Borrows from the
 * token, or lives in `arena`. */
struct str mail_token_text(struct arena *arena, const struct mail_token *token);

#endif
