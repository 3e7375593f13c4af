/* Certificates that change while the configuration does not. */
#include "server/config_files.h"

struct config_certificates config_certificates(struct config *config, struct arena *arena)
{
    size_t max = 1 + config->tls.also_count + config->route_count;
    struct config_certificates all = {ARENA_ARRAY(arena, struct config_certificate *, max), 0};
    if (config->tls.first.certificate_file.len)
        all.at[all.count++] = &config->tls.first;
    for (size_t i = 0; i < config->tls.also_count; i++)
        all.at[all.count++] = &config->tls.also[i].certificate;
    for (size_t i = 0; i < config->route_count; i++)
        if (config->routes[i].client.certificate_file.len)
            all.at[all.count++] = &config->routes[i].client;
    return all;
}

static bool is_same(const struct config_certificate *a, const struct config_certificate *b)
{
    return str_eq(a->certificate_pem, b->certificate_pem) && str_eq(a->key_pem, b->key_pem);
}

enum err config_reread_certificates(struct config *config, const char *file,
                                    const struct config_reader *reader, struct arena *arena,
                                    bool *out_changed, struct str *out_problem)
{
    struct config_problems problems = config_problems_make(arena, file);
    struct config_reading reading = {.arena = arena, .problems = &problems};
    struct config_certificates all = config_certificates(config, arena);
    struct config_certificate *old = ARENA_ARRAY(arena, struct config_certificate, all.count);
    for (size_t i = 0; i < all.count; i++)
        old[i] = *all.at[i];
    config_read_certificates(&reading, reader, config);

    bool changed = false;
    for (size_t i = 0; i < all.count; i++)
        changed |= !is_same(all.at[i], &old[i]);
    for (size_t i = 0; i < all.count && (problems.error_count || !changed); i++)
        *all.at[i] = old[i];
    if (problems.error_count) {
        *out_problem = config_problem_print(&problems.items[0]);
        return ERR_SYNTAX;
    }
    *out_changed = changed;
    return OK;
}
