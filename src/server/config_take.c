#include "server/config_take.h"

#include "server/config_quantity.h"

#define RESOLVER_PORT 53

/* The field of the record that the rule names. */
static void *field(const struct config_rule *rule, void *record)
{
    return (char *)record + rule->at;
}

/* ---- Words ---------------------------------------------------------------------------------- */

/* The one value of a key; false, and said so, when it is a list or empty. */
static bool one_value(struct config_reading *reading, const struct config_rule *rule,
                      const struct config_node *key, struct str *out_value)
{
    if (key->is_list) {
        config_error(reading->problems, key->line,
                     "'%s' wants one value, not a list (write %s = %s)", rule->name, rule->name,
                     rule->example);
        return false;
    }
    if (key->values[0].text.len == 0) {
        config_error(reading->problems, key->line, "'%s' is empty (write %s = %s)", rule->name,
                     rule->name, rule->example);
        return false;
    }
    *out_value = key->values[0].text;
    return true;
}

void config_take_text(struct config_reading *reading, const struct config_rule *rule,
                      const struct config_node *key, void *record)
{
    struct str value;
    if (one_value(reading, rule, key, &value))
        *(struct str *)field(rule, record) = value;
}

void config_take_host(struct config_reading *reading, const struct config_rule *rule,
                      const struct config_node *key, void *record)
{
    struct str value;
    if (!one_value(reading, rule, key, &value))
        return;
    if (!mail_domain_is_valid(value, 0)) {
        config_error(reading->problems, key->line,
                     "'%.*s' is not the name of a host (write %s = %s)", STR_FMT(value), rule->name,
                     rule->example);
        return;
    }
    struct str lower = mail_domain_lower(reading->arena, value);
    *(struct str *)field(rule, record) = arena_copy(reading->arena, lower);
}

void config_take_path(struct config_reading *reading, const struct config_rule *rule,
                      const struct config_node *key, void *record)
{
    struct str value;
    if (!one_value(reading, rule, key, &value))
        return;
    if (value.at[0] != '/') {
        config_error(reading->problems, key->line, "'%.*s' is not an absolute path (write %s = %s)",
                     STR_FMT(value), rule->name, rule->example);
        return;
    }
    *(struct str *)field(rule, record) = value;
}

/* ---- Choices -------------------------------------------------------------------------------- */

static bool next_choice(struct str *rest, struct str *out_choice)
{
    if (rest->len == 0)
        return false;
    struct str tail = STR_EMPTY;
    *out_choice = *rest;
    str_cut(*rest, '|', out_choice, &tail);
    *rest = tail;
    return true;
}

/* "none, starttls or implicit". */
static struct str choices_in_words(struct arena *arena, struct str choices)
{
    struct str words = STR_EMPTY, choice;
    while (next_choice(&choices, &choice))
        words = arena_printf(arena, "%.*s%s%.*s", STR_FMT(words),
                             words.len == 0     ? ""
                             : choices.len == 0 ? " or "
                                                : ", ",
                             STR_FMT(choice));
    return words;
}

/* Which of the rule's choices; false, and said so, when none. */
static bool take_choice(struct config_reading *reading, const struct config_rule *rule,
                        const struct config_node *key, unsigned *out_index)
{
    struct str value, choice, rest = str_of(rule->choices);
    if (!one_value(reading, rule, key, &value))
        return false;
    for (unsigned i = 0; next_choice(&rest, &choice); i++)
        if (str_eq(choice, value)) {
            *out_index = i;
            return true;
        }
    config_error(reading->problems, key->line, "'%s' cannot be '%.*s' (choose %.*s)", rule->name,
                 STR_FMT(value), STR_FMT(choices_in_words(reading->arena, str_of(rule->choices))));
    return false;
}

void config_take_choice(struct config_reading *reading, const struct config_rule *rule,
                        const struct config_node *key, void *record)
{
    unsigned index;
    static_assert(sizeof index == sizeof(enum receive_tls), "enums are stored as unsigned");
    if (take_choice(reading, rule, key, &index))
        memcpy(field(rule, record), &index, sizeof index);
}

void config_take_flag(struct config_reading *reading, const struct config_rule *rule,
                      const struct config_node *key, void *record)
{
    unsigned index;
    if (take_choice(reading, rule, key, &index))
        *(bool *)field(rule, record) = index == 1;
}

/* ---- Quantities ----------------------------------------------------------------------------- */

static const struct {
    const char *name, *examples;
} quantities[] = {
    [CONFIG_DURATION] = {"a duration", "30s, 5m, 4h or 5d"},
    [CONFIG_SIZE] = {"a size", "64K, 50M or 2G"},
    [CONFIG_NUMBER] = {"a number", "100"},
};

static uint64_t bound(const char *text, enum config_quantity kind)
{
    uint64_t value = 0;
    const char *problem = config_quantity_parse(str_of(text), kind, &value);
    assert(!problem);
    return value;
}

static bool take_quantity(struct config_reading *reading, const struct config_rule *rule,
                          const struct config_node *key, enum config_quantity kind,
                          uint64_t *out_value)
{
    struct str text;
    uint64_t value;
    if (!one_value(reading, rule, key, &text))
        return false;
    const char *problem = config_quantity_parse(text, kind, &value);
    if (problem) {
        config_error(reading->problems, key->line, "'%s' wants %s, and '%.*s' is %s (write %s)",
                     rule->name, quantities[kind].name, STR_FMT(text), problem,
                     quantities[kind].examples);
        return false;
    }
    if (value < bound(rule->min, kind) || value > bound(rule->max, kind)) {
        config_error(reading->problems, key->line, "'%s = %.*s' is out of range (from %s to %s)",
                     rule->name, STR_FMT(text), rule->min, rule->max);
        return false;
    }
    *out_value = value;
    return true;
}

static void take_u32(struct config_reading *reading, const struct config_rule *rule,
                     const struct config_node *key, enum config_quantity kind, void *record)
{
    uint64_t value;
    if (!take_quantity(reading, rule, key, kind, &value))
        return;
    assert(value <= UINT32_MAX); /* the rule's max is */
    *(uint32_t *)field(rule, record) = (uint32_t)value;
}

void config_take_duration(struct config_reading *reading, const struct config_rule *rule,
                          const struct config_node *key, void *record)
{
    take_u32(reading, rule, key, CONFIG_DURATION, record);
}

void config_take_number(struct config_reading *reading, const struct config_rule *rule,
                        const struct config_node *key, void *record)
{
    take_u32(reading, rule, key, CONFIG_NUMBER, record);
}

void config_take_size(struct config_reading *reading, const struct config_rule *rule,
                      const struct config_node *key, void *record)
{
    uint64_t value;
    if (take_quantity(reading, rule, key, CONFIG_SIZE, &value))
        *(uint64_t *)field(rule, record) = value;
}

/* ---- Lists ---------------------------------------------------------------------------------- */

static bool is_list(struct config_reading *reading, const struct config_rule *rule,
                    const struct config_node *key)
{
    if (!key->is_list)
        config_error(reading->problems, key->line, "'%s' wants a list (write %s = %s)", rule->name,
                     rule->name, rule->example);
    return key->is_list;
}

/* One item; NULL, or what is wrong with it. */
typedef const char *parse_item(struct str text, void *out_item);

static void take_list(struct config_reading *reading, const struct config_rule *rule,
                      const struct config_node *key, void *record, size_t item_size,
                      parse_item *parse)
{
    if (!is_list(reading, rule, key))
        return;
    char *items = arena_zalloc(reading->arena, key->value_count * item_size);
    size_t count = 0;
    for (size_t i = 0; i < key->value_count; i++) {
        const struct config_value *value = &key->values[i];
        const char *problem = parse(value->text, items + count * item_size);
        if (problem)
            config_error(reading->problems, value->line, "'%.*s' %s", STR_FMT(value->text),
                         problem);
        else
            count++;
    }
    *(void **)field(rule, record) = items;
    *(size_t *)(void *)((char *)record + rule->count_at) = count;
}

static const char *parse_bind(struct str text, void *out_item)
{
    struct net_address *address = out_item;
    if (net_address_parse(text, 0, address) != OK ||
        (address->socket.any.sa_family != AF_UNIX && net_address_port(address) == 0))
        return "is not an address to listen on (write \"0.0.0.0:25\" or \"[::]:25\")";
    return NULL;
}

static const char *parse_resolver(struct str text, void *out_item)
{
    struct net_address *address = out_item;
    if (net_address_parse(text, RESOLVER_PORT, address) != OK ||
        address->socket.any.sa_family == AF_UNIX || net_address_port(address) == 0)
        return "is not the address of a DNS server (write \"192.0.2.53\" or \"127.0.0.1:5300\")";
    return NULL;
}

static const char *parse_range(struct str text, void *out_item)
{
    struct net_range *range = out_item;
    struct net_address address;
    struct str ip = text, bits_text = STR_EMPTY;
    bool has_bits = str_cut(text, '/', &ip, &bits_text);
    if (net_range_parse(text, range) != OK) {
        uint64_t bits;
        if (has_bits && net_address_parse_ip(ip, &address) == OK &&
            str_to_u64(bits_text, address.socket.any.sa_family == AF_INET ? 32 : 128, &bits))
            return "has bits behind its prefix (set them to zero, or write a longer prefix)";
        return "is not a range of addresses (write \"192.0.2.0/28\" or \"2001:db8::/32\")";
    }
    if (range->bits == 0)
        return "is the whole world (name the networks that you trust)";
    return NULL;
}

void config_take_binds(struct config_reading *reading, const struct config_rule *rule,
                       const struct config_node *key, void *record)
{
    take_list(reading, rule, key, record, sizeof(struct net_address), parse_bind);
    if (key->is_list && key->value_count == 0)
        config_error(reading->problems, key->line, "'%s' is empty (write %s = %s)", rule->name,
                     rule->name, rule->example);
}

void config_take_resolvers(struct config_reading *reading, const struct config_rule *rule,
                           const struct config_node *key, void *record)
{
    take_list(reading, rule, key, record, sizeof(struct net_address), parse_resolver);
}

void config_take_ranges(struct config_reading *reading, const struct config_rule *rule,
                        const struct config_node *key, void *record)
{
    take_list(reading, rule, key, record, sizeof(struct net_range), parse_range);
}
