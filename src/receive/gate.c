#include "receive/gate.h"

#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>

struct receive_gate {
    uint32_t connections_max;
    uint32_t per_client_max;
    _Atomic uint32_t connections; /* written under the lock */
    pthread_mutex_t lock;
    struct map clients; /* struct gate_client, while it has connections */
};

struct gate_client {
    uint32_t connections;
    uint8_t key_len;
    char key[16];
};

struct receive_gate *receive_gate_new(uint32_t connections_max, uint32_t per_client_max)
{
    assert(connections_max > 0 && per_client_max > 0);
    struct receive_gate *gate = NEW(struct receive_gate);
    gate->connections_max = connections_max;
    gate->per_client_max = per_client_max;
    gate->clients = map_make();
    pthread_mutex_init(&gate->lock, NULL);
    return gate;
}

void receive_gate_free(struct receive_gate *gate)
{
    if (!gate)
        return;
    assert(gate->connections == 0 && gate->clients.count == 0);
    map_done(&gate->clients);
    pthread_mutex_destroy(&gate->lock);
    mem_free(gate);
}

static struct str key_of(const struct net_address *client)
{
    bool is_counted = client && client->socket.any.sa_family != AF_UNIX;
    return is_counted ? net_address_client_key(client) : STR_EMPTY;
}

static struct gate_client *add_client(struct receive_gate *gate, struct str key)
{
    struct gate_client *client = NEW(struct gate_client);
    assert(key.len <= sizeof client->key);
    client->key_len = (uint8_t)key.len;
    memcpy(client->key, key.at, key.len);
    map_set(&gate->clients, str_make(client->key, client->key_len), client);
    return client;
}

static enum gate_answer enter_client(struct receive_gate *gate, struct str key)
{
    if (key.len == 0)
        return GATE_ENTERED;
    struct gate_client *client = map_get(&gate->clients, key);
    if (!client)
        client = add_client(gate, key);
    if (client->connections >= gate->per_client_max)
        return GATE_CLIENT_FULL;
    client->connections++;
    return GATE_ENTERED;
}

static enum gate_answer enter(struct receive_gate *gate, struct str key)
{
    if (gate->connections >= gate->connections_max)
        return GATE_FULL;
    enum gate_answer answer = enter_client(gate, key);
    gate->connections += answer == GATE_ENTERED;
    return answer;
}

enum gate_answer gate_enter(struct receive_gate *gate, const struct net_address *client)
{
    pthread_mutex_lock(&gate->lock);
    enum gate_answer answer = enter(gate, key_of(client));
    pthread_mutex_unlock(&gate->lock);
    return answer;
}

static void leave_client(struct receive_gate *gate, struct str key)
{
    if (key.len == 0)
        return;
    struct gate_client *client = map_get(&gate->clients, key);
    assert(client && client->connections > 0);
    if (--client->connections == 0) {
        map_remove(&gate->clients, key);
        mem_free(client);
    }
}

void gate_leave(struct receive_gate *gate, const struct net_address *client)
{
    pthread_mutex_lock(&gate->lock);
    gate->connections--;
    leave_client(gate, key_of(client));
    pthread_mutex_unlock(&gate->lock);
}

enum gate_answer gate_move(struct receive_gate *gate, const struct net_address *from,
                           const struct net_address *to)
{
    struct str old = key_of(from), new = key_of(to);
    if (str_eq(old, new))
        return GATE_ENTERED;
    pthread_mutex_lock(&gate->lock);
    enum gate_answer answer = enter_client(gate, new);
    if (answer == GATE_ENTERED)
        leave_client(gate, old);
    pthread_mutex_unlock(&gate->lock);
    return answer;
}

bool gate_is_crowded(const struct receive_gate *gate)
{
    return gate->connections > gate->connections_max / 4 * 3;
}
