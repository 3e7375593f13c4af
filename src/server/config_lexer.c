#include "server/config_lexer.h"

struct config_lexer config_lexer_make(struct str text)
{
    struct str mark = STR("\xef\xbb\xbf");
    return (struct config_lexer){.rest = str_starts(text, mark) ? str_from(text, 3) : text,
                                 .line = 1};
}

static bool is_space(char c) { return char_is_wsp(c) || c == '\r' || c == '\n'; }

static bool ends_word(char c) { return is_space(c) || (c != '\0' && strchr("{}=,#\"", c)); }

static void skip_space_and_comments(struct config_lexer *lexer)
{
    bool in_comment = false;
    size_t i = 0;
    for (; i < lexer->rest.len; i++) {
        char c = lexer->rest.at[i];
        if (c == '\n') {
            lexer->line++;
            in_comment = false;
        } else if (c == '#') {
            in_comment = true;
        } else if (!in_comment && !is_space(c)) {
            break;
        }
    }
    lexer->rest = str_from(lexer->rest, i);
}

/* ---- One token, whose first byte stands at the front ----------------------------------------- */

static size_t word_len(struct str rest)
{
    size_t len = 1;
    while (len < rest.len && !ends_word(rest.at[len]))
        len++;
    return len;
}

/* To the closing quote, or else to the end of the line. */
static size_t string_len(struct str rest)
{
    size_t len = 1;
    while (len < rest.len && rest.at[len] != '"' && rest.at[len] != '\n')
        len += rest.at[len] == '\\' && len + 1 < rest.len && rest.at[len + 1] != '\n' ? 2 : 1;
    return len < rest.len && rest.at[len] == '"' ? len + 1 : len;
}

static bool has_bad_escape(struct str inner)
{
    for (size_t i = 0; i < inner.len; i++)
        if (inner.at[i] == '\\' &&
            (++i == inner.len || !strchr("\"\\", inner.at[i]) || inner.at[i] == '\0'))
            return true;
    return false;
}

static const char *problem_of_bytes(struct str raw)
{
    for (size_t i = 0; i < raw.len; i++)
        if (char_is_control(raw.at[i]) && raw.at[i] != '\t')
            return "a control character stands here (delete it)";
    return str_is_utf8(raw) ? NULL : "this is not UTF-8 (save the file as UTF-8)";
}

static bool is_closed(struct str raw)
{
    if (raw.len < 2 || raw.at[raw.len - 1] != '"')
        return false;
    size_t backslashes = 0;
    while (raw.at[raw.len - 2 - backslashes] == '\\')
        backslashes++;
    return backslashes % 2 == 0;
}

static const char *problem_of_string(struct str raw)
{
    if (!is_closed(raw))
        return "the string is not closed (write a \" at its end)";
    if (has_bad_escape(str_from(str_first(raw, raw.len - 1), 1)))
        return "in a string, \\ stands before \" or \\ only (write \\\\ for a backslash)";
    return NULL;
}

static struct config_token token_at(const struct config_lexer *lexer)
{
    static const char marks[] = "=,{}";
    static const enum config_token_kind kinds[] = {CONFIG_TOKEN_EQUALS, CONFIG_TOKEN_COMMA,
                                                   CONFIG_TOKEN_OPEN, CONFIG_TOKEN_CLOSE};
    struct config_token token = {.line = lexer->line, .raw = lexer->rest};
    if (lexer->rest.len == 0)
        return token;
    char first = lexer->rest.at[0];
    const char *mark = first ? strchr(marks, first) : NULL;
    if (mark) {
        token.kind = kinds[mark - marks];
        token.raw = str_first(lexer->rest, 1);
        return token;
    }
    bool is_string = first == '"';
    token.kind = is_string ? CONFIG_TOKEN_STRING : CONFIG_TOKEN_WORD;
    token.raw = str_first(lexer->rest, is_string ? string_len(lexer->rest) : word_len(lexer->rest));
    token.problem = is_string ? problem_of_string(token.raw) : NULL;
    if (!token.problem)
        token.problem = problem_of_bytes(token.raw);
    return token;
}

struct config_token config_lexer_next(struct config_lexer *lexer)
{
    skip_space_and_comments(lexer);
    struct config_token token = token_at(lexer);
    lexer->rest = str_from(lexer->rest, token.raw.len);
    return token;
}

/* ---- Values --------------------------------------------------------------------------------- */

struct str config_token_value(struct arena *arena, const struct config_token *token)
{
    if (token->kind != CONFIG_TOKEN_STRING)
        return arena_copy(arena, token->raw);
    struct str inner = str_from(token->raw, 1);
    if (is_closed(token->raw))
        inner.len--;
    char *value = arena_zalloc(arena, inner.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < inner.len; i++) {
        if (inner.at[i] == '\\' && i + 1 < inner.len)
            i++;
        value[len++] = inner.at[i];
    }
    return str_make(value, len);
}

struct str config_string_print(struct arena *arena, struct str value)
{
    char *text = arena_zalloc(arena, value.len * 2 + 3);
    size_t len = 0;
    text[len++] = '"';
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '"' || value.at[i] == '\\')
            text[len++] = '\\';
        text[len++] = value.at[i];
    }
    text[len++] = '"';
    return str_make(text, len);
}
