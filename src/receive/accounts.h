/* Who may log in: a file of `USER:HASH[:ADDRESS,…]` lines, one account each, mode 0600; empty lines
 * and lines that begin with `#` say nothing. HASH is crypt(3)'s: yescrypt is made, others are
 * accepted. Read-only once parsed, shared by all threads. */
#ifndef RECEIVE_ACCOUNTS_H
#define RECEIVE_ACCOUNTS_H

#include "base/arena.h"
#include "base/err.h"
#include "fiber/blocking.h"

struct accounts;

/* A name's length in bytes, and a password's: crypt(3) takes no more. */
#define ACCOUNT_NAME_MAX_BYTES     254
#define ACCOUNT_PASSWORD_MAX_BYTES 511

/* Parses the file's text into `arena`, which must outlive the accounts.
 * ERR_SYNTAX: *out_line says where (counting from 1), *out_problem, in `arena`, what is wrong and
 * what to do. */
MUST_CHECK enum err accounts_parse(struct str text, struct arena *arena,
                                   struct accounts **out_accounts, size_t *out_line,
                                   struct str *out_problem);
/* What the arena does not hold. Takes NULL. */
void accounts_free(struct accounts *accounts);

struct account {
    struct str name; /* as written */
    struct str hash;
    struct str *addresses; /* own addresses, for `senders = own`; "@domain" for a whole domain */
    size_t address_count;
};
/* Names are compared byte by byte after lower-casing ASCII. NULL when there is none. */
const struct account *accounts_find(const struct accounts *accounts, struct str name);
/* In the order of the file: start with *position = 0; NULL at the end. */
const struct account *accounts_next(const struct accounts *accounts, size_t *position);
/* NULL when an account may have this name, else what is wrong with it. */
const char *account_name_problem(struct str name);

enum accounts_answer { ACCOUNTS_YES, ACCOUNTS_NO, ACCOUNTS_BUSY };
/* Hashes on the pool, for an unknown name as long as for the first account of the file (with one
 * kind of hash in the file, that is as long as for any). ACCOUNTS_BUSY: the pool is full
 * (454 4.7.0). Wipes its copies of the password. *out_account is written with ACCOUNTS_YES only. */
MAY_YIELD enum accounts_answer accounts_check(const struct accounts *accounts,
                                              struct blocking_pool *pool, struct str name,
                                              struct str password,
                                              const struct account **out_account);
/* A yescrypt hash with a new salt. Burns; not for a loop. ERR_SYNTAX: the password is empty or
 * holds a NUL; ERR_LIMIT: it is too long; ERR_UNSUPPORTED: crypt(3) here has no yescrypt. */
MUST_CHECK enum err accounts_hash(struct str password, struct arena *arena, struct str *out_hash);

#endif
