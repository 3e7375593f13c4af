#include "report/due.h"

bool due_action(const struct queue_outcome *outcome, enum dsn_action *out_action)
{
    if (outcome->status.state == SPOOL_BOUNCED)
        *out_action = DSN_FAILED;
    else if (outcome->warns)
        *out_action = DSN_DELAYED;
    else if (outcome->status.state != SPOOL_DELIVERED || outcome->receipt == QUEUE_RECEIPT_NONE)
        return false;
    else
        *out_action = outcome->receipt == QUEUE_RECEIPT_RELAYED ? DSN_RELAYED : DSN_DELIVERED;
    return true;
}

bool due_is_wanted(uint8_t notify, enum dsn_action action)
{
    static const uint8_t bits[] = {
        [DSN_FAILED] = SPOOL_NOTIFY_FAILURE,   [DSN_DELAYED] = SPOOL_NOTIFY_DELAY,
        [DSN_RELAYED] = SPOOL_NOTIFY_SUCCESS,  [DSN_DELIVERED] = SPOOL_NOTIFY_SUCCESS,
        [DSN_EXPANDED] = SPOOL_NOTIFY_SUCCESS,
    };
    static_assert(ARRAY_LEN(bits) == DSN_ACTIONS, "every action can be asked for");
    if (notify & SPOOL_NOTIFY_NEVER)
        return false;
    if (!notify)
        notify = SPOOL_NOTIFY_FAILURE | SPOOL_NOTIFY_DELAY;
    return notify & bits[action];
}

/* ---- the status ---- */

/* Words are "550 5.1.1 who?", "550 who?", "5.4.4 no address" or "lost": what they begin with. */
static struct mail_status status_said(struct str words, unsigned *out_class)
{
    struct str code, rest;
    struct mail_status status = MAIL_STATUS_NONE;
    size_t used;
    *out_class = 0;
    if (dsn_words_are_remote(words)) {
        *out_class = (unsigned)(words.at[0] - '0');
        if (!str_cut(words, ' ', &code, &rest))
            return status;
        words = rest;
    }
    if (mail_status_parse(words, &status, &used))
        return MAIL_STATUS_NONE;
    if (!*out_class)
        *out_class = status.class;
    return status.class == *out_class ? status : MAIL_STATUS_NONE;
}

/* Where nobody named a code. */
static struct mail_status status_known(enum spool_reason reason, uint8_t class)
{
    static const struct mail_status by_reason[] = {
        [SPOOL_REASON_CONNECTION] = {0, 4, 1}, [SPOOL_REASON_DNS] = {0, 4, 3},
        [SPOOL_REASON_TLS] = {0, 7, 5},        [SPOOL_REASON_LOCAL] = {0, 3, 0},
        [SPOOL_REASON_CRASH] = {0, 3, 0},      [SPOOL_REASON_ROUTE] = {0, 3, 0},
    };
    struct mail_status status = {0};
    if ((size_t)reason < ARRAY_LEN(by_reason))
        status = by_reason[reason];
    status.class = class;
    return status;
}

/* RFC 3463, X.4.7: the code of the actual problem is better than that time ran out. It keeps its
 * class: RFC 3464 section 2.3.4 has failures of class 4 too. */
static struct mail_status status_of_failure(const struct queue_outcome *outcome,
                                            struct mail_status said, unsigned class)
{
    if (mail_status_is_set(said))
        return said;
    if (due_gave_up(outcome))
        return class == 4 ? MAIL_STATUS(4, 0, 0) : MAIL_STATUS(4, 4, 7);
    return status_known(outcome->reason, 5);
}

struct mail_status due_status(const struct queue_outcome *outcome, enum dsn_action action)
{
    unsigned class;
    struct mail_status said = status_said(outcome->words, &class);
    if (action == DSN_FAILED)
        return status_of_failure(outcome, said, class);
    uint8_t wanted = action == DSN_DELAYED ? 4 : 2;
    if (said.class == wanted)
        return said;
    return wanted == 4 ? status_known(outcome->reason, 4) : MAIL_STATUS(2, 0, 0);
}

/* ---- the words ---- */

struct str due_words(const struct queue_outcome *outcome, enum dsn_action action)
{
    bool is_ours = !dsn_words_are_remote(outcome->words);
    if (!is_ours)
        return outcome->words;
    if (action != DSN_FAILED && action != DSN_DELAYED)
        return STR_EMPTY;
    return outcome->reason == SPOOL_REASON_LOCAL ? STR("a problem of this mail server itself")
                                                 : outcome->words;
}
