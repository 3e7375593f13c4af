#include "queue/schedule.h"

#define JITTER_PER_MILLE 200

struct queue_schedule queue_schedule_complete(struct queue_schedule schedule)
{
    if (!schedule.first)
        schedule.first = 60;
    if (!schedule.max)
        schedule.max = 4 * 3600;
    if (!schedule.expire)
        schedule.expire = 5 * 86400;
    return schedule;
}

uint32_t queue_schedule_pause_s(const struct queue_schedule *schedule, uint32_t failures,
                                struct random *random)
{
    assert(failures > 0);
    uint64_t pause = schedule->first;
    for (uint32_t i = 1; i < failures && pause < schedule->max; i++)
        pause *= 2;
    if (pause > schedule->max)
        pause = schedule->max;
    pause =
        pause * (1000 - JITTER_PER_MILLE + random_below(random, 2 * JITTER_PER_MILLE + 1)) / 1000;
    return pause ? (uint32_t)pause : 1;
}

bool queue_schedule_is_expired(const struct queue_schedule *schedule, int64_t arrived_s,
                               int64_t now_s)
{
    return now_s - arrived_s >= schedule->expire;
}

bool queue_schedule_wants_warning(const struct queue_schedule *schedule, int64_t arrived_s,
                                  int64_t now_s)
{
    return schedule->warn && now_s - arrived_s >= schedule->warn;
}

int64_t queue_schedule_due_s(const struct queue_schedule *schedule, int64_t arrived_s,
                             int64_t now_s, uint32_t attempts, struct random *random)
{
    int64_t due_s = now_s + queue_schedule_pause_s(schedule, attempts, random);
    int64_t expires_s = arrived_s + schedule->expire;
    return due_s > expires_s && expires_s > now_s ? expires_s : due_s;
}
