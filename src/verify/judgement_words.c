/* A judgement in plain words: for the trace of a message and the log of a refusal. */
#include "mail/text.h"
#include "verify/judgement.h"

#define TOLD_MAX_BYTES  ((size_t)300) /* of a text that others chose */
#define WORDS_MAX_BYTES ((size_t)32 * 1024)

/* Lines that are being written; what does not fit is cut. */
struct words {
    struct buf buf;
    struct arena *arena;
};

static void add(struct words *words, const char *format, ...) PRINTF_LIKE(2, 3);
static void add(struct words *words, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_add_cut(&words->buf, arena_vprintf(words->arena, format, args));
    va_end(args);
}

/* What a peer may have chosen. */
static struct str clean(const struct words *words, struct str text)
{
    return mail_text_clean(words->arena, str_first(text, TOLD_MAX_BYTES));
}

static void add_if_known(struct words *words, const char *before, struct str text)
{
    if (text.len)
        add(words, "%s%.*s", before, STR_FMT(clean(words, text)));
}

static void tell_client(struct words *words, const struct judgement *judgement)
{
    struct str address = net_address_print_ip(words->arena, &judgement->query.client);
    add(words, "iprev %.*s: %.*s", STR_FMT(iprev_result_text(judgement->iprev)), STR_FMT(address));
    add_if_known(words, " is ", judgement->client_name);
}

static void tell_spf(struct words *words, const struct judgement *judgement)
{
    const struct spf_answer *spf = &judgement->spf;
    add(words, "\nSPF %.*s for the %s %.*s", STR_FMT(spf_result_text(spf->result)),
        spf->is_helo ? "HELO name" : "domain", STR_FMT(clean(words, spf->domain)));
    add_if_known(words, ", decided by ", spf->mechanism);
    add_if_known(words, ": ", spf->reason);
    add_if_known(words, "; it explains: ", spf->explanation);
    add(words, " (%u look-ups, %u void)", spf->lookups, spf->void_lookups);
}

static void tell_signature(struct words *words, const struct dkim_verified *signature)
{
    add(words, "\nDKIM %.*s", STR_FMT(dkim_result_text(signature->verdict.result)));
    add_if_known(words, " for ", signature->domain);
    add_if_known(words, ", selector ", signature->selector);
    add_if_known(words, ", ", signature->algorithm);
    if (signature->key_bits)
        add(words, ", %u-bit key", signature->key_bits);
    if (signature->is_testing)
        add(words, ", which only tests");
    add_if_known(words, ": ", str_of(signature->verdict.reason));
}

static void tell_dkim(struct words *words, const struct judgement *judgement)
{
    const struct dkim_verified_list *dkim = &judgement->dkim;
    for (size_t i = 0; i < dkim->count; i++)
        tell_signature(words, &dkim->items[i]);
    if (dkim->count == 0)
        add(words, "\nDKIM none: there is no signature");
    if (dkim->ignored)
        add(words, "\nDKIM: %zu more signatures were not looked at", dkim->ignored);
}

static void tell_dmarc(struct words *words, const struct judgement *judgement)
{
    const struct dmarc_answer *dmarc = &judgement->dmarc;
    add(words, "\nDMARC %.*s", STR_FMT(dmarc_result_text(dmarc->result)));
    add_if_known(words, ": ", dmarc->reason);
    if (dmarc->record_domain.len)
        add(words, " (p=%.*s, published at %.*s)", STR_FMT(dmarc_policy_text(dmarc->policy)),
            STR_FMT(clean(words, dmarc->record_domain)));
}

static void tell_arc(struct words *words, const struct judgement *judgement)
{
    const struct arc_chain *arc = &judgement->arc;
    if (arc->result == ARC_NONE)
        return;
    add(words, "\nARC %.*s, %u set%s", STR_FMT(arc_result_text(arc->result)), arc->instance,
        arc->instance == 1 ? "" : "s");
    add_if_known(words, ": ", str_of(arc->reason));
}

struct str judgement_tell(const struct judgement *judgement)
{
    struct words words = {.buf = buf_make(WORDS_MAX_BYTES), .arena = judgement->arena};
    tell_client(&words, judgement);
    tell_spf(&words, judgement);
    tell_dkim(&words, judgement);
    tell_dmarc(&words, judgement);
    tell_arc(&words, judgement);
    struct str text = arena_copy(judgement->arena, buf_str(&words.buf));
    buf_free(&words.buf);
    return text;
}
