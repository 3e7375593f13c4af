#include "queue/exit.h"

#include "base/mem.h"
#include "queue/destination.h"
#include "queue/schedule.h"
#include "queue/slot.h"

#define WINDOW_FIRST      5    /* before anything is known of its hosts */
#define WINDOW_UNSETTLED  1    /* before the hosts are known: one slot asks for them */
#define OVERDUE_LOOKED_AT 1000 /* at most in one lane, at a time */
#define ASK_AGAIN_MS      ((uint64_t)60 * 60 * 1000)
#define ASKING_MS         30000 /* longer than anybody waits for name servers */

/* ---- life ---- */

static size_t memory_of(const struct queue_exit *exit) { return sizeof *exit + exit->key_len; }

static uint32_t first_window(const struct queue *queue, uint32_t window)
{
    return queue->window_max < window ? queue->window_max : window;
}

static struct queue_exit *exit_new(struct queue *queue, const struct route_way *way)
{
    struct queue_exit *exit = NEW(struct queue_exit);
    exit->way = way;
    exit->window = first_window(queue, way->via == ROUTE_MX ? WINDOW_UNSETTLED : WINDOW_FIRST);
    list_init(&exit->idle);
    list_init(&exit->wanting);
    for (unsigned i = 0; i < QUEUE_LANES; i++)
        list_init(&exit->turns[i]);
    if (way->via == ROUTE_HOLD) {
        exit->is_blocked = true;
        exit->reason = SPOOL_REASON_ROUTE;
    }
    queue->destination_bytes += memory_of(exit);
    return exit;
}

struct queue_exit *queue_exit_new(struct queue *queue, struct queue_destination *own)
{
    struct queue_exit *exit = exit_new(queue, own->way);
    exit->own = own;
    return exit;
}

static void forget_reason(struct queue *queue, struct queue_exit *exit)
{
    queue_words_drop(&queue->words, exit->words);
    exit->words = 0;
    exit->reason = SPOOL_REASON_NONE;
}

static bool is_needed(const struct queue_exit *exit)
{
    bool remembers = exit->key && heap_has(&exit->blocked_until);
    return exit->members || exit->slots || remembers;
}

void queue_exit_release(struct queue *queue, struct queue_exit *exit)
{
    if (exit->own) {
        queue_destination_release(queue, exit->own);
        return;
    }
    if (is_needed(exit))
        return;
    list_remove(&exit->wanting);
    heap_remove(&queue->blocked, &exit->blocked_until);
    forget_reason(queue, exit);
    if (exit->key)
        map_remove(&queue->exits, str_make(exit->key, exit->key_len));
    queue->destination_bytes -= memory_of(exit);
    mem_free(exit->key);
    mem_free(exit);
}

/* ---- sets of hosts ---- */

/* What the way says tells sets apart, too: the same hosts with and without TLS are two. */
static struct str key_of(const struct queue_destination *destination, struct str set,
                         struct arena *arena)
{
    struct str of_way = str_from(destination->key, destination->domain.len);
    char *key = arena_alloc(arena, set.len + of_way.len);
    memcpy(key, set.at, set.len);
    memcpy(key + set.len, of_way.at, of_way.len);
    return str_make(key, set.len + of_way.len);
}

/* The first that is found to have these hosts: its own exit becomes the set's. What failed until
 * now was the search for them. */
static void give_key(struct queue *queue, struct queue_exit *exit, struct str key)
{
    exit->own = NULL;
    exit->key = mem_alloc(key.len);
    memcpy(exit->key, key.at, key.len);
    exit->key_len = (uint32_t)key.len;
    exit->window = first_window(queue, WINDOW_FIRST);
    exit->failures = 0;
    queue_exit_open(queue, exit);
    queue->destination_bytes += key.len;
    map_set(&queue->exits, str_make(exit->key, exit->key_len), exit);
}

static struct queue_exit *exit_of_key(struct queue *queue, struct queue_destination *destination,
                                      struct str key)
{
    struct queue_exit *exit = map_get(&queue->exits, key);
    if (exit)
        return exit;
    exit = destination->exit->own ? destination->exit : exit_new(queue, destination->way);
    give_key(queue, exit, key);
    return exit;
}

struct queue_exit *queue_exit_of(struct queue *queue, struct queue_destination *destination,
                                 struct str set)
{
    if (!set.len)
        return destination->exit->own ? destination->exit : queue_exit_new(queue, destination);
    struct arena arena = arena_make();
    struct queue_exit *exit = exit_of_key(queue, destination, key_of(destination, set, &arena));
    arena_reset(&arena);
    return exit;
}

/* ---- whose turn it is ---- */

struct queue_destination *queue_exit_front(const struct queue_exit *exit)
{
    for (unsigned i = 0; i < QUEUE_LANES; i++) {
        unsigned number = (exit->next_lane + i) % QUEUE_LANES;
        if (!list_is_empty(&exit->turns[number]))
            return queue_destination_of_lane(
                CONTAINER_OF(exit->turns[number].next, struct queue_lane, turn), number);
    }
    return NULL;
}

/* While blocked each member is asked at most once. */
static struct queue_recipient *next_of_lane(struct queue *queue, struct list *turns,
                                            bool is_blocked, int64_t now_s)
{
    unsigned looks = OVERDUE_LOOKED_AT;
    struct list *first = turns->next;
    struct queue_recipient *leader = NULL;
    if (list_is_empty(turns))
        return NULL;
    do {
        struct list *link = list_pop_front(turns);
        list_push_back(turns, link);
        const struct queue_lane *lane = CONTAINER_OF(link, struct queue_lane, turn);
        leader = is_blocked ? queue_lane_overdue(queue, lane, now_s, &looks)
                            : queue_recipient_of_node(tree_first(lane->leaders));
    } while (!leader && looks && turns->next != first);
    return leader;
}

struct queue_recipient *queue_exit_next(struct queue *queue, struct queue_exit *exit, int64_t now_s)
{
    if (exit->way->via == ROUTE_HOLD)
        return NULL;
    for (unsigned i = 0; i < QUEUE_LANES; i++) {
        unsigned lane = (exit->next_lane + i) % QUEUE_LANES;
        struct queue_recipient *leader =
            next_of_lane(queue, &exit->turns[lane], exit->is_blocked, now_s);
        if (!leader)
            continue;
        exit->next_lane = (uint8_t)((lane + 1) % QUEUE_LANES);
        return leader;
    }
    return NULL;
}

/* ---- what slots find ---- */

void queue_exit_open(struct queue *queue, struct queue_exit *exit)
{
    if (!exit->is_blocked || exit->way->via == ROUTE_HOLD)
        return;
    heap_remove(&queue->blocked, &exit->blocked_until);
    exit->is_blocked = false;
    queue->ready_blocked -= exit->ready;
}

void queue_exit_pause_ends(struct queue *queue, struct queue_exit *exit, uint64_t now_ms,
                           struct queue_orders *orders)
{
    struct queue_destination *destination = queue_exit_front(exit);
    bool asks = exit->key && now_ms >= exit->ask_again_ms;
    if (asks && destination) {
        destination->settled_until_ms = 0;
        queue_destination_move(queue, destination, queue_exit_new(queue, destination));
        queue_slot_offer(queue, destination->exit, orders);
    } else if (asks) {
        exit->ask_again_ms = now_ms + ASK_AGAIN_MS;
        heap_set(&queue->blocked, &exit->blocked_until, now_ms + ASKING_MS);
    } else {
        queue_exit_open(queue, exit);
        queue_slot_offer(queue, exit, orders);
        queue_exit_release(queue, exit);
    }
}

void queue_exit_answered(struct queue *queue, struct queue_exit *exit, bool delivered)
{
    queue_exit_open(queue, exit);
    forget_reason(queue, exit);
    exit->failures = 0;
    if (delivered && exit->window < queue->window_max)
        exit->window++;
}

void queue_exit_failed(struct queue *queue, struct queue_exit *exit, enum spool_reason reason,
                       struct str words)
{
    if (exit->is_blocked)
        return; /* connections that were under way when the first of them failed say nothing new */
    forget_reason(queue, exit);
    exit->reason = (uint8_t)reason;
    exit->words = queue_words_take(&queue->words, words);
    uint64_t now_ms = queue_now(queue).ms;
    exit->window = 1;
    if (exit->failures == 0)
        exit->ask_again_ms = now_ms + ASK_AGAIN_MS;
    if (exit->failures < UINT8_MAX)
        exit->failures++;
    exit->is_blocked = true;
    queue->ready_blocked += exit->ready;
    uint64_t pause_s = queue_schedule_pause_s(&queue->schedule, exit->failures, &queue->random);
    uint64_t until_ms = now_ms + pause_s * 1000;
    heap_set(&queue->blocked, &exit->blocked_until, until_ms);
    queue_timer_notice(queue, until_ms);
}
