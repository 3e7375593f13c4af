#include "report/dsn_parts.h"

#include "mail/header.h"

#define PARTS          3
#define PART_MAX_BYTES ((size_t)16 * 1024 * 1024)

struct part {
    const char *type;
    struct str content;
};

enum dsn_action dsn_worst_action(const struct dsn *dsn)
{
    enum dsn_action worst = DSN_ACTIONS;
    for (size_t i = 0; i < dsn->count; i++)
        if (dsn->recipients[i].action < worst)
            worst = dsn->recipients[i].action;
    assert(worst < DSN_ACTIONS);
    return worst;
}

/* ---- the header ---- */

static const char *subject_of(const struct dsn *dsn)
{
    static const char *const subjects[] = {
        [DSN_FAILED] = "Your message could not be delivered",
        [DSN_DELAYED] = "Your message is delayed; delivery is still being tried",
        [DSN_RELAYED] = "Your message was passed on",
        [DSN_DELIVERED] = "Your message was delivered",
        [DSN_EXPANDED] = "Your message was passed on to a list of recipients",
    };
    return subjects[dsn_worst_action(dsn)];
}

/* "<a@b>", if the original says one that can be repeated without harm. */
static struct str message_id_of(const struct dsn *dsn, struct arena *arena)
{
    struct mail_field field;
    if (!mail_header_find(dsn->original, STR("Message-ID"), &field))
        return STR_EMPTY;
    struct str id = mail_field_unfold(arena, field.value);
    bool is_fit = id.len > 2 && id.len <= LINES_MAX_BYTES && id.at[0] == '<' &&
                  str_find(id, '>') == id.len - 1 && !str_has_8bit(id);
    for (size_t i = 0; i < id.len && is_fit; i++)
        is_fit = id.at[i] > ' ' && id.at[i] < 0x7f;
    return is_fit ? id : STR_EMPTY;
}

static void print_header(struct lines *lines, const struct dsn *dsn)
{
    struct str original_id = message_id_of(dsn, lines->arena);
    struct str to = arena_printf(lines->arena, "<%.*s>", STR_FMT(dsn->sender));
    lines_date_field(lines, "Date", dsn->wall_us);
    lines_printf(lines, "From: Mail Delivery System <MAILER-DAEMON@%.*s>\r\n",
                 STR_FMT(dsn->hostname));
    lines_plain_field(lines, "To", to);
    lines_printf(lines, "Subject: %s\r\n", subject_of(dsn));
    lines_printf(lines, "Message-ID: <%.*s@%.*s>\r\n", STR_FMT(dsn->id), STR_FMT(dsn->hostname));
    lines_plain_field(lines, "In-Reply-To", original_id);
    lines_plain_field(lines, "References", original_id);
    lines_add(lines, STR("Auto-Submitted: auto-replied\r\n"
                         "MIME-Version: 1.0\r\n"));
}

/* ---- the whole ---- */

static bool occurs(struct str boundary, const struct part *parts)
{
    for (size_t i = 0; i < PARTS; i++)
        if (str_search(parts[i].content, boundary) != SIZE_MAX)
            return true;
    return false;
}

/* The report's id makes it unlikely to occur, looking makes sure. Ends, since the parts do. */
static struct str choose_boundary(const struct dsn *dsn, const struct part *parts,
                                  struct arena *arena)
{
    struct str boundary;
    unsigned i = 0;
    do
        boundary = arena_printf(arena, "=_report_%.*s_%u", STR_FMT(dsn->id), i++);
    while (occurs(boundary, parts));
    return boundary;
}

static const char *encoding_of(struct str content)
{
    return str_has_8bit(content) ? "8bit" : "7bit";
}

static void print_parts(struct lines *lines, const struct part *parts, struct str boundary)
{
    bool has_8bit = false;
    for (size_t i = 0; i < PARTS; i++)
        has_8bit |= str_has_8bit(parts[i].content);
    lines_printf(lines,
                 "Content-Type: multipart/report; report-type=delivery-status;\r\n"
                 "\tboundary=\"%.*s\"\r\n"
                 "Content-Transfer-Encoding: %s\r\n\r\n",
                 STR_FMT(boundary), has_8bit ? "8bit" : "7bit");
    for (size_t i = 0; i < PARTS; i++) {
        lines_printf(lines,
                     "--%.*s\r\n"
                     "Content-Type: %s\r\n"
                     "Content-Transfer-Encoding: %s\r\n\r\n",
                     STR_FMT(boundary), parts[i].type, encoding_of(parts[i].content));
        lines_add(lines, parts[i].content);
        lines_add(lines, STR("\r\n"));
    }
    lines_printf(lines, "--%.*s--\r\n", STR_FMT(boundary));
}

static enum err print_message(struct buf *out, const struct dsn *dsn, const struct part *parts,
                              struct arena *arena)
{
    struct lines lines = {.buf = out, .arena = arena, .utf8 = dsn->utf8};
    print_header(&lines, dsn);
    print_parts(&lines, parts, choose_boundary(dsn, parts, arena));
    return lines.err;
}

/* Its bytes live in `scratch`. */
static enum err make_part(void (*print)(struct lines *, const struct dsn *), const char *type,
                          const struct dsn *dsn, struct arena *arena, struct buf *scratch,
                          struct part *out_part)
{
    struct lines lines = {.buf = scratch, .arena = arena, .utf8 = dsn->utf8};
    print(&lines, dsn);
    *out_part = (struct part){type, buf_str(scratch)};
    return lines.err;
}

enum err dsn_print(struct buf *out, const struct dsn *dsn, struct arena *arena)
{
    static const char *const text_types[] = {"text/plain; charset=us-ascii",
                                             "text/plain; charset=utf-8"};
    static const char *const fields_types[] = {"message/delivery-status",
                                               "message/global-delivery-status"};
    assert(dsn->count > 0 && dsn->id.len > 0 && dsn->id.len <= DSN_ID_MAX_BYTES);
    struct buf text = buf_make(PART_MAX_BYTES), fields = buf_make(PART_MAX_BYTES);
    struct dsn_returned returned = dsn_return_original(dsn, arena);
    struct part parts[PARTS] = {[2] = {returned.type, returned.content}};
    enum err err = make_part(dsn_print_text, text_types[dsn->utf8], dsn, arena, &text, &parts[0]);
    if (!err)
        err = make_part(dsn_print_fields, fields_types[dsn->utf8], dsn, arena, &fields, &parts[1]);
    if (!err)
        err = print_message(out, dsn, parts, arena);
    buf_free(&text);
    buf_free(&fields);
    return err;
}
