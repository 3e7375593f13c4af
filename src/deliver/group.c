#include "deliver/group.h"

#include "mail/text.h"

static const struct spool_recipient *recipient_at(const struct job *job, size_t place)
{
    return &job->message.envelope.recipients[job->recipients[place]];
}

/* Domains are sent with A-labels, so it is up to the local part. */
static bool is_utf8(struct str address)
{
    return str_has_8bit(str_first(address, str_find_last(address, '@')));
}

static bool are_alike(const struct spool_recipient *a, const struct spool_recipient *b)
{
    return str_eq(a->forwarded_by, b->forwarded_by) && is_utf8(a->address) == is_utf8(b->address);
}

/* With which sender it leaves, and what is put on top: RFC 9228, so that a message which comes back
 * to the alias is known again. */
static void fill(struct job *job, const struct spool_recipient *recipient)
{
    const struct spool_envelope *envelope = &job->message.envelope;
    const struct route_table *routes = job->options->routes;
    struct job_group *group = &job->group;
    struct str by = recipient->forwarded_by;
    group->sender = envelope->sender;
    if (by.len && routes)
        group->sender =
            route_forward_sender(routes, envelope->sender, by, job->began_us, &job->arena);
    group->smtputf8 = envelope->smtputf8 || is_utf8(group->sender) || is_utf8(recipient->address);
    group->top = STR_EMPTY;
    if (by.len && (group->smtputf8 || !str_has_8bit(by)))
        group->top = arena_printf(&job->arena, "Delivered-To: %.*s\r\n",
                                  STR_FMT(mail_text_clean(&job->arena, by)));
}

static void join(struct job *job, size_t place)
{
    struct job_group *group = &job->group;
    job->group_of[place] = group->number;
    job->senders[place] = group->sender;
    group->places[group->count] = place;
    group->recipients[group->count++] = job->recipients[place];
}

bool job_next_group(struct job *job)
{
    size_t first = 0;
    while (first < job->count && job->group_of[first])
        first++;
    if (first == job->count)
        return false;
    job->group = (struct job_group){
        .number = job->group.number + 1,
        .recipients = ARENA_ARRAY(&job->arena, uint32_t, job->count),
        .places = ARENA_ARRAY(&job->arena, size_t, job->count),
    };
    fill(job, recipient_at(job, first));
    for (size_t i = first; i < job->count; i++)
        if (!job->group_of[i] && are_alike(recipient_at(job, first), recipient_at(job, i)))
            join(job, i);
    return true;
}

void job_decide_group(struct job *job, const struct queue_outcome *outcomes)
{
    for (size_t i = 0; i < job->group.count; i++)
        job->outcomes[job->group.places[i]] = outcomes[i];
}

bool job_has_begun(const struct job *job)
{
    for (size_t i = 0; i < job->count; i++)
        if (job->group_of[i] && job->group_of[i] != job->group.number)
            return true;
    return false;
}
