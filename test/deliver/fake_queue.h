/* The queue as deliver sees it: a slot with messages for one destination, which writes down what
 * became of them. Include it in one file of a test; it stands in for src/queue. */
#ifndef TEST_DELIVER_FAKE_QUEUE_H
#define TEST_DELIVER_FAKE_QUEUE_H

#include "queue/queue.h"

#include <stdio.h>

#define FAKE_RECIPIENTS_MAX 8
#define FAKE_MESSAGES_MAX   8
#define FAKE_WORDS_MAX      200

struct fake_recipient {
    bool is_ready; /* waits in the slot */
    enum queue_outcome_kind kind;
    enum spool_reason reason;
    char words[FAKE_WORDS_MAX + 1];
    char remote[FAKE_WORDS_MAX + 1];
    enum queue_receipt receipt;
    unsigned finished;
};

struct fake_message {
    spool_id id;
    struct spool_place place;
    struct fake_recipient recipients[FAKE_RECIPIENTS_MAX];
    size_t count;
    const char *domain; /* for MX; NULL: the slot's */
    bool is_settled;
};

struct queue_slot {
    struct route_way way;
    struct str domain;
    struct fake_message messages[FAKE_MESSAGES_MAX];
    size_t count;
    size_t job_max; /* recipients of one job at most */

    struct queue_job job; /* the one that is taken */
    struct fake_message *taken;
    uint32_t indices[FAKE_RECIPIENTS_MAX];
    bool has_job, has_begun, has_ended;
    bool blocked; /* a job ended without a connection: no more jobs, but those that have expired */
    bool all_expired;
    bool has_no_place; /* for the set of the next job that is settled: it goes back, once */
    char sets[FAKE_WORDS_MAX + 1]; /* all that the slot settled jobs for, each in brackets */
    unsigned jobs, returned, waits;
    void (*on_wait)(struct queue_slot *slot); /* what happens while it waits */
};

const struct route_way *queue_slot_way(const struct queue_slot *slot) { return &slot->way; }
struct str queue_slot_name(const struct queue_slot *slot) { return slot->way.name; }
void queue_slot_begin(struct queue_slot *slot) { slot->has_begun = true; }
void queue_slot_end(struct queue_slot *slot)
{
    assert(!slot->has_job);
    slot->has_ended = true;
}

const struct queue_job *queue_slot_take(struct queue_slot *slot, size_t recipients_max)
{
    assert(!slot->has_job && recipients_max > 0);
    if (slot->job_max && recipients_max > slot->job_max)
        recipients_max = slot->job_max;
    bool gives = !slot->blocked || slot->all_expired;
    for (size_t i = 0; i < slot->count && !slot->has_job && gives; i++) {
        struct fake_message *message = &slot->messages[i];
        size_t count = 0;
        for (uint32_t j = 0; j < message->count && count < recipients_max; j++)
            if (message->recipients[j].is_ready)
                slot->indices[count++] = j;
        if (!count)
            continue;
        slot->taken = message;
        slot->job =
            (struct queue_job){.id = message->id,
                               .place = message->place,
                               .recipients = slot->indices,
                               .recipient_count = count,
                               .attempt = 1,
                               .domain = message->domain ? str_of(message->domain) : slot->domain,
                               .is_settled = message->is_settled,
                               .no_attempt = slot->blocked,
                               .reason = SPOOL_REASON_DNS,
                               .words = STR("dead for days")};
        slot->has_job = true;
        slot->jobs++;
    }
    return slot->has_job ? &slot->job : NULL;
}

bool queue_slot_settle(struct queue_slot *slot, struct str set)
{
    assert(slot->has_job);
    size_t len = strlen(slot->sets);
    snprintf(slot->sets + len, sizeof slot->sets - len, "[%.*s]", STR_FMT(set));
    bool has_place = !slot->has_no_place;
    slot->has_no_place = false;
    for (size_t i = 0; !has_place && i < slot->taken->count; i++)
        slot->taken->recipients[i].is_ready = false; /* another slot will have it */
    return has_place;
}

enum err queue_slot_wait(struct queue_slot *slot, uint64_t deadline_ms)
{
    slot->waits++;
    if (slot->on_wait) {
        void (*on_wait)(struct queue_slot *) = slot->on_wait;
        slot->on_wait = NULL;
        on_wait(slot);
        return OK;
    }
    enum err err = fiber_sleep_until(deadline_ms);
    return err ? err : ERR_TIMEOUT;
}

void queue_job_finish(struct queue_slot *slot, struct queue_outcome *outcomes, bool connection_ok)
{
    assert(slot->has_job);
    for (size_t i = 0; i < slot->job.recipient_count; i++) {
        struct fake_recipient *recipient = &slot->taken->recipients[slot->indices[i]];
        struct str words = str_first(outcomes[i].words, FAKE_WORDS_MAX);
        recipient->is_ready = false;
        recipient->kind = outcomes[i].kind;
        recipient->reason = outcomes[i].reason;
        recipient->finished++;
        memcpy(recipient->words, words.at, words.len);
        recipient->words[words.len] = '\0';
        struct str remote = str_first(outcomes[i].remote, FAKE_WORDS_MAX);
        snprintf(recipient->remote, sizeof recipient->remote, "%.*s", STR_FMT(remote));
        recipient->receipt = outcomes[i].receipt;
        outcomes[i].status.due_s = 60;
    }
    slot->blocked |= !connection_ok;
    slot->has_job = false;
}

void queue_job_return(struct queue_slot *slot)
{
    assert(slot->has_job);
    slot->has_job = false;
    slot->returned++;
}

#endif
