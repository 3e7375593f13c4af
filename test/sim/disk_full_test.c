/* Somebody else fills the disk, and empties it again. */
#include "test.h"
#include "world.h"

#define MAILINGS_MAX 200

static bool was_promised(const struct mailing *mailing)
{
    return mailing->to[0].promise == PROMISE_GIVEN;
}

static struct mailing *send_large(struct world *world, const char *domain, struct str *out_words)
{
    struct sender sender = world_sender(world);
    struct mailing *mailing = ledger_add(&world->ledger, 20000, &domain, 1);
    sender_send(&sender, mailing);
    if (out_words)
        *out_words = sender.last_words;
    return mailing;
}

/* New mail is taken into the room that is left, then refused before it is touched. */
static void fill(struct world *world, struct mailing **mailings, size_t *count)
{
    struct str words;
    do {
        assert(*count < MAILINGS_MAX);
        mailings[(*count)++] = send_large(world, "sink0.example", &words);
    } while (was_promised(mailings[*count - 1]));
    EXPECT(world, *count > 3);
    EXPECT(world, str_starts(words, STR("452 4.3.1")));
}

static bool are_delivered(struct mailing **mailings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (was_promised(mailings[i]) && !mailings[i]->to[0].taken_ms)
            return false;
    return true;
}

static void full(struct world *world)
{
    struct mailing *mailings[MAILINGS_MAX];
    size_t count = 0;
    server_start(&world->server);
    sink_shut(&world->sinks[SINK_0]);
    disk_memory_set_capacity(world->memory, 0);
    fill(world, mailings, &count);

    sink_open(&world->sinks[SINK_0]); /* what can leave, leaves */
    world_sleep(HOUR);
    EXPECT(world, are_delivered(mailings, count));
    EXPECT(world, queue_statistics(world->server.queue).recipients == 0);

    /* Their room serves new mail, though the disk is as full as before. What is for a mailbox on
     * that disk has to wait. */
    struct mailing *local = world_send_to(world, "local.example");
    EXPECT(world, was_promised(local));
    fill(world, mailings, &count);
    EXPECT(world, queue_statistics(world->server.queue).recipients > 0);

    disk_memory_set_capacity(world->memory, WORLD_DISK_BYTES);
    world_sleep(2 * SECOND);
    EXPECT(world, was_promised(send_large(world, "sink2.example", NULL)));
    EXPECT(world, server_await_empty(&world->server, HOUR));
}

TEST(the_disk_fills_and_empties) { CHECK_INT(world_play_seeds(full, 3), 0); }

/* Calls of the disk fail now and then, syncs among them. What was recorded nevertheless is shown by
 * a restart. */
static void failing(struct world *world)
{
    server_start(&world->server);
    world_spawn_senders(world, 5, 8, 20 * SECOND);
    for (int i = 0; i < 40; i++) {
        world_sleep(world_roll(world, 8 * SECOND));
        disk_memory_fail(world->memory, 1 + world_roll(world, 20),
                         world_roll(world, 3) ? ERR_IO : ERR_FULL);
    }
    disk_memory_fail(world->memory, 0, OK);
    world_join_senders(world);
    EXPECT(world, server_await_empty(&world->server, HOUR));
    server_stop(&world->server);
    server_start(&world->server);
    EXPECT(world, queue_statistics(world->server.queue).recipients == 0);
}

TEST(disk_errors_lose_nothing) { CHECK_INT(world_play_seeds(failing, 20), 0); }

int main(void)
{
    RUN(the_disk_fills_and_empties);
    RUN(disk_errors_lose_nothing);
    return test_summary();
}
