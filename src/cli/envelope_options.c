#include "cli/envelope_options.h"

#include <stdio.h>
#include <unistd.h>

#define HOSTNAME_MAX_BYTES 256

struct str envelope_hostname(struct arena *arena)
{
    char name[HOSTNAME_MAX_BYTES] = "";
    if (gethostname(name, sizeof name - 1) || !*name)
        return STR("localhost");
    return arena_copy(arena, str_of(name));
}

static struct str without_brackets(struct str path)
{
    if (str_starts(path, STR("<")) && str_ends(path, STR(">")))
        return str_from(str_first(path, path.len - 1), 1);
    return path;
}

bool envelope_options_read(const char *command, const char *ip, const char *helo, const char *from,
                           struct arena *arena, struct spf_query *out_query)
{
    struct spf_query query = {.helo = str_of(helo ? helo : "")};
    if (!ip || (!helo && !from)) {
        fprintf(stderr, "postrider %s: give --ip, and --helo or --from (see --help)\n", command);
        return false;
    }
    if (net_address_parse_ip(str_of(ip), &query.client)) {
        fprintf(stderr, "postrider %s: --ip wants an IPv4 or IPv6 address, not \"%s\"\n", command,
                ip);
        return false;
    }
    query.sender = without_brackets(str_of(from ? from : ""));
    struct str hostname = envelope_hostname(arena);
    query.receiver = str_find(hostname, '.') == SIZE_MAX ? STR_EMPTY : hostname;
    *out_query = query;
    return true;
}
