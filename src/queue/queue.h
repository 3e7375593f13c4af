/* What is due, for which destination, when. Keeps one small record in memory for each queued
 * recipient, groups them by destination, and grants slots: the right to hold one connection to one
 * destination, or to the hosts that several domains share, and to pull jobs until none is left.
 *
 * One lock, held for O(1) or O(log n) work. Statuses go to the spool before anything here is
 * forgotten. Thread-safe, except that a slot belongs to the fiber that runs it. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/random.h"
#include "fiber/fiber.h"
#include "route/route.h"
#include "spool/spool.h"
#include "trace/trace.h"

struct queue;
struct queue_slot;
struct queue_job;
struct queue_outcome;

struct queue_schedule { /* seconds */
    uint32_t first;     /* until the second attempt; doubles, with jitter of +-20 % */
    uint32_t max;
    uint32_t warn;
    uint32_t expire; /* since arrival: a recipient that fails after this is bounced */
};

struct queue_options {
    struct clock *clock;
    struct spool
        *spool; /* may be set later with queue_set_spool: the spool announces to the queue */
    struct trace *trace;
    const struct route_table *routes;
    struct random random;
    struct queue_schedule schedule;
    uint32_t connections_per_destination; /* the largest window; 0: 20 */
    uint32_t slots_max;                   /* of all destinations; 0: 500 */
    const char *in_flight_file; /* which messages are being worked on: tells, after a crash,
                                   whose fault it may be. NULL: none (tests) */
    /* A slot was granted: have queue_slot's work done by some loop. From any thread, without the
     * lock. The slot ends with queue_slot_end. */
    void (*start)(void *context, struct queue_slot *slot);
    void *start_context;
    /* What became of a job was decided and is not yet written: make what reports it to the sender
     * (`status` is final, or `warns`). A DSN is committed here, with the statuses in its `also`, so
     * that a crash leaves both or neither; the queue writes them again. On an error it is called
     * again after a while. NULL: nobody is told. */
    MAY_YIELD enum err (*report)(void *context, const struct queue_job *job,
                                 const struct queue_outcome *outcomes);
    void *report_context;
};

struct queue *queue_new(const struct queue_options *options);
void queue_set_spool(struct queue *queue, struct spool *spool);
/* All slots have ended. */
void queue_free(struct queue *queue);

/* The spool's announcement; `context` is the struct queue. Held back until queue_begin. */
void queue_announce(void *context, const struct spool_announcement *announcement);
/* Recovery is over: starts granting slots. */
void queue_begin(struct queue *queue);
/* No more slots are granted, idle slots are told to end (queue_slot_wait: ERR_STOPPING). */
void queue_drain(struct queue *queue);

/* Makes due what is due. A fiber of one loop does nothing else; ends when its group drains. */
MAY_YIELD void queue_run_timers(struct queue *queue);

/* ---- for who holds a slot ---- */

struct queue_job {
    spool_id id;
    struct spool_place place;
    uint64_t size_bytes;
    int64_t arrived_s;
    const uint32_t *recipients; /* indices in the envelope, same destination, all due */
    size_t recipient_count;
    uint16_t attempt;  /* 1: the first */
    struct str domain; /* for a way by MX; else empty. Valid while the slot has the job */
    /* The domain's hosts were found to be those of the slot some minutes ago at most: a connection
     * to them may be used without asking again. */
    bool is_settled;
    /* The hosts still fail, and the recipients' time is over or their sender is to be warned: no
     * attempt is wanted. Finish them as QUEUE_DEFERRED with this reason and these words of the
     * destination; what that means is decided there. */
    bool no_attempt;
    uint8_t reason;
    struct str words;
};

/* What it says is the same for all jobs of the slot. */
const struct route_way *queue_slot_way(const struct queue_slot *slot);
/* The destination for people, that of the job: "smtp:127.0.0.1:2526", "mx:example.net". */
struct str queue_slot_name(const struct queue_slot *slot);
/* Says, on the loop that will run the slot, that this fiber does. */
void queue_slot_begin(struct queue_slot *slot);
void queue_slot_end(struct queue_slot *slot);

/* The next job with at most `recipients_max` recipients; NULL when there is none. The slot has one
 * job at a time; it ends with queue_job_finish or queue_job_return. While the destination fails it
 * gives only jobs that need no attempt: take until NULL also after a failed connection. */
const struct queue_job *queue_slot_take(struct queue_slot *slot, size_t recipients_max);
/* For a way by MX: the domain of the slot's job has these hosts. Domains with the same `set` (any
 * text that names it; empty: the hosts cannot be found out) share connections, windows and pauses,
 * so the domain goes where those of the set are, and the slot with it: true, and a connection to
 * other hosts is no longer its business. False: there the slots are enough, or all wait; return the
 * job untried, others will do it. */
MUST_CHECK bool queue_slot_settle(struct queue_slot *slot, struct str set);
/* Waits, with a kept connection, until there may be a job. ERR_TIMEOUT, ERR_STOPPING,
 * ERR_CANCELLED. */
MUST_CHECK MAY_YIELD enum err queue_slot_wait(struct queue_slot *slot, uint64_t deadline_ms);

enum queue_outcome_kind {
    QUEUE_DELIVERED,
    QUEUE_DEFERRED, /* try again on the schedule; becomes a bounce when it has expired */
    QUEUE_FAILED,   /* refused for good */
    QUEUE_HELD,
};
/* Who tells a sender that asked for it (NOTIFY=SUCCESS) what became of a recipient that was
 * delivered: RFC 3461 section 5.2. */
enum queue_receipt {
    QUEUE_RECEIPT_NONE,      /* did not ask, or the next host has taken it over */
    QUEUE_RECEIPT_RELAYED,   /* we do: the next host knows nothing of it */
    QUEUE_RECEIPT_DELIVERED, /* we do: it lies in the mailbox */
};
struct queue_outcome {
    enum queue_outcome_kind kind;
    enum spool_reason reason;
    struct str words;  /* the remote's reply or what went wrong: shown by `queue show`; copied, cut
                          at 200 bytes */
    struct str remote; /* the host that said them, a name or an IP; empty: none did */
    enum queue_receipt receipt;
    /* filled in by queue_job_finish: what was decided */
    struct spool_status status;
    bool warns; /* it is to be told, for the first time, that it takes longer */
};
/* One outcome for each recipient of the job, in its order. Written to the spool before it returns;
 * on a disk that refuses, waits and tries again rather than forget. `connection_ok`: the
 * destination itself answered, whatever it said. */
MAY_YIELD void queue_job_finish(struct queue_slot *slot, struct queue_outcome *outcomes,
                                bool connection_ok);
/* It was not tried: it becomes ready again at once, in front. */
void queue_job_return(struct queue_slot *slot);

/* ---- for administrators: one message or recipient, or a filter ---- */

struct queue_filter {
    bool by_id;
    spool_id id;
    bool by_recipient; /* with id: ID/N, N counts from 1 */
    uint32_t recipient;
    struct str sender;   /* "", "a@b" or "@domain" */
    bool sender_is_null; /* --sender "<>" */
    struct str address;  /* recipient: "a@b" or "@domain" */
    struct str domain;   /* recipient domain */
    int state;           /* -1 any, else enum queue_view_state */
    uint32_t older_than_s;
};
enum queue_view_state { QUEUE_VIEW_READY, QUEUE_VIEW_ACTIVE, QUEUE_VIEW_WAITING, QUEUE_VIEW_HELD };

/* One queued recipient as shown to people. */
struct queue_view {
    spool_id id;
    uint32_t recipient; /* counts from 1 */
    enum queue_view_state state;
    struct str sender, address, destination, words;
    struct spool_status status;
    uint64_t size_bytes;
    int64_t arrived_s;
};
/* A part of a long list: what stands behind that recipient, at most so many. */
struct queue_page {
    spool_id after_id; /* 0: from the beginning */
    uint32_t after_recipient;
    size_t limit;
};
/* Recipients that match, in order of id and number. */
void queue_list(struct queue *queue, const struct queue_filter *filter,
                const struct queue_page *page, struct arena *arena, struct queue_view **out_views,
                size_t *out_count);

enum queue_action { QUEUE_RETRY, QUEUE_HOLD, QUEUE_RELEASE, QUEUE_DROP, QUEUE_BOUNCE };
/* Applies to all that match, durable when it returns. A recipient being delivered right now is
 * left alone and counted in *out_busy. */
MUST_CHECK MAY_YIELD enum err queue_act(struct queue *queue, enum queue_action action,
                                        const struct queue_filter *filter, struct str who,
                                        uint64_t *out_changed, uint64_t *out_busy);

struct queue_statistics {
    uint64_t messages, recipients, ready, active, waiting, held, destinations, slots;
    uint64_t delivered, deferred, bounced; /* since start */
    uint64_t memory_bytes;
};
struct queue_statistics queue_statistics(struct queue *queue);

#endif
