/* `postrider account`: who may log in. */
#include "cli/account_file.h"
#include "cli/cli.h"
#include "cli/password.h"
#include "cli/running.h"
#include "server/config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: postrider account add USER [--address ADDRESS]… [--password-stdin] [-c FILE]\n"
    "       postrider account passwd USER [--password-stdin] [-c FILE]\n"
    "       postrider account remove USER [-c FILE]\n"
    "       postrider account list [-c FILE]\n"
    "\n"
    "Keeps the file of accounts that the configuration names. The password is asked for twice, or\n"
    "read from the first line of standard input. A running server takes changes when it is told "
    "to\n"
    "read its configuration again (SIGHUP).\n"
    "  -c, --config FILE    the configuration; default: " CLI_DEFAULT_CONFIG "\n"
    "  --address ADDRESS    an address of the account's own, for senders = own; @domain for all "
    "of\n"
    "                       a domain; may be repeated\n"
    "  --password-stdin     read the password from standard input\n"
    "\n"
    "examples:\n"
    "  postrider account add alice -c /etc/postrider/postrider.conf\n"
    "  pwgen -s 20 1 | tee secret | postrider account add printer --password-stdin\n";

enum { OPT_CONFIG, OPT_ADDRESS, OPT_PASSWORD_STDIN };

static const struct cli_option options[] = {
    [OPT_CONFIG] = {"--config", "-c", false, false},
    [OPT_ADDRESS] = {"--address", NULL, false, true},
    [OPT_PASSWORD_STDIN] = {"--password-stdin", NULL, true, false},
};

/* One call of the command. */
struct call {
    struct arena *arena;
    const struct cli_values *values;
    const char *file; /* of accounts */
    struct str user;
};

static int fail(const char *format, ...) PRINTF_LIKE(1, 2);
static int fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("postrider account: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return CLI_FAILED;
}

/* ---- The file ------------------------------------------------------------------------------- */

/* Its text and accounts; false, and said so, when it cannot be read or has mistakes. */
static bool read_accounts(const struct call *call, struct str *out_text,
                          struct accounts **out_accounts)
{
    size_t line;
    struct str problem;
    enum err err = account_file_read(call->file, call->arena, out_text);
    if (err) {
        fail("cannot read %s: %s", call->file, err_text(err));
        return false;
    }
    if (accounts_parse(*out_text, call->arena, out_accounts, &line, &problem) == OK)
        return true;
    fprintf(stderr, "%s:%zu: %.*s\n", call->file, line, STR_FMT(problem));
    return false;
}

/* Whether USER is there; -1, and said so, when that cannot be told. */
static int is_there(const struct call *call, struct str *out_text)
{
    struct accounts *accounts;
    if (!read_accounts(call, out_text, &accounts))
        return -1;
    int found = accounts_find(accounts, call->user) != NULL;
    accounts_free(accounts);
    return found;
}

static int say_exists(const struct call *call)
{
    return fail("%.*s has an account already (change its password with postrider account passwd)",
                STR_FMT(call->user));
}

static int say_missing(const struct call *call)
{
    return fail("%.*s has no account in %s", STR_FMT(call->user), call->file);
}

/* Puts `text` in place, unless that would make a file that cannot be read again. */
static int replace(const struct call *call, struct str text)
{
    struct accounts *accounts;
    size_t line;
    struct str problem;
    if (accounts_parse(text, call->arena, &accounts, &line, &problem) != OK)
        return fail("%.*s", STR_FMT(problem));
    accounts_free(accounts);
    enum err err = account_file_write(call->file, text);
    return err ? fail("cannot write %s: %s", call->file, err_text(err)) : CLI_OK;
}

/* ---- Passwords ------------------------------------------------------------------------------ */

static bool hash_password(const struct call *call, struct str *out_hash)
{
    struct password password;
    const char *problem;
    enum err err = call->values->value[OPT_PASSWORD_STDIN]
                       ? password_read_stdin(&password, &problem)
                       : password_ask(&password, &problem);
    if (err) {
        fail("%s", problem);
        return false;
    }
    err = accounts_hash(password_str(&password), call->arena, out_hash);
    password_wipe(&password);
    if (err)
        fail("the password cannot be hashed: %s", err_text(err));
    return !err;
}

/* ---- Commands: each begins with the lock held, except for what asks people --------------------
 */

static struct str joined_addresses(const struct call *call)
{
    struct str all = STR_EMPTY;
    for (size_t i = 0; i < call->values->all[OPT_ADDRESS].count; i++)
        all = arena_printf(call->arena, "%.*s%s%s", STR_FMT(all), i ? "," : "",
                           call->values->all[OPT_ADDRESS].at[i]);
    return all;
}

static int add_locked(const struct call *call, struct str hash)
{
    struct str text;
    int found = is_there(call, &text);
    if (found < 0)
        return CLI_FAILED;
    if (found)
        return say_exists(call);
    return replace(call,
                   account_text_add(call->arena, text, call->user, hash, joined_addresses(call)));
}

static int passwd_locked(const struct call *call, struct str hash)
{
    struct str text;
    int found = is_there(call, &text);
    if (found < 0)
        return CLI_FAILED;
    if (!found)
        return say_missing(call);
    return replace(call, account_text_set_hash(call->arena, text, call->user, hash));
}

static int remove_locked(const struct call *call, struct str hash)
{
    UNUSED(hash);
    struct str text;
    int found = is_there(call, &text);
    if (found < 0)
        return CLI_FAILED;
    if (!found)
        return say_missing(call);
    return replace(call, account_text_remove(call->arena, text, call->user));
}

static int with_lock(const struct call *call, struct str hash,
                     int (*change)(const struct call *, struct str))
{
    int lock;
    enum err err = account_file_lock(call->file, &lock);
    if (err)
        return fail("cannot lock the directory of %s: %s", call->file, err_text(err));
    int status = change(call, hash);
    close(lock);
    return status;
}

/* Looks before it asks for a password, and once more when it holds the lock. */
static int run_add(const struct call *call)
{
    struct str text, hash;
    const char *problem = account_name_problem(call->user);
    if (problem)
        return fail("'%.*s' %s", STR_FMT(call->user), problem);
    int found = is_there(call, &text);
    if (found)
        return found < 0 ? CLI_FAILED : say_exists(call);
    return hash_password(call, &hash) ? with_lock(call, hash, add_locked) : CLI_FAILED;
}

static int run_passwd(const struct call *call)
{
    struct str text, hash;
    int found = is_there(call, &text);
    if (found <= 0)
        return found < 0 ? CLI_FAILED : say_missing(call);
    return hash_password(call, &hash) ? with_lock(call, hash, passwd_locked) : CLI_FAILED;
}

static int run_remove(const struct call *call) { return with_lock(call, STR_EMPTY, remove_locked); }

/* A name on each line, its own addresses behind a TAB. */
static int run_list(const struct call *call)
{
    struct str text;
    struct accounts *accounts;
    if (!read_accounts(call, &text, &accounts))
        return CLI_FAILED;
    size_t position = 0;
    const struct account *account;
    while ((account = accounts_next(accounts, &position))) {
        printf("%.*s", STR_FMT(account->name));
        for (size_t i = 0; i < account->address_count; i++)
            printf("%c%.*s", i ? ',' : '\t', STR_FMT(account->addresses[i]));
        putchar('\n');
    }
    accounts_free(accounts);
    return CLI_OK;
}

static const struct {
    const char *name;
    bool wants_user;
    int (*run)(const struct call *call);
} commands[] = {
    {"add", true, run_add},
    {"passwd", true, run_passwd},
    {"remove", true, run_remove},
    {"list", false, run_list},
};

/* ---- The command ---------------------------------------------------------------------------- */

/* The configuration may have other mistakes, such as accounts that are not there yet. */
static const char *file_of_accounts(const char *config_file, struct arena *arena)
{
    struct config *config;
    enum err err = config_load(config_file, arena, &config);
    if (config->accounts.file.len)
        return config->accounts.file.at;
    if (err && config->problem_count == 1 && config->problems[0].line == 0)
        fail("%.*s", STR_FMT(config_problem_print(&config->problems[0])));
    else
        fail("%s names no file of accounts (write accounts { file = \"/etc/postrider/accounts\" })",
             config_file);
    return NULL;
}

static int run(const struct cli_values *values, struct arena *arena)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        size_t words = commands[i].wants_user ? 2 : 1;
        if (values->word_count != words || strcmp(values->words[0], commands[i].name) != 0)
            continue;
        const char *config_file = values->value[OPT_CONFIG];
        struct call call = {.arena = arena, .values = values, .user = STR_EMPTY};
        if (commands[i].wants_user)
            call.user = str_of(values->words[1]);
        call.file = file_of_accounts(config_file ? config_file : CLI_DEFAULT_CONFIG, arena);
        return call.file ? commands[i].run(&call) : CLI_FAILED;
    }
    fputs(help, stderr);
    return CLI_USAGE;
}

int cli_account(int argc, char **argv)
{
    struct arena arena = arena_make();
    struct cli_values values;
    int status = CLI_USAGE;
    if (!cli_options_read(argc, argv, options, ARRAY_LEN(options), &arena, &values)) {
        /* what is wrong was said */
    } else if (values.help) {
        fputs(help, stdout);
        status = CLI_OK;
    } else {
        status = run(&values, &arena);
    }
    arena_reset(&arena);
    return status;
}
