/* What a server without 8BITMIME is given: RFC 6152 section 3. */
#include "deliver/transaction_internal.h"
#include "fiber/loop.h"

#define SEND_7BIT "; send it in 7 bit, as quoted-printable or base64"

/* Why it cannot be converted: a status, what the host lacks, and why that does not help. */
static const struct {
    const char *status, *lacks, *why;
} refusals[] = {
    [SEVEN_BIT_SIGNED] = {"5.6.3", "8BITMIME",
                          "its signature (DKIM or ARC) would break if it were converted" SEND_7BIT},
    [SEVEN_BIT_SEALED] = {"5.6.3", "8BITMIME",
                          "a part that is signed or encrypted would break if it were "
                          "converted" SEND_7BIT},
    [SEVEN_BIT_UTF8_HEADER] = {"5.6.7", "8BITMIME and SMTPUTF8",
                               "its header holds UTF-8, which cannot be converted; encode the "
                               "header's words (RFC 2047)"},
    [SEVEN_BIT_HEADER] = {"5.6.3", "8BITMIME",
                          "its header holds 8-bit characters in an unknown character set; encode "
                          "the header's words (RFC 2047)"},
    [SEVEN_BIT_OUTSIDE] = {"5.6.3", "8BITMIME",
                           "it holds 8-bit text outside of its MIME parts" SEND_7BIT},
    [SEVEN_BIT_UNENCODABLE] = {"5.6.3", "8BITMIME",
                               "a part of it is of a type that must not be encoded" SEND_7BIT},
    [SEVEN_BIT_ENCODED] = {"5.6.3", "8BITMIME", "a part of it is not encoded as it says" SEND_7BIT},
    [SEVEN_BIT_UNCLEAR] = {"5.6.3", "8BITMIME",
                           "its MIME structure is damaged, ambiguous or too large" SEND_7BIT},
};

static struct queue_outcome refusal_of(struct run *run, enum seven_bit_answer answer)
{
    struct str words =
        arena_printf(run->arena, "%s the message needs %s, which %.*s does not offer, and %s",
                     refusals[answer].status, refusals[answer].lacks,
                     STR_FMT(run->client->options.peer), refusals[answer].why);
    return (struct queue_outcome){
        .kind = QUEUE_FAILED, .reason = SPOOL_REASON_REPLY, .words = words};
}

static void note(struct run *run, struct str text)
{
    transcript_line(run->client->transcript, loop_now_ms(), TRANSCRIPT_NOTE, text);
}

static void fit(struct run *run, enum seven_bit_answer answer)
{
    if (answer == SEVEN_BIT_ALREADY)
        return;
    if (answer == SEVEN_BIT_POSSIBLE) {
        run->content = &run->seven_bit.source;
        note(run, arena_printf(run->arena, "converted to 7 bit for %.*s, which lacks 8BITMIME",
                               STR_FMT(run->client->options.peer)));
        return;
    }
    struct queue_outcome refusal = refusal_of(run, answer);
    run_decide_all(run, FATE_OPEN, FATE_OPEN, refusal);
    note(run, refusal.words);
}

enum err run_fit_content(struct run *run)
{
    const struct transaction *transaction = run->transaction;
    if (!transaction->envelope->body_8bit || run->client->extensions.eight_bit_mime)
        return OK;
    enum seven_bit_answer answer;
    enum err err =
        seven_bit_content_begin(&run->seven_bit, transaction->content, run->arena, &answer);
    if (err == ERR_CANCELLED)
        return err;
    if (err)
        run_decide_unreadable(run, err);
    else
        fit(run, answer);
    return OK;
}
