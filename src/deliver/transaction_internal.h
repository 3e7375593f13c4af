/* A transaction under way: what its parts know of each other. transaction.c makes the rounds,
 * transaction_envelope.c speaks MAIL and RCPT, transaction_content.c DATA and BDAT;
 * transaction_seven_bit.c makes the content fit for the server before. */
#ifndef DELIVER_TRANSACTION_INTERNAL_H
#define DELIVER_TRANSACTION_INTERNAL_H

#include "deliver/seven_bit_content.h"
#include "deliver/transaction.h"

enum fate_state {
    FATE_OPEN,     /* nothing said yet, or to be asked again in the next round */
    FATE_ACCEPTED, /* 2xx at RCPT in this round: decided by the content */
    FATE_TOO_MANY, /* told to come again in another transaction */
    FATE_DECIDED,
};

/* What becomes of one recipient. */
struct fate {
    enum fate_state state;
    bool is_asked;   /* in this round */
    struct str line; /* RCPT */
    struct queue_outcome outcome;
};

struct run {
    struct smtp_client *client;
    const struct transaction *transaction;
    struct arena *arena;
    struct fate *fates; /* one for each recipient */
    struct fate *fates_end;
    const struct content_source *content; /* the transaction's, or made of it */
    struct seven_bit_content seven_bit;
    struct str mail_line;
    bool is_taken;    /* the server answered something, so it saw the transaction */
    bool is_farewell; /* the connection ended with a 421, which is the last reply */
    /* of the round: */
    size_t accepted;
    bool mail_is_ok;
    bool yes_without_mail; /* RCPT accepted although MAIL was not */
};

void fate_decide(struct fate *fate, struct queue_outcome outcome);
/* All that are in one of the states from `first` to `last`. */
void run_decide_all(struct run *run, enum fate_state first, enum fate_state last,
                    struct queue_outcome outcome);

/* The same after the content could not be read. */
void run_decide_unreadable(struct run *run, enum err err);

/* Sends what is gathered, waits for one reply. Any is OK, except the farewell: 421 may come instead
 * of every other (RFC 5321 section 3.8). */
MUST_CHECK MAY_YIELD enum err run_hear(struct run *run, uint32_t timeout_ms);
/* Of the last reply. */
int run_reply_class(const struct run *run);
struct queue_outcome run_reply_outcome(const struct run *run);

bool run_is_pipelined(const struct run *run);
bool run_uses_bdat(const struct run *run);
const struct deliver_timeouts *run_timeouts(const struct run *run);

/* Puts converted content in the place of what the server cannot take; where that will not do
 * either, all are decided. ERR_CANCELLED. */
MUST_CHECK MAY_YIELD enum err run_fit_content(struct run *run);
/* MAIL and RCPT of one round; DATA is said ahead where that is allowed. Who is refused is decided
 * by it. */
MUST_CHECK MAY_YIELD enum err run_envelope(struct run *run);
/* What is left of the round: the content, if somebody is to get it, and the answer. */
MUST_CHECK MAY_YIELD enum err run_content(struct run *run);

#endif
