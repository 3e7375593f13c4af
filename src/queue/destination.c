#include "queue/destination.h"

#include "base/mem.h"
#include "queue/schedule.h"

#define WINDOW_FIRST      5 /* before anything is known of a destination */
#define KEY_BYTES_MAX     2048
#define OVERDUE_LOOKED_AT 1000 /* of those in a lane that were warned of already */

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
    destination->window = queue->window_max < WINDOW_FIRST ? queue->window_max : WINDOW_FIRST;
    list_init(&destination->idle);
    list_init(&destination->wanting);
    if (way->via == ROUTE_HOLD) {
        destination->is_blocked = true;
        destination->reason = SPOOL_REASON_ROUTE;
    }
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

void queue_destination_release(struct queue *queue, struct queue_destination *destination)
{
    if (destination->recipients || destination->slots || heap_has(&destination->blocked_until))
        return;
    list_remove(&destination->wanting);
    queue_words_drop(&queue->words, destination->words);
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

/* ---- the ready list ---- */

/* Seeded, so that nobody can choose a sender that shares another's lane; by the queue's own seed,
 * so that a simulation is repeated (str_hash is seeded by the kernel). FNV-1a. */
static struct tree_node **lane_of(const struct queue *queue,
                                  const struct queue_recipient *recipient)
{
    struct str sender = queue_message_sender(queue_recipient_message(recipient));
    uint64_t hash = queue->lane_seed;
    for (size_t i = 0; i < sender.len; i++)
        hash = (hash ^ (unsigned char)sender.at[i]) * 0x100000001b3u;
    return &recipient->destination->lanes[(hash >> 32) % QUEUE_LANES];
}

static void count_ready(struct queue *queue, struct queue_destination *destination,
                        struct queue_recipient *leader, int sign)
{
    uint32_t members = 0;
    for (struct queue_recipient *member = leader; member; member = queue_recipient_next(member))
        members++;
    destination->ready += sign > 0 ? members : -members;
    if (destination->is_blocked)
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
    struct tree_node **lane = lane_of(queue, leader);
    count_ready(queue, destination, leader, +1);
    spool_id id = queue_recipient_message(leader)->id;
    struct queue_recipient *present =
        queue_recipient_of_node(tree_find(*lane, id, queue_recipient_key));
    if (present)
        join_bundles(present, leader);
    else
        tree_add(lane, &leader->at.ready, queue_recipient_key);
    return !present;
}

void queue_destination_remove_ready(struct queue *queue, struct queue_recipient *leader)
{
    struct queue_destination *destination = leader->destination;
    count_ready(queue, destination, leader, -1);
    tree_remove(lane_of(queue, leader), &leader->at.ready, queue_recipient_key);
}

/* Who needs an answer now although the destination fails: the time is over, or the sender is to be
 * warned. In a lane the oldest comes first, so behind one that needs no warning nobody does. */
static struct queue_recipient *first_overdue(const struct queue *queue, struct tree_node *lane,
                                             int64_t now_s)
{
    struct tree_node *node = tree_first(lane);
    for (unsigned i = 0; node && i < OVERDUE_LOOKED_AT; i++) {
        struct queue_recipient *leader = queue_recipient_of_node(node);
        const struct queue_message *message = queue_recipient_message(leader);
        if (queue_schedule_is_expired(&queue->schedule, message->arrived_s, now_s))
            return leader;
        if (!queue_wants_warning(queue, message->arrived_s, now_s))
            return NULL;
        if (!leader->warned)
            return leader;
        node = tree_at_least(lane, message->id + 1, queue_recipient_key);
    }
    return NULL;
}

struct queue_recipient *queue_destination_next(struct queue *queue,
                                               struct queue_destination *destination, int64_t now_s)
{
    if (destination->way->via == ROUTE_HOLD)
        return NULL;
    for (unsigned i = 0; i < QUEUE_LANES; i++) {
        unsigned lane = (destination->next_lane + i) % QUEUE_LANES;
        struct tree_node *root = destination->lanes[lane];
        struct queue_recipient *leader = destination->is_blocked
                                             ? first_overdue(queue, root, now_s)
                                             : queue_recipient_of_node(tree_first(root));
        if (!leader)
            continue;
        destination->next_lane = (uint8_t)((lane + 1) % QUEUE_LANES);
        return leader;
    }
    return NULL;
}

/* ---- what slots find ---- */

static void forget_reason(struct queue *queue, struct queue_destination *destination)
{
    queue_words_drop(&queue->words, destination->words);
    destination->words = 0;
    destination->reason = SPOOL_REASON_NONE;
}

void queue_destination_open(struct queue *queue, struct queue_destination *destination)
{
    if (!destination->is_blocked || destination->way->via == ROUTE_HOLD)
        return;
    heap_remove(&queue->blocked, &destination->blocked_until);
    destination->is_blocked = false;
    queue->ready_blocked -= destination->ready;
}

void queue_destination_answered(struct queue *queue, struct queue_destination *destination,
                                bool delivered)
{
    queue_destination_open(queue, destination);
    forget_reason(queue, destination);
    destination->failures = 0;
    if (delivered && destination->window < queue->window_max)
        destination->window++;
}

void queue_destination_failed(struct queue *queue, struct queue_destination *destination,
                              enum spool_reason reason, struct str words)
{
    if (destination->is_blocked)
        return; /* connections that were under way when the first of them failed say nothing new */
    forget_reason(queue, destination);
    destination->reason = (uint8_t)reason;
    destination->words = queue_words_take(&queue->words, words);
    destination->window = 1;
    if (destination->failures < UINT8_MAX)
        destination->failures++;
    destination->is_blocked = true;
    queue->ready_blocked += destination->ready;
    uint64_t pause_s =
        queue_schedule_pause_s(&queue->schedule, destination->failures, &queue->random);
    uint64_t until_ms = queue_now(queue).ms + pause_s * 1000;
    heap_set(&queue->blocked, &destination->blocked_until, until_ms);
    queue_timer_notice(queue, until_ms);
}
