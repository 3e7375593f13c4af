#include "receive/accounts.h"

#include "base/map.h"
#include "base/mem.h"
#include "mail/idna.h"

#include <crypt.h>
#include <openssl/crypto.h>

struct accounts {
    struct account *items; /* in the order of the file */
    size_t count;
    struct map by_name; /* lower case */
};

/* ---- Parsing -------------------------------------------------------------------------------- */

struct problem {
    struct arena *arena;
    struct str text;
};

static enum err fail(struct problem *problem, struct str culprit, const char *text)
{
    problem->text = arena_printf(problem->arena, "'%.*s' %s", STR_FMT(culprit), text);
    return ERR_SYNTAX;
}

const char *account_name_problem(struct str name)
{
    if (name.len == 0 || name.len > ACCOUNT_NAME_MAX_BYTES)
        return "is empty or too long for the name of an account (write 1 to 254 characters)";
    if (name.at[0] == '#')
        return "would be a comment (begin the name with another character)";
    for (size_t i = 0; i < name.len; i++)
        if (char_is_control(name.at[i]) || name.at[i] == ' ' || name.at[i] == ':')
            return "has a blank, a colon or a control character in it (choose a name without)";
    return str_is_utf8(name) ? NULL : "is not UTF-8";
}

static bool is_hash(struct str hash)
{
    for (size_t i = 0; i < hash.len; i++)
        if (char_is_control(hash.at[i]) || hash.at[i] == ' ' || char_is_8bit(hash.at[i]))
            return false;
    /* Traditional DES would cut passwords at eight characters. */
    if (hash.len >= CRYPT_OUTPUT_SIZE || !str_starts(hash, STR("$")))
        return false;
    char setting[CRYPT_OUTPUT_SIZE];
    memcpy(setting, hash.at, hash.len);
    setting[hash.len] = '\0';
    int answer = crypt_checksalt(setting);
    return answer != CRYPT_SALT_INVALID && answer != CRYPT_SALT_METHOD_DISABLED;
}

/* An address, or "@domain", with A-labels; empty when it is neither. */
static struct str own_address(struct arena *arena, struct str text)
{
    struct mail_address address;
    struct str domain = str_from(text, 1);
    if (str_starts(text, STR("@")))
        return mail_domain_is_valid(domain, MAIL_ADDRESS_UTF8)
                   ? arena_printf(arena, "@%.*s", STR_FMT(mail_domain_canonical(arena, domain)))
                   : STR_EMPTY;
    if (mail_address_parse(arena, text, MAIL_ADDRESS_UTF8, &address))
        return STR_EMPTY;
    address = mail_address_with_a_labels(arena, &address);
    return mail_address_text(arena, &address);
}

static enum err parse_addresses(struct arena *arena, struct str text, struct account *account,
                                struct problem *problem)
{
    size_t commas = 0;
    for (size_t i = 0; i < text.len; i++)
        commas += text.at[i] == ',';
    account->addresses = ARENA_ARRAY(arena, struct str, commas + 1);

    bool more = text.len > 0;
    while (more) {
        struct str address = text, rest = STR_EMPTY;
        more = str_cut(text, ',', &address, &rest);
        address = str_trim(address);
        struct str own = own_address(arena, address);
        if (!own.len)
            return fail(problem, address,
                        "is not an address (write user@domain, or @domain for all of a domain)");
        account->addresses[account->address_count++] = own;
        text = rest;
    }
    return OK;
}

static enum err parse_line(struct arena *arena, struct str line, struct account *out_account,
                           struct problem *problem)
{
    struct str name = line, hash = STR_EMPTY, addresses = STR_EMPTY;
    bool has_hash = str_cut(line, ':', &name, &hash);
    str_cut(hash, ':', &hash, &addresses);
    const char *name_problem = account_name_problem(name);
    if (name_problem)
        return fail(problem, name, name_problem);
    if (!has_hash || !is_hash(hash)) /* which is not quoted: it may be a password in clear */
        return fail(problem, name,
                    "has no hash that crypt(3) knows (set one with postrider account passwd)");
    struct account account = {.name = arena_copy(arena, name), .hash = arena_copy(arena, hash)};
    enum err err = parse_addresses(arena, str_trim(addresses), &account, problem);
    if (!err)
        *out_account = account;
    return err;
}

static enum err add_line(struct accounts *accounts, struct arena *arena, struct str line,
                         struct problem *problem)
{
    line = str_trim(line);
    if (line.len == 0 || line.at[0] == '#')
        return OK;
    struct account *account = &accounts->items[accounts->count];
    enum err err = parse_line(arena, line, account, problem);
    if (err)
        return err;
    struct str key = mail_domain_lower(arena, account->name);
    if (map_get(&accounts->by_name, key))
        return fail(problem, account->name, "is there twice (delete one of its lines)");
    map_set(&accounts->by_name, key, account);
    accounts->count++;
    return OK;
}

static size_t count_lines(struct str text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    return lines;
}

enum err accounts_parse(struct str text, struct arena *arena, struct accounts **out_accounts,
                        size_t *out_line, struct str *out_problem)
{
    struct accounts *accounts = ARENA_NEW(arena, struct accounts);
    accounts->items = ARENA_ARRAY(arena, struct account, count_lines(text));
    struct problem problem = {.arena = arena};
    enum err err = OK;
    bool more = true;
    for (size_t number = 1; more && !err; number++) {
        struct str line = text;
        more = str_cut(text, '\n', &line, &text);
        err = add_line(accounts, arena, line, &problem);
        if (err) {
            *out_line = number;
            *out_problem = problem.text;
        }
    }
    if (err)
        accounts_free(accounts);
    else
        *out_accounts = accounts;
    return err;
}

void accounts_free(struct accounts *accounts)
{
    if (accounts)
        map_done(&accounts->by_name);
}

const struct account *accounts_find(const struct accounts *accounts, struct str name)
{
    char key[ACCOUNT_NAME_MAX_BYTES];
    if (name.len > sizeof key)
        return NULL;
    for (size_t i = 0; i < name.len; i++)
        key[i] = char_lower(name.at[i]);
    return map_get(&accounts->by_name, str_make(key, name.len));
}

const struct account *accounts_next(const struct accounts *accounts, size_t *position)
{
    return *position < accounts->count ? &accounts->items[(*position)++] : NULL;
}

/* ---- Passwords ------------------------------------------------------------------------------ */

/* What is hashed for nobody when there are no accounts at all; the cost is that of new hashes. */
static const char decoy_setting[] = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1";

/* One hash to compute: 32 KiB, so it lives on the heap and not on a fiber's stack. */
struct job {
    char password[ACCOUNT_PASSWORD_MAX_BYTES + 1];
    const char *setting;
    bool matches;
    struct crypt_data crypt;
};

static bool is_password(struct str password)
{
    return password.len > 0 && password.len <= ACCOUNT_PASSWORD_MAX_BYTES &&
           str_find(password, '\0') == SIZE_MAX;
}

/* What cannot be a password is hashed all the same, cut. */
static struct job *job_new(struct str password, const char *setting)
{
    struct job *job = NEW(struct job);
    struct str cut = str_first(password, ACCOUNT_PASSWORD_MAX_BYTES);
    if (cut.len)
        memcpy(job->password, cut.at, cut.len);
    job->setting = setting;
    return job;
}

static void job_free(struct job *job)
{
    assert(job);
    explicit_bzero(job, sizeof *job);
    mem_free(job);
}

static void job_run(void *argument)
{
    struct job *job = argument;
    const char *hash = crypt_r(job->password, job->setting, &job->crypt);
    size_t len = strlen(job->setting);
    job->matches = hash && hash[0] == '$' && strlen(hash) == len &&
                   CRYPTO_memcmp(hash, job->setting, len) == 0;
}

MAY_YIELD enum accounts_answer accounts_check(const struct accounts *accounts,
                                              struct blocking_pool *pool, struct str name,
                                              struct str password,
                                              const struct account **out_account)
{
    const struct account *account = accounts_find(accounts, name);
    const char *decoy = accounts->count ? accounts->items[0].hash.at : decoy_setting;
    struct job *job = job_new(password, account ? account->hash.at : decoy);
    enum err err = blocking_run(pool, job_run, job);
    bool matches = job->matches;
    job_free(job);

    if (err)
        return ACCOUNTS_BUSY;
    if (!account || !matches || !is_password(password))
        return ACCOUNTS_NO;
    *out_account = account;
    return ACCOUNTS_YES;
}

enum err accounts_hash(struct str password, struct arena *arena, struct str *out_hash)
{
    if (password.len > ACCOUNT_PASSWORD_MAX_BYTES)
        return ERR_LIMIT;
    if (!is_password(password))
        return ERR_SYNTAX;
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (!crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof setting))
        return ERR_UNSUPPORTED;
    struct job *job = job_new(password, setting);
    const char *hash = crypt_r(job->password, job->setting, &job->crypt);
    bool ok = hash && str_starts(str_of(hash), STR("$y$"));
    if (ok)
        *out_hash = arena_copy(arena, str_of(hash));
    job_free(job);
    return ok ? OK : ERR_UNSUPPORTED;
}
