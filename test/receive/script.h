/* Tables of conversations: what the client says, which codes come back, what is in the spool. */
#ifndef TEST_RECEIVE_SCRIPT_H
#define TEST_RECEIVE_SCRIPT_H

#include "on_loop.h"
#include "world.h"

#define S(literal)                      \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }
#define TLS S(WORLD_STARTTLS)

#define SCRIPT_STEPS_MAX 8

struct script {
    const char *about;
    struct str steps[SCRIPT_STEPS_MAX];
    const char *codes;
    size_t messages; /* taken */
};

static inline size_t script_steps(const struct script *script)
{
    size_t count = 0;
    while (count < SCRIPT_STEPS_MAX && script->steps[count].len)
        count++;
    return count;
}

/* All rows speak to one server, one after the other. */
static inline void scripts_run(struct world *world, const struct script *scripts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t before = world->message_count;
        struct str said = world_talk(world, scripts[i].steps, script_steps(&scripts[i]));
        struct str codes = world_codes(world, said);
        bool ok = str_eq(codes, str_of(scripts[i].codes)) &&
                  world->message_count - before == scripts[i].messages;
        CHECK_ROW(scripts[i].about, ok);
        if (!ok)
            printf("#   codes: %.*s; messages: %zu\n%.*s", STR_FMT(codes),
                   world->message_count - before, STR_FMT(said));
    }
}

static inline void scripts_run_new(void (*init)(struct world *), const struct script *scripts,
                                   size_t count)
{
    struct world world;
    init(&world);
    scripts_run(&world, scripts, count);
    world_done(&world);
}

#endif
