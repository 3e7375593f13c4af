/* 200 bytes for each queued recipient, all included. */
#include "queue/queue.h"
#include "test.h"

#include <malloc.h>
#include <stdio.h>

#define MESSAGES  100000
#define BYTES_MAX 200

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEAP_IS_OURS false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEAP_IS_OURS false
#endif
#endif
#ifndef HEAP_IS_OURS
#define HEAP_IS_OURS true
#endif

static struct clock test_clock;

static void never_starts(void *context, struct queue_slot *slot)
{
    UNUSED(context);
    UNUSED(slot);
}

/* `domains`: over how many they are spread. */
static void announce(struct queue *queue, unsigned i, unsigned domains, int64_t due_s)
{
    char sender[40], address[40];
    snprintf(sender, sizeof sender, "sender%u@company.example.org", i % 1000);
    if (domains == 1)
        snprintf(address, sizeof address, "recipient%u@example.net", i);
    else
        snprintf(address, sizeof address, "recipient@n%u.example.net", i % domains);
    struct spool_recipient recipient = {.address = str_of(address), .original = STR_EMPTY};
    struct spool_envelope envelope = {.sender = str_of(sender),
                                      .recipients = &recipient,
                                      .recipient_count = 1,
                                      .received_us = clock_wall_us(&test_clock)};
    struct spool_status status = {.attempts = 1, .reason = SPOOL_REASON_REPLY, .due_s = due_s};
    struct spool_announcement announcement = {.id = ((spool_id)clock_wall_us(&test_clock) + i) << 8,
                                              .size_bytes = 5000,
                                              .envelope = &envelope,
                                              .statuses = &status};
    queue_announce(queue, &announcement);
}

static void measure(const char *what, unsigned domains, int64_t due_s, uint64_t bytes_max)
{
    test_clock = clock_virtual(1700000000000000);
    struct route_table *routes = route_table_new();
    struct queue_options options = {
        .clock = &test_clock, .routes = routes, .random = random_seeded(1), .start = never_starts};
    struct mallinfo2 before = mallinfo2();
    struct queue *queue = queue_new(&options);
    for (unsigned i = 0; i < MESSAGES; i++)
        announce(queue, i, domains, due_s);
    struct mallinfo2 after = mallinfo2();
    struct queue_statistics statistics = queue_statistics(queue);
    uint64_t heap = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
    printf("# %s: %.1f bytes by its own account, %.1f of the heap\n", what,
           (double)statistics.memory_bytes / MESSAGES, (double)heap / MESSAGES);
    CHECK_INT(statistics.recipients, MESSAGES);
    if (HEAP_IS_OURS) {
        CHECK(heap / MESSAGES <= bytes_max);
        CHECK(statistics.memory_bytes / MESSAGES <= bytes_max);
        CHECK(statistics.memory_bytes * 100 / heap >= 95);
    }
    queue_free(queue);
    route_table_free(routes);
}

TEST(ready_recipients_take_at_most_200_bytes) { measure("ready", 1, 0, BYTES_MAX); }
TEST(waiting_recipients_take_at_most_200_bytes) { measure("waiting", 1, 1700003600, BYTES_MAX); }

/* A domain for each: what waits for its time needs no exit. */
TEST(domains_take_at_most_450_bytes_and_exits_250)
{
    measure("waiting, of domains of their own", MESSAGES, 1700003600, BYTES_MAX + 450);
    measure("ready, of domains of their own", MESSAGES, 0, BYTES_MAX + 450 + 250);
}

int main(void)
{
    RUN(ready_recipients_take_at_most_200_bytes);
    RUN(waiting_recipients_take_at_most_200_bytes);
    RUN(domains_take_at_most_450_bytes_and_exits_250);
    return test_summary();
}
