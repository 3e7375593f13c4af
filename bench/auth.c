/* Signatures made and verified, bodies canonicalised and hashed, per second of user time:
 *     bench_auth sign MESSAGE KEY | verify MESSAGE RECORD [cold] | hash MESSAGE simple|relaxed
 * Prints operations, and for `hash` bytes, per second. A verifier knows its key, as one that keeps
 * keys does; "cold": it reads the record for each message. No DNS: the record comes from a script.
 */
#include "base/mem.h"
#include "fiber/loop.h"
#include "verify/dkim_sign.h"
#include "verify/dkim_verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define RUN_S       0.5
#define PIECE_BYTES 65536 /* as content comes from a connection or a file */
#define NAME        "bench._domainkey.example.org"

struct bench {
    struct str message;
    struct str argument;
    bool is_cold;
    struct loop *loop;
    struct fiber_group group;
    void (*run)(struct bench *bench);
};

/* User time, which is what `openssl speed` counts. */
static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_auth: %s\n", what);
    exit(1);
}

static struct str read_file(const char *path)
{
    struct buf buf = buf_make(64u << 20);
    FILE *file = fopen(path, "re");
    char piece[4096];
    size_t len;
    must(file, path);
    while ((len = fread(piece, 1, sizeof piece, file)))
        must(buf_add(&buf, str_make(piece, len)) == OK, path);
    fclose(file);
    return buf_str(&buf);
}

static void feed(struct verify_message *message, struct str bytes)
{
    for (; bytes.len; bytes = str_from(bytes, min_size(PIECE_BYTES, bytes.len)))
        verify_message_add(message, str_first(bytes, PIECE_BYTES));
    verify_message_end(message);
}

/* Repeats it for a while and prints how often a second it was done, times `weight`. */
static void measure(void (*once)(void *context), void *context, double weight)
{
    size_t count = 0;
    once(context);
    double began = cpu_s(), took;
    do {
        once(context);
        count++;
        took = cpu_s() - began;
    } while (took < RUN_S);
    printf("%.1f\n", (double)count * weight / took);
}

/* ---- signing ---- */

struct signing {
    struct str message;
    struct dkim_signing_key key;
};

static void sign_once(void *context)
{
    const struct signing *signing = context;
    struct arena arena = arena_make();
    struct verify_message *message = verify_message_new();
    struct dkim_signer *signer = dkim_signer_new(message);
    struct str fields;
    feed(message, signing->message);
    must(dkim_sign_finish(signer, &signing->key, 1, 1700000000, &arena, &fields) == OK, "sign");
    verify_message_free(message);
    arena_reset(&arena);
}

static void run_sign(struct bench *bench)
{
    struct private_key *key;
    must(private_key_parse(bench->argument, &key) == OK, "key");
    struct signing signing = {bench->message, {STR("example.org"), STR("bench"), key}};
    measure(sign_once, &signing, 1);
    private_key_free(key);
}

/* ---- verifying ---- */

struct verifying {
    struct bench *bench;
    struct resolver *resolver;
    struct arena arena;
    struct dkim_keys keys;
};

MAY_YIELD static void verify_once(void *context)
{
    struct verifying *verifying = context;
    struct arena arena = arena_make();
    struct verify_message *message = verify_message_new();
    struct dkim_verifier *verifier = dkim_verifier_new(message);
    struct dkim_keys cold = dkim_keys_make(verifying->resolver, DEADLINE_NEVER, &arena);
    struct dkim_keys *keys = verifying->bench->is_cold ? &cold : &verifying->keys;
    struct dkim_verified_list list;
    feed(message, verifying->bench->message);
    must(dkim_verifier_finish(verifier, keys, 1700000000, &arena, &list) == OK && list.count == 1 &&
             dkim_is_good(list.items[0].verdict),
         "the signature does not pass");
    dkim_keys_done(&cold);
    verify_message_free(message);
    arena_reset(&arena);
}

MAY_YIELD static void run_verify(struct bench *bench)
{
    struct verifying verifying = {.bench = bench, .arena = arena_make()};
    verifying.resolver = resolver_scripted_new();
    resolver_script(verifying.resolver, NAME, DNS_TXT,
                    arena_copy(&verifying.arena, str_trim(bench->argument)).at);
    verifying.keys = dkim_keys_make(verifying.resolver, DEADLINE_NEVER, &verifying.arena);
    measure(verify_once, &verifying, 1);
    dkim_keys_done(&verifying.keys);
    resolver_free(verifying.resolver);
    arena_reset(&verifying.arena);
}

/* ---- hashing ---- */

struct hashing {
    struct str body;
    enum canonicalization kind;
};

static void hash_once(void *context)
{
    const struct hashing *hashing = context;
    struct arena arena = arena_make();
    struct body_digests digests;
    body_digests_init(&digests);
    body_digests_want(&digests, hashing->kind, BODY_LENGTH_WHOLE, &arena);
    for (struct str rest = hashing->body; rest.len;
         rest = str_from(rest, min_size(PIECE_BYTES, rest.len)))
        body_digests_add(&digests, str_first(rest, PIECE_BYTES));
    body_digests_end(&digests);
    body_digests_done(&digests);
    arena_reset(&arena);
}

static void run_hash(struct bench *bench)
{
    size_t end = str_search(bench->message, STR("\r\n\r\n"));
    bool is_relaxed = str_eq(bench->argument, canonicalization_text(CANONICAL_RELAXED));
    must(end != SIZE_MAX, "the message has no body");
    struct hashing hashing = {str_from(bench->message, end + 4),
                              is_relaxed ? CANONICAL_RELAXED : CANONICAL_SIMPLE};
    measure(hash_once, &hashing, (double)hashing.body.len);
}

/* ---- the loop ---- */

MAY_YIELD static void run(void *argument)
{
    struct bench *bench = argument;
    bench->run(bench);
    loop_stop(bench->loop);
}

static void start(void *argument)
{
    struct bench *bench = argument;
    fiber_group_init(&bench->group, bench->loop);
    fiber_spawn(&bench->group, "bench", run, bench);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(struct bench *bench);
        bool argument_is_file;
    } kinds[] = {{"sign", run_sign, true}, {"verify", run_verify, true}, {"hash", run_hash, false}};
    struct bench bench = {.is_cold = argc > 4};
    for (size_t i = 0; argc > 3 && i < ARRAY_LEN(kinds); i++)
        if (strcmp(argv[1], kinds[i].name) == 0) {
            bench.run = kinds[i].run;
            bench.argument = kinds[i].argument_is_file ? read_file(argv[3]) : str_of(argv[3]);
        }
    if (!bench.run) {
        fputs("usage: bench_auth sign MESSAGE KEY | verify MESSAGE RECORD [cold] |"
              " hash MESSAGE simple|relaxed\n",
              stderr);
        return 2;
    }
    bench.message = read_file(argv[2]);
    struct clock clock = clock_system();
    bench.loop = loop_new(&(struct loop_options){.clock = &clock});
    must(loop_run(bench.loop, start, &bench) == OK, "loop");
    loop_free(bench.loop);
    return 0;
}
