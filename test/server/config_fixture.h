/* Configurations for tests, with the files that they name: nothing is read from the machine. */
#ifndef TEST_SERVER_CONFIG_FIXTURE_H
#define TEST_SERVER_CONFIG_FIXTURE_H

#include "net/tls.h"
#include "server/config.h"
#include "test.h"

struct fixture_file {
    const char *path;
    mode_t mode;
    struct str text;
};

static struct str fixture_certificate, fixture_key;

/* RFC 8463 section A.2. */
static const char fixture_dkim_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

/* In the order of config_fixture_files. */
static struct fixture_file fixture_files[] = {
    {"/etc/postrider/fullchain.pem", 0644, {0}},
    {"/etc/postrider/privkey.pem", 0600, {0}},
    {"/etc/postrider/accounts", 0600, {"alice:$6$salt$hash\n", 19}},
    {"/etc/postrider/aliases", 0644, {"info: alice, bob\nroot: info\n", 28}},
    {"/etc/postrider/dkim/s2026.key", 0600, {fixture_dkim_key, 0}},
    {"/etc/postrider/dkim/s2026ed.key", 0600, {fixture_dkim_key, 0}},
    {"/etc/postrider/relay-password", 0600, {"secret\r\nnot this\n", 18}},
    {"/f/open", 0640, {"secret\n", 7}},
    {"/f/empty", 0600, {"", 0}},
    {"/f/broken.key", 0600, {"-----BEGIN PRIVATE KEY-----\n", 28}},
    {"/f/accounts-bad", 0600, {"#\nalice:secret\n", 15}},
    {"/f/users", 0644, {"# people\nalice\n\n\tBob # the boss\nx y\n", 37}},
    {"/f/users-good", 0644, {"alice\nbob\n", 10}},
    {"/f/aliases-bad", 0644, {"a: |/bin/sh\nb: /x\nc: :include:/x\nd: alice\nD: bob\n", 50}},
    {"/f/aliases-rest", 0644, {"*: bob\n\"*\": alice\n*: alice\n", 29}},
    {"/f/aliases-ring", 0644, {"*: nobody, bob\n", 15}},
    {"/f/aliases-lost", 0644, {"a: alice\nb: nobody, bob\nc: d\nd: c\ne: x@else.test\n", 50}},
};

static enum err fixture_read(const struct config_reader *reader, struct str path,
                             struct arena *arena, struct str *out_text, mode_t *out_mode)
{
    UNUSED(reader), UNUSED(arena);
    if (str_eq(path, STR("/f/denied")))
        return ERR_DENIED;
    for (size_t i = 0; i < ARRAY_LEN(fixture_files); i++)
        if (str_eq(path, str_of(fixture_files[i].path))) {
            *out_text = fixture_files[i].text;
            *out_mode = fixture_files[i].mode;
            return OK;
        }
    return ERR_NOT_FOUND;
}

static const struct config_reader fixture_reader = {.read = fixture_read};

/* Makes the certificate; call it first. Its memory lives in `arena`. */
static inline void fixture_init(struct arena *arena)
{
    CHECK_INT(tls_self_signed(STR("mx.example.org"), arena, &fixture_certificate, &fixture_key),
              OK);
    fixture_files[0].text = fixture_certificate;
    fixture_files[1].text = fixture_key;
    for (size_t i = 2; i < ARRAY_LEN(fixture_files); i++)
        fixture_files[i].text.len = strlen(fixture_files[i].text.at);
}

static inline struct config *fixture_parse(struct arena *arena, struct str text)
{
    struct config *config = NULL;
    enum err err = config_parse(text, "c", &fixture_reader, arena, &config);
    CHECK_INT(err, config->error_count ? ERR_SYNTAX : OK);
    return config;
}

/* All problems, a line each. */
static inline struct str fixture_problems(struct arena *arena, const struct config *config)
{
    struct str lines = STR_EMPTY;
    for (size_t i = 0; i < config->problem_count; i++)
        lines = arena_printf(arena, "%.*s%.*s\n", STR_FMT(lines),
                             STR_FMT(config_problem_print(&config->problems[i])));
    return lines;
}

#endif
