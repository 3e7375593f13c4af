#include "verify/keyring.h"

#include "base/map.h"
#include "base/mem.h"
#include "verify/domain.h"

struct keyring {
    struct arena arena;
    struct map domains; /* struct keyring_domain */
};

struct keyring *keyring_new(void)
{
    struct keyring *keyring = NEW(struct keyring);
    *keyring = (struct keyring){.arena = arena_make(), .domains = map_make()};
    return keyring;
}

static void free_keys(const struct keyring_domain *domain)
{
    for (size_t i = 0; i < domain->count; i++)
        private_key_free((struct private_key *)(uintptr_t)domain->keys[i].key);
}

void keyring_free(struct keyring *keyring)
{
    if (!keyring)
        return;
    const struct map_entry *entry;
    for (size_t position = 0; (entry = map_next(&keyring->domains, &position));)
        free_keys(entry->value);
    map_done(&keyring->domains);
    arena_reset(&keyring->arena);
    mem_free(keyring);
}

static struct keyring_domain *take_domain(struct keyring *keyring, struct str name)
{
    struct keyring_domain *domain = map_get(&keyring->domains, name);
    if (!domain) {
        domain = ARENA_NEW(&keyring->arena, struct keyring_domain);
        domain->name = arena_copy(&keyring->arena, name);
        map_set(&keyring->domains, domain->name, domain);
    }
    return domain;
}

static void add_key(struct keyring *keyring, struct keyring_domain *domain, struct str selector,
                    const struct private_key *key)
{
    struct dkim_signing_key *keys =
        ARENA_ARRAY(&keyring->arena, struct dkim_signing_key, domain->count + 1);
    for (size_t i = 0; i < domain->count; i++)
        keys[i] = domain->keys[i];
    keys[domain->count++] = (struct dkim_signing_key){
        .domain = domain->name,
        .selector = arena_copy(&keyring->arena, selector),
        .key = key,
    };
    domain->keys = keys;
}

enum err keyring_add(struct keyring *keyring, struct str domain, struct str selector,
                     struct str pem)
{
    struct private_key *key;
    struct str name;
    enum err err = domain_normalize(&keyring->arena, domain, &name);
    if (!err)
        err = private_key_parse(pem, &key);
    if (!err)
        add_key(keyring, take_domain(keyring, name), selector, key);
    return err;
}

const struct keyring_domain *keyring_find(const struct keyring *keyring, struct str domain)
{
    struct arena arena = arena_make();
    struct str name;
    const struct keyring_domain *found = NULL;
    bool more = keyring && domain_normalize(&arena, domain, &name) == OK;
    while (more && !found) {
        struct str label;
        found = map_get(&keyring->domains, name);
        more = str_cut(name, '.', &label, &name);
    }
    arena_reset(&arena);
    return found;
}
