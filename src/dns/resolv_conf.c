#include "dns/resolv_conf.h"

#include <stdio.h>

#define FILE_MAX_BYTES 8192
#define DNS_PORT       53

static bool parse_line(struct str line, struct net_address *out_server)
{
    struct str keyword = STR("nameserver");
    struct str value = str_from(line, keyword.len);
    if (!str_starts(line, keyword) || value.len == 0 || !char_is_wsp(value.at[0]))
        return false;
    value = str_trim(value);
    size_t end = 0;
    while (end < value.len && !char_is_wsp(value.at[end]))
        end++;
    if (net_address_parse_ip(str_first(value, end), out_server))
        return false;
    net_address_set_port(out_server, DNS_PORT);
    return true;
}

size_t resolv_conf_parse(struct str text, struct net_address servers[RESOLV_CONF_SERVERS_MAX])
{
    size_t count = 0;
    while (text.len && count < RESOLV_CONF_SERVERS_MAX) {
        struct str line = text;
        if (!str_cut(text, '\n', &line, &text))
            text = STR_EMPTY;
        if (parse_line(line, &servers[count]))
            count++;
    }
    return count;
}

size_t resolv_conf_read(const char *path, struct net_address servers[RESOLV_CONF_SERVERS_MAX])
{
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    char text[FILE_MAX_BYTES];
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    return resolv_conf_parse(str_make(text, len), servers);
}
