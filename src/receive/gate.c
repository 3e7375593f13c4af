#include "receive/gate.h"

#include "base/map.h"
#include "base/mem.h"
#include "receive/failures.h"

#include <pthread.h>
#include <stdatomic.h>

struct receive_gate {
    uint32_t connections_max;
    uint32_t per_client_max;
    _Atomic uint32_t connections; /* written under the lock */
    pthread_mutex_t lock;
    struct map clients; /* struct gate_client, while it has connections */
    struct failures failures;
};

struct gate_client {
    uint32_t connections;
    struct gate_key key;
};

struct receive_gate *receive_gate_new(uint32_t connections_max, uint32_t per_client_max)
{
    assert(connections_max > 0 && per_client_max > 0);
    struct receive_gate *gate = NEW(struct receive_gate);
    gate->connections_max = connections_max;
    gate->per_client_max = per_client_max;
    gate->clients = map_make();
    failures_init(&gate->failures);
    pthread_mutex_init(&gate->lock, NULL);
    return gate;
}

void receive_gate_free(struct receive_gate *gate)
{
    if (!gate)
        return;
    assert(gate->connections == 0 && gate->clients.count == 0);
    map_done(&gate->clients);
    failures_done(&gate->failures);
    pthread_mutex_destroy(&gate->lock);
    mem_free(gate);
}

/* ---- keys: of different lengths, so that no uid is an address ---- */

static struct gate_key make_key(struct str bytes)
{
    struct gate_key key = {.len = (uint8_t)bytes.len};
    assert(bytes.len <= sizeof key.bytes);
    memcpy(key.bytes, bytes.at, bytes.len);
    return key;
}

struct gate_key gate_key_of_address(const struct net_address *client)
{
    bool is_local = client->socket.any.sa_family == AF_UNIX;
    return make_key(is_local ? STR_EMPTY : net_address_client_key(client));
}

struct gate_key gate_key_of_uid(uid_t uid)
{
    char bytes[1 + sizeof uid] = {'u'};
    memcpy(bytes + 1, &uid, sizeof uid);
    return make_key(str_make(bytes, sizeof bytes));
}

static struct str key_str(const struct gate_key *key) { return str_make(key->bytes, key->len); }

/* ---- connections ---- */

static struct gate_client *add_client(struct receive_gate *gate, const struct gate_key *key)
{
    struct gate_client *client = NEW(struct gate_client);
    client->key = *key;
    map_set(&gate->clients, key_str(&client->key), client);
    return client;
}

static enum gate_answer enter_client(struct receive_gate *gate, const struct gate_key *key)
{
    if (key->len == 0)
        return GATE_ENTERED;
    struct gate_client *client = map_get(&gate->clients, key_str(key));
    if (!client)
        client = add_client(gate, key);
    if (client->connections >= gate->per_client_max)
        return GATE_CLIENT_FULL;
    client->connections++;
    return GATE_ENTERED;
}

static void leave_client(struct receive_gate *gate, const struct gate_key *key)
{
    if (key->len == 0)
        return;
    struct gate_client *client = map_get(&gate->clients, key_str(key));
    assert(client && client->connections > 0);
    if (--client->connections == 0) {
        map_remove(&gate->clients, key_str(key));
        mem_free(client);
    }
}

enum gate_answer gate_enter(struct receive_gate *gate, struct gate_key client)
{
    pthread_mutex_lock(&gate->lock);
    bool is_full = gate->connections >= gate->connections_max;
    enum gate_answer answer = is_full ? GATE_FULL : enter_client(gate, &client);
    gate->connections += answer == GATE_ENTERED;
    pthread_mutex_unlock(&gate->lock);
    return answer;
}

void gate_leave(struct receive_gate *gate, struct gate_key client)
{
    pthread_mutex_lock(&gate->lock);
    gate->connections--;
    leave_client(gate, &client);
    pthread_mutex_unlock(&gate->lock);
}

enum gate_answer gate_move(struct receive_gate *gate, struct gate_key from, struct gate_key to)
{
    if (str_eq(key_str(&from), key_str(&to)))
        return GATE_ENTERED;
    pthread_mutex_lock(&gate->lock);
    enum gate_answer answer = enter_client(gate, &to);
    if (answer == GATE_ENTERED)
        leave_client(gate, &from);
    pthread_mutex_unlock(&gate->lock);
    return answer;
}

bool gate_is_crowded(const struct receive_gate *gate)
{
    return gate->connections > gate->connections_max / 4 * 3;
}

/* ---- logins ---- */

void gate_login_failed(struct receive_gate *gate, struct gate_key client, uint64_t now_ms)
{
    pthread_mutex_lock(&gate->lock);
    failures_add(&gate->failures, key_str(&client), now_ms);
    pthread_mutex_unlock(&gate->lock);
}

bool gate_may_log_in(struct receive_gate *gate, struct gate_key client, uint64_t now_ms)
{
    pthread_mutex_lock(&gate->lock);
    bool may = !failures_are_too_many(&gate->failures, key_str(&client), now_ms);
    pthread_mutex_unlock(&gate->lock);
    return may;
}
