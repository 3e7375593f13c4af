/* A slot by SMTP or LMTP: one connection, kept for the next jobs that leave by the same hosts. */
#include "deliver/connect.h"
#include "deliver/group.h"
#include "deliver/prefixed_content.h"
#include "deliver/transaction.h"
#include "deliver/ways.h"
#include "fiber/loop.h"

#define RECIPIENTS_MAX          100 /* what every server takes: RFC 5321 section 4.5.3.1.8 */
#define CONNECTION_TRANSACTIONS 500 /* then a new one, so that load balancers get their chance */
#define CONNECTION_MAX_AGE_MS   (5 * 60 * 1000)

struct remote {
    const struct deliver_options *options;
    struct queue_slot *slot;
    struct connection connection;
};

/* ---- the connection ---- */
static bool is_worn_out(const struct connection *connection)
{
    return connection->transactions >= CONNECTION_TRANSACTIONS ||
           loop_now_ms() - connection->opened_ms >= CONNECTION_MAX_AGE_MS;
}

static void say_goodbye(struct remote *remote)
{
    if (remote->connection.is_open && !fiber_is_cancelled())
        smtp_client_quit(&remote->connection.client);
    connection_done(&remote->connection);
}

static void drop_if_over(struct remote *remote)
{
    struct connection *connection = &remote->connection;
    if (connection->is_open && connection->client.is_over)
        connection_done(connection);
}

/* A kept connection may have ended while nobody looked. */
static void drop_if_dead(struct remote *remote)
{
    struct connection *connection = &remote->connection;
    if (connection->is_open && !smtp_client_is_alive(&connection->client))
        connection_done(connection);
}

static struct str describe(const struct remote *remote, struct arena *arena)
{
    const struct connection *connection = &remote->connection;
    if (!connection->is_open)
        return queue_slot_name(remote->slot);
    const struct tls_info *tls = stream_tls(connection->client.stream);
    return arena_printf(arena, "%.*s %s%s", STR_FMT(connection->peer),
                        tls ? tls->version : "in clear",
                        !tls            ? ""
                        : tls->verified ? ", certificate verified"
                                        : ", certificate not verified");
}

/* ---- one job ---- */
enum job_end {
    JOB_ENDED,
    JOB_NOT_CONNECTED,
    JOB_ELSEWHERE, /* other slots do it */
    JOB_CANCELLED,
};

/* A connection to hosts of the job's domain. What is known of them is asked for again when it is
 * old or of another domain; then the queue says whether this slot is to go on. */
static bool reach(struct remote *remote, struct job *job, enum job_end *out_end)
{
    struct connection *connection = &remote->connection;
    const struct route_way *way = queue_slot_way(remote->slot);
    bool by_mx = way->via == ROUTE_MX;
    if (connection->is_open && (!by_mx || job->is_settled))
        return true;
    struct queue_outcome problem = {.kind = QUEUE_DEFERRED};
    struct targets targets = {.set = STR_EMPTY};
    bool is_found =
        targets_find(remote->options, way, job->domain, &job->arena, &targets, &problem);
    *out_end = fiber_is_cancelled() ? JOB_CANCELLED : JOB_ELSEWHERE;
    if (fiber_is_cancelled() || (by_mx && !queue_slot_settle(remote->slot, targets.set)))
        return false;
    if (connection->is_open && is_found && str_eq(connection->set, targets.set))
        return true;
    say_goodbye(remote);
    if (connection_open(connection, remote->options, way, &targets, &problem))
        return true;
    *out_end = fiber_is_cancelled() ? JOB_CANCELLED : JOB_NOT_CONNECTED;
    job_decide(job, problem);
    return false;
}

/* RFC 3461 section 5.2: a server that offers DSN reports from now on; LMTP ends at the mailbox. */
static enum queue_receipt receipt_of(const struct smtp_client *client)
{
    if (client->extensions.dsn)
        return QUEUE_RECEIPT_NONE;
    return client->options.is_lmtp ? QUEUE_RECEIPT_DELIVERED : QUEUE_RECEIPT_RELAYED;
}

/* One transaction for the present group. */
static enum transaction_end transact(struct remote *remote, struct job *job)
{
    const struct job_group *group = &job->group;
    struct prefixed_content prefixed = {group->top, content_of_message(&job->message)};
    struct content_source content = content_of_prefixed(&prefixed);
    struct transaction transaction = {
        .envelope = &job->message.envelope,
        .recipients = group->recipients,
        .count = group->count,
        .content = &content,
        .sender = group->sender,
        .smtputf8 = group->smtputf8,
    };
    struct queue_outcome *outcomes = ARENA_ARRAY(&job->arena, struct queue_outcome, group->count);
    if (group->number == 1)
        transcript_restart(&remote->connection.transcript);
    remote->connection.transactions++;
    enum transaction_end end =
        transaction_run(&remote->connection.client, &transaction, &job->arena, outcomes);
    if (end != TRANSACTION_CANCELLED)
        job_decide_group(job, outcomes);
    job_note_answer(job, remote->connection.host, receipt_of(&remote->connection.client));
    return end;
}

/* A connection that was kept may turn out to be dead, or to have had its last transaction: that is
 * no reason for the mail to wait, so it is taken to a new one. */
static enum job_end deliver(struct remote *remote, struct job *job)
{
    enum job_end job_end;
    while (reach(remote, job, &job_end)) {
        bool is_kept = remote->connection.transactions > 0;
        enum transaction_end end = transact(remote, job);
        if (end == TRANSACTION_CANCELLED)
            return JOB_CANCELLED;
        if (end == TRANSACTION_ENDED)
            return JOB_ENDED;
        if (!is_kept) /* it greets, and then takes nothing up */
            return JOB_NOT_CONNECTED;
        connection_done(&remote->connection);
    }
    return job_end;
}

/* What is refused for good is an answer, too: there is nothing that others could wait for. Asked of
 * the last group: who looped or went before has told nothing of the connection that failed. */
static bool is_answer(const struct job *job, enum job_end end)
{
    return end == JOB_ENDED || job->outcomes[job->group.places[0]].kind == QUEUE_FAILED;
}

/* Group by group. Where it ends early, the groups behind were not tried. */
static enum job_end deliver_groups(struct remote *remote, struct job *job)
{
    const struct queue_outcome not_tried = {
        .kind = QUEUE_DEFERRED,
        .reason = SPOOL_REASON_CONNECTION,
        .words = STR("the connection ended before it was tried"),
    };
    enum job_end end = JOB_ENDED;
    while (end == JOB_ENDED && job_next_group(job)) {
        drop_if_over(remote);
        job_decide(job, not_tried);
        end = deliver(remote, job);
    }
    bool is_untried = end == JOB_CANCELLED || end == JOB_ELSEWHERE;
    return is_untried && job_has_begun(job) ? JOB_ENDED : end;
}

static void run_job(struct remote *remote, const struct queue_job *taken)
{
    struct job job;
    if (!job_begin(&job, remote->options, remote->slot, taken)) {
        job_finish(&job, true, STR("nobody"), STR_EMPTY);
        return;
    }
    enum job_end end = deliver_groups(remote, &job);
    if (end == JOB_CANCELLED || end == JOB_ELSEWHERE)
        job_return(&job);
    else
        job_finish(&job, is_answer(&job, end), describe(remote, &job.arena),
                   transcript_text(&remote->connection.transcript));
    drop_if_over(remote);
}

/* ---- the slot ---- */
static size_t recipients_max(const struct remote *remote)
{
    const struct connection *connection = &remote->connection;
    size_t learned = connection->is_open ? connection->client.recipients_max : 0;
    return learned ? min_size(learned, RECIPIENTS_MAX) : RECIPIENTS_MAX;
}

/* The next job; with a connection open, waits a while for one. NULL: the slot ends. After a failed
 * connection the queue gives no more but what has expired, so not every job is tried in vain. */
static const struct queue_job *next_job(struct remote *remote)
{
    uint64_t deadline_ms = loop_now_ms() + remote->options->timeouts.idle;
    for (;;) {
        if (way_is_ending())
            return NULL;
        drop_if_dead(remote);
        const struct queue_job *job = queue_slot_take(remote->slot, recipients_max(remote));
        if (job || !remote->connection.is_open)
            return job;
        transcript_trim(&remote->connection.transcript);
        if (queue_slot_wait(remote->slot, deadline_ms))
            return NULL;
    }
}

void way_run_remote(const struct deliver_options *options, struct queue_slot *slot)
{
    struct remote remote = {.options = options, .slot = slot};
    connection_init(&remote.connection);
    const struct queue_job *job;
    while ((job = next_job(&remote))) {
        run_job(&remote, job);
        if (remote.connection.is_open && is_worn_out(&remote.connection))
            say_goodbye(&remote);
    }
    say_goodbye(&remote);
}
