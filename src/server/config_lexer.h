/* The words of a configuration file. Pure; allocates nothing; a lexer may be copied to look ahead.
 *
 *     word     any run of bytes but white space, controls and { } = , # "
 *     "text"   on one line; \" and \\ stand for " and \
 *     { } = ,
 *     #        comment, to the end of the line
 *
 * Law: the tokens lie in the text in order; printing a string's value and reading it again gives
 * the same value. */
#ifndef SERVER_CONFIG_LEXER_H
#define SERVER_CONFIG_LEXER_H

#include "base/arena.h"

enum config_token_kind {
    CONFIG_TOKEN_END,
    CONFIG_TOKEN_WORD,
    CONFIG_TOKEN_STRING,
    CONFIG_TOKEN_EQUALS,
    CONFIG_TOKEN_COMMA,
    CONFIG_TOKEN_OPEN,
    CONFIG_TOKEN_CLOSE,
};

struct config_token {
    enum config_token_kind kind;
    struct str raw;      /* as written, quotes included; borrows from the text */
    uint32_t line;       /* counts from 1 */
    const char *problem; /* what is wrong within it and what to do, or NULL */
};

struct config_lexer {
    struct str rest;
    uint32_t line;
};

/* A byte order mark in front is skipped. */
struct config_lexer config_lexer_make(struct str text);
struct config_token config_lexer_next(struct config_lexer *lexer);

/* What a word or string means, in `arena`. */
struct str config_token_value(struct arena *arena, const struct config_token *token);
/* A value as a string that means it, in `arena`. */
struct str config_string_print(struct arena *arena, struct str value);

#endif
