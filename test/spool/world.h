/* A spool on a disk in memory, and a model of what it promised: every test does its work through
 * these calls, then asks world_check whether the promises hold. Commits are inline. */
#ifndef TEST_SPOOL_WORLD_H
#define TEST_SPOOL_WORLD_H

#include "base/log.h"
#include "base/random.h"
#include "crashing_disk.h"
#include "spool/spool.h"
#include "test.h"

#define RECIPIENTS          3
#define WORLD_SEGMENT_BYTES (256u << 10)

/* One message as the model knows it. `attempts` stands for the whole status: it only grows. */
struct model {
    spool_id id;
    struct spool_place place;
    uint64_t seed; /* of its content */
    uint64_t size;
    bool promised;                          /* the commit was OK, or it was announced since */
    bool announced;                         /* since the last open */
    uint16_t attempts_sure[RECIPIENTS];     /* synced */
    uint16_t attempts_written[RECIPIENTS];  /* the spool said OK */
    uint16_t attempts_possible[RECIPIENTS]; /* the spool was asked */
    bool done_sure, done_written, done_possible;
    struct model *group; /* the message whose change was committed with it */
    uint16_t group_attempts;
};

struct world {
    struct disk *memory;
    struct crashing_disk disk;
    struct clock clock;
    struct spool *spool;
    struct spool_recovery recovery;
    uint64_t segment_bytes;
    uint64_t memory_budget_bytes;
    struct model **models;
    size_t count;
    size_t strangers; /* announced, but never committed */
};

static inline struct model *world_find(struct world *world, spool_id id)
{
    for (size_t i = world->count; i-- > 0;)
        if (world->models[i]->id == id)
            return world->models[i];
    return NULL;
}

static inline void world_announce(void *context, const struct spool_announcement *announcement)
{
    struct world *world = context;
    struct model *model = world_find(world, announcement->id);
    if (!model) {
        world->strangers++;
        return;
    }
    CHECK(!model->announced);
    CHECK_INT(announcement->envelope->recipient_count, RECIPIENTS);
    CHECK_STR(announcement->envelope->recipients[1].address, STR("bob@example.net"));
    model->announced = true;
    model->place = announcement->place;
    CHECK_INT(announcement->size_bytes, model->size + 2);
    for (size_t i = 0; i < RECIPIENTS; i++) {
        uint16_t attempts = announcement->statuses[i].attempts;
        CHECK(attempts >= model->attempts_sure[i]);
        CHECK(attempts <= model->attempts_possible[i]);
        CHECK(announcement->statuses[i].held == (attempts % 2 == 1));
        model->attempts_sure[i] = model->attempts_written[i] = model->attempts_possible[i] =
            attempts;
    }
}

static inline void world_init(struct world *world)
{
    *world = (struct world){.clock = clock_virtual(1700000000000000),
                            .memory = disk_memory_new(UINT64_C(1) << 30),
                            .segment_bytes = WORLD_SEGMENT_BYTES};
    world->disk = crashing_disk_make(world->memory);
    CHECK_INT(disk_mkdir(world->memory, "spool", 0700), OK);
    CHECK_INT(disk_sync_directory(world->memory, "."), OK);
    log_init(LOG_ERROR, -1);
}

static inline enum err world_open(struct world *world)
{
    struct spool_options options = {
        .disk = &world->disk.base,
        .clock = &world->clock,
        .directory = "spool",
        .segment_bytes = world->segment_bytes,
        .memory_budget_bytes = world->memory_budget_bytes,
        .inline_commits = true,
        .announce = world_announce,
        .announce_context = world,
    };
    for (size_t i = 0; i < world->count; i++)
        world->models[i]->announced = false;
    return spool_open(&options, &world->spool, &world->recovery);
}

static inline void world_close(struct world *world)
{
    if (world->spool)
        spool_close(world->spool);
    world->spool = NULL;
}

static inline void world_done(struct world *world)
{
    world_close(world);
    for (size_t i = 0; i < world->count; i++)
        mem_free(world->models[i]);
    mem_free(world->models);
    disk_memory_free(world->memory);
}

/* The power is gone, and comes back. */
static inline void world_crash(struct world *world, uint64_t seed)
{
    world->disk.seed = seed;
    if (!world->disk.dead)
        crashing_disk_fail_now(&world->disk);
    world_close(world);
    world->disk.dead = false;
    world->disk.calls_left = 0;
}

/* ---- content that can be told apart ---- */

static inline void content_fill(uint64_t seed, uint64_t offset, char *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint64_t at = offset + i;
        out[i] = (char)(' ' + (seed * 31 + at * 7 + (at >> 8) * 13) % 90);
    }
}

static inline enum err content_write(struct spool_draft *draft, uint64_t seed, uint64_t size)
{
    char piece[5000];
    enum err err = OK;
    for (uint64_t at = 0; at < size && !err; at += sizeof piece) {
        size_t len = (size_t)(size - at < sizeof piece ? size - at : sizeof piece);
        content_fill(seed, at, piece, len);
        err = spool_draft_write(draft, str_make(piece, len));
    }
    return err;
}

/* Reads it all in order; ERR_CORRUPT also when the bytes are not those of the model. */
static inline enum err world_read(struct world *world, const struct model *model)
{
    struct arena arena = arena_make();
    struct spool_message message;
    char got[7000], want[7000];
    enum err err = spool_message_open(world->spool, model->id, model->place, &arena, &message);
    if (err) {
        arena_reset(&arena);
        return err;
    }
    uint64_t at = 0;
    for (size_t len = 1; len && !err;) {
        err = spool_message_read(&message, at, got, sizeof got, &len);
        if (err || len == 0)
            break;
        size_t skip = at == 0 ? 2 : 0;
        content_fill(model->seed, at + skip - 2, want, len - skip);
        if (memcmp(got + skip, want, len - skip) != 0)
            err = ERR_CORRUPT;
        at += len;
    }
    if (!err && at != model->size + 2)
        err = ERR_CORRUPT;
    spool_message_close(&message);
    arena_reset(&arena);
    return err;
}

/* ---- what can be done ---- */

/* The status that stands for so many attempts. */
static inline struct spool_change change_of(uint32_t recipient, uint16_t attempts)
{
    return (struct spool_change){
        recipient, {.attempts = attempts, .held = attempts % 2 == 1, .due_s = 1000 + attempts}};
}

static inline void world_all_synced(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        struct model *model = world->models[i];
        for (size_t to = 0; to < RECIPIENTS; to++)
            if (model->attempts_written[to] > model->attempts_sure[to])
                model->attempts_sure[to] = model->attempts_written[to];
        model->done_sure |= model->done_written;
    }
}

static inline struct model *model_new(struct world *world, spool_id id, uint64_t seed,
                                      uint64_t size)
{
    struct model *model = NEW(struct model);
    CHECK(!world_find(world, id));
    *model = (struct model){.id = id, .seed = seed, .size = size};
    world->models = mem_grow(world->models, (world->count + 1) * sizeof(struct model *));
    world->models[world->count++] = model;
    return model;
}

static inline enum err world_fill_draft(struct world *world, uint64_t seed, uint64_t size,
                                        struct spool_draft **out_draft, struct model **out_model)
{
    enum err err = spool_draft_begin(world->spool, out_draft);
    if (err)
        return err;
    *out_model = model_new(world, spool_draft_id(*out_draft), seed, size);
    err = content_write(*out_draft, seed, size);
    if (err)
        spool_draft_abort(*out_draft);
    return err;
}

static inline struct spool_envelope world_envelope(void)
{
    static struct spool_recipient recipients[RECIPIENTS] = {
        {STR("alice@example.org"), STR(""), 0},
        {STR("bob@example.net"), STR("rfc822;bob@example.com"), SPOOL_NOTIFY_FAILURE},
        {STR("carol@example.org"), STR(""), SPOOL_NOTIFY_NEVER},
    };
    return (struct spool_envelope){.sender = STR("sender@example.org"),
                                   .recipients = recipients,
                                   .recipient_count = RECIPIENTS,
                                   .service = STR("mx"),
                                   .received_us = 5};
}

/* With `group`, a change of its recipient 0 is committed together with the message. */
static inline enum err world_commit(struct world *world, uint64_t seed, uint64_t size,
                                    struct model *group, struct model **out_model)
{
    struct spool_draft *draft;
    struct model *model = NULL;
    enum err err = world_fill_draft(world, seed, size, &draft, &model);
    if (err)
        return err;
    struct spool_envelope envelope = world_envelope();
    struct spool_change change;
    struct spool_also also = {.changes = &change, .change_count = 1};
    if (group) {
        model->group = group;
        model->group_attempts = ++group->attempts_possible[0];
        change = change_of(0, model->group_attempts);
        also.id = group->id;
        also.place = group->place;
    }
    err = spool_draft_commit(draft, &envelope, STR("p\n"), group ? &also : NULL);
    CHECK(model->announced == (err == OK));
    model->promised = err == OK;
    if (!err && group)
        group->attempts_sure[0] = group->attempts_written[0] = model->group_attempts;
    if (out_model)
        *out_model = model;
    return err;
}

static inline enum err world_status(struct world *world, struct model *model, uint32_t recipient,
                                    bool done, bool commit)
{
    assert(model);
    struct spool_change change = change_of(recipient, ++model->attempts_possible[recipient]);
    model->done_possible |= done;
    enum err err =
        commit ? spool_status_commit(world->spool, model->id, model->place, &change, 1, done)
               : spool_status_write(world->spool, model->id, model->place, &change, 1, done);
    if (!err) {
        model->attempts_written[recipient] = model->attempts_possible[recipient];
        model->done_written |= done;
    }
    if (!err && commit && !world->disk.dead)
        world_all_synced(world);
    return err;
}

/* ---- whether the promises hold; after world_open ---- */

static inline void model_check(struct world *world, struct model *model)
{
    if (model->promised && !model->done_possible)
        CHECK(model->announced);
    if (model->done_sure)
        CHECK(!model->announced);
    if (model->announced)
        CHECK_INT(world_read(world, model), OK);
    struct model *group = model->group;
    if (group && !model->promised && !model->done_possible && group->announced)
        CHECK(model->announced == (group->attempts_sure[0] >= model->group_attempts));
    model->group = NULL;
    model->promised = model->announced;
    model->done_possible = model->done_written = model->done_sure = !model->announced;
}

static inline void world_check(struct world *world)
{
    CHECK_INT(world->strangers, 0);
    for (size_t i = 0; i < world->count; i++)
        model_check(world, world->models[i]);
}

#endif
