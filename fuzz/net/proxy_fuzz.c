/* Laws: a header is the same whatever follows it; any less of it asks for more; its client is an IP
 * address; without an end it is refused in time. */
#include "net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_prefixes(struct str bytes)
{
    struct net_proxy_header header;
    size_t used;
    for (size_t len = 0; len < bytes.len; len++)
        assert(net_proxy_parse(str_first(bytes, len), &header, &used) == ERR_MORE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_make((const char *)data, size);
    struct net_proxy_header header, again;
    size_t used, used_again;
    enum err err = net_proxy_parse(in, &header, &used);
    assert(err != ERR_MORE || size < NET_PROXY_MAX_BYTES);
    if (err)
        return 0;
    assert(used <= size && used <= NET_PROXY_MAX_BYTES);
    assert(net_proxy_parse(str_first(in, used), &again, &used_again) == OK);
    assert(used == used_again && header.has_client == again.has_client);
    if (header.has_client) {
        int family = header.client.socket.any.sa_family;
        assert(family == AF_INET || family == AF_INET6);
        assert(net_address_eq(&header.client, &again.client));
    }
    check_prefixes(str_first(in, used));
    return 0;
}
