#include "mail/lexer.h"

bool mail_char_is_atext(char c)
{
    return char_is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* CRLF before a blank is a fold: length 2, else 0. */
static size_t fold_len(struct str s, size_t at)
{
    struct str rest = str_from(s, at);
    return rest.len >= 3 && str_starts(rest, STR("\r\n")) && char_is_wsp(rest.at[2]) ? 2 : 0;
}

/* The end of what runs from the bracket at the front of `s` to its closing one, escapes and folds
 * included; 0 when there is none or a control character stands within. */
static size_t enclosed_len(struct str s, char open, char close, bool nests)
{
    size_t depth = 1, at = 1;
    while (at < s.len && depth) {
        char c = s.at[at];
        size_t fold = fold_len(s, at);
        if (fold) {
            at += fold;
            continue;
        }
        if (c == '\\' && at + 1 < s.len)
            c = s.at[++at];
        else if (c == close)
            depth--;
        else if (nests && c == open)
            depth++;
        if (char_is_control(c) && c != '\t')
            return 0;
        at++;
    }
    return depth ? 0 : at;
}

/* Comments and folding white space, RFC 5322 section 3.2.2. */
static enum err skip_cfws(struct mail_lexer *lexer, bool *out_any)
{
    struct str rest = lexer->rest;
    while (rest.len) {
        size_t len;
        if (char_is_wsp(rest.at[0])) {
            len = 1;
        } else if (rest.at[0] == '(') {
            len = enclosed_len(rest, '(', ')', true);
            if (len == 0)
                return ERR_SYNTAX;
        } else {
            len = fold_len(rest, 0);
        }
        if (len == 0)
            break;
        rest = str_from(rest, len);
    }
    *out_any = rest.len != lexer->rest.len;
    lexer->rest = rest;
    return OK;
}

static size_t atom_len(struct str s)
{
    size_t len = 0;
    while (len < s.len && (mail_char_is_atext(s.at[len]) || char_is_8bit(s.at[len])))
        len++;
    return len;
}

enum err mail_lexer_next(struct mail_lexer *lexer, struct mail_token *out_token)
{
    struct mail_token token = {.kind = MAIL_TOKEN_END};
    enum err err = skip_cfws(lexer, &token.is_separated);
    if (err)
        return err;
    struct str rest = lexer->rest;
    size_t len = 0;
    if (rest.len == 0) {
        token.kind = MAIL_TOKEN_END;
    } else if (rest.at[0] == '"') {
        token.kind = MAIL_TOKEN_QUOTED;
        len = enclosed_len(rest, '"', '"', false);
    } else if (rest.at[0] == '[') {
        token.kind = MAIL_TOKEN_LITERAL;
        len = enclosed_len(rest, '[', ']', false);
    } else if ((len = atom_len(rest)) > 0) {
        token.kind = MAIL_TOKEN_ATOM;
    } else {
        token.kind = MAIL_TOKEN_SPECIAL;
        len = char_is_control(rest.at[0]) ? 0 : 1;
    }
    if (len == 0 && token.kind != MAIL_TOKEN_END)
        return ERR_SYNTAX;
    token.raw = str_first(rest, len);
    lexer->rest = str_from(rest, len);
    *out_token = token;
    return OK;
}

struct str mail_token_text(struct arena *arena, const struct mail_token *token)
{
    if (token->kind != MAIL_TOKEN_QUOTED)
        return token->raw;
    struct str inner = str_from(str_first(token->raw, token->raw.len - 1), 1);
    if (str_find(inner, '\\') == SIZE_MAX && str_find(inner, '\r') == SIZE_MAX)
        return inner;
    char *text = arena_alloc(arena, inner.len);
    size_t len = 0;
    for (size_t i = 0; i < inner.len; i++) {
        size_t fold = fold_len(inner, i);
        if (fold || inner.at[i] == '\\')
            i += fold ? fold : 1;
        text[len++] = inner.at[i];
    }
    return str_make(text, len);
}
