#include "queue/destination.h"

#include "base/mem.h"
#include "queue/schedule.h"

#define KEY_BYTES_MAX 2048

/* ---- identity ----
 * Destinations are told apart by what their ways say, not by where they stand in the table: two
 * domains behind one gateway share it. */

struct key_text {
    char at[KEY_BYTES_MAX];
    size_t len;
};

/* Fields end with a NUL, which none of them holds; longer ones are cut, since no way is so long. */
static void key_add(struct key_text *key, struct str field, bool lower)
{
    size_t len = min_size(field.len, KEY_BYTES_MAX - key->len - 1);
    for (size_t i = 0; i < len; i++)
        key->at[key->len++] = lower ? char_lower(field.at[i]) : field.at[i];
    key->at[key->len++] = '\0';
}

static struct key_text key_of(const struct route_way *way, struct str domain)
{
    struct key_text key;
    key.len = 0;
    char numbers[] = {(char)('0' + way->via), (char)('0' + way->tls), (char)(way->port >> 8),
                      (char)way->port, way->separator};
    key_add(&key, domain, true);
    key_add(&key, str_make(numbers, sizeof numbers), false);
    key_add(&key, way->name, false);
    key_add(&key, way->host, false);
    key_add(&key, way->maildir, false);
    key_add(&key, way->auth_user, false);
    key_add(&key, way->certificate, false);
    return key;
}

/* ---- life ---- */

static char *put_text(char *at, struct str text, struct str *out_copy)
{
    if (text.len)
        memcpy(at, text.at, text.len);
    *out_copy = str_make(at, text.len);
    return at + text.len;
}

static size_t memory_of(const struct queue_destination *destination)
{
    return sizeof *destination + destination->key.len + destination->name.len;
}

static struct queue_destination *destination_new(struct queue *queue, const struct route_way *way,
                                                 struct str key, size_t domain_len)
{
    size_t name_max = way->name.len + 1 + domain_len;
    struct queue_destination *destination = mem_zalloc(sizeof *destination + key.len + name_max);
    char *at = put_text((char *)(destination + 1), key, &destination->key);
    destination->domain = str_first(destination->key, domain_len);
    at = put_text(at, way->name, &destination->name);
    if (domain_len) {
        struct str copy;
        *at++ = ':';
        put_text(at, destination->domain, &copy);
        destination->name.len = name_max;
    }
    destination->way = way;
    for (unsigned i = 0; i < QUEUE_LANES; i++)
        list_init(&destination->lanes[i].turn);
    queue->destination_bytes += memory_of(destination);
    map_set(&queue->destinations, destination->key, destination);
    return destination;
}

struct queue_destination *queue_destination_of(struct queue *queue, struct str address)
{
    const struct route_way *way = route_way_of(queue->routes, address);
    struct str domain = way->via == ROUTE_MX ? queue_domain_of(address) : STR_EMPTY;
    struct key_text text = key_of(way, domain);
    struct str key = str_make(text.at, text.len);
    struct queue_destination *destination = map_get(&queue->destinations, key);
    return destination ? destination
                       : destination_new(queue, way, key, min_size(domain.len, KEY_BYTES_MAX / 2));
}

static void enter_exit(struct queue_destination *destination, struct queue_exit *exit)
{
    destination->exit = exit;
    exit->members++;
}

static struct queue_exit *leave_exit(struct queue_destination *destination)
{
    struct queue_exit *exit = destination->exit;
    destination->exit = NULL;
    exit->members--;
    if (exit->own == destination)
        exit->own = NULL;
    return exit;
}

/* What failed is remembered as long as there is mail for it; without any, by an own exit until its
 * pause is over. */
static bool needs_exit(const struct queue_destination *destination)
{
    const struct queue_exit *exit = destination->exit;
    bool remembers = destination->recipients
                         ? exit->failures > 0
                         : exit->own == destination && heap_has(&exit->blocked_until);
    return destination->ready || destination->slots || remembers;
}

void queue_destination_release(struct queue *queue, struct queue_destination *destination)
{
    if (destination->exit && !needs_exit(destination))
        queue_exit_release(queue, leave_exit(destination));
    if (destination->exit || destination->recipients || destination->slots)
        return;
    map_remove(&queue->destinations, destination->key);
    queue->destination_bytes -= memory_of(destination);
    mem_free(destination);
}

void queue_destination_join(struct queue_destination *destination,
                            struct queue_recipient *recipient)
{
    assert(!recipient->destination);
    recipient->destination = destination;
    destination->recipients++;
}

void queue_destination_leave(struct queue *queue, struct queue_recipient *recipient)
{
    struct queue_destination *destination = recipient->destination;
    recipient->destination = NULL;
    destination->recipients--;
    queue_destination_release(queue, destination);
}

/* ---- its exit ---- */

static void move_lanes(struct queue_destination *destination, struct queue_exit *exit)
{
    for (unsigned i = 0; i < QUEUE_LANES; i++) {
        struct queue_lane *lane = &destination->lanes[i];
        list_remove(&lane->turn);
        if (lane->leaders)
            list_push_back(&exit->turns[i], &lane->turn);
    }
}

void queue_destination_move(struct queue *queue, struct queue_destination *destination,
                            struct queue_exit *exit)
{
    if (destination->exit == exit)
        return;
    struct queue_exit *old = leave_exit(destination);
    old->ready -= destination->ready;
    if (old->is_blocked)
        queue->ready_blocked -= destination->ready;
    enter_exit(destination, exit);
    exit->ready += destination->ready;
    if (exit->is_blocked)
        queue->ready_blocked += destination->ready;
    move_lanes(destination, exit);
    queue_exit_release(queue, old);
}

/* ---- the ready list ---- */

/* Seeded, so that nobody can choose a sender that shares another's lane; by the queue's own seed,
 * so that a simulation is repeated (str_hash is seeded by the kernel). FNV-1a. */
static unsigned lane_of(const struct queue *queue, const struct queue_recipient *recipient)
{
    struct str sender = queue_message_sender(queue_recipient_message(recipient));
    uint64_t hash = queue->lane_seed;
    for (size_t i = 0; i < sender.len; i++)
        hash = (hash ^ (unsigned char)sender.at[i]) * 0x100000001b3u;
    return (hash >> 32) % QUEUE_LANES;
}

static void count_ready(struct queue *queue, struct queue_destination *destination,
                        struct queue_recipient *leader, int sign)
{
    uint32_t members = 0;
    for (struct queue_recipient *member = leader; member; member = queue_recipient_next(member))
        members++;
    destination->ready += sign > 0 ? members : -members;
    destination->exit->ready += sign > 0 ? members : -members;
    if (destination->exit->is_blocked)
        queue->ready_blocked += sign > 0 ? (uint64_t)members : -(uint64_t)members;
}

/* Hangs the chain of `more` in behind `leader`. */
static void join_bundles(struct queue_recipient *leader, struct queue_recipient *more)
{
    struct queue_recipient *last = more;
    while (last->next)
        last = queue_recipient_next(last);
    last->next = leader->next;
    leader->next = more->index + 1;
    more->is_leader = false;
}

bool queue_destination_add_ready(struct queue *queue, struct queue_recipient *leader)
{
    struct queue_destination *destination = leader->destination;
    unsigned number = lane_of(queue, leader);
    struct queue_lane *lane = &destination->lanes[number];
    if (!destination->exit)
        enter_exit(destination, queue_exit_new(queue, destination));
    count_ready(queue, destination, leader, +1);
    spool_id id = queue_recipient_message(leader)->id;
    struct queue_recipient *present =
        queue_recipient_of_node(tree_find(lane->leaders, id, queue_recipient_key));
    if (present) {
        join_bundles(present, leader);
        return false;
    }
    if (!lane->leaders)
        list_push_back(&destination->exit->turns[number], &lane->turn);
    tree_add(&lane->leaders, &leader->at.ready, queue_recipient_key);
    return true;
}

void queue_destination_remove_ready(struct queue *queue, struct queue_recipient *leader)
{
    struct queue_destination *destination = leader->destination;
    struct queue_lane *lane = &destination->lanes[lane_of(queue, leader)];
    count_ready(queue, destination, leader, -1);
    tree_remove(&lane->leaders, &leader->at.ready, queue_recipient_key);
    if (!lane->leaders)
        list_remove(&lane->turn);
    queue_destination_release(queue, destination); /* of its exit; it stays, for the leader */
}

/* In a lane the oldest comes first, so behind one that needs no warning nobody does. */
struct queue_recipient *queue_lane_overdue(const struct queue *queue, const struct queue_lane *lane,
                                           int64_t now_s, unsigned *looks)
{
    struct tree_node *node = tree_first(lane->leaders);
    for (; node && *looks; --*looks) {
        struct queue_recipient *leader = queue_recipient_of_node(node);
        const struct queue_message *message = queue_recipient_message(leader);
        if (queue_schedule_is_expired(&queue->schedule, message->arrived_s, now_s))
            return leader;
        if (!queue_wants_warning(queue, message->arrived_s, now_s))
            break;
        if (!leader->warned)
            return leader;
        node = tree_at_least(lane->leaders, message->id + 1, queue_recipient_key);
    }
    *looks -= *looks > 0;
    return NULL;
}
