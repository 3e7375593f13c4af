#include "deliver/story.h"

#include "mail/text.h"

#include <time.h>

#define STORY_MAX_BYTES (64 * 1024)

struct when {
    char text[48];
};

static struct when when_of(int64_t wall_s)
{
    struct when when = {""};
    time_t time = (time_t)wall_s;
    struct tm utc;
    if (gmtime_r(&time, &utc))
        strftime(when.text, sizeof when.text, "%Y-%m-%d %H:%M:%S UTC", &utc);
    return when;
}

static struct str address_of(const struct job *job, size_t i, struct arena *arena)
{
    uint32_t index = job->recipients[i];
    if (!job->is_open || index >= job->message.envelope.recipient_count)
        return arena_printf(arena, "recipient %u", index + 1);
    struct str address = mail_text_clean(arena, job->message.envelope.recipients[index].address);
    return arena_printf(arena, "<%.*s>", STR_FMT(address));
}

static struct str next_of(const struct job *job, const struct queue_outcome *outcome,
                          struct arena *arena)
{
    if (job->no_attempt)
        return STR("it goes when its destination answers");
    return arena_printf(arena, "next attempt at %s", when_of(outcome->status.due_s).text);
}

static struct str fate_of(const struct job *job, const struct queue_outcome *outcome,
                          struct arena *arena)
{
    struct str words = outcome->words;
    bool is_given_up =
        outcome->kind == QUEUE_DEFERRED && spool_state_is_final(outcome->status.state);
    if (is_given_up)
        return arena_printf(arena, "bounced, since it expired: %.*s", STR_FMT(words));
    switch (outcome->kind) {
    case QUEUE_DELIVERED:
        return arena_printf(arena, "delivered: %.*s", STR_FMT(words));
    case QUEUE_FAILED:
        return arena_printf(arena, "bounced, refused for good: %.*s", STR_FMT(words));
    case QUEUE_HELD:
        return arena_printf(arena, "held until somebody releases it: %.*s", STR_FMT(words));
    case QUEUE_DEFERRED:
        break;
    }
    return arena_printf(arena, "not delivered yet: %.*s; %.*s", STR_FMT(words),
                        STR_FMT(next_of(job, outcome, arena)));
}

static struct str sender_of(const struct job *job, size_t i, struct arena *arena)
{
    struct str sender = job->senders[i];
    if (!sender.len || str_eq(sender, job->message.envelope.sender))
        return STR_EMPTY;
    return arena_printf(arena, " (forwarded, the sender rewritten to <%.*s>)",
                        STR_FMT(mail_text_clean(arena, sender)));
}

static struct str attempt_of(const struct job *job, struct str where, struct arena *arena)
{
    const char *plural = job->count == 1 ? "" : "s";
    if (job->no_attempt)
        return arena_printf(arena, "%zu recipient%s, not tried again: the destination fails",
                            job->count, plural);
    return arena_printf(arena, "attempt %u, %zu recipient%s, to %.*s", job->attempt, job->count,
                        plural, STR_FMT(where));
}

struct str story_tell(const struct job *job, struct str where, struct arena *arena)
{
    struct buf story = buf_make(STORY_MAX_BYTES);
    buf_add_cut(&story, attempt_of(job, where, arena));
    for (size_t i = 0; i < job->count; i++) {
        struct str address = address_of(job, i, arena);
        struct str fate = fate_of(job, &job->outcomes[i], arena);
        struct str sender = sender_of(job, i, arena);
        buf_add_cut(&story, arena_printf(arena, "\n%.*s%.*s: %.*s", STR_FMT(address),
                                         STR_FMT(sender), STR_FMT(fate)));
    }
    struct str text = arena_copy(arena, buf_str(&story));
    buf_free(&story);
    return text;
}
