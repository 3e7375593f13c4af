/* A job of the queue in the works: its message, its outcomes, and its story for the trace. */
#ifndef DELIVER_JOB_H
#define DELIVER_JOB_H

#include "deliver/deliver.h"

/* The recipients that are being served (group.h). */
struct job_group {
    uint32_t number;      /* counts from 1; 0: the job is not taken in groups */
    uint32_t *recipients; /* indices in the envelope */
    size_t *places;       /* of each in the job */
    size_t count;
    struct str sender; /* with which the message leaves */
    struct str top;    /* a field that is put on top of it, or empty */
    bool smtputf8;     /* the transaction needs it */
};

#define JOB_GROUP_NONE UINT32_MAX /* of a recipient that was decided before any attempt */

struct job {
    const struct deliver_options *options;
    struct queue_slot *slot;
    struct arena arena; /* ends with the job */
    spool_id id;
    uint16_t attempt;
    bool no_attempt; /* see queue.h, as the next two */
    struct str domain;
    bool is_settled;
    int64_t began_us;     /* wall time */
    uint32_t *recipients; /* indices in the envelope */
    size_t count;
    struct queue_outcome *outcomes; /* one for each */
    uint32_t *group_of;             /* number of its group; 0: in none so far */
    struct str *senders;            /* with which it went to each that was in a group */
    struct job_group group;
    bool is_open; /* the message could be read */
    struct spool_message message;
};

/* Takes over what the slot took. False when there is nothing to try, since no attempt is wanted,
 * the message cannot be read, or was here before for everybody: the outcomes say so, and nothing is
 * left but job_finish. */
MUST_CHECK MAY_YIELD bool job_begin(struct job *job, const struct deliver_options *options,
                                    struct queue_slot *slot, const struct queue_job *taken);
/* The same outcome for all who have none yet, the present group among them. */
void job_decide(struct job *job, struct queue_outcome outcome);
/* For reports on the present group: who answered (empty: nobody else), and what a recipient that
 * was delivered means to a sender who asked for a receipt. */
void job_note_answer(struct job *job, struct str remote, enum queue_receipt receipt);
/* Gives the outcomes to the queue and the story to the trace; ends the job. `where`: to whom it
 * was taken, for people. */
MAY_YIELD void job_finish(struct job *job, bool connection_ok, struct str where,
                          struct str transcript);
/* It was not tried; ends the job. */
void job_return(struct job *job);

#endif
