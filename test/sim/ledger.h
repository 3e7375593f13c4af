/* What was promised to whom, and what came of it: the judge of a simulation.
 *
 * Each try of a sender is a *mailing* with a number of its own, which stands in its addresses and
 * its content; so whoever takes a copy can say of which. A copy knows the answer that was given for
 * it, and whether that answer reached the server.
 *
 *     s17@home.example                           sends mailing 17, and gets the reports on it
 *     m17r2@sink1.example, box+m17r2@local.example   its recipients
 *
 * The rules, by ledger_check:
 * 1. Promised (250 at the end of the content): delivered; or refused for good by its destination,
 *    or expired, and then reported to the sender.
 * 2. Refused: delivered to nobody, reported to nobody. Neither answer seen: 0 or 1 of it.
 * 3. Once the answer to a copy has reached the server, no further copy is begun; unless the server
 *    died in that millisecond, or lost its power within 100 ms.
 *    Into a mailbox: never twice. The same holds for reports, and no two of them tell the same.
 * 4. What arrives is what was sent, byte by byte. */
#ifndef TEST_SIM_LEDGER_H
#define TEST_SIM_LEDGER_H

#include "base/arena.h"
#include "base/disk.h"
#include "base/list.h"
#include "wire.h"

#define MAILING_RECIPIENTS_MAX 3

enum promise {
    PROMISE_UNKNOWN, /* no answer was seen, though one may have been given */
    PROMISE_GIVEN,
    PROMISE_REFUSED, /* by a reply, or the content was never sent to its end */
};

struct addressee {
    struct mailing *mailing;
    struct str address;
    bool is_mailbox;
    enum promise promise;
    bool was_refused;     /* its destination said 5xx, whether that arrived or not */
    bool may_expire;      /* the scenario lets it */
    struct list copies;   /* of struct copy */
    struct list failures; /* the same, of reports that tell of its failure */
    struct list delays;   /* of its delay */
    /* the first of each; 0: none */
    uint64_t taken_ms, failed_ms, delayed_ms;
};

struct mailing {
    struct list in_ledger;
    unsigned number;
    size_t size_bytes; /* about */
    struct str sender;
    struct addressee to[MAILING_RECIPIENTS_MAX];
    size_t count;
    uint64_t answered_ms; /* when its sender knew its fate */
};

enum life_end { LIFE_GOES_ON, LIFE_STOPPED, LIFE_KILLED, LIFE_POWER_CUT };

struct life { /* of the server */
    enum life_end end;
    uint64_t ended_ms;
};

struct ledger {
    struct arena *arena;
    struct list mailings;
    unsigned mailing_count;
    struct life *lives;
    size_t life_count;
    unsigned problems;
    unsigned copies, repeated, reports; /* for those who want to know that something happened */
};

void ledger_init(struct ledger *ledger, struct arena *arena);
void ledger_done(struct ledger *ledger);

/* Something is not as it must be. Prints it. */
void ledger_problem(struct ledger *ledger, const char *format, ...) PRINTF_LIKE(2, 3);

void ledger_life_begins(struct ledger *ledger);
void ledger_life_ends(struct ledger *ledger, enum life_end end);

/* `domains`: of its recipients, at most three; local.example is the mailboxes'. */
struct mailing *ledger_add(struct ledger *ledger, size_t size_bytes, const char *const *domains,
                           size_t count);
/* What it says: CRLF line ends, dots in front of lines. */
struct str mailing_content(const struct mailing *mailing, struct arena *arena);

/* NULL when it is none of ours. */
struct addressee *ledger_find(struct ledger *ledger, struct str address);
/* The mailing with that sender. */
struct mailing *ledger_find_sent(struct ledger *ledger, struct str sender);

#define ANSWER_NEVER UINT64_MAX
/* How a copy came. */
struct ledger_way {
    struct wire *wire;   /* NULL: it lies in a mailbox */
    uint64_t begun;      /* the moment when the server began this transaction */
    uint64_t answer_end; /* the answer ends behind so many bytes of the wire */
};
/* A destination has this copy for this address: of a recipient; or of a sender, then it is a
 * report. */
void ledger_take(struct ledger *ledger, struct str address, struct str content,
                 struct ledger_way way);
/* Bytes reached the server: perhaps an answer. */
void ledger_arrived(struct ledger *ledger, struct wire *wire, uint64_t moment);
/* Its destination refused the address for good; or whatever that sender sends to the domain. */
void ledger_refuse(struct ledger *ledger, struct str address);
void ledger_refuse_sender(struct ledger *ledger, struct str sender, struct str domain);

/* Counts the files in the mailbox. Once, at the end. */
void ledger_open_mailbox(struct ledger *ledger, struct disk *disk, const char *maildir);

/* All has settled: are the rules kept? */
void ledger_check(struct ledger *ledger);
/* So many mailings were promised to at least one recipient. */
unsigned ledger_promised(const struct ledger *ledger);

#endif
