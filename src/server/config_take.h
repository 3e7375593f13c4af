/* How each kind of value is read; see config_schema.h. */
#ifndef SERVER_CONFIG_TAKE_H
#define SERVER_CONFIG_TAKE_H

#include "server/config_schema.h"

/* ---- of any record: the rule says which field ---- */
config_take config_take_text;      /* struct str, not empty */
config_take config_take_host;      /* struct str: a host's name, lower case */
config_take config_take_path;      /* struct str: an absolute path */
config_take config_take_choice;    /* an enum, by rule->choices */
config_take config_take_flag;      /* bool: whether it is the second of two choices */
config_take config_take_duration;  /* uint32_t, seconds */
config_take config_take_number;    /* uint32_t */
config_take config_take_size;      /* uint64_t, bytes */
config_take config_take_binds;     /* struct net_address *, with a count */
config_take config_take_resolvers; /* the same; port 53 may be left out */
config_take config_take_ranges;    /* struct net_range *, with a count */

/* ---- of one record ---- */
config_take config_take_listener_name; /* struct config_listener */
config_take config_take_also_name;     /* struct config_also */
config_take config_take_domain_name;   /* struct config_domain */
config_take config_take_deliver;
config_take config_take_users;
config_take config_take_separator;
config_take config_take_selector; /* struct config_dkim */
config_take config_take_pattern;  /* struct config_route */
config_take config_take_via;

#endif
