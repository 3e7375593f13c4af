/* `postrider dkim keygen`: makes a key to sign with and prints the record to publish. */
#include "cli/cli.h"

#include "base/disk.h"
#include "verify/dkim_signature.h"
#include "verify/private_key.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: postrider dkim keygen --algorithm ed25519|rsa-2048 --selector S --domain D --out FILE\n"
    "\n"
    "Writes a new key to FILE, which must not exist, and prints the DNS record to publish. Sign "
    "with\n"
    "both kinds: not every receiver knows Ed25519.\n"
    "\n"
    "example: postrider dkim keygen --algorithm rsa-2048 --selector s2026 --domain example.org \\\n"
    "             --out s2026.key\n";

enum { OPT_ALGORITHM, OPT_SELECTOR, OPT_DOMAIN, OPT_OUT };

static const struct cli_option options[] = {
    [OPT_ALGORITHM] = {"--algorithm", "-a", false, false},
    [OPT_SELECTOR] = {"--selector", "-s", false, false},
    [OPT_DOMAIN] = {"--domain", "-d", false, false},
    [OPT_OUT] = {"--out", "-o", false, false},
};

static const struct kind {
    const char *name;
    enum dkim_algorithm algorithm;
    unsigned bits;
} kinds[] = {
    {"ed25519", DKIM_ED25519_SHA256, 0},
    {"rsa-2048", DKIM_RSA_SHA256, 2048},
    {"rsa-3072", DKIM_RSA_SHA256, 3072},
    {"rsa-4096", DKIM_RSA_SHA256, 4096},
};

#define STRING_MAX 255 /* of one character-string in a TXT record (RFC 1035 section 3.3.14) */

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(name, kinds[i].name) == 0)
            return &kinds[i];
    fprintf(stderr, "postrider dkim keygen: --algorithm is ed25519 or rsa-2048, not \"%s\"\n",
            name);
    return NULL;
}

/* A line of a zone file. */
static void print_record(const char *selector, const char *domain, struct str record)
{
    printf("%s._domainkey.%s. IN TXT (", selector, domain);
    for (; record.len; record = str_from(record, STRING_MAX))
        printf(" \"%.*s\"", STR_FMT(str_first(record, STRING_MAX)));
    puts(" )");
}

static enum err write_key(const char *path, struct str pem)
{
    struct disk_file *file;
    enum err err =
        disk_open(disk_system(), path, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, 0600, &file);
    if (err)
        return err;
    struct iovec iov = {(void *)(uintptr_t)pem.at, pem.len};
    err = disk_write(file, 0, &iov, 1);
    if (!err)
        err = disk_sync(file);
    disk_close(file);
    return err;
}

static int make(const struct cli_values *values, const struct kind *kind, struct arena *arena)
{
    struct private_key *key = private_key_generate(kind->algorithm, kind->bits);
    struct str pem = private_key_print(arena, key), record = private_key_record(arena, key);
    private_key_free(key);
    const char *path = values->value[OPT_OUT];
    enum err err = write_key(path, pem);
    if (err) {
        fprintf(stderr, "postrider dkim keygen: %s: %s\n", path, err_text(err));
        return err == ERR_EXISTS ? CLI_USAGE : CLI_FAILED;
    }
    print_record(values->value[OPT_SELECTOR], values->value[OPT_DOMAIN], record);
    return CLI_OK;
}

static int run(int argc, char **argv, struct arena *arena)
{
    struct cli_values values;
    if (!cli_options_read(argc, argv, options, ARRAY_LEN(options), arena, &values))
        return CLI_USAGE;
    bool is_whole = values.word_count == 0;
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        is_whole = is_whole && values.value[i];
    if (values.help || !is_whole) {
        fputs(help, values.help ? stdout : stderr);
        return values.help ? CLI_OK : CLI_USAGE;
    }
    if (!dkim_name_is_valid(str_of(values.value[OPT_DOMAIN]), 2) ||
        !dkim_name_is_valid(str_of(values.value[OPT_SELECTOR]), 1)) {
        fputs("postrider dkim keygen: --domain and --selector are names in the DNS\n", stderr);
        return CLI_USAGE;
    }
    const struct kind *kind = find_kind(values.value[OPT_ALGORITHM]);
    return kind ? make(&values, kind, arena) : CLI_USAGE;
}

int cli_dkim_keygen(int argc, char **argv)
{
    struct arena arena = arena_make();
    int status = run(argc, argv, &arena);
    arena_reset(&arena);
    return status;
}
