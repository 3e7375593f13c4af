/* One message into one Maildir, on a pool of threads, in pieces of at most 64 KiB.
 *
 * The file: "Return-Path: <sender>", "Delivered-To: recipient", then the message, all with LF line
 * ends. It is written in tmp/, synced, renamed into new/, and new/ is synced: only then OK.
 *
 * The name is not random but made of the message:
 * TIME.M<microseconds>Q<id>_<recipient>.<host>,S=<size>, TIME being its arrival. So a delivery that
 * is repeated, since its outcome was lost in a crash or new/ could not be synced, finds its own
 * file with one look and makes no second one; and what a crash left in tmp/ is replaced, not
 * gathered. The price: once a reader has moved the file to cur/ it is not found any more, and a
 * second copy arises. Looking through cur/ would cost each delivery a walk over the whole mailbox.
 *
 * A folder of the mailbox is Maildir++: the directory ".FOLDER" in it, a Maildir again, marked by
 * an empty file "maildirfolder".
 *
 * No file is ever overwritten, and no link that somebody put into tmp/ is followed. Directories
 * that are missing are made (0700), the parents as well. */
#ifndef DELIVER_MAILDIR_H
#define DELIVER_MAILDIR_H

#include "deliver/content.h"
#include "fiber/blocking.h"

struct maildir_message {
    const struct content_source *content; /* CRLF line ends */
    spool_id id;
    uint32_t recipient_number; /* counts from 1 */
    struct str sender;         /* without brackets; empty: the null sender */
    struct str recipient;
};

struct maildir_place {
    struct disk *disk;
    struct blocking_pool *pool;
    struct str path;     /* of the Maildir, without a trailing slash */
    struct str folder;   /* of it, "Junk"; empty: the inbox */
    struct str hostname; /* for the file name */
};

/* Delivers. On an error *out_problem says in plain words what could not be done; in `arena`.
 * ERR_CANCELLED only between pieces. */
MUST_CHECK MAY_YIELD enum err maildir_deliver(const struct maildir_place *place,
                                              const struct maildir_message *message,
                                              struct arena *arena, struct str *out_problem);

#endif
