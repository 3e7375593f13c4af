#include "deliver/envelope.h"

#include "mail/idna.h"
#include "mail/text.h"
#include "smtp/xtext.h"

#include <inttypes.h>

#define LINE_MAX_BYTES 3072

/* ---- what cannot be ---- */
static struct queue_outcome impossible(enum spool_reason reason, struct str words)
{
    return (struct queue_outcome){.kind = QUEUE_FAILED, .reason = reason, .words = words};
}

bool envelope_is_impossible(const struct transaction *transaction, uint64_t size_bytes,
                            const struct smtp_extensions *extensions, bool is_tls_verified,
                            struct str peer, struct arena *arena, struct queue_outcome *out_outcome)
{
    if (extensions->has_size && extensions->size && size_bytes > extensions->size) {
        struct str words = arena_printf(
            arena, "5.3.4 the message has %" PRIu64 " bytes, %.*s takes at most %" PRIu64,
            size_bytes, STR_FMT(peer), extensions->size);
        *out_outcome = impossible(SPOOL_REASON_REPLY, words);
        return true;
    }
    if (transaction->smtputf8 && !extensions->smtputf8) {
        struct str words = arena_printf(
            arena, "5.6.7 the message needs SMTPUTF8, which %.*s does not offer", STR_FMT(peer));
        *out_outcome = impossible(SPOOL_REASON_REPLY, words);
        return true;
    }
    if (transaction->envelope->require_tls && !(extensions->requiretls && is_tls_verified)) {
        struct str words = arena_printf(
            arena, "5.7.30 the message needs REQUIRETLS, which %.*s does not offer", STR_FMT(peer));
        *out_outcome = impossible(SPOOL_REASON_TLS, words);
        return true;
    }
    return false;
}

/* ---- the lines ---- */

/* What was accepted once is parsed again: the disk it lay on is no authority, and one stray bracket
 * or line end would put words into our mouth. Prints `verb` and the path. */
static enum err start_line(struct buf *line, const char *verb, struct str address, bool may_be_null,
                           struct arena *arena)
{
    unsigned flags = MAIL_ADDRESS_UTF8 | MAIL_ADDRESS_POSTMASTER | MAIL_ADDRESS_UNDERSCORE |
                     (may_be_null ? MAIL_ADDRESS_NULL : 0);
    struct str text = arena_printf(arena, "<%.*s>", STR_FMT(address));
    struct mail_path path;
    size_t used;
    enum err err = mail_path_parse(arena, text, (enum mail_address_flags)flags, &path, &used);
    if (!err && used != text.len)
        err = ERR_SYNTAX;
    if (!err)
        path.address = mail_address_with_a_labels(arena, &path.address);
    if (!err)
        err = buf_add(line, str_of(verb));
    return err ? err : mail_path_print(line, &path);
}

static enum err add_mail_parameters(struct buf *line, const struct transaction *transaction,
                                    uint64_t size_bytes, const struct smtp_extensions *extensions)
{
    static const char *const returns[] = {
        [SPOOL_RETURN_UNSET] = "",
        [SPOOL_RETURN_FULL] = " RET=FULL",
        [SPOOL_RETURN_HEADERS] = " RET=HDRS",
    };
    const struct spool_envelope *envelope = transaction->envelope;
    enum err err = OK;
    if (extensions->has_size)
        err = buf_printf(line, " SIZE=%" PRIu64, size_bytes);
    if (!err && extensions->eight_bit_mime && envelope->body_8bit)
        err = buf_add(line, STR(" BODY=8BITMIME"));
    if (!err && transaction->smtputf8)
        err = buf_add(line, STR(" SMTPUTF8"));
    if (!err && envelope->require_tls)
        err = buf_add(line, STR(" REQUIRETLS"));
    if (!err && extensions->dsn && envelope->returns < ARRAY_LEN(returns))
        err = buf_add(line, str_of(returns[envelope->returns]));
    if (!err && extensions->dsn && envelope->envelope_id.len) {
        err = buf_add(line, STR(" ENVID="));
        if (!err)
            err = smtp_xtext_encode(line, envelope->envelope_id);
    }
    return err;
}

static enum err add_notify(struct buf *line, uint8_t notify)
{
    static const struct {
        uint8_t bit;
        struct str name;
    } names[] = {
        {SPOOL_NOTIFY_NEVER, {"NEVER", 5}},
        {SPOOL_NOTIFY_SUCCESS, {"SUCCESS", 7}},
        {SPOOL_NOTIFY_FAILURE, {"FAILURE", 7}},
        {SPOOL_NOTIFY_DELAY, {"DELAY", 5}},
    };
    struct str separator = STR(" NOTIFY=");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!(notify & names[i].bit))
            continue;
        enum err err = buf_add(line, separator);
        if (!err)
            err = buf_add(line, names[i].name);
        if (err)
            return err;
        separator = STR(",");
    }
    return OK;
}

/* ORCPT is for reports alone: one that cannot be written is left out. Without SMTPUTF8 it is ASCII
 * all the same (RFC 6533 section 3). */
static enum err add_original(struct buf *line, struct str original, bool utf8, struct arena *arena)
{
    struct smtp_orcpt orcpt;
    if (!str_cut(original, ';', &orcpt.type, &orcpt.address) || !mail_text_is_clean(original) ||
        str_has_8bit(orcpt.type))
        return OK;
    if (!utf8 && str_has_8bit(orcpt.address))
        orcpt.address = smtp_utf8_address_encode(arena, orcpt.address);
    if (orcpt.address.len > SMTP_ORCPT_MAX_BYTES)
        return OK;
    enum err err = buf_add(line, STR(" ORCPT="));
    return err ? err : smtp_orcpt_print(line, &orcpt);
}

static enum err finish(struct buf *line, enum err err, struct arena *arena, struct str *out_line)
{
    if (!err)
        *out_line = arena_copy(arena, buf_str(line));
    buf_free(line);
    return err;
}

enum err envelope_print_mail(const struct transaction *transaction, uint64_t size_bytes,
                             const struct smtp_extensions *extensions, struct arena *arena,
                             struct str *out_line)
{
    struct buf line = buf_make(LINE_MAX_BYTES);
    enum err err = start_line(&line, "MAIL FROM:", transaction->sender, true, arena);
    if (!err)
        err = add_mail_parameters(&line, transaction, size_bytes, extensions);
    return finish(&line, err, arena, out_line);
}

enum err envelope_print_rcpt(const struct transaction *transaction,
                             const struct spool_recipient *recipient,
                             const struct smtp_extensions *extensions, struct arena *arena,
                             struct str *out_line)
{
    struct buf line = buf_make(LINE_MAX_BYTES);
    enum err err = start_line(&line, "RCPT TO:", recipient->address, false, arena);
    if (!err && extensions->dsn) {
        err = add_notify(&line, recipient->notify);
        if (!err)
            err = add_original(&line, recipient->original, transaction->smtputf8, arena);
    }
    return finish(&line, err, arena, out_line);
}
