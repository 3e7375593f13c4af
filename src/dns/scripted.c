/* The simulation's resolver: answers from a script, with a delay on the loop's clock. */
#include "base/encode.h"
#include "base/mem.h"
#include "dns/resolver_internal.h"
#include "fiber/loop.h"

#include <arpa/inet.h>

#define TTL_S          3600
#define CHAIN_MAX      10  /* CNAMEs, before a script's loop is a failure */
#define CHARACTERS_MAX 255 /* of one character-string */

struct entry {
    struct list link;
    struct dns_name name;
    enum dns_type type;
    bool fails;
    struct str data;
};

struct scripted_resolver {
    struct resolver resolver; /* first */
    struct list entries;
    struct arena arena;
    uint64_t delay_ms;
};

/* ---- from presentation text ---- */
static struct dns_name must_name(struct str text)
{
    struct dns_name name;
    enum err err = dns_name_from_text(str_eq(text, STR(".")) ? STR("") : text, &name);
    assert(err == OK);
    return name;
}

static struct str must_decimal(struct arena *arena, struct str text, size_t bytes)
{
    uint64_t value;
    bool ok = str_to_u64(text, (1u << 8 * bytes) - 1, &value);
    assert(ok);
    char *wire = arena_alloc(arena, bytes);
    for (size_t i = 0; i < bytes; i++)
        wire[i] = (char)(value >> 8 * (bytes - 1 - i));
    return str_make(wire, bytes);
}

static struct str joined(struct arena *arena, struct str a, struct str b)
{
    char *both = arena_alloc(arena, a.len + b.len);
    memcpy(both, a.at, a.len);
    memcpy(both + a.len, b.at, b.len);
    return str_make(both, a.len + b.len);
}

static struct str name_data(struct arena *arena, struct str text)
{
    struct dns_name name = must_name(text);
    return arena_copy(arena, dns_name_wire(&name));
}

/* The blank-separated field in front, taken off. */
static struct str take_field(struct str *text)
{
    struct str field = *text;
    if (!str_cut(*text, ' ', &field, text))
        *text = STR_EMPTY;
    return field;
}

static struct str mx_data(struct arena *arena, struct str text)
{
    struct str preference = must_decimal(arena, take_field(&text), 2);
    return joined(arena, preference, name_data(arena, text));
}

static struct str address_data(struct arena *arena, struct str text)
{
    struct net_address address;
    enum err err = net_address_parse_ip(text, &address);
    assert(err == OK);
    if (address.socket.any.sa_family == AF_INET)
        return arena_copy(arena, str_make((const char *)&address.socket.v4.sin_addr, 4));
    return arena_copy(arena, str_make((const char *)&address.socket.v6.sin6_addr, 16));
}

static struct str txt_data(struct arena *arena, struct str text)
{
    struct str data = STR_EMPTY;
    do {
        struct str piece = str_first(text, CHARACTERS_MAX);
        char count = (char)piece.len;
        data = joined(arena, joined(arena, data, str_make(&count, 1)), piece);
        text = str_from(text, piece.len);
    } while (text.len);
    return data;
}

static struct str tlsa_data(struct arena *arena, struct str text)
{
    struct str data = STR_EMPTY;
    for (int i = 0; i < 3; i++)
        data = joined(arena, data, must_decimal(arena, take_field(&text), 1));
    struct str digest;
    enum err err = hex_decode(arena, text, &digest);
    assert(err == OK);
    return joined(arena, data, digest);
}

static const struct {
    enum dns_type type;
    struct str (*data)(struct arena *arena, struct str text);
} printers[] = {
    {DNS_A, address_data}, {DNS_AAAA, address_data}, {DNS_NS, name_data}, {DNS_CNAME, name_data},
    {DNS_PTR, name_data},  {DNS_MX, mx_data},        {DNS_TXT, txt_data}, {DNS_TLSA, tlsa_data},
};

static struct str data_of(struct arena *arena, enum dns_type type, struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(printers); i++)
        if (printers[i].type == type)
            return printers[i].data(arena, text);
    assert(false); /* a type that scripts cannot hold */
    return STR_EMPTY;
}

/* ---- answering ---- */
static struct entry *find(const struct scripted_resolver *self, const struct dns_name *name,
                          enum dns_type type)
{
    LIST_EACH (&self->entries, link) {
        struct entry *entry = CONTAINER_OF(link, struct entry, link);
        if (entry->type == type && dns_name_eq(&entry->name, name))
            return entry;
    }
    return NULL;
}

/* A name exists also where only longer ones were scripted (an empty non-terminal, RFC 8020). */
static bool name_exists(const struct scripted_resolver *self, const struct dns_name *name)
{
    LIST_EACH (&self->entries, link) {
        const struct dns_name *other = &CONTAINER_OF(link, struct entry, link)->name;
        for (size_t at = 0; at < other->len; at += other->bytes[at] + 1u) {
            struct str tail = str_from(dns_name_wire(other), at);
            if (str_eq_nocase(tail, dns_name_wire(name)))
                return true;
        }
    }
    return false;
}

static void collect(const struct scripted_resolver *self, const struct dns_name *name,
                    enum dns_type type, struct arena *arena, struct dns_answer *answer)
{
    size_t count = 0;
    LIST_EACH (&self->entries, counted)
        count++;
    answer->records = ARENA_ARRAY(arena, struct dns_record, count);
    LIST_EACH (&self->entries, link) {
        struct entry *entry = CONTAINER_OF(link, struct entry, link);
        if (entry->type == type && dns_name_eq(&entry->name, name))
            answer->records[answer->count++].data = arena_copy(arena, entry->data);
    }
}

static struct dns_answer answer_of(const struct scripted_resolver *self,
                                   const struct dns_name *asked, enum dns_type type,
                                   struct arena *arena)
{
    struct dns_name name = *asked;
    struct entry *entry = NULL;
    for (int i = 0; i < CHAIN_MAX && !(entry = find(self, &name, type)); i++) {
        const struct entry *alias = find(self, &name, DNS_CNAME);
        if (!alias)
            break;
        size_t next;
        enum err err = dns_name_read(alias->data, 0, false, &name, &next);
        assert(err == OK);
    }
    if (entry && entry->fails)
        return dns_answer_failed(arena, asked, STR("the server failed"));
    struct dns_answer answer = {.ttl_s = TTL_S, .problem = STR_EMPTY};
    answer.canonical_name = dns_name_print(arena, &name);
    if (entry)
        collect(self, &name, type, arena, &answer);
    else
        answer.result = name_exists(self, &name) ? DNS_NO_DATA : DNS_NO_NAME;
    return answer;
}

static enum err scripted_ask(struct resolver *resolver, const struct dns_name *name,
                             enum dns_type type, uint64_t deadline_ms, struct arena *arena,
                             struct dns_answer *out_answer)
{
    struct scripted_resolver *self = (struct scripted_resolver *)resolver;
    if (self->delay_ms) {
        uint64_t answers_at_ms = loop_now_ms() + self->delay_ms;
        bool is_late = answers_at_ms > deadline_ms;
        enum err err = fiber_sleep_until(is_late ? deadline_ms : answers_at_ms);
        if (err)
            return err;
        if (is_late) {
            *out_answer = dns_answer_failed(arena, name, STR("no answer in time"));
            return OK;
        }
    }
    *out_answer = answer_of(self, name, type, arena);
    return OK;
}

/* ---- the script ---- */
static struct entry *add(struct scripted_resolver *self, const char *name, enum dns_type type)
{
    struct entry *entry = ARENA_NEW(&self->arena, struct entry);
    entry->name = must_name(str_of(name));
    entry->type = type;
    list_push_back(&self->entries, &entry->link);
    return entry;
}

void resolver_script(struct resolver *resolver, const char *name, enum dns_type type,
                     const char *data)
{
    struct scripted_resolver *self = (struct scripted_resolver *)resolver;
    add(self, name, type)->data = data_of(&self->arena, type, str_of(data));
}

void resolver_script_failure(struct resolver *resolver, const char *name, enum dns_type type)
{
    resolver_script_forget(resolver, name, type);
    add((struct scripted_resolver *)resolver, name, type)->fails = true;
}

void resolver_script_forget(struct resolver *resolver, const char *name, enum dns_type type)
{
    struct scripted_resolver *self = (struct scripted_resolver *)resolver;
    struct dns_name forgotten = must_name(str_of(name));
    LIST_EACH_SAFE (&self->entries, link) {
        struct entry *entry = CONTAINER_OF(link, struct entry, link);
        if (entry->type == type && dns_name_eq(&entry->name, &forgotten))
            list_remove(link);
    }
}

void resolver_script_delay(struct resolver *resolver, uint64_t delay_ms)
{
    ((struct scripted_resolver *)resolver)->delay_ms = delay_ms;
}

static void scripted_free(struct resolver *resolver)
{
    struct scripted_resolver *self = (struct scripted_resolver *)resolver;
    arena_reset(&self->arena);
    mem_free(self);
}

struct resolver *resolver_scripted_new(void)
{
    static const struct resolver_methods methods = {scripted_ask, scripted_free};
    struct scripted_resolver *self = NEW(struct scripted_resolver);
    self->resolver.methods = &methods;
    self->arena = arena_make();
    list_init(&self->entries);
    return &self->resolver;
}
