#include "server/recipients.h"

#include "fiber/loop.h"

#include <stdlib.h>

static struct callout *callout_of_this_loop(const struct recipients *recipients)
{
    for (size_t i = 0; i < recipients->worker_count; i++)
        if (recipients->workers[i].loop == loop_current())
            return recipients->workers[i].callout;
    abort(); /* sessions run on workers' loops alone */
}

enum err recipients_ask(void *context, const struct route_way *way, struct str address,
                        uint64_t deadline_ms, struct arena *arena,
                        struct receive_report *out_report)
{
    static const enum receive_knowledge knowledge[] = {
        [CALLOUT_YES] = RECEIVE_IS_THERE,
        [CALLOUT_NO] = RECEIVE_IS_NOT_THERE,
        [CALLOUT_LATER] = RECEIVE_NOT_NOW,
        [CALLOUT_UNKNOWN] = RECEIVE_UNKNOWN,
    };
    struct callout_answer answer;
    enum err err =
        callout_ask(callout_of_this_loop(context), way, address, deadline_ms, arena, &answer);
    if (!err)
        *out_report =
            (struct receive_report){knowledge[answer.verdict], answer.status, answer.words};
    return err;
}
