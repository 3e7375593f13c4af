/* Certificates that change: noticed, read once more, and handed to the engine. */
#include "server/certificates.h"

#include "net/tls.h"
#include "server/file_watch.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- noticing ---- */

struct place {
    struct arena arena;
    char directory[32];
};

static struct place place_make(void)
{
    struct place place = {.arena = arena_make(), .directory = "/tmp/watch_test_XXXXXX"};
    CHECK(mkdtemp(place.directory) != NULL);
    return place;
}

static void place_free(struct place *place)
{
    struct str command = arena_printf(&place->arena, "rm -r %s", place->directory);
    CHECK_INT(system(command.at), 0); /* NOLINT(cert-env33-c) */
    arena_reset(&place->arena);
}

static struct str path_of(struct place *place, const char *name)
{
    return arena_printf(&place->arena, "%s/%s", place->directory, name);
}

static void write_to(struct place *place, const char *name, const char *text)
{
    FILE *file = fopen(path_of(place, name).at, "w");
    REQUIRE(file != NULL);
    CHECK(fputs(text, file) >= 0);
    CHECK_INT(fclose(file), 0);
}

static void rename_to(struct place *place, const char *from, const char *to)
{
    CHECK_INT(rename(path_of(place, from).at, path_of(place, to).at), 0);
}

static void link_to(struct place *place, const char *target, const char *name)
{
    CHECK_INT(symlink(target, path_of(place, name).at), 0);
}

/* A change is told once, at the second look that sees it. */
static void expect_change(const char *row, struct file_watch *watch)
{
    CHECK_ROW(row, !file_watch_look(watch));
    CHECK_ROW(row, file_watch_look(watch));
    CHECK_ROW(row, !file_watch_look(watch));
}

TEST(a_change_is_noticed_however_it_is_made)
{
    struct place place = place_make();
    write_to(&place, "one.1", "first");
    write_to(&place, "one.2", "other");
    link_to(&place, "one.1", "one");
    CHECK_INT(mkdir(path_of(&place, "v1").at, 0700), 0);
    CHECK_INT(mkdir(path_of(&place, "v2").at, 0700), 0);
    write_to(&place, "v1/two", "2");
    write_to(&place, "v2/two", "2");
    link_to(&place, "v1", "current");
    const struct str paths[] = {path_of(&place, "one"), path_of(&place, "current/two")};
    struct file_watch watch = file_watch_make(paths, ARRAY_LEN(paths));
    expect_change("what is there at first", &watch);

    write_to(&place, "one.1", "longer than before");
    expect_change("written anew", &watch);
    link_to(&place, "one.2", "new");
    rename_to(&place, "new", "one");
    expect_change("another link, of a file as old and long", &watch);
    link_to(&place, "v2", "next");
    rename_to(&place, "next", "current");
    expect_change("another directory", &watch);
    write_to(&place, "new", "other");
    rename_to(&place, "new", "one.2");
    expect_change("another file of the same text", &watch);
    CHECK_INT(unlink(path_of(&place, "one.2").at), 0);
    expect_change("gone", &watch);
    write_to(&place, "one.2", "back");
    expect_change("back again", &watch);
    CHECK_INT(chmod(path_of(&place, "one.2").at, 0600), 0);
    expect_change("another mode", &watch);
    place_free(&place);
}

TEST(what_is_still_changing_is_not_told_yet)
{
    struct place place = place_make();
    write_to(&place, "one", "");
    const struct str paths[] = {path_of(&place, "one")};
    struct file_watch watch = file_watch_make(paths, ARRAY_LEN(paths));
    expect_change("at first", &watch);
    write_to(&place, "one", "1");
    CHECK(!file_watch_look(&watch));
    write_to(&place, "one", "12");
    expect_change("after its last change", &watch);
    place_free(&place);
}

/* ---- reading once more ---- */

static struct file {
    const char *path;
    struct str text;
} files[] = {
    {"/first.pem", {0}}, {"/first.key", {0}},  {"/also.pem", {0}},
    {"/also.key", {0}},  {"/client.pem", {0}}, {"/client.key", {0}},
};

static enum err read_file(const struct config_reader *reader, struct str path, struct arena *arena,
                          struct str *out_text, mode_t *out_mode)
{
    UNUSED(reader), UNUSED(arena);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (str_eq(path, str_of(files[i].path))) {
            *out_text = files[i].text;
            *out_mode = 0600;
            return OK;
        }
    return ERR_NOT_FOUND;
}

static const struct config_reader reader = {.read = read_file};

static const char text[] =
    "hostname = mx.example.org\n"
    "listener mx { bind = {\"0.0.0.0:25\"} service = mx }\n"
    "tls { certificate = \"/first.pem\" key = \"/first.key\"\n"
    "    also other { certificate = \"/also.pem\" key = \"/also.key\" } }\n"
    "route a.example { via = \"smtp:a.example\" }\n"
    "route \"*\" { via = mx certificate = \"/client.pem\" key = \"/client.key\" }\n";

static void make_pair(struct arena *arena, size_t first, const char *host)
{
    CHECK_INT(tls_self_signed(str_of(host), arena, &files[first].text, &files[first + 1].text), OK);
}

static struct config *parse(struct arena *arena)
{
    struct config *config = NULL;
    make_pair(arena, 0, "mx.example.org");
    make_pair(arena, 2, "mail.example.net");
    make_pair(arena, 4, "client.example.org");
    CHECK_INT(config_parse(str_of(text), "c", &reader, arena, &config), OK);
    return config;
}

TEST(certificates_are_read_once_more)
{
    struct arena arena = arena_make();
    struct config *config = parse(&arena);
    bool changed = true;
    struct str problem = STR_EMPTY;
    CHECK_INT(config_certificates(config, &arena).count, 3);
    CHECK_STR(config->routes[1].way.certificate, STR("/client.pem"));
    CHECK_INT(config_reread_certificates(config, "c", &reader, &arena, &changed, &problem), OK);
    CHECK(!changed);

    struct str before = config->tls.also[0].certificate.certificate_pem;
    make_pair(&arena, 0, "mx.example.org");
    files[2].text = STR("-----BEGIN CERT");
    CHECK_INT(config_reread_certificates(config, "c", &reader, &arena, &changed, &problem),
              ERR_SYNTAX);
    CHECK(str_starts(problem, STR("c:4: this certificate and key cannot be used: ")));
    CHECK_STR(config->tls.also[0].certificate.certificate_pem, before);
    CHECK(!str_eq(config->tls.first.certificate_pem, files[0].text));

    make_pair(&arena, 2, "mail.example.net");
    CHECK_INT(config_reread_certificates(config, "c", &reader, &arena, &changed, &problem), OK);
    CHECK(changed);
    CHECK_STR(config->tls.first.key_pem, files[1].text);
    CHECK_STR(config->tls.also[0].certificate.certificate_pem, files[2].text);
    arena_reset(&arena);
}

/* ---- handing over: both ends have the same configuration ---- */

TEST(certificates_come_to_the_engine)
{
    struct arena arena = arena_make();
    struct config *parent = parse(&arena), *engine = NULL;
    CHECK_INT(config_parse(str_of(text), "c", &reader, &arena, &engine), OK);
    struct certificates certificates;
    REQUIRE(certificates_make(engine, &certificates) == OK);
    CHECK(certificates.server && engine->routes[1].way.tls_context);
    CHECK(engine->routes[0].way.tls_context == NULL);

    int fds[2];
    CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    CHECK_INT(certificates_receive(engine, &certificates, fds[1]), ERR_BUSY);
    bool changed = false;
    struct str problem;
    for (int i = 0; i < 2; i++) {
        make_pair(&arena, 2, "mail.example.net");
        CHECK_INT(config_reread_certificates(parent, "c", &reader, &arena, &changed, &problem), OK);
        certificates_send(parent, fds[0]);
    }
    CHECK_INT(certificates_receive(engine, &certificates, fds[1]), OK);
    CHECK_INT(certificates_receive(engine, &certificates, fds[1]), OK);
    CHECK_INT(certificates_receive(engine, &certificates, fds[1]), ERR_BUSY);
    CHECK_STR(engine->tls.also[0].certificate.key_pem, files[3].text);
    CHECK_STR(engine->tls.first.certificate_pem, files[0].text);
    CHECK_STR(engine->routes[1].client.key_pem, files[5].text);
    close(fds[0]);
    CHECK_INT(certificates_receive(engine, &certificates, fds[1]), ERR_CLOSED);
    close(fds[1]);
    certificates_free(engine, &certificates);
    arena_reset(&arena);
}

int main(void)
{
    RUN(a_change_is_noticed_however_it_is_made);
    RUN(what_is_still_changing_is_not_told_yet);
    RUN(certificates_are_read_once_more);
    RUN(certificates_come_to_the_engine);
    return test_summary();
}
