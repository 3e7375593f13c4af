#include "receive/policy.h"

#include "fiber/loop.h"
#include "mail/address_list.h"
#include "mail/idna.h"

#define FROM_ADDRESSES_MAX 100

static const struct answer login_first = {530, {5, 7, 0}, "Log in first"};
static const struct answer not_your_sender = {
    553, {5, 7, 1}, "Your account may not send from this address"};
static const struct answer no_such_user = {550, {5, 1, 1}, "No such user here"};
static const struct answer forged_sender = {
    550, {5, 1, 1}, "No such address: not a sender that was written here"};
static const struct answer expired_sender = {550, {5, 1, 1}, "This rewritten sender has expired"};
static const struct answer relay_denied = {
    554, {5, 7, 1}, "Relaying denied: the recipient is not ours"};
static const struct answer literal_denied = {550, {5, 1, 2}, "We do not send to address literals"};
static const struct answer alias_loop = {554, {5, 4, 6}, "The aliases of this address are a loop"};
static const struct answer many_from = {550, {5, 7, 1}, "More than one From field"};
static const struct answer odd_from = {
    550, {5, 7, 1}, "The From field cannot be read without doubt"};
static const struct answer not_your_from = {
    550, {5, 7, 1}, "Your account may not use this From address"};

/* ---- senders ---- */

static bool is_local(const struct session *session, const struct mail_address *address)
{
    if (address->is_literal || address->domain.len == 0)
        return false;
    return route_is_local_domain(session->service->routes, address->domain);
}

/* `own`: an address, or "@domain". */
static bool is_covered_by(struct str own, struct str address, struct str domain)
{
    if (str_starts(own, STR("@")))
        return str_eq_nocase(str_from(own, 1), domain);
    return str_eq_nocase(own, address);
}

/* An account that is named like an address owns that too. */
static bool is_own(struct session *session, const struct mail_address *address)
{
    const struct account *account = session->account;
    struct mail_address plain = mail_address_with_a_labels(&session->arena, address);
    struct str text = mail_address_text(&session->arena, &plain);
    for (size_t i = 0; i < account->address_count; i++)
        if (is_covered_by(account->addresses[i], text, plain.domain))
            return true;
    struct str written = mail_address_text(&session->arena, address);
    return str_find(account->name, '@') != SIZE_MAX &&
           (str_eq_nocase(account->name, text) || str_eq_nocase(account->name, written));
}

static bool may_send_as(struct session *session, const struct mail_address *address)
{
    switch (session->service->senders) {
    case RECEIVE_SENDERS_LOCAL:
        return is_local(session, address);
    case RECEIVE_SENDERS_OWN:
        return is_own(session, address);
    case RECEIVE_SENDERS_ANY:
        return true;
    }
    return false;
}

/* On mx everybody may say that he is anybody: it grants nothing. The null sender is for reports,
 * which no account writes unless it may write anything. */
const struct answer *policy_check_sender(struct session *session, const struct mail_path *path)
{
    if (session->service->kind == RECEIVE_MX)
        return NULL;
    if (!session->account)
        return &login_first;
    if (path->is_null)
        return session->service->senders == RECEIVE_SENDERS_ANY ? NULL : &not_your_sender;
    return may_send_as(session, &path->address) ? NULL : &not_your_sender;
}

/* A message without From claims nothing. */
const struct answer *policy_check_from(struct session *session, const struct str *values,
                                       size_t count)
{
    const struct receive_service *service = session->service;
    struct mail_address_list list;
    if (service->kind == RECEIVE_MX || service->senders == RECEIVE_SENDERS_ANY || count == 0)
        return NULL;
    if (count > 1)
        return &many_from;
    if (mail_address_list_parse(&session->arena, values[0], FROM_ADDRESSES_MAX, &list) ||
        list.is_ambiguous || list.count == 0)
        return &odd_from;
    for (size_t i = 0; i < list.count; i++)
        if (!may_send_as(session, &list.items[i]))
            return &not_your_from;
    return NULL;
}

/* ---- recipients ---- */

static bool may_relay(const struct session *session)
{
    return session->service->kind == RECEIVE_MX ? session->is_relay_client
                                                : session->account != NULL;
}

/* A postmaster without a domain is that of this host. */
static struct route_targets itself(const struct session *session, const struct mail_path *path,
                                   struct arena *arena)
{
    struct route_targets targets = {.addresses = ARENA_NEW(arena, struct str), .count = 1};
    struct mail_address address = mail_address_with_a_labels(arena, &path->address);
    if (path->is_postmaster)
        address = (struct mail_address){STR("postmaster"), session->service->hostname, false};
    targets.addresses[0] = mail_address_text(arena, &address);
    return targets;
}

static const struct answer *refusal_of(const struct session *session, enum route_answer answer,
                                       const struct mail_path *path)
{
    if (answer == ROUTE_LOOP)
        return &alias_loop;
    if (session->service->accept_everything)
        return NULL;
    if (answer == ROUTE_FORGED)
        return &forged_sender;
    if (answer == ROUTE_EXPIRED)
        return &expired_sender;
    if (answer == ROUTE_NO_SUCH_USER || path->is_postmaster)
        return &no_such_user;
    if (!may_relay(session))
        return &relay_denied;
    return path->address.is_literal ? &literal_denied : NULL;
}

const struct answer *policy_check_recipient(const struct session *session,
                                            const struct mail_path *path, struct arena *arena,
                                            struct route_targets *out_targets)
{
    struct mail_address address = path->address;
    if (path->is_postmaster)
        address = (struct mail_address){STR("postmaster"), STR_EMPTY, false};
    struct route_targets targets;
    int64_t wall_us = clock_wall_us(loop_clock(loop_current()));
    enum route_answer answer =
        route_recipient(session->service->routes, &address, wall_us, arena, &targets);
    if (answer != ROUTE_LOCAL) {
        const struct answer *no = refusal_of(session, answer, path);
        if (no)
            return no;
        targets = itself(session, path, arena);
    }
    *out_targets = targets;
    return NULL;
}
