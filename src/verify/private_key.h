/* The keys we sign with: PKCS#8 in PEM, RSA or Ed25519. A key is read once and then only used, by
 * any number of threads at once. */
#ifndef VERIFY_PRIVATE_KEY_H
#define VERIFY_PRIVATE_KEY_H

#include "base/arena.h"
#include "base/err.h"
#include "verify/dkim.h"

struct private_key;

/* ERR_SYNTAX: no key in PEM, or one that wants a passphrase. ERR_UNSUPPORTED: neither Ed25519 nor
 * RSA of 1024 to 4096 bits. */
MUST_CHECK enum err private_key_parse(struct str pem, struct private_key **out_key);
/* The same from a file: also ERR_NOT_FOUND, ERR_DENIED, ERR_IO. Reads a small local file: blocks.
 */
MUST_CHECK enum err private_key_read(const char *path, struct private_key **out_key);
/* ERR_DENIED when others than the owner may read or write the file; for callers to judge. */
MUST_CHECK enum err private_key_check_file(const char *path);
/* `rsa_bits` is for RSA alone. Takes up to a second. */
struct private_key *private_key_generate(enum dkim_algorithm algorithm, unsigned rsa_bits);
/* Takes NULL. */
void private_key_free(struct private_key *key);

enum dkim_algorithm private_key_algorithm(const struct private_key *key);
unsigned private_key_bits(const struct private_key *key);

/* As PKCS#8 in PEM. Secret. */
struct str private_key_print(struct arena *arena, const struct private_key *key);
/* The record to publish for it: "v=DKIM1; k=rsa; p=…". */
struct str private_key_record(struct arena *arena, const struct private_key *key);

/* Signs a SHA-256 digest. Burns, up to a millisecond for RSA-2048: not on a loop. Any thread, with
 * an arena of its own. */
struct str private_key_sign(struct arena *arena, const struct private_key *key,
                            const uint8_t digest[32]);

#endif
