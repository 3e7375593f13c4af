#include "receive/domains.h"

#include "base/map.h"
#include "base/mem.h"
#include "verify/domain.h"

struct receive_domains {
    struct arena arena;
    struct map settings; /* enum receive_dmarc */
};

struct receive_domains *receive_domains_new(void)
{
    struct receive_domains *domains = NEW(struct receive_domains);
    *domains = (struct receive_domains){.arena = arena_make(), .settings = map_make()};
    return domains;
}

void receive_domains_free(struct receive_domains *domains)
{
    if (!domains)
        return;
    map_done(&domains->settings);
    arena_reset(&domains->arena);
    mem_free(domains);
}

void receive_domains_add(struct receive_domains *domains, struct str name, enum receive_dmarc dmarc)
{
    struct str key;
    if (domain_normalize(&domains->arena, name, &key))
        return; /* nobody can name it either */
    enum receive_dmarc *setting = ARENA_NEW(&domains->arena, enum receive_dmarc);
    *setting = dmarc;
    map_set(&domains->settings, key, setting);
}

enum receive_dmarc receive_domains_dmarc(const struct receive_domains *domains, struct str name)
{
    struct arena arena = arena_make();
    struct str key;
    const enum receive_dmarc *setting = NULL;
    if (domains && !domain_normalize(&arena, name, &key))
        setting = map_get(&domains->settings, key);
    arena_reset(&arena);
    return setting ? *setting : RECEIVE_DMARC_QUARANTINE;
}
