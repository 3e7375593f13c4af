#include "ledger.h"

#include "base/buf.h"
#include "base/mem.h"
#include "fiber/loop.h"

#include <stdio.h>
#include <stdlib.h>

#define STATUS_WINDOW_MS 100 /* a status may be unsynced so long: docs/spool.md */
#define PROBLEMS_SHOWN   20

/* One time that somebody took a mailing, or a report. */
struct copy {
    struct list in_addressee;
    struct list in_wire; /* until its answer arrived */
    struct ledger_way way;
    bool has_arrived;
    uint64_t arrived_ms;
    uint64_t arrived; /* the moment */
    size_t life;      /* of the server, in which it arrived */
    struct str report_id;
};

void ledger_init(struct ledger *ledger, struct arena *arena)
{
    *ledger = (struct ledger){.arena = arena};
    list_init(&ledger->mailings);
}

void ledger_done(struct ledger *ledger) { mem_free(ledger->lives); }

void ledger_problem(struct ledger *ledger, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = arena_vprintf(ledger->arena, format, args);
    va_end(args);
    if (++ledger->problems <= PROBLEMS_SHOWN)
        printf("# %.*s\n", STR_FMT(text));
}

void ledger_life_begins(struct ledger *ledger)
{
    ledger->lives = mem_grow(ledger->lives, (ledger->life_count + 1) * sizeof *ledger->lives);
    ledger->lives[ledger->life_count++] = (struct life){.end = LIFE_GOES_ON};
}

void ledger_life_ends(struct ledger *ledger, enum life_end end)
{
    ledger->lives[ledger->life_count - 1] = (struct life){end, loop_now_ms()};
}

/* ---- mailings ---- */

static void add_addressee(struct ledger *ledger, struct mailing *mailing, const char *domain)
{
    struct addressee *to = &mailing->to[mailing->count];
    to->mailing = mailing;
    to->is_mailbox = strcmp(domain, "local.example") == 0;
    to->address = arena_printf(ledger->arena, "%sm%ur%zu@%s", to->is_mailbox ? "box+" : "",
                               mailing->number, mailing->count, domain);
    list_init(&to->copies);
    list_init(&to->failures);
    list_init(&to->delays);
    mailing->count++;
}

struct mailing *ledger_add(struct ledger *ledger, size_t size_bytes, const char *const *domains,
                           size_t count)
{
    assert(count > 0 && count <= MAILING_RECIPIENTS_MAX);
    struct mailing *mailing = ARENA_NEW(ledger->arena, struct mailing);
    mailing->number = ++ledger->mailing_count;
    mailing->size_bytes = size_bytes;
    mailing->sender = arena_printf(ledger->arena, "s%u@home.example", mailing->number);
    for (size_t i = 0; i < count; i++)
        add_addressee(ledger, mailing, domains[i]);
    list_push_back(&ledger->mailings, &mailing->in_ledger);
    return mailing;
}

static void add(struct buf *buf, struct str text)
{
    enum err err = buf_add(buf, text);
    assert(!err);
}

/* Lines of many lengths; every fourth begins with dots. */
static void add_line(struct buf *buf, const struct mailing *mailing, size_t number)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t len = (number * 37 + mailing->number * 11) % 200;
    if (number % 4 == 0)
        add(buf, number % 8 ? STR("..") : STR("."));
    for (size_t i = 0; i < len; i++)
        add(buf, str_make(&letters[(i + number + mailing->number) % (sizeof letters - 1)], 1));
    add(buf, STR("\r\n"));
}

struct str mailing_content(const struct mailing *mailing, struct arena *arena)
{
    struct buf buf = buf_make(1 << 24);
    enum err err = buf_printf(&buf, "X-Sim: %u\r\nFrom: <%.*s>\r\n\r\n", mailing->number,
                              STR_FMT(mailing->sender));
    assert(!err);
    for (size_t i = 0; buf.len < mailing->size_bytes; i++)
        add_line(&buf, mailing, i);
    struct str content = arena_copy(arena, buf_str(&buf));
    buf_free(&buf);
    return content;
}

/* ---- who is who ---- */

static struct mailing *find_number(struct ledger *ledger, struct str digits)
{
    uint64_t number;
    if (!str_to_u64(digits, ledger->mailing_count, &number) || number == 0)
        return NULL;
    /* The newest are asked for most. */
    for (struct list *link = ledger->mailings.prev; link != &ledger->mailings; link = link->prev) {
        struct mailing *mailing = CONTAINER_OF(link, struct mailing, in_ledger);
        if (mailing->number == number)
            return mailing;
    }
    return NULL;
}

struct addressee *ledger_find(struct ledger *ledger, struct str address)
{
    struct str local, domain, digits, index;
    if (!str_cut(address, '@', &local, &domain))
        return NULL;
    if (str_starts(local, STR("box+")))
        local = str_from(local, 4);
    if (!str_starts(local, STR("m")) || !str_cut(str_from(local, 1), 'r', &digits, &index))
        return NULL;
    struct mailing *mailing = find_number(ledger, digits);
    for (size_t i = 0; mailing && i < mailing->count; i++)
        if (str_eq(mailing->to[i].address, address))
            return &mailing->to[i];
    return NULL;
}

struct mailing *ledger_find_sent(struct ledger *ledger, struct str sender)
{
    struct str local, domain;
    if (!str_cut(sender, '@', &local, &domain) || !str_starts(local, STR("s")))
        return NULL;
    return find_number(ledger, str_from(local, 1));
}

/* ---- copies ---- */

static void add_copy(struct ledger *ledger, struct list *copies, struct ledger_way way,
                     struct str report_id)
{
    struct copy *copy = ARENA_NEW(ledger->arena, struct copy);
    copy->way = way;
    copy->report_id = arena_copy(ledger->arena, report_id);
    list_init(&copy->in_wire);
    list_push_back(copies, &copy->in_addressee);
    if (way.wire)
        list_push_back(&way.wire->expecting, &copy->in_wire);
    ledger->copies++;
    ledger->repeated += copies->next->next != copies;
}

void ledger_arrived(struct ledger *ledger, struct wire *wire, uint64_t moment)
{
    LIST_EACH_SAFE (&wire->expecting, link) {
        struct copy *copy = CONTAINER_OF(link, struct copy, in_wire);
        if (copy->way.answer_end > wire->server_read)
            continue;
        list_remove(&copy->in_wire);
        copy->has_arrived = true;
        copy->arrived_ms = loop_now_ms();
        copy->arrived = moment;
        copy->life = ledger->life_count - 1;
    }
}

/* Behind what the server put on top. */
static bool is_intact(const struct mailing *mailing, struct str content)
{
    struct arena arena = arena_make();
    struct str want = mailing_content(mailing, &arena);
    struct str mark = arena_printf(&arena, "X-Sim: %u\r\n", mailing->number);
    size_t at = str_search(content, mark);
    bool ok = at != SIZE_MAX && str_eq(str_from(content, at), want);
    arena_reset(&arena);
    return ok;
}

static void note_first(uint64_t *first_ms)
{
    if (!*first_ms)
        *first_ms = loop_now_ms();
}

static void take_mail(struct ledger *ledger, struct addressee *to, struct str content,
                      struct ledger_way way)
{
    if (!is_intact(to->mailing, content))
        ledger_problem(ledger, "<%.*s> did not get what was sent", STR_FMT(to->address));
    add_copy(ledger, &to->copies, way, STR_EMPTY);
    note_first(&to->taken_ms);
}

static struct str field(struct str line, const char *name)
{
    struct str found, value;
    if (!str_cut(line, ':', &found, &value) || !str_eq(found, str_of(name)))
        return STR_EMPTY;
    return str_trim(value);
}

/* One recipient of a report: who, and what became of him. */
static void take_told(struct ledger *ledger, const struct mailing *mailing, struct str who,
                      struct str action, struct ledger_way way, struct str id)
{
    struct addressee *to = ledger_find(ledger, str_trim(str_from(who, str_find(who, ';') + 1)));
    bool is_failure = str_eq(action, STR("failed"));
    if (!to || to->mailing != mailing || (!is_failure && !str_eq(action, STR("delayed")))) {
        ledger_problem(ledger, "a report to <%.*s> tells that %.*s was %.*s",
                       STR_FMT(mailing->sender), STR_FMT(who), STR_FMT(action));
        return;
    }
    add_copy(ledger, is_failure ? &to->failures : &to->delays, way, id);
    note_first(is_failure ? &to->failed_ms : &to->delayed_ms);
}

static void take_report(struct ledger *ledger, const struct mailing *mailing, struct str content,
                        struct ledger_way way)
{
    struct str line, who = STR_EMPTY, id = STR_EMPTY;
    unsigned told = 0;
    ledger->reports++;
    while (str_cut(content, '\n', &line, &content)) {
        struct str value;
        if ((value = field(line, "Message-ID")).len && !id.len)
            id = value;
        else if ((value = field(line, "Final-Recipient")).len)
            who = value;
        else if ((value = field(line, "Action")).len && ++told)
            take_told(ledger, mailing, who, value, way, id);
    }
    if (!told || !id.len)
        ledger_problem(ledger, "<%.*s> got a report that tells nothing", STR_FMT(mailing->sender));
}

void ledger_take(struct ledger *ledger, struct str address, struct str content,
                 struct ledger_way way)
{
    struct addressee *to = ledger_find(ledger, address);
    struct mailing *sent = to ? NULL : ledger_find_sent(ledger, address);
    if (to)
        take_mail(ledger, to, content, way);
    else if (sent)
        take_report(ledger, sent, content, way);
    else
        ledger_problem(ledger, "somebody sent mail to <%.*s>", STR_FMT(address));
}

void ledger_refuse(struct ledger *ledger, struct str address)
{
    struct addressee *to = ledger_find(ledger, address);
    if (to)
        to->was_refused = true;
}

void ledger_refuse_sender(struct ledger *ledger, struct str sender, struct str domain)
{
    struct mailing *mailing = ledger_find_sent(ledger, sender);
    for (size_t i = 0; mailing && i < mailing->count; i++)
        if (str_ends(mailing->to[i].address, domain))
            mailing->to[i].was_refused = true;
}

/* ---- mailboxes ---- */

struct mailbox {
    struct ledger *ledger;
    struct disk *disk;
    const char *directory;
};

static struct str read_file(struct mailbox *mailbox, const char *name, struct arena *arena)
{
    struct disk_file *file;
    uint64_t size;
    size_t len;
    struct str path = arena_printf(arena, "%s/new/%s", mailbox->directory, name);
    enum err err = disk_open(mailbox->disk, path.at, DISK_READ, 0, &file);
    assert(!err);
    err = disk_size(file, &size);
    assert(!err);
    char *bytes = arena_alloc(arena, size + 1);
    err = disk_read(file, 0, bytes, size, &len);
    assert(!err && len == size);
    disk_close(file);
    return str_make(bytes, len);
}

/* Mailboxes have LF. */
static struct str with_crlf(struct str text, struct arena *arena)
{
    char *out = arena_alloc(arena, text.len * 2);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\n')
            out[len++] = '\r';
        out[len++] = text.at[i];
    }
    return str_make(out, len);
}

static void open_file(void *context, const char *name)
{
    struct mailbox *mailbox = context;
    struct arena arena = arena_make();
    struct str content = with_crlf(read_file(mailbox, name, &arena), &arena);
    struct str rest = content, line, value = STR_EMPTY;
    while (!value.len && str_cut(rest, '\n', &line, &rest))
        value = field(line, "Delivered-To");
    ledger_take(mailbox->ledger, value, content, (struct ledger_way){.answer_end = ANSWER_NEVER});
    arena_reset(&arena);
}

void ledger_open_mailbox(struct ledger *ledger, struct disk *disk, const char *maildir)
{
    struct mailbox mailbox = {ledger, disk, maildir};
    char path[256];
    snprintf(path, sizeof path, "%s/new", maildir);
    bool exists = false;
    enum err err = disk_exists(disk, path, &exists);
    if (!err && exists)
        err = disk_list(disk, path, open_file, &mailbox);
    assert(!err);
}

/* ---- the rules ---- */

static size_t length(const struct list *list)
{
    size_t count = 0;
    LIST_EACH (list, link)
        count++;
    return count;
}

/* Nobody can know that this copy was delivered. */
static bool is_excused(const struct ledger *ledger, const struct copy *copy)
{
    if (!copy->has_arrived)
        return true;
    const struct life *life = &ledger->lives[copy->life];
    switch (life->end) {
    case LIFE_KILLED:
        return copy->arrived_ms >= life->ended_ms;
    case LIFE_POWER_CUT:
        return copy->arrived_ms + STATUS_WINDOW_MS >= life->ended_ms;
    default:
        return false;
    }
}

static void check_begun_later(struct ledger *ledger, const struct addressee *to,
                              const struct list *copies, const struct copy *known, const char *what)
{
    LIST_EACH (copies, link) {
        const struct copy *other = CONTAINER_OF(link, struct copy, in_addressee);
        if (other != known && other->way.begun > known->arrived)
            ledger_problem(ledger,
                           "%s of <%.*s> was begun on wire %llu, though the answer on wire %llu "
                           "had come at %llu ms, in life %zu",
                           what, STR_FMT(to->address), (unsigned long long)other->way.wire->number,
                           (unsigned long long)known->way.wire->number,
                           (unsigned long long)known->arrived_ms, known->life);
    }
}

static void check_repetitions(struct ledger *ledger, const struct addressee *to,
                              const struct list *copies, const char *what)
{
    const struct copy *first = CONTAINER_OF(copies->next, struct copy, in_addressee);
    LIST_EACH (copies, link) {
        const struct copy *copy = CONTAINER_OF(link, struct copy, in_addressee);
        if (!is_excused(ledger, copy))
            check_begun_later(ledger, to, copies, copy, what);
        if (!str_eq(copy->report_id, first->report_id))
            ledger_problem(ledger, "%s of <%.*s> was made twice: %.*s and %.*s", what,
                           STR_FMT(to->address), STR_FMT(first->report_id),
                           STR_FMT(copy->report_id));
    }
}

static void check_promise(struct ledger *ledger, const struct addressee *to)
{
    size_t copies = length(&to->copies), failures = length(&to->failures);
    bool may_fail = to->was_refused || to->may_expire;
    if (to->promise == PROMISE_GIVEN && !copies && !failures)
        ledger_problem(ledger, "<%.*s> was promised and is lost", STR_FMT(to->address));
    if (to->promise == PROMISE_REFUSED && (copies || failures))
        ledger_problem(ledger, "<%.*s> was refused and yet sent", STR_FMT(to->address));
    if (failures && !may_fail)
        ledger_problem(ledger, "<%.*s> was reported as failed without reason",
                       STR_FMT(to->address));
    if (to->is_mailbox && copies > 1)
        ledger_problem(ledger, "<%.*s> has %zu copies in the mailbox", STR_FMT(to->address),
                       copies);
}

void ledger_check(struct ledger *ledger)
{
    LIST_EACH (&ledger->mailings, link) {
        struct mailing *mailing = CONTAINER_OF(link, struct mailing, in_ledger);
        for (size_t i = 0; i < mailing->count; i++) {
            const struct addressee *to = &mailing->to[i];
            check_promise(ledger, to);
            if (!to->is_mailbox)
                check_repetitions(ledger, to, &to->copies, "a copy");
            check_repetitions(ledger, to, &to->failures, "the report of the failure");
            check_repetitions(ledger, to, &to->delays, "the report of the delay");
        }
    }
}

unsigned ledger_promised(const struct ledger *ledger)
{
    unsigned count = 0;
    LIST_EACH (&ledger->mailings, link) {
        const struct mailing *mailing = CONTAINER_OF(link, struct mailing, in_ledger);
        bool promised = false;
        for (size_t i = 0; i < mailing->count; i++)
            promised |= mailing->to[i].promise == PROMISE_GIVEN;
        count += promised;
    }
    return count;
}
