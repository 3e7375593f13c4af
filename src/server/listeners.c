#include "server/listeners.h"

#include "base/mem.h"

#include <string.h>
#include <unistd.h>

static bool same_address(const struct net_address *a, const struct net_address *b)
{
    struct arena arena = arena_make();
    bool same = str_eq(net_address_print(&arena, a), net_address_print(&arena, b));
    arena_reset(&arena);
    return same;
}

int listener_set_find(const struct listener_set *set, const struct net_address *at)
{
    for (size_t i = 0; set && i < set->count; i++)
        if (same_address(&set->sockets[i].at, at))
            return set->sockets[i].fd;
    return -1;
}

void listener_set_close(struct listener_set *set, const struct listener_set *next)
{
    for (size_t i = 0; i < set->count; i++)
        if (listener_set_find(next, &set->sockets[i].at) < 0)
            close(set->sockets[i].fd);
    mem_free(set->sockets);
    *set = (struct listener_set){0};
}

enum err listener_set_open(const struct net_address *addresses, size_t count,
                           const struct listener_set *old, struct listener_set *out_set,
                           struct net_address *out_failed)
{
    struct listener_set set = {.sockets = mem_zalloc(count * sizeof *set.sockets)};
    for (size_t i = 0; i < count; i++) {
        int fd = listener_set_find(old, &addresses[i]);
        enum err err = fd >= 0 ? OK : network_listen(&addresses[i], 0600, &fd);
        if (err) {
            *out_failed = addresses[i];
            listener_set_close(&set, old);
            return err;
        }
        set.sockets[set.count++] = (struct listener_socket){addresses[i], fd};
    }
    *out_set = set;
    return OK;
}
