/* Two locks. `lock` guards what is pending and is held for one copy of an event. `store_lock`
 * guards the files; whoever holds it may wait for the disk. Never both at once. */
#include "trace/trace.h"

#include "base/mem.h"
#include "trace/record.h"
#include "trace/store.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define MEMORY_DEFAULT ((uint64_t)16 << 20)
#define CHUNK_BYTES    ((size_t)256 << 10)
#define SPARES_MAX     4
#define GATHER_MS      50      /* after an event the thread waits so long for more */
#define BUDGET_MS      3600000 /* so often the age of files is looked at when nothing happens */

#define LOST_TEXT_MAX 64
#define LOST_ROOM     (TRACE_RECORD_HEADER_BYTES + LOST_TEXT_MAX)

static_assert(CHUNK_BYTES >= TRACE_RECORD_MAX_BYTES, "every record fits in a chunk");

/* Records in a row, written to the file at once; before them room for one that says how many were
 * lost until then. */
struct chunk {
    struct chunk *next;
    size_t len;
    size_t events;
    char lost[LOST_ROOM];
    char bytes[CHUNK_BYTES];
};

/* Events not yet written, in order, and a few empty chunks. */
struct pending {
    struct chunk *oldest, *newest;
    struct chunk *spares;
    size_t chunks, chunks_max; /* all but the spares */
    size_t spare_count;
};

struct trace {
    struct clock *clock;
    bool inline_writes;
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t wanted;  /* the thread waits */
    pthread_cond_t written; /* readers wait */
    struct pending pending;
    uint64_t lost;
    uint64_t lost_told; /* of these, so many are in the trace */
    uint64_t given;     /* events handed in, lost ones not counted */
    uint64_t handled;   /* of these, written or lost since */
    bool thread_idle;
    bool hurry; /* do not gather */
    bool closing;

    pthread_mutex_t store_lock;
    struct trace_store store;
};

/* ---- what is pending; the lock is held ---- */

static struct chunk *take_spare(struct pending *pending)
{
    struct chunk *chunk = pending->spares;
    if (!chunk)
        return mem_alloc(sizeof *chunk);
    pending->spares = chunk->next;
    pending->spare_count--;
    return chunk;
}

static void give_back(struct pending *pending, struct chunk *chunk)
{
    pending->chunks--;
    if (pending->spare_count == SPARES_MAX) {
        mem_free(chunk);
        return;
    }
    chunk->next = pending->spares;
    pending->spares = chunk;
    pending->spare_count++;
}

static struct chunk *add_chunk(struct pending *pending)
{
    if (pending->chunks == pending->chunks_max)
        return NULL;
    struct chunk *chunk = take_spare(pending);
    chunk->next = NULL;
    chunk->len = chunk->events = 0;
    if (pending->newest)
        pending->newest->next = chunk;
    else
        pending->oldest = chunk;
    pending->newest = chunk;
    pending->chunks++;
    return chunk;
}

/* False when memory for events is used up. */
static bool add_event(struct pending *pending, const struct trace_event *event, size_t size)
{
    struct chunk *chunk = pending->newest;
    if (!chunk || CHUNK_BYTES - chunk->len < size)
        chunk = add_chunk(pending);
    if (!chunk)
        return false;
    trace_record_write(event, chunk->bytes + chunk->len);
    chunk->len += size;
    chunk->events++;
    return true;
}

static struct chunk *take_all(struct pending *pending)
{
    struct chunk *chunks = pending->oldest;
    pending->oldest = pending->newest = NULL;
    return chunks;
}

/* ---- writing to files; the store's lock is held ---- */

static void seal_records(struct chunk *chunk)
{
    for (size_t at = 0; at < chunk->len; at += trace_record_len(chunk->bytes + at))
        trace_record_seal(chunk->bytes + at);
}

/* Puts the record in front of the chunk's. Returns its length. */
static size_t put_lost(struct trace *trace, struct chunk *chunk, uint64_t count)
{
    char text[LOST_TEXT_MAX];
    snprintf(text, sizeof text, "%llu events of all messages together", (unsigned long long)count);
    struct trace_event event = {
        .kind = TRACE_LOST,
        .wall_us = clock_wall_us(trace->clock),
        .text = str_of(text),
        .transcript = STR_EMPTY,
    };
    size_t len = trace_record_size(&event);
    trace_record_write(&event, chunk->lost + LOST_ROOM - len);
    trace_record_seal(chunk->lost + LOST_ROOM - len);
    return len;
}

struct batch {
    uint64_t untold; /* lost events that are in no file yet */
    uint64_t told;
    uint64_t lost; /* by this batch */
};

static void write_chunk(struct trace *trace, struct chunk *chunk, struct batch *batch)
{
    size_t lost_len = batch->untold ? put_lost(trace, chunk, batch->untold) : 0;
    seal_records(chunk);
    struct str records = str_make(chunk->lost + LOST_ROOM - lost_len, lost_len + chunk->len);
    if (trace_store_append(&trace->store, records) == OK) {
        batch->told += batch->untold;
        batch->untold = 0;
    } else {
        batch->lost += chunk->events;
        batch->untold += chunk->events;
    }
}

/* Writes what was taken, and accounts for it. */
static void write_batch(struct trace *trace, struct chunk *chunks, uint64_t untold)
{
    struct batch batch = {.untold = untold};
    pthread_mutex_lock(&trace->store_lock);
    trace_store_keep_budget(&trace->store, clock_wall_us(trace->clock));
    for (struct chunk *chunk = chunks; chunk; chunk = chunk->next)
        write_chunk(trace, chunk, &batch);
    pthread_mutex_unlock(&trace->store_lock);

    pthread_mutex_lock(&trace->lock);
    while (chunks) {
        struct chunk *next = chunks->next;
        trace->handled += chunks->events;
        give_back(&trace->pending, chunks);
        chunks = next;
    }
    trace->lost += batch.lost;
    trace->lost_told += batch.told;
    pthread_cond_broadcast(&trace->written);
    pthread_mutex_unlock(&trace->lock);
}

/* ---- the thread ---- */

static void wait_ms(struct trace *trace, unsigned ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&trace->wanted, &trace->lock, &until);
}

/* Waits until there is something to write, then a moment for more. */
static void gather(struct trace *trace)
{
    if (!trace->pending.oldest && !trace->closing) {
        trace->thread_idle = true;
        wait_ms(trace, BUDGET_MS);
        trace->thread_idle = false;
    }
    if (trace->pending.oldest && !trace->hurry && !trace->closing)
        wait_ms(trace, GATHER_MS);
    trace->hurry = false;
}

static void *run_thread(void *argument)
{
    struct trace *trace = argument;
    pthread_mutex_lock(&trace->lock);
    while (!trace->closing || trace->pending.oldest) {
        gather(trace);
        struct chunk *chunks = take_all(&trace->pending);
        uint64_t untold = trace->lost - trace->lost_told;
        pthread_mutex_unlock(&trace->lock);
        write_batch(trace, chunks, untold);
        pthread_mutex_lock(&trace->lock);
    }
    pthread_mutex_unlock(&trace->lock);
    return NULL;
}

/* ---- life ---- */

static void init_locks(struct trace *trace)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&trace->wanted, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_cond_init(&trace->written, NULL);
    pthread_mutex_init(&trace->lock, NULL);
    pthread_mutex_init(&trace->store_lock, NULL);
}

static void free_trace(struct trace *trace)
{
    struct chunk *spare;
    while ((spare = trace->pending.spares)) {
        trace->pending.spares = spare->next;
        mem_free(spare);
    }
    pthread_cond_destroy(&trace->wanted);
    pthread_cond_destroy(&trace->written);
    pthread_mutex_destroy(&trace->lock);
    pthread_mutex_destroy(&trace->store_lock);
    mem_free(trace);
}

enum err trace_open(const struct trace_options *options, struct trace **out_trace)
{
    uint64_t memory = options->memory_bytes ? options->memory_bytes : MEMORY_DEFAULT;
    struct trace *trace = NEW(struct trace);
    trace->clock = options->clock;
    trace->inline_writes = options->inline_writes;
    trace->pending.chunks_max = max_size(memory / CHUNK_BYTES, 2);
    init_locks(trace);
    enum err err = trace_store_open(&trace->store, options);
    if (err) {
        free_trace(trace);
        return err;
    }
    trace_store_keep_budget(&trace->store, clock_wall_us(trace->clock));
    if (!trace->inline_writes && pthread_create(&trace->thread, NULL, run_thread, trace) != 0) {
        trace_store_close(&trace->store);
        free_trace(trace);
        return ERR_BUSY;
    }
    *out_trace = trace;
    return OK;
}

void trace_close(struct trace *trace)
{
    pthread_mutex_lock(&trace->lock);
    trace->closing = true;
    pthread_cond_signal(&trace->wanted);
    pthread_mutex_unlock(&trace->lock);
    if (!trace->inline_writes)
        pthread_join(trace->thread, NULL);
    trace_store_close(&trace->store);
    free_trace(trace);
}

/* ---- for everybody ---- */

/* Without a thread: what was written is in its file when trace_write returns. */
static void write_now(struct trace *trace)
{
    pthread_mutex_lock(&trace->lock);
    struct chunk *chunks = take_all(&trace->pending);
    uint64_t untold = trace->lost - trace->lost_told;
    pthread_mutex_unlock(&trace->lock);
    write_batch(trace, chunks, untold);
}

void trace_write(struct trace *trace, const struct trace_event *event)
{
    size_t size = trace_record_size(event);
    pthread_mutex_lock(&trace->lock);
    if (add_event(&trace->pending, event, size))
        trace->given++;
    else
        trace->lost++;
    if (trace->pending.chunks > trace->pending.chunks_max / 2)
        trace->hurry = true;
    bool wake = trace->thread_idle || trace->hurry;
    pthread_mutex_unlock(&trace->lock);
    if (trace->inline_writes)
        write_now(trace);
    else if (wake)
        pthread_cond_signal(&trace->wanted);
}

uint64_t trace_lost(struct trace *trace)
{
    pthread_mutex_lock(&trace->lock);
    uint64_t lost = trace->lost;
    pthread_mutex_unlock(&trace->lock);
    return lost;
}

static void wait_until_written(struct trace *trace)
{
    pthread_mutex_lock(&trace->lock);
    uint64_t given = trace->given;
    while (trace->handled < given) {
        trace->hurry = true;
        pthread_cond_signal(&trace->wanted);
        pthread_cond_wait(&trace->written, &trace->lock);
    }
    pthread_mutex_unlock(&trace->lock);
}

enum err trace_read(struct trace *trace, spool_id id, struct arena *arena,
                    struct trace_event **out_events, size_t *out_count)
{
    if (!trace->inline_writes)
        wait_until_written(trace);
    pthread_mutex_lock(&trace->store_lock);
    enum err err = trace_store_find(&trace->store, id, arena, out_events, out_count);
    pthread_mutex_unlock(&trace->store_lock);
    return err;
}
