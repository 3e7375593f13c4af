#include "server/config_files.h"

#include "route/alias_file.h"
#include "verify/private_key.h"

struct files {
    struct config_reading *reading;
    const struct config_reader *reader;
};

/* Where a file is named: for messages. */
struct mention {
    const struct config_node *section;
    const char *key;
};

static uint32_t line_of(struct mention mention)
{
    return config_node_line(mention.section, mention.key);
}

/* ---- Reading -------------------------------------------------------------------------------- */

static const char *advice_for(enum err err)
{
    switch (err) {
    case ERR_NOT_FOUND:
        return "there is no such file; make it or correct the path";
    case ERR_DENIED:
        return "permission denied; run this as root, or as the file's owner";
    case ERR_LIMIT:
        return "it is larger than 16 MiB";
    case ERR_UNSUPPORTED:
        return "it is no regular file";
    default:
        return err_text(err);
    }
}

static bool read_any(struct files *files, struct mention mention, struct str path,
                     struct str *out_text, mode_t *out_mode)
{
    struct config_reading *reading = files->reading;
    enum err err = files->reader->read(files->reader, path, reading->arena, out_text, out_mode);
    if (err)
        config_error(reading->problems, line_of(mention), "cannot read %.*s (%s)", STR_FMT(path),
                     advice_for(err));
    return !err;
}

static bool read_public(struct files *files, struct mention mention, struct str path,
                        struct str *out_text)
{
    mode_t mode;
    return read_any(files, mention, path, out_text, &mode);
}

static bool read_secret(struct files *files, struct mention mention, struct str path,
                        struct str *out_text)
{
    mode_t mode;
    if (!read_any(files, mention, path, out_text, &mode))
        return false;
    if (mode & 077) {
        config_error(files->reading->problems, line_of(mention),
                     "%.*s has mode %04o and is open to others (chmod 0600 %.*s)", STR_FMT(path),
                     (unsigned)mode & 07777, STR_FMT(path));
        return false;
    }
    return true;
}

/* ---- Certificate and keys -------------------------------------------------------------------- */

static bool read_pair(struct files *files, const struct config_node *section,
                      struct config_certificate *pair)
{
    struct mention certificate = {section, "certificate"}, key = {section, "key"};
    if (!pair->certificate_file.len || !pair->key_file.len)
        return false;
    bool has_certificate =
        read_public(files, certificate, pair->certificate_file, &pair->certificate_pem);
    return read_secret(files, key, pair->key_file, &pair->key_pem) && has_certificate;
}

static void report_pair(struct files *files, const struct config_node *section, struct str problem)
{
    struct mention certificate = {section, "certificate"};
    config_error(files->reading->problems, line_of(certificate),
                 "this certificate and key cannot be used: %.*s", STR_FMT(problem));
}

/* As the engine will. NULL, and said so: it cannot be used. */
static struct tls_context *try_pair(struct files *files, const struct config_node *section,
                                    const struct config_certificate *pair)
{
    struct tls_context *context = NULL;
    struct str problem;
    if (tls_server_context_new(pair->certificate_pem, pair->key_pem, TLS_MINIMUM_1_2,
                               files->reading->arena, &context, &problem) != OK)
        report_pair(files, section, problem);
    return context;
}

static void read_also(struct files *files, struct config_also *also, struct tls_context *context)
{
    struct config_certificate *pair = &also->certificate;
    struct str problem;
    if (read_pair(files, also->node, pair) && context &&
        tls_server_context_add(context, pair->certificate_pem, pair->key_pem, files->reading->arena,
                               &problem) != OK)
        report_pair(files, also->node, problem);
}

static void read_tls(struct files *files, struct config *config)
{
    const struct config_node *section = config_node_find(config->node, "tls");
    struct config_tls *tls = &config->tls;
    struct tls_context *context = NULL;
    if (read_pair(files, section, &tls->first))
        context = try_pair(files, section, &tls->first);
    for (size_t i = 0; i < tls->also_count; i++)
        read_also(files, &tls->also[i], context);
    tls_context_free(context);
}

static void read_client_certificate(struct files *files, struct config_route *route)
{
    if (read_pair(files, route->node, &route->client))
        tls_context_free(try_pair(files, route->node, &route->client));
}

void config_read_certificates(struct config_reading *reading, const struct config_reader *reader,
                              struct config *config)
{
    struct files files = {.reading = reading, .reader = reader};
    read_tls(&files, config);
    for (size_t i = 0; i < config->route_count; i++)
        read_client_certificate(&files, &config->routes[i]);
}

/* NULL: it can sign. */
static const char *find_key_problem(struct str pem)
{
    struct private_key *key;
    if (str_search(pem, STR("-----BEGIN PRIVATE KEY-----")) == SIZE_MAX)
        return "is no private key in PKCS#8 PEM (convert it with openssl pkcs8 -topk8 -nocrypt)";
    switch (private_key_parse(pem, &key)) {
    case OK:
        private_key_free(key);
        return NULL;
    case ERR_UNSUPPORTED:
        return "is neither an Ed25519 key nor an RSA key of 1024 to 4096 bits (make one with "
               "postrider dkim keygen)";
    default:
        return "is a damaged private key (make one with postrider dkim keygen)";
    }
}

static void read_dkim(struct files *files, struct config_dkim *dkim)
{
    struct mention mention = {dkim->node, "key"};
    if (!dkim->key_file.len || !read_secret(files, mention, dkim->key_file, &dkim->key_pem))
        return;
    const char *problem = find_key_problem(dkim->key_pem);
    if (problem)
        config_error(files->reading->problems, line_of(mention), "%.*s %s", STR_FMT(dkim->key_file),
                     problem);
}

static void read_password(struct files *files, struct config_route *route)
{
    const struct config_node *auth = config_node_find(route->node, "auth");
    struct mention mention = {auth, "password_file"};
    struct str text;
    if (!route->password_file.len || !read_secret(files, mention, route->password_file, &text))
        return;
    struct str password = str_first(text, min_size(str_find(text, '\n'), text.len));
    if (str_ends(password, STR("\r")))
        password.len--;
    if (password.len == 0)
        config_error(files->reading->problems, line_of(mention),
                     "%.*s has no password in its first line (write it there)",
                     STR_FMT(route->password_file));
    route->way.auth_password = password;
}

/* ---- Accounts, users, aliases ---------------------------------------------------------------- */

static void read_accounts(struct files *files, struct config *config)
{
    struct config_reading *reading = files->reading;
    struct mention mention = {config_node_find(config->node, "accounts"), "file"};
    struct str file = config->accounts.file, text;
    if (!file.len || !read_secret(files, mention, file, &text))
        return;
    config->accounts.text = text;
    struct accounts *accounts;
    size_t line;
    struct str problem;
    if (accounts_parse(text, reading->arena, &accounts, &line, &problem) == OK)
        accounts_free(accounts);
    else
        config_error_in(reading->problems, file, (uint32_t)line, "%.*s", STR_FMT(problem));
}

static size_t count_lines(struct str text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    return lines;
}

/* One name for each line; `#` begins a comment. */
static void read_users(struct files *files, struct config_domain *domain)
{
    struct config_reading *reading = files->reading;
    struct mention mention = {domain->node, "users"};
    struct str text;
    if (!domain->users_file.len || !read_public(files, mention, domain->users_file, &text))
        return;
    domain->user_names = ARENA_ARRAY(reading->arena, struct str, count_lines(text));
    bool more = true;
    for (uint32_t number = 1; more; number++) {
        struct str line = text, name, comment;
        more = str_cut(text, '\n', &line, &text);
        str_cut(line, '#', &line, &comment);
        line = str_trim(line);
        if (line.len == 0)
            continue;
        if (route_local_part_parse(reading->arena, line, &name) == OK)
            domain->user_names[domain->user_count++] =
                arena_copy(reading->arena, mail_domain_lower(reading->arena, name));
        else
            config_error_in(reading->problems, domain->users_file, number,
                            "'%.*s' is not a user's name (write only what stands before the @)",
                            STR_FMT(line));
    }
}

static void add_alias(struct config_reading *reading, struct config_domain *domain,
                      struct map *seen, const struct route_alias_entry *entry)
{
    struct str name = arena_copy(reading->arena, mail_domain_lower(reading->arena, entry->name));
    struct str key = entry->is_catch_all ? STR_EMPTY : name; /* no name is empty */
    const struct config_alias *first = map_get(seen, key);
    if (first) {
        config_error_in(reading->problems, domain->aliases_file, entry->line,
                        "'%.*s' is there twice (first in line %u; join their targets)",
                        STR_FMT(name), first->line);
        return;
    }
    if (entry->is_catch_all && domain->users == ROUTE_USERS_ANY)
        config_error_in(reading->problems, domain->aliases_file, entry->line,
                        "'*' is never used, since users = \"*\" makes every name a user (delete "
                        "one of them)");
    struct config_alias *alias = &domain->aliases[domain->alias_count++];
    *alias = (struct config_alias){.line = entry->line,
                                   .name = name,
                                   .is_catch_all = entry->is_catch_all,
                                   .targets = entry->targets,
                                   .target_count = entry->target_count};
    map_set(seen, key, alias);
}

static void read_aliases(struct files *files, struct config_domain *domain)
{
    struct config_reading *reading = files->reading;
    struct mention mention = {domain->node, "aliases"};
    struct str text;
    if (!domain->aliases_file.len || !read_public(files, mention, domain->aliases_file, &text))
        return;
    domain->aliases = ARENA_ARRAY(reading->arena, struct config_alias, count_lines(text));
    struct map seen = map_make();
    struct route_alias_reader aliases = route_alias_reader_make(text);
    struct route_alias_entry entry;
    while (route_alias_read(&aliases, reading->arena, &entry))
        if (entry.problem)
            config_error_in(reading->problems, domain->aliases_file, entry.line, "'%.*s' %s",
                            STR_FMT(entry.culprit), entry.problem);
        else
            add_alias(reading, domain, &seen, &entry);
    map_done(&seen);
}

void config_read_files(struct config_reading *reading, const struct config_reader *reader,
                       struct config *config)
{
    struct files files = {.reading = reading, .reader = reader};
    config_read_certificates(reading, reader, config);
    read_accounts(&files, config);
    for (size_t i = 0; i < config->domain_count; i++) {
        struct config_domain *domain = &config->domains[i];
        read_users(&files, domain);
        read_aliases(&files, domain);
        for (size_t j = 0; j < domain->dkim_count; j++)
            read_dkim(&files, &domain->dkims[j]);
    }
    for (size_t i = 0; i < config->route_count; i++)
        read_password(&files, &config->routes[i]);
}
