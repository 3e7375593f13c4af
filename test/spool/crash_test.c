/* Power fails at any call; whatever of the unsynced sectors survives, the promises hold. */
#include "world.h"

#define SEEDS 300
#define STEPS 60

static struct world world;
static struct random dice;

static uint64_t roll(uint64_t bound) { return random_below(&dice, bound); }

static uint64_t random_size(void)
{
    static const uint64_t bounds[] = {200, 200, 5000, 70000, 200000};
    return roll(bounds[roll(ARRAY_LEN(bounds))]);
}

/* A message that may still be worked on, or NULL. */
static struct model *random_model(void)
{
    struct model *alive[1000];
    size_t count = 0;
    for (size_t i = 0; i < world.count && count < ARRAY_LEN(alive); i++)
        if (world.models[i]->announced && !world.models[i]->done_possible)
            alive[count++] = world.models[i];
    return count ? alive[roll(count)] : NULL;
}

static void step(void)
{
    struct model *model = random_model();
    enum err ignored = OK;
    uint64_t what = roll(10);
    if (what < 4 || !model)
        ignored = world_commit(&world, roll(1000), random_size(),
                               model && roll(3) == 0 ? model : NULL, NULL);
    else if (what < 7)
        ignored = world_status(&world, model, (uint32_t)roll(RECIPIENTS), false, roll(4) == 0);
    else
        ignored = world_status(&world, model, 0, true, roll(4) == 0);
    UNUSED(ignored); /* only the crash makes an error, and the model knows what may be */
    world.clock.virtual_ms += roll(60);
}

/* What was neither committed nor announced may have its id given again after a crash. */
static void forget_the_unborn(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < world.count; i++) {
        struct model *model = world.models[i];
        if (!model->place.unit) /* it was never announced */
            mem_free(model);
        else
            world.models[kept++] = model;
    }
    world.count = kept;
}

/* Opens, perhaps with the power failing again meanwhile. */
static void open_at_last(bool may_fail)
{
    if (may_fail && roll(3) == 0) {
        world.disk.calls_left = 1 + roll(60);
        world.disk.seed = roll(UINT64_MAX);
        if (world_open(&world) == OK && !world.disk.dead)
            world.disk.calls_left = 0;
        world_crash(&world, roll(UINT64_MAX));
    }
    CHECK_INT(world_open(&world), OK);
    CHECK_INT(world.recovery.damaged_records, 0);
    world_check(&world);
}

/* The process ends at once; what it wrote stays in the page cache. */
static void kill_process(void)
{
    world.disk.calls_left = 0;
    world.disk.dead = true;
    world_close(&world);
    world.disk.dead = false;
    world_all_synced(&world);
}

/* Returns whether all that the model takes for sure is on stable storage. */
static bool end_life(void)
{
    uint64_t how = world.disk.dead ? 0 : roll(4);
    if (how == 1) {
        world.disk.calls_left = 0;
        world_close(&world);
        world_all_synced(&world);
    } else if (how == 2) {
        kill_process();
    } else {
        world_crash(&world, roll(UINT64_MAX));
    }
    return how != 2;
}

static void live_and_crash(uint64_t seed)
{
    dice = random_seeded(seed);
    world_init(&world);
    CHECK_INT(world_open(&world), OK);
    for (size_t life = 0; life < 4; life++) {
        world.disk.seed = roll(8) == 0 ? 0 : roll(UINT64_MAX);
        world.disk.calls_left = roll(2) ? 1 + roll(400) : 0;
        size_t steps = roll(4) ? STEPS : roll(3);
        for (size_t i = 0; i < steps && !world.disk.dead; i++)
            step();
        bool stable = end_life();
        if (roll(3) == 0)
            world.clock.virtual_epoch_us -= (int64_t)roll(1000000);
        open_at_last(stable);
        forget_the_unborn();
    }
    CHECK(spool_statistics(world.spool).segments < 60);
    world_done(&world);
}

TEST(after_any_crash_every_promise_holds)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        int before = test_failed_checks;
        live_and_crash(seed);
        if (test_failed_checks != before) {
            printf("# seed %llu\n", (unsigned long long)seed);
            return;
        }
    }
}

/* The same short life, with the power failing at each of its calls in turn. */
static bool play_until(uint64_t call, uint64_t seed)
{
    struct model *small, *large;
    world_init(&world);
    world.disk.calls_left = call;
    world.disk.seed = seed;
    enum err err = world_open(&world);
    if (!err)
        err = world_commit(&world, 1, 1000, NULL, &small);
    if (!err)
        err = world_commit(&world, 2, 100000, NULL, &large);
    if (!err)
        err = world_commit(&world, 3, 500, small, NULL);
    if (!err)
        err = world_status(&world, large, 1, false, true);
    if (!err)
        err = world_status(&world, large, 0, true, true);
    if (!err)
        world_close(&world);
    bool survived = !world.disk.dead;
    world_crash(&world, seed);
    CHECK_INT(world_open(&world), OK);
    world_check(&world);
    world_done(&world);
    return survived;
}

TEST(power_may_fail_at_each_call)
{
    for (uint64_t seed = 0; seed < 3; seed++) {
        uint64_t call = 1;
        while (call < 2000 && !play_until(call, seed * 77))
            call++;
        CHECK(call > 30 && call < 2000);
    }
}

int main(void)
{
    RUN(power_may_fail_at_each_call);
    RUN(after_any_crash_every_promise_holds);
    return test_summary();
}
