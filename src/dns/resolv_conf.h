/* The name servers that the system's administrator named in resolv.conf(5). */
#ifndef DNS_RESOLV_CONF_H
#define DNS_RESOLV_CONF_H

#include "net/address.h"

#define RESOLV_CONF_PATH        "/etc/resolv.conf"
#define RESOLV_CONF_SERVERS_MAX 3 /* as resolv.conf(5) */

/* Pure. Returns how many were found; lines that make no sense are skipped, as libc does. */
size_t resolv_conf_parse(struct str text, struct net_address servers[RESOLV_CONF_SERVERS_MAX]);
/* 0 when the file cannot be read. Reads a small local file at start: blocks. */
size_t resolv_conf_read(const char *path, struct net_address servers[RESOLV_CONF_SERVERS_MAX]);

#endif
