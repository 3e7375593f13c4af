/* What bench_auth does, with OpenDKIM's library:
 *     bench_auth_opendkim sign MESSAGE KEY ALGORITHM | verify MESSAGE RECORD
 * It has no key that was read before: PEM and record are read for each message. */
#include <opendkim/dkim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define RUN_S 0.5

static unsigned char *message, *argument;
static size_t message_len;
static dkim_alg_t algorithm;
static DKIM_LIB *library;

/* User time, which is what `openssl speed` counts. */
static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
}

static void must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_auth_opendkim: %s\n", what);
    exit(1);
}

static unsigned char *read_file(const char *path, size_t *out_len)
{
    FILE *file = fopen(path, "re");
    must(file && fseek(file, 0, SEEK_END) == 0, path);
    size_t len = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(len + 1);
    must(bytes && fread(bytes, 1, len, file) == len, path);
    fclose(file);
    bytes[len] = '\0';
    *out_len = len;
    return bytes;
}

/* The record instead of the DNS. */
static DKIM_CBSTAT look_up(DKIM *dkim, DKIM_SIGINFO *signature, unsigned char *out, size_t size)
{
    (void)dkim;
    (void)signature;
    size_t len = strcspn((char *)argument, "\n");
    must(len < size, "the record is too long");
    memcpy(out, argument, len);
    out[len] = '\0';
    return DKIM_CBSTAT_CONTINUE;
}

static void sign_once(void)
{
    static const unsigned char id[] = "bench", selector[] = "bench", domain[] = "example.org";
    DKIM_STAT status;
    unsigned char *field;
    size_t len;
    DKIM *dkim = dkim_sign(library, id, NULL, argument, selector, domain, DKIM_CANON_RELAXED,
                           DKIM_CANON_RELAXED, algorithm, -1, &status);
    must(dkim && dkim_chunk(dkim, message, message_len) == DKIM_STAT_OK &&
             dkim_chunk(dkim, NULL, 0) == DKIM_STAT_OK && dkim_eom(dkim, NULL) == DKIM_STAT_OK &&
             dkim_getsighdr_d(dkim, strlen("DKIM-Signature: "), &field, &len) == DKIM_STAT_OK,
         "it cannot be signed");
    dkim_free(dkim);
}

static void verify_once(void)
{
    static const unsigned char id[] = "bench";
    DKIM_STAT status;
    DKIM *dkim = dkim_verify(library, id, NULL, &status);
    must(dkim && dkim_chunk(dkim, message, message_len) == DKIM_STAT_OK &&
             dkim_chunk(dkim, NULL, 0) == DKIM_STAT_OK && dkim_eom(dkim, NULL) == DKIM_STAT_OK,
         "the signature does not pass");
    dkim_free(dkim);
}

static void measure(void (*once)(void))
{
    size_t count = 0;
    once();
    double began = cpu_s(), took;
    do {
        once();
        count++;
        took = cpu_s() - began;
    } while (took < RUN_S);
    printf("%.1f\n", (double)count / took);
}

int main(int argc, char **argv)
{
    size_t len;
    if (argc < 4) {
        fputs("usage: bench_auth_opendkim sign MESSAGE KEY ALGORITHM | verify MESSAGE RECORD\n",
              stderr);
        return 2;
    }
    message = read_file(argv[2], &message_len);
    argument = read_file(argv[3], &len);
    algorithm =
        argc > 4 && strcmp(argv[4], "ed25519") == 0 ? DKIM_SIGN_ED25519SHA256 : DKIM_SIGN_RSASHA256;
    library = dkim_init(NULL, NULL);
    must(library != NULL, "the library cannot be used");
    dkim_set_key_lookup(library, look_up);
    measure(strcmp(argv[1], "sign") == 0 ? sign_once : verify_once);
    dkim_close(library);
    return 0;
}
