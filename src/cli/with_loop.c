#include "cli/with_loop.h"

#include "fiber/loop.h"

#include <netdb.h>
#include <stdio.h>

/* A look-up that gets no answer ends an evaluation within 20 seconds. */
#define EVALUATION_MS 19000
#define DNS_PORT      53

struct running {
    const char *command;
    struct resolver_options options;
    struct net_address server;
    struct loop *loop;
    struct fiber_group group;
    int (*run)(struct with_loop *loop, void *context);
    void *context;
    int status;
};

/* ---- the name server ---- */

static bool look_up_host(struct str host, uint16_t port, struct net_address *out_address)
{
    struct arena arena = arena_make();
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found = NULL;
    bool ok = getaddrinfo(arena_copy(&arena, host).at, NULL, &hints, &found) == 0;
    if (ok) {
        *out_address = net_address_from(found->ai_addr, found->ai_addrlen);
        net_address_set_port(out_address, port);
        freeaddrinfo(found);
    }
    arena_reset(&arena);
    return ok;
}

static bool read_server(struct str text, struct net_address *out_address)
{
    struct str host = text, digits;
    uint64_t port = DNS_PORT;
    if (net_address_parse(text, DNS_PORT, out_address) == OK)
        return true;
    if (str_cut(text, ':', &host, &digits) && !str_to_u64(digits, UINT16_MAX, &port))
        return false;
    return host.len > 0 && look_up_host(host, (uint16_t)port, out_address);
}

/* ---- the loop ---- */

void with_loop_begin_evaluation(struct with_loop *loop)
{
    const struct clock *clock = loop_clock(loop_current());
    loop->deadline_ms = clock_now_ms(clock) + EVALUATION_MS;
    loop->now_s = clock_wall_us(clock) / 1000000;
}

MAY_YIELD static void run_command(void *argument)
{
    struct running *running = argument;
    struct with_loop loop = {0};
    enum err err = resolver_new(&running->options, &loop.resolver);
    if (err) {
        fprintf(stderr, "postrider %s: no name server can be asked: %s\n", running->command,
                err_text(err));
        running->status = CLI_TRY_LATER;
    } else {
        with_loop_begin_evaluation(&loop);
        running->status = running->run(&loop, running->context);
        resolver_free(loop.resolver);
    }
    loop_stop(running->loop);
}

static void start(void *argument)
{
    struct running *running = argument;
    fiber_group_init(&running->group, running->loop);
    fiber_spawn(&running->group, "command", run_command, running);
}

int with_loop_run(const char *command, const char *resolver,
                  int (*run)(struct with_loop *loop, void *context), void *context)
{
    struct running running = {.command = command, .run = run, .context = context};
    if (resolver && !read_server(str_of(resolver), &running.server)) {
        fprintf(stderr, "postrider %s: --resolver wants HOST:PORT, not \"%s\"\n", command,
                resolver);
        return CLI_USAGE;
    }
    if (resolver) {
        running.options.servers = &running.server;
        running.options.server_count = 1;
    }
    struct clock clock = clock_system();
    running.loop = loop_new(&(struct loop_options){.clock = &clock});
    enum err err = loop_run(running.loop, start, &running);
    loop_free(running.loop);
    return err ? CLI_TRY_LATER : running.status;
}
