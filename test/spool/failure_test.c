/* One write or sync fails, at each call in turn: whoever was told OK is kept, whoever was told of
 * the failure is not, and the spool goes on. */
#include "world.h"

static struct world world;

/* Retries until the spool agrees, as the queue does. */
static void insist_on_status(struct model *model, uint32_t recipient, bool done, bool commit)
{
    enum err err = world_status(&world, model, recipient, done, commit);
    if (err)
        err = world_status(&world, model, recipient, done, commit);
    CHECK_INT(err, OK);
}

/* Everything a spool can be asked to do. */
static void work(void)
{
    struct model *models[40] = {0};
    for (size_t i = 0; i < ARRAY_LEN(models); i++) {
        struct model *group = i % 5 == 4 ? models[i - 1] : NULL;
        enum err ignored = world_commit(&world, i, i % 7 == 3 ? 80000 : 20000,
                                        group && group->promised ? group : NULL, &models[i]);
        UNUSED(ignored); /* world_check knows */
        if (models[i] && !models[i]->promised)
            models[i] = NULL;
        if (models[i])
            insist_on_status(models[i], 1, false, i % 4 == 0);
        if (i > 20 && models[i - 20])
            insist_on_status(models[i - 20], 0, true, i % 4 == 0);
        world.clock.virtual_ms += 30;
    }
}

static void check_exactly(void)
{
    for (size_t i = 0; i < world.count; i++) {
        struct model *model = world.models[i];
        CHECK(model->announced == (model->promised && !model->done_written));
        model->group = NULL;
    }
    world_check(&world);
}

/* The end of the spool's life: orderly, or by a power failure right after all was synced. */
static void end(bool by_crash)
{
    if (!by_crash) {
        world_close(&world);
        world_all_synced(&world);
        return;
    }
    for (size_t i = 0; i < world.count; i++)
        if (world.models[i]->promised && !world.models[i]->done_written) {
            insist_on_status(world.models[i], 2, false, true);
            break;
        }
    world_crash(&world, 0);
}

/* False: the failure did not happen any more. */
static bool fail_at(uint64_t call, enum err err, bool by_crash)
{
    world_init(&world);
    CHECK_INT(world_open(&world), OK);
    disk_memory_fail(world.memory, call, err);
    work();
    size_t refused = 0;
    for (size_t i = 0; i < world.count; i++)
        refused += !world.models[i]->promised;
    CHECK(refused <= 1); /* the one that was hit */
    end(by_crash);
    disk_memory_fail(world.memory, 0, OK);
    CHECK_INT(world_open(&world), OK);
    CHECK_INT(world.recovery.damaged_records, 0);
    check_exactly();
    CHECK_INT(world_commit(&world, 1, 1000, NULL, NULL), OK);
    world_done(&world);
    return call < 300;
}

static void fail_everywhere(enum err err, bool by_crash)
{
    for (uint64_t call = 1; fail_at(call, err, by_crash); call++)
        if (test_failed_checks) {
            printf("# call %llu\n", (unsigned long long)call);
            return;
        }
}

TEST(ok_means_kept_and_an_error_means_not_kept_when_a_call_fails)
{
    fail_everywhere(ERR_IO, false);
}

TEST(the_same_when_the_power_fails_afterwards) { fail_everywhere(ERR_IO, true); }

TEST(the_same_when_a_call_finds_the_disk_full) { fail_everywhere(ERR_FULL, false); }

TEST(a_failure_while_opening_loses_nothing)
{
    for (uint64_t call = 1; call < 300; call++) {
        world_init(&world);
        CHECK_INT(world_open(&world), OK);
        work();
        world_crash(&world, call * 3);
        disk_memory_fail(world.memory, call, ERR_IO);
        if (world_open(&world) == OK)
            world_check(&world);
        disk_memory_fail(world.memory, 0, OK);
        world_close(&world);
        CHECK_INT(world_open(&world), OK);
        CHECK_INT(world.recovery.damaged_records, 0);
        world_check(&world);
        world_done(&world);
    }
}

int main(void)
{
    RUN(ok_means_kept_and_an_error_means_not_kept_when_a_call_fails);
    RUN(the_same_when_the_power_fails_afterwards);
    RUN(the_same_when_a_call_finds_the_disk_full);
    RUN(a_failure_while_opening_loses_nothing);
    return test_summary();
}
