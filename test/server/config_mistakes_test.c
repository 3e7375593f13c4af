/* Every mistake is told, with its line, in words that say what to do. */
#include "config_fixture.h"

static struct arena fixture_arena;

/* Two lines of a right configuration; what is tested begins in line 3. */
#define BASE                      \
    "hostname = mx.example.org\n" \
    "listener mx { bind = {\"0.0.0.0:25\"} service = mx }\n"
#define TLS                                                                                      \
    "tls { certificate = \"/etc/postrider/fullchain.pem\" key = \"/etc/postrider/privkey.pem\" " \
    "}\n"
#define ACCOUNTS "accounts { file = \"/etc/postrider/accounts\" }\n"
#define DOMAIN(more)                                                                              \
    "domain a.example { deliver = \"maildir:/m/%{user}\" users = {\"alice\", \"bob\"} " more " }" \
    "\n"

struct mistake {
    const char *about, *text, *problems;
};

static void check(const struct mistake *mistakes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct arena arena = arena_make();
        struct str text = arena_printf(&arena, BASE "%s", mistakes[i].text);
        struct str problems = fixture_problems(&arena, fixture_parse(&arena, text));
        CHECK_STR(problems, str_of(mistakes[i].problems));
        CHECK_ROW(mistakes[i].about, str_eq(problems, str_of(mistakes[i].problems)));
        arena_reset(&arena);
    }
}

TEST(mistakes_of_shape)
{
    static const struct mistake rows[] = {
        {"a string that is not closed", "state = \"/x\nuser = root\n",
         "c:3: the string is not closed (write a \" at its end)\n"},
        {"an escape that is none", "user = \"a\\nb\"\n",
         "c:3: in a string, \\ stands before \" or \\ only (write \\\\ for a backslash)\n"},
        {"a control character", "user = a\x01z\n",
         "c:3: a control character stands here (delete it)\n"},
        {"not UTF-8", "user = \"\xff\"\n", "c:3: this is not UTF-8 (save the file as UTF-8)\n"},
        {"no value", "state =\nuser = root\n",
         "c:3: 'state =' has no value (write it on the same line)\n"},
        {"no value before another key", "state = user = root\n",
         "c:3: 'state =' has no value (write it on the same line)\n"},
        {"a list without braces", "trace { keep = 1d, 2d }\n",
         "c:3: 'keep' has several values (write a list in braces: {\"a\", \"b\"})\n"},
        {"a comma forgotten", "resolver { servers = {\"192.0.2.1\" \"192.0.2.2\"} }\n",
         "c:3: a comma is missing before \"192.0.2.2\"\n"},
        {"a list not closed", "resolver { servers = {\"192.0.2.1\"\n dnssec = no }\n",
         "c:3: the list of 'servers' is not closed (write a } at its end)\n"},
        {"something odd in a list", "resolver { servers = {\"192.0.2.1\", = } }\n",
         "c:3: '=' in the list of 'servers' (write values with a comma between them)\n"},
        {"a section written as a key", "trace = { keep = 1d }\n",
         "c:3: 'trace = {' begins a list (write a section without the '=')\n"
         "c:3: 'trace' is a section (write trace { … } without '=')\n"},
        {"a section not closed", "retry { first = 1m\n",
         "c:3: the section 'retry' is not closed (write a } at its end)\n"},
        {"a section not closed before another", "retry {\n first = 1m\ntrace { keep = 1d }\n",
         "c:3: the section 'retry' is not closed (write a } at its end)\n"
         "c:5: unknown section 'trace' in 'retry' (is a } missing before it?)\n"},
        {"a brace too many", "trace { }\n}\nuser = root\n",
         "c:4: a } that closes nothing (delete it)\n"},
        {"a key in quotes", "\"user\" = root\n",
         "c:3: the key \"user\" is in quotes (write it without)\n"},
        {"words that are nothing", "user root\nstate = \"/x\"\n",
         "c:3: 'user' begins neither a key nor a section (write key = value, or section { … })\n"},
        {"a key as a section", "user { }\n", "c:3: 'user' is a key (write user = \"postrider\")\n"},
        {"a name too many", "trace x { }\n", "c:3: 'trace' takes no name (write trace { … })\n"},
        {"a name missing", "listener { }\n",
         "c:3: 'listener' needs a name (write listener mx { … })\n"},
        {"too deep", "a { a { a { a { a { a { a { a { a { } } } } } } } } }\n",
         "c:3: sections are nested too deeply here\n"
         "c:3: unknown section 'a' (see docs/configuration.md for those that exist)\n"},
    };
    check(rows, ARRAY_LEN(rows));
}

TEST(mistakes_of_names)
{
    static const struct mistake rows[] = {
        {"a key mistyped", "hostnam = \"x\"\n",
         "c:3: unknown key 'hostnam' (did you mean 'hostname'?)\n"},
        {"in a section", "limits { recipents = 100 }\n",
         "c:3: unknown key 'recipents' in 'limits' (did you mean 'recipients'?)\n"},
        {"in another case", "limits { Recipients = 100 }\n",
         "c:3: unknown key 'Recipients' in 'limits' (did you mean 'recipients'?)\n"},
        {"a key of another section", "message_size = 10M\n",
         "c:3: unknown key 'message_size' (it belongs into 'limits')\n"},
        {"a key of the top", "trace { hostname = x }\n",
         "c:3: unknown key 'hostname' in 'trace' (it belongs outside of all sections)\n"},
        {"nothing like it", "trace { banana = x }\n",
         "c:3: unknown key 'banana' in 'trace' (there are: keep, max_size)\n"},
        {"a section mistyped", "lissener a { }\n",
         "c:3: unknown section 'lissener' (did you mean 'listener'?)\n"},
        {"a section of another", "dkim s { }\n",
         "c:3: unknown section 'dkim' (it belongs into another section)\n"},
        {"a key twice", "user = a\nuser = b\nuser = c\n",
         "c:4: 'user' is there twice (first in line 3; delete one)\n"
         "c:5: 'user' is there twice (first in line 3; delete one)\n"},
        {"a section twice", "trace { }\ntrace { }\n",
         "c:4: the section 'trace' is there twice (first in line 3; join them)\n"},
        {"a listener twice", "listener MX { bind = {\"[::]:25\"} service = mx }\n",
         "c:3: the section 'listener MX' is there twice (first in line 2; join them)\n"},
        {"a required key", "accounts { }\n",
         "c:3: 'file' is missing in 'accounts' (write file = \"/etc/postrider/accounts\")\n"},
        {"several required keys", "domain a.example {\n}\n",
         "c:3: 'deliver' is missing in 'domain' (write deliver = "
         "\"maildir:/var/mail/%{domain}/%{user}\")\n"
         "c:3: 'users' is missing in 'domain' (write users = {\"alice\", \"bob\"})\n"},
    };
    check(rows, ARRAY_LEN(rows));
}

TEST(mistakes_of_values)
{
    static const struct mistake rows[] = {
        {"a list for a value", "user = {\"a\"}\n",
         "c:3: 'user' wants one value, not a list (write user = \"postrider\")\n"},
        {"a value for a list", "relay { from = \"192.0.2.0/28\" }\n",
         "c:3: 'from' wants a list (write from = {\"192.0.2.0/28\"})\n"},
        {"an empty value", "user = \"\"\n", "c:3: 'user' is empty (write user = \"postrider\")\n"},
        {"a relative path", "state = \"spool\"\n",
         "c:3: 'spool' is not an absolute path (write state = \"/var/lib/postrider\")\n"},
        {"a size for a duration", "retry { first = 50M }\n",
         "c:3: 'first' wants a duration, and '50M' is a size (write 30s, 5m, 4h or 5d)\n"},
        {"a duration for a size", "limits { message_size = 5m }\n",
         "c:3: 'message_size' wants a size, and '5m' is a duration (write 64K, 50M or 2G)\n"},
        {"a duration without a unit", "retry { first = 30 }\n",
         "c:3: 'first' wants a duration, and '30' is without a unit (write 30s, 5m, 4h or 5d)\n"},
        {"a unit nobody knows", "trace { keep = 2w }\n",
         "c:3: 'keep' wants a duration, and '2w' is of an unknown unit (write 30s, 5m, 4h or "
         "5d)\n"},
        {"words for a number", "limits { recipients = many }\n",
         "c:3: 'recipients' wants a number, and 'many' is none (write 100)\n"},
        {"a number beyond all", "limits { message_size = 99999999999999999999 }\n",
         "c:3: 'message_size' wants a size, and '99999999999999999999' is too large (write 64K, "
         "50M or 2G)\n"},
        {"out of range", "limits { recipients = 0 }\nretry { expire = 31d }\n",
         "c:3: 'recipients = 0' is out of range (from 1 to 100000)\n"
         "c:4: 'expire = 31d' is out of range (from 1s to 30d)\n"},
        {"no choice", TLS "resolver { dnssec = maybe }\n",
         "c:4: 'dnssec' cannot be 'maybe' (choose auto, yes or no)\n"},
        {"a host that is none", "hostname = \"a b\"\n",
         "c:3: 'hostname' is there twice (first in line 1; delete one)\n"},
        {"an address without a port", "listener a { bind = {\"127.0.0.1\"} service = mx }\n",
         "c:3: '127.0.0.1' is not an address to listen on (write \"0.0.0.0:25\" or "
         "\"[::]:25\")\n"},
        {"each item of a list", "listener a {\n bind = {\"*:25\",\n \"x:25\"} service = mx }\n",
         "c:4: '*:25' is not an address to listen on (write \"0.0.0.0:25\" or \"[::]:25\")\n"
         "c:5: 'x:25' is not an address to listen on (write \"0.0.0.0:25\" or \"[::]:25\")\n"},
        {"no address at all", "listener a { bind = {} service = mx }\n",
         "c:3: 'bind' is empty (write bind = {\"0.0.0.0:25\", \"[::]:25\"})\n"},
        {"a server by name", "resolver { servers = {\"dns.example\"} }\n",
         "c:3: 'dns.example' is not the address of a DNS server (write \"192.0.2.53\" or "
         "\"127.0.0.1:5300\")\n"},
        {"the whole world", "relay { from = {\"0.0.0.0/0\",\n\"::/0\"} }\n",
         "c:3: '0.0.0.0/0' is the whole world (name the networks that you "
         "trust)\n"
         "c:4: '::/0' is the whole world (name the networks that you "
         "trust)\n"},
        {"bits behind a prefix", "relay { from = {\"192.0.2.1/28\"} }\n",
         "c:3: '192.0.2.1/28' has bits behind its prefix (set them to zero, or write a longer "
         "prefix)\n"},
        {"no range", "relay { from = {\"here\"} }\n",
         "c:3: 'here' is not a range of addresses (write \"192.0.2.0/28\" or "
         "\"2001:db8::/32\")\n"},
        {"a private network", "relay { from = {\"10.0.0.0/8\"} }\n",
         "c:3: warning: '10.0.0.0/8' is a private network: in a container all clients may seem to "
         "come from there, and could relay\n"},
    };
    check(rows, ARRAY_LEN(rows));
}

TEST(mistakes_of_listeners)
{
    static const struct mistake rows[] = {
        {"STARTTLS without a certificate",
         "listener a { bind = {\"[::]:26\"} service = mx tls = starttls }\n",
         "c:3: 'tls = starttls' without a certificate (write a section tls { certificate = … key = "
         "… })\n"},
        {"submission without accounts",
         TLS "listener a { bind = {\"[::]:26\"} service = submission }\n",
         "c:4: 'service = submission' without accounts: nobody could log in (write a section "
         "accounts { file = … })\n"},
        {"submission without encryption",
         ACCOUNTS "listener a { bind = {\"[::]:26\"} service = submission }\n",
         "c:4: logins are taken on encrypted connections only, and 'a' has none (write tls = "
         "starttls and a section tls, or auth = always)\n"},
        {"logins on mx", "listener a { bind = {\"[::]:26\"} service = mx auth = always }\n",
         "c:3: 'auth' with 'service = mx', which takes no logins (delete it)\n"},
        {"a service of later",
         "listener a { bind = {\"[::]:26\"} service = http token_file = \"/x\" }\n",
         "c:3: 'service = http' is not in this version (delete this listener)\n"},
        {"no such service", "listener a { bind = {\"[::]:26\"} service = pop3 }\n",
         "c:3: 'service' cannot be 'pop3' (choose mx, submission or http)\n"},
        {"a token without http",
         "listener a { bind = {\"[::]:26\"} service = mx token_file = \"/x\" }\n",
         "c:3: 'token_file' is for 'service = http' only (delete it)\n"},
        {"an address used twice", "listener a { bind = {\"0.0.0.0:25\"} service = mx }\n",
         "c:3: 0.0.0.0:25 is taken already by the listener 'mx' (bind each address once)\n"},
        {"an address within another", "listener a { bind = {\"127.0.0.1:25\"} service = mx }\n",
         "c:3: 127.0.0.1:25 is taken already by the listener 'mx' (bind each address once)\n"},
        {"twice in one listener",
         "listener a { bind = {\"[::1]:25\", \"[::1]:25\", \"[::2]:25\"} service = mx }\n",
         "c:3: [::1]:25 is taken already by the listener 'a' (bind each address once)\n"},
        {"IPv4 and IPv6 are apart", "listener a { bind = {\"[::]:25\"} service = mx }\n", ""},
    };
    check(rows, ARRAY_LEN(rows));
}

TEST(mistakes_of_domains)
{
    static const struct mistake rows[] = {
        {"a title that is no domain",
         "domain \"a b\" { deliver = \"maildir:/m/%{user}\" users = {\"a\"} }\n",
         "c:3: 'a b' is not the name of a domain (write domain example.org { … })\n"},
        {"LMTP to a socket", "domain a.example { deliver = \"lmtp:unix:/l\" users = {\"a\"} }\n",
         ""},
        {"LMTP to no absolute path",
         "domain a.example { deliver = \"lmtp:unix:run/lmtp\" users = {\"a\"} }\n",
         "c:3: 'lmtp:unix:run/lmtp' is not an absolute path (write lmtp:unix:/run/dovecot/lmtp)\n"},
        {"LMTP to a path alone",
         "domain a.example { deliver = \"lmtp:/run/lmtp\" users = {\"a\"} }\n",
         "c:3: 'lmtp:/run/lmtp' names no server (write lmtp:unix:/PATH, or lmtp:HOST:PORT, an IPv6 "
         "address in brackets)\n"},
        {"LMTP where SMTP is", "domain a.example { deliver = \"lmtp:h:25\" users = \"*\" }\n",
         "c:3: 'lmtp:h:25' names port 25, on which no LMTP is spoken (RFC 2033; the usual port is "
         "24)\n"},
        {"MX for our own domain", "domain a.example { deliver = mx users = {\"a\"} }\n",
         "c:3: 'mx' would send this domain's mail back here (write maildir:/PATH, "
         "lmtp:unix:/PATH, smtp:HOST:PORT or hold)\n"},
        {"no way", "domain a.example { deliver = \"/var/mail\" users = {\"a\"} }\n",
         "c:3: '/var/mail' is no way for mail (write maildir:/PATH, lmtp:unix:/PATH, "
         "smtp:HOST:PORT, mx or hold)\n"},
        {"an unknown placeholder",
         "domain a.example { deliver = \"maildir:/m/%{home}\" users = {\"a\"} }\n",
         "c:3: 'maildir:/m/%{home}' has a % that is neither %{user} nor %{domain}\n"},
        {"one mailbox for all", "domain a.example { deliver = \"maildir:/m\" users = {\"a\"} }\n",
         "c:3: warning: there is no %{user} in the path: all users share one mailbox\n"},
        {"a Maildir for everybody",
         "domain a.example { deliver = \"maildir:/m/%{user}\" users = \"*\" }\n",
         "c:3: warning: users = \"*\" with a Maildir: anyone can make directories by writing to "
         "names (list the users)\n"},
        {"everybody as a list",
         "domain a.example { deliver = \"maildir:/m/%{user}\" users = {\"*\"} }\n",
         "c:3: warning: users = \"*\" with a Maildir: anyone can make directories by writing to "
         "names (list the users)\n"},
        {"everybody behind a gateway", "domain a.example { deliver = \"smtp:h\" users = \"*\" }\n",
         ""},
        {"a user with his domain",
         "domain a.example { deliver = \"maildir:/m/%{user}\" users = {\"a@a.example\"} }\n",
         "c:3: 'a@a.example' is not a user's name (write only what stands before the @)\n"},
        {"a user twice",
         "domain a.example { deliver = \"maildir:/m/%{user}\" users = {\"a\", \"A\"} }\n",
         "c:3: warning: the user 'a' is listed twice\n"},
        {"users that are no list",
         "domain a.example { deliver = \"maildir:/m/%{user}\" users = alice }\n",
         "c:3: 'users' wants a list, \"file:/PATH\" or \"*\" (write users = {\"alice\", "
         "\"bob\"})\n"},
        {"a mistake in the users' file",
         "domain a.example { deliver = \"maildir:/m/%{user}\" users = \"file:/f/users\" }\n",
         "/f/users:5: 'x y' is not a user's name (write only what stands before the @)\n"},
        {"a separator of two characters", DOMAIN("separator = \"++\""),
         "c:3: 'separator' wants one character that is no letter, digit, dot or @ (write separator "
         "= \"+\", or \"\" for none)\n"},
        {"mistakes in the aliases", DOMAIN("aliases = \"/f/aliases-bad\""),
         "/f/aliases-bad:1: '|/bin/sh' would run a program, which aliases cannot (give it a "
         "mailbox and read that)\n"
         "/f/aliases-bad:2: '/x' would write to a file, which aliases cannot (name a user or an "
         "address)\n"
         "/f/aliases-bad:3: ':include:/x' would include a file, which aliases cannot (list the "
         "addresses here)\n"
         "/f/aliases-bad:5: 'd' is there twice (first in line 4; join their targets)\n"},
        {"a catch-all twice", DOMAIN("aliases = \"/f/aliases-rest\""),
         "/f/aliases-rest:3: '*' is there twice (first in line 1; join their targets)\n"},
        {"a catch-all where everybody is a user",
         "domain a.example { deliver = \"maildir:/m/%{user}\" users = \"*\" aliases = "
         "\"/f/aliases-rest\" }\n",
         "c:3: warning: users = \"*\" with a Maildir: anyone can make directories by writing to "
         "names (list the users)\n"
         "/f/aliases-rest:1: '*' is never used, since users = \"*\" makes every name a user "
         "(delete "
         "one of them)\n"
         "/f/aliases-rest:3: '*' is there twice (first in line 1; join their targets)\n"},
        {"a catch-all that leads to itself", DOMAIN("aliases = \"/f/aliases-ring\""),
         "/f/aliases-ring:1: '*' leads to 'nobody', and a.example has no such user (list it in "
         "users, or delete it here)\n"},
        {"a domain twice, in two forms",
         "domain b\xc3\xbc\x63her.example { deliver = hold users = {\"a\"} }\n"
         "domain xn--bcher-kva.example { deliver = hold users = {\"a\"} }\n",
         "c:4: the section 'domain xn--bcher-kva.example' is there twice (first in line 3; join "
         "them)\n"},
        {"a domain that IDNA does not know",
         "domain \xe2\x98\x83\xcd\x8f.example { deliver = hold users = {\"a\"} }\n",
         "c:3: '\xe2\x98\x83\xcd\x8f.example' is not the name of a domain (write domain "
         "example.org { … })\n"},
        {"aliases that lead nowhere, beside another mistake",
         DOMAIN("aliases = \"/f/aliases-lost\"") "limits { recipients = x }\n",
         "c:4: 'recipients' wants a number, and 'x' is none (write 100)\n"
         "/f/aliases-lost:2: 'b' leads to 'nobody', and a.example has no such user (list it in "
         "users, or delete it here)\n"
         "/f/aliases-lost:3: 'c' leads back to itself or to more than 1,000 addresses (correct its "
         "targets)\n"
         "/f/aliases-lost:4: 'd' leads back to itself or to more than 1,000 addresses (correct its "
         "targets)\n"},
        {"another setting for others' policies", DOMAIN("dmarc = none"),
         "c:3: 'dmarc' cannot be 'none' (choose enforce, quarantine, mark or off)\n"},
        {"a key that is damaged", DOMAIN("dkim s { key = \"/f/broken.key\" }"),
         "c:3: /f/broken.key is a damaged private key (make one with postrider dkim keygen)\n"},
        {"a key of another algorithm", DOMAIN("dkim s { key = \"/etc/postrider/privkey.pem\" }"),
         "c:3: /etc/postrider/privkey.pem is neither an Ed25519 key nor an RSA key of 1024 to 4096 "
         "bits (make one with postrider dkim keygen)\n"},
        {"a key that is none", DOMAIN("dkim s { key = \"/etc/postrider/relay-password\" }"),
         "c:3: /etc/postrider/relay-password is no private key in PKCS#8 PEM (convert it with "
         "openssl pkcs8 -topk8 -nocrypt)\n"},
    };
    check(rows, ARRAY_LEN(rows));
}

TEST(mistakes_of_routes)
{
    static const struct mistake rows[] = {
        {"a pattern that is none", "route \"*.*.example\" { via = mx }\n",
         "c:3: '*.*.example' is not a pattern of domains (write \"example.net\", "
         "\"*.example.net\" or \"*\")\n"},
        {"no host", "route \"*\" { via = \"smtp:\" }\n",
         "c:3: 'smtp:' names no host (write smtp:HOST:PORT, an IPv6 address in brackets)\n"},
        {"a mistyped address", "route \"*\" { via = \"smtp:300.1.2.3:25\" }\n",
         "c:3: 'smtp:300.1.2.3:25' names no host (write smtp:HOST:PORT, an IPv6 address in "
         "brackets)\n"},
        {"a wrong port", "route \"*\" { via = \"smtp:a.example:99999\" }\n",
         "c:3: 'smtp:a.example:99999' has a wrong port (from 1 to 65535)\n"},
        {"a login in clear",
         "route \"*\" { via = \"smtp:a.example:25\" tls = none auth { user = a password_file = "
         "\"/etc/postrider/relay-password\" } }\n",
         "c:3: 'tls = none' with 'auth': a login is only sent over verified TLS (write tls = "
         "verify)\n"},
        {"a login over TLS that nobody verified",
         "route \"*\" { via = \"smtp:a.example:25\" tls = may auth { user = a password_file = "
         "\"/etc/postrider/relay-password\" } }\n",
         "c:3: warning: 'auth' makes it tls = verify: a login is only sent over verified TLS\n"},
        {"a login to nobody",
         "route \"*\" { via = mx auth { user = a password_file = "
         "\"/etc/postrider/relay-password\" } }\n",
         "c:3: 'auth' is for via = \"smtp:HOST:PORT\" only (delete it)\n"},
        {"a route for our own domain", DOMAIN("") "route a.example { via = mx }\n",
         "c:4: warning: the route 'a.example' has no effect: the domain section goes first\n"},
        {"retries that shrink", "retry { first = 2h max = 1h }\n",
         "c:3: 'first' is longer than 'max' (make it shorter)\n"},
        {"a warning after the end", "retry { warn = 5d }\n",
         "c:3: warning: 'warn' is not before 'expire': nobody is told of a delay\n"},
    };
    check(rows, ARRAY_LEN(rows));
}

TEST(mistakes_of_files)
{
    static const struct mistake rows[] = {
        {"not there", "accounts { file = \"/nowhere\" }\n",
         "c:3: cannot read /nowhere (there is no such file; make it or correct the path)\n"},
        {"not for us", "accounts {\n file = \"/f/denied\" }\n",
         "c:4: cannot read /f/denied (permission denied; run this as root, or as the file's "
         "owner)\n"},
        {"open to others", "accounts { file = \"/f/open\" }\n",
         "c:3: /f/open has mode 0640 and is open to others (chmod 0600 /f/open)\n"},
        {"a mistake in the accounts", "accounts { file = \"/f/accounts-bad\" }\n",
         "/f/accounts-bad:2: 'alice' has no hash that crypt(3) knows (set one with postrider "
         "account passwd)\n"},
        {"a key open to others",
         "tls { certificate = \"/etc/postrider/fullchain.pem\" key = \"/f/open\" }\n",
         "c:3: /f/open has mode 0640 and is open to others (chmod 0600 /f/open)\n"},
        {"no password",
         "route \"*\" { via = \"smtp:a.example\" auth { user = a password_file = \"/f/empty\" } "
         "}\n",
         "c:3: /f/empty has no password in its first line (write it there)\n"},
    };
    check(rows, ARRAY_LEN(rows));
}

#define PAIR "certificate = \"/etc/postrider/fullchain.pem\" key = \"/etc/postrider/privkey.pem\" "

TEST(mistakes_of_certificates)
{
    static const struct mistake rows[] = {
        {"all is right",
         "tls { " PAIR "also b.example { " PAIR "} }\nroute \"*\" { via = mx " PAIR "}\n", ""},
        {"a further one without a name", "tls { " PAIR "also { " PAIR "} }\n",
         "c:3: 'also' needs a name (write also example.net { … })\n"},
        {"a further one without a key",
         "tls { " PAIR "also b { certificate = \"/etc/postrider/fullchain.pem\" } }\n",
         "c:3: 'key' is missing in 'also' (write key = "
         "\"/etc/postrider/example.net/privkey.pem\")\n"},
        {"a further one alone", "tls { also b { " PAIR "} }\n",
         "c:3: 'certificate' is missing in 'tls' (write certificate = "
         "\"/etc/postrider/fullchain.pem\")\n"
         "c:3: 'key' is missing in 'tls' (write key = \"/etc/postrider/privkey.pem\")\n"},
        {"a key that others can read",
         "tls { " PAIR "\nalso b { certificate = \"/etc/postrider/fullchain.pem\"\nkey = "
         "\"/f/open\" } }\n",
         "c:5: /f/open has mode 0640 and is open to others (chmod 0600 /f/open)\n"},
        {"a client's without a key",
         "route \"*\" { via = mx\ncertificate = \"/etc/postrider/fullchain.pem\" }\n",
         "c:4: 'certificate' without 'key' (write both, or none)\n"},
        {"a client's key alone", "route \"*\" { via = mx key = \"/etc/postrider/privkey.pem\" }\n",
         "c:3: 'key' without 'certificate' (write both, or none)\n"},
        {"a client's where there is none", "route \"*\" { via = hold " PAIR "}\n",
         "c:3: 'certificate' is for via = mx or \"smtp:HOST:PORT\" only (delete it)\n"},
        {"a client's in clear", "route \"*\" { via = mx tls = none " PAIR "}\n",
         "c:3: 'certificate' with 'tls = none': nobody would see it (delete one)\n"},
        {"a proxy anywhere",
         "listener a { bind = {\"[::]:26\"} service = mx proxy = {\"0.0.0.0/0\"} xclient = {\"x\"} "
         "}\n",
         "c:3: '0.0.0.0/0' is the whole world (name the networks that you trust)\n"
         "c:3: 'x' is not a range of addresses (write \"192.0.2.0/28\" or \"2001:db8::/32\")\n"},
    };
    check(rows, ARRAY_LEN(rows));
}

TEST(a_certificate_that_does_not_work_is_told)
{
    struct arena arena = arena_make();
    struct config *config = fixture_parse(
        &arena,
        STR(BASE "tls { certificate = \"/f/users\" key = \"/etc/postrider/privkey.pem\" }"));
    REQUIRE(config->problem_count == 1);
    CHECK(str_starts(config_problem_print(&config->problems[0]),
                     STR("c:3: this certificate and key cannot be used: ")));
    arena_reset(&arena);
}

TEST(an_empty_file_is_told_what_it_lacks)
{
    struct arena arena = arena_make();
    CHECK_STR(fixture_problems(&arena, fixture_parse(&arena, STR(""))),
              STR("c:1: 'hostname' is missing (write hostname = \"mx.example.org\")\n"
                  "c:1: warning: there is no listener: mail comes from this machine alone\n"));
    arena_reset(&arena);
}

TEST(all_mistakes_are_told_at_once_and_in_order)
{
    static const char text[] =
        "hostnam = \"x\"\n"
        "listener mx { bind = {\"0.0.0.0:25\"} service = mxx tls = starttls }\n"
        "retry { first = 50M }\n"
        "limits { message_size = }\n"
        "trace { kep = 1d max_size = 1 }\n"
        "accounts { file = \"/f/accounts-bad\" }\n";
    struct arena arena = arena_make();
    CHECK_STR(
        fixture_problems(&arena, fixture_parse(&arena, str_of(text))),
        STR("c:1: unknown key 'hostnam' (did you mean 'hostname'?)\n"
            "c:1: 'hostname' is missing (write hostname = \"mx.example.org\")\n"
            "c:2: 'service' cannot be 'mxx' (choose mx, submission or http)\n"
            "c:2: 'tls = starttls' without a certificate (write a section tls { certificate = … "
            "key "
            "= … })\n"
            "c:3: 'first' wants a duration, and '50M' is a size (write 30s, 5m, 4h or 5d)\n"
            "c:4: 'message_size =' has no value (write it on the same line)\n"
            "c:5: unknown key 'kep' in 'trace' (did you mean 'keep'?)\n"
            "c:5: 'max_size = 1' is out of range (from 1M to 1024G)\n"
            "/f/accounts-bad:2: 'alice' has no hash that crypt(3) knows (set one with postrider "
            "account passwd)\n"));
    arena_reset(&arena);
}

int main(void)
{
    fixture_init(&fixture_arena);
    RUN(mistakes_of_shape);
    RUN(mistakes_of_names);
    RUN(mistakes_of_values);
    RUN(mistakes_of_listeners);
    RUN(mistakes_of_domains);
    RUN(mistakes_of_routes);
    RUN(mistakes_of_files);
    RUN(mistakes_of_certificates);
    RUN(a_certificate_that_does_not_work_is_told);
    RUN(an_empty_file_is_told_what_it_lacks);
    RUN(all_mistakes_are_told_at_once_and_in_order);
    arena_reset(&fixture_arena);
    return test_summary();
}
