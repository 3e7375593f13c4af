/* TLS on the way out: each policy against each way in which it fails; and logins. */
#include "scene.h"

#include <unistd.h>

struct row {
    const char *sentence;
    enum route_tls tls;
    const char *extensions;
    const char *script;
    enum queue_outcome_kind want;
    enum spool_reason reason;
    unsigned connections;
    bool in_clear; /* the message went in clear */
};

#define MAY    ROUTE_TLS_MAY
#define MUST   ROUTE_TLS_REQUIRE
#define VERIFY ROUTE_TLS_VERIFY
#define TLS    "PIPELINING STARTTLS"
#define GONE   SPOOL_REASON_TLS
#define FINE   SPOOL_REASON_NONE

static const struct row rows[] = {
    {"none: STARTTLS is not used", ROUTE_TLS_NONE, TLS, "", QUEUE_DELIVERED, FINE, 1, true},
    {"may: used where it is offered", MAY, TLS, "", QUEUE_DELIVERED, FINE, 1, false},
    {"may: in clear where it is not", MAY, "PIPELINING", "", QUEUE_DELIVERED, FINE, 1, true},
    {"may: 454, so in clear over a new connection", MAY, TLS, "STARTTLS=454 no", QUEUE_DELIVERED,
     FINE, 2, true},
    {"may: 5xx, the same", MAY, TLS, "STARTTLS=554 no", QUEUE_DELIVERED, FINE, 2, true},
    {"may: the handshake is rubbish", MAY, TLS, "STARTTLS=220 go!garbage", QUEUE_DELIVERED, FINE, 2,
     true},
    {"may: closed behind the 220", MAY, TLS, "STARTTLS=220 go!close", QUEUE_DELIVERED, FINE, 2,
     true},
    {"may: closed instead of the 220", MAY, TLS, "STARTTLS=!reset", QUEUE_DELIVERED, FINE, 2, true},
    {"may: a handshake that never ends", MAY, TLS, "STARTTLS=220 go!silent", QUEUE_DELIVERED, FINE,
     2, true},
    {"may: refused behind the handshake", MAY, TLS, "EHLO2=554 no | HELO=554 no", QUEUE_DELIVERED,
     FINE, 2, true},
    {"may: TLS fails, and then everything", MAY, TLS, "STARTTLS=454 no | CONNECT2=!reset",
     QUEUE_DEFERRED, SPOOL_REASON_CONNECTION, 2, false},
    {"require: done", MUST, TLS, "", QUEUE_DELIVERED, FINE, 1, false},
    {"require: not offered", MUST, "PIPELINING", "", QUEUE_DEFERRED, GONE, 1, false},
    {"require: 454", MUST, TLS, "STARTTLS=454 no", QUEUE_DEFERRED, GONE, 1, false},
    {"require: 5xx is no reason to bounce", MUST, TLS, "STARTTLS=554 no", QUEUE_DEFERRED, GONE, 1,
     false},
    {"require: the handshake is rubbish", MUST, TLS, "STARTTLS=220 go!garbage", QUEUE_DEFERRED,
     GONE, 1, false},
    {"require: closed behind the 220", MUST, TLS, "STARTTLS=220 go!close", QUEUE_DEFERRED, GONE, 1,
     false},
    {"require: an old server", MUST, TLS, "EHLO=502 what", QUEUE_DEFERRED, GONE, 1, false},
    {"verify: done", VERIFY, TLS, "", QUEUE_DELIVERED, FINE, 1, false},
    {"verify: not offered", VERIFY, "PIPELINING", "", QUEUE_DEFERRED, GONE, 1, false},
    {"verify: the handshake is rubbish", VERIFY, TLS, "STARTTLS=220 go!garbage", QUEUE_DEFERRED,
     GONE, 1, false},
    {"replies injected behind the 220 are dropped", MUST, TLS,
     "STARTTLS=220 go\r\n250-injected\r\n250 AUTH PLAIN", QUEUE_DELIVERED, FINE, 1, false},
};

static void play_row(struct scene *scene)
{
    const struct row *row = scene->row;
    scene->slot.way.tls = row->tls;
    scene->peer.extensions = row->extensions;
    scene->peer.script = row->script;
    scene_add(scene, 1);
    scene_deliver(scene);
    const struct fake_recipient *recipient = &scene->slot.messages[0].recipients[0];
    CHECK_ROW(row->sentence, recipient->kind == row->want);
    CHECK_ROW(row->sentence, recipient->reason == row->reason);
    CHECK_ROW(row->sentence, scene->peer.copies[0] == (row->want == QUEUE_DELIVERED));
    CHECK_ROW(row->sentence, scene->peer.connections == row->connections);
    CHECK_ROW(row->sentence, scene->peer.content_in_clear == row->in_clear);
    CHECK_ROW(row->sentence, scene->slot.blocked == (row->want != QUEUE_DELIVERED));
    CHECK_ROW(row->sentence, !story_has(scene, "S: 250-injected"));
}

static void run_row(const void *row) { scene_play(play_row, row); }

TEST_SCENE(an_injection_is_told)
{
    scene->peer.extensions = TLS;
    scene->peer.script = "STARTTLS=220 go\r\n250 injected";
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK(story_has(scene, "injected them"));
}

TEST_SCENE(what_was_offered_in_clear_is_forgotten)
{
    scene->slot.way.tls = MUST;
    scene->peer.extensions = "PIPELINING";
    scene->peer.script = "EHLO1=250-peer\r\n250-SIZE 5\r\n250 STARTTLS";
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK_INT(scene->peer.copies[0], 1);
}

/* ---- logins ---- */
struct login {
    const char *sentence;
    const char *extensions;
    const char *script;
    enum queue_outcome_kind want;
    enum spool_reason reason;
    const char *told; /* in the story */
};

#define INSIDE "PIPELINING STARTTLS AUTH,PLAIN,LOGIN"

static const struct login logins[] = {
    {"PLAIN", INSIDE, "", QUEUE_DELIVERED, FINE, "C: AUTH PLAIN <redacted>"},
    {"LOGIN where there is no PLAIN", "STARTTLS AUTH,LOGIN",
     "AUTH=334 VXNlcm5hbWU6 | OTHER1=334 UGFzc3dvcmQ6 | OTHER2=235 ok", QUEUE_DELIVERED, FINE,
     "C: AUTH LOGIN"},
    {"nothing that we can do", "STARTTLS AUTH,CRAM-MD5", "", QUEUE_DEFERRED, SPOOL_REASON_LOCAL,
     "no login that we can do"},
    {"no AUTH at all", "STARTTLS", "", QUEUE_DEFERRED, SPOOL_REASON_LOCAL, ""},
    {"a wrong password is our mistake, and waits", INSIDE, "AUTH=535 5.7.8 wrong", QUEUE_DEFERRED,
     SPOOL_REASON_LOCAL, "535 5.7.8 wrong"},
    {"a server that is busy", INSIDE, "AUTH=454 4.7.0 busy", QUEUE_DEFERRED, SPOOL_REASON_REPLY,
     "454 4.7.0 busy"},
    {"334 to PLAIN is no answer", INSIDE, "AUTH=334 more", QUEUE_DEFERRED, SPOOL_REASON_CONNECTION,
     "no SMTP"},
    {"the server repeats the secret", INSIDE, "AUTH=500 what is AUTH PLAIN AHVzZXIAc2VjcmV0?",
     QUEUE_DEFERRED, SPOOL_REASON_LOCAL, "S: 500 <redacted>"},
    {"closed at AUTH", INSIDE, "AUTH=!close", QUEUE_DEFERRED, SPOOL_REASON_CONNECTION, "the login"},
    {"no TLS, so no login", "PIPELINING AUTH,PLAIN", "", QUEUE_DEFERRED, GONE, "no STARTTLS"},
    {"TLS fails, so no login, although `may` stands there", INSIDE, "STARTTLS=454 no",
     QUEUE_DEFERRED, GONE, "454 no"},
};

static void play_login(struct scene *scene)
{
    const struct login *row = scene->row;
    scene->slot.way.auth_user = STR("user");
    scene->slot.way.auth_password = STR("secret");
    scene->peer.extensions = row->extensions;
    scene->peer.script = row->script;
    scene_add(scene, 1);
    scene_deliver(scene);
    const struct fake_recipient *recipient = &scene->slot.messages[0].recipients[0];
    CHECK_ROW(row->sentence, recipient->kind == row->want);
    CHECK_ROW(row->sentence, recipient->reason == row->reason);
    CHECK_ROW(row->sentence, story_has(scene, row->told));
    /* the password, alone and in what PLAIN and LOGIN make of it */
    CHECK_ROW(row->sentence, !story_has(scene, "secret"));
    CHECK_ROW(row->sentence, !story_has(scene, "AHVzZXIAc2VjcmV0"));
    CHECK_ROW(row->sentence, !story_has(scene, "c2VjcmV0"));
    CHECK_ROW(row->sentence, !scene->peer.saw_secret_in_clear);
    CHECK_ROW(row->sentence, !strstr(recipient->words, "AHVzZXIAc2VjcmV0"));
}

TEST(logins_are_sent_through_verified_tls_and_never_shown)
{
    for (size_t i = 0; i < ARRAY_LEN(logins); i++)
        scene_play(play_login, &logins[i]);
}

/* ---- certificates, with OpenSSL in place of the simulation's marker ---- */
struct certificate {
    const char *sentence;
    enum route_tls tls;
    bool is_trusted;
    const char *host; /* of the route */
    const char *auth;
    enum queue_outcome_kind want;
    const char *told;
};

static const struct certificate certificates[] = {
    {"may: nobody asks for a certificate", MAY, false, "127.0.0.1", "", QUEUE_DELIVERED,
     "certificate not verified: "},
    {"require: the same", MUST, false, "127.0.0.1", "", QUEUE_DELIVERED,
     "certificate not verified: "},
    {"verify: trusted, and the address is in it", VERIFY, true, "127.0.0.1", "", QUEUE_DELIVERED,
     "certificate verified"},
    {"verify: trusted, and the name is in it", VERIFY, true, "mx.example", "", QUEUE_DELIVERED,
     "certificate verified"},
    {"verify: trusted, for another name", VERIFY, true, "other.example", "", QUEUE_DEFERRED,
     "TLS failed: "},
    {"verify: not trusted", VERIFY, false, "127.0.0.1", "", QUEUE_DEFERRED, "TLS failed: "},
    {"a login wants a trusted one, although `may` stands there", MAY, false, "127.0.0.1", "user",
     QUEUE_DEFERRED, "TLS failed: "},
    {"a login through a trusted one", MAY, true, "127.0.0.1", "user", QUEUE_DELIVERED,
     "AUTH PLAIN <redacted>"},
};

static void write_file(const char *path, struct str text)
{
    FILE *file = fopen(path, "w");
    REQUIRE(file);
    CHECK(fwrite(text.at, 1, text.len, file) == text.len);
    CHECK(fclose(file) == 0);
}

/* A server's context with a certificate of its own, which `ca_file` holds. */
static struct tls_context *server_context(struct arena *arena, const char *ca_file)
{
    struct str certificate, key, problem;
    struct tls_context *context = NULL;
    CHECK(tls_self_signed(STR("mx.example"), arena, &certificate, &key) == OK);
    CHECK(tls_server_context_new(certificate, key, TLS_MINIMUM_1_2, arena, &context, &problem) ==
          OK);
    write_file(ca_file, certificate);
    return context;
}

static void play_certificate(struct scene *scene)
{
    const struct certificate *row = scene->row;
    char trusted[] = "/tmp/trusted-XXXXXX", other[] = "/tmp/other-XXXXXX";
    int fds[] = {mkstemp(trusted), mkstemp(other)};
    REQUIRE(fds[0] >= 0 && fds[1] >= 0);
    close(fds[0]);
    close(fds[1]);
    struct arena arena = arena_make();
    struct tls_context *server = server_context(&arena, trusted);
    tls_context_free(server_context(&arena, other));
    struct tls_context *client = NULL;
    struct str problem;
    CHECK(tls_client_context_new(row->is_trusted ? trusted : other, &arena, &client, &problem) ==
          OK);
    struct resolver *resolver = resolver_scripted_new();
    resolver_script(resolver, "mx.example", DNS_A, "127.0.0.1");
    resolver_script(resolver, "other.example", DNS_A, "127.0.0.1");
    scene->options.resolver = resolver;
    scene->options.tls = client;
    scene->peer.tls = server;
    scene->peer.extensions = INSIDE;
    scene->slot.way.tls = row->tls;
    scene->slot.way.host = str_of(row->host);
    scene->slot.way.auth_user = str_of(row->auth);
    scene->slot.way.auth_password = STR("secret");
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK_ROW(row->sentence, scene->slot.messages[0].recipients[0].kind == row->want);
    CHECK_ROW(row->sentence, scene->peer.copies[0] == (row->want == QUEUE_DELIVERED));
    CHECK_ROW(row->sentence, scene->peer.content_in_clear == 0);
    CHECK_ROW(row->sentence, story_has(scene, row->told));
    CHECK_ROW(row->sentence, row->want == QUEUE_DELIVERED || !peer_heard(&scene->peer, "AUTH"));
    resolver_free(resolver);
    tls_context_free(server);
    tls_context_free(client);
    arena_reset(&arena);
    unlink(trusted);
    unlink(other);
}

TEST(certificates_are_verified_where_it_is_asked_for)
{
    for (size_t i = 0; i < ARRAY_LEN(certificates); i++)
        scene_play(play_certificate, &certificates[i]);
}

int main(void)
{
    RUN(certificates_are_verified_where_it_is_asked_for);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        test_run_row(rows[i].sentence, run_row, &rows[i]);
    RUN(an_injection_is_told);
    RUN(what_was_offered_in_clear_is_forgotten);
    RUN(logins_are_sent_through_verified_tls_and_never_shown);
    return test_summary();
}
