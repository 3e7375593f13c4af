#include "mail/received.h"

#include "mail/date.h"

#define FOLD_AT   78 /* RFC 5322 section 2.1.1 */
#define TAB_WIDTH 8

/* Writes words with a blank or a fold before each, and remembers the first error. */
struct folder {
    struct buf *buf;
    size_t column;
    enum err err;
};

static void add(struct folder *folder, struct str bytes)
{
    if (!folder->err)
        folder->err = buf_add(folder->buf, bytes);
    folder->column += bytes.len;
}

/* Room for a word of `len` bytes: on this line if it fits, else on the next. */
static void separate(struct folder *folder, size_t len)
{
    if (folder->column + 1 + len <= FOLD_AT) {
        add(folder, STR(" "));
    } else {
        add(folder, STR("\r\n\t"));
        folder->column = TAB_WIDTH;
    }
}

static void add_word(struct folder *folder, struct str word)
{
    separate(folder, word.len);
    add(folder, word);
}

/* What would end a clause, a comment or the field, or is no printable ASCII. */
static bool is_unsafe(char c) { return c <= ' ' || c >= 0x7f || strchr("()\\\";<>,", c) != NULL; }

static void add_safely(struct folder *folder, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        add(folder, is_unsafe(text.at[i]) ? STR("?") : str_make(text.at + i, 1));
}

static void add_safe_word(struct folder *folder, struct str word)
{
    separate(folder, word.len);
    add_safely(folder, word);
}

static void add_clause(struct folder *folder, struct str keyword, struct str value)
{
    if (value.len == 0)
        return;
    add_word(folder, keyword);
    add_safe_word(folder, value);
}

static size_t literal_len(struct str ip)
{
    return ip.len + (str_find(ip, ':') == SIZE_MAX ? strlen("[]") : strlen("[IPv6:]"));
}

static void add_literal(struct folder *folder, struct str ip)
{
    add(folder, str_find(ip, ':') == SIZE_MAX ? STR("[") : STR("[IPv6:"));
    add_safely(folder, ip);
    add(folder, STR("]"));
}

/* `from HELO (NAME [IP])`; without a HELO the address stands in its place. */
static void add_from(struct folder *folder, const struct mail_received *received)
{
    struct str ip = received->client_ip, name = received->client_name;
    if (received->helo.len == 0 && ip.len == 0)
        return;
    add_word(folder, STR("from"));
    if (received->helo.len == 0) {
        separate(folder, literal_len(ip));
        add_literal(folder, ip);
        return;
    }
    add_safe_word(folder, received->helo);
    if (ip.len == 0)
        return;
    separate(folder, name.len + literal_len(ip) + strlen("( )"));
    add(folder, STR("("));
    if (name.len) {
        add_safely(folder, name);
        add(folder, STR(" "));
    }
    add_literal(folder, ip);
    add(folder, STR(")"));
}

/* A comment, broken at its blanks. */
static void add_comment(struct folder *folder, struct str text)
{
    struct str word, rest = text;
    bool is_first = true, has_more = text.len > 0;
    while (has_more) {
        has_more = str_cut(rest, ' ', &word, &rest);
        if (!has_more)
            word = rest;
        separate(folder, word.len + 2);
        add(folder, is_first ? STR("(") : STR(""));
        add_safely(folder, word);
        add(folder, has_more ? STR("") : STR(")"));
        is_first = false;
    }
}

static void add_recipient(struct folder *folder, const struct mail_address *recipient)
{
    struct arena arena = arena_make();
    struct str text = mail_address_text(&arena, recipient);
    add_word(folder, STR("for"));
    separate(folder, text.len + 2);
    add(folder, STR("<"));
    add(folder, text);
    add(folder, STR(">"));
    arena_reset(&arena);
}

static void add_date(struct folder *folder, int64_t wall_us)
{
    add(folder, STR(";"));
    separate(folder, MAIL_DATE_BYTES);
    if (!folder->err)
        folder->err = mail_date_print(folder->buf, wall_us);
    add(folder, STR("\r\n"));
}

enum err mail_received_print(struct buf *buf, const struct mail_received *received)
{
    assert(received->by.len);
    struct folder folder = {.buf = buf};
    add(&folder, STR("Received:"));
    add_from(&folder, received);
    add_clause(&folder, STR("by"), received->by);
    add_clause(&folder, STR("with"), received->protocol);
    add_comment(&folder, received->tls);
    add_clause(&folder, STR("id"), received->id);
    if (received->recipient)
        add_recipient(&folder, received->recipient);
    add_date(&folder, received->wall_us);
    return folder.err;
}
