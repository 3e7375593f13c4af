#!/usr/bin/env python3
"""Strangers cannot relay: every old trick to make a server carry mail elsewhere, each refused, or
taken as the odd name of a local mailbox that does not exist. And a route grants nothing."""

from harness import Raw, Server, directory, main, test, wait_for

# The next host of `route`: nothing may ever come to it. Port 9 of loopback has no listener.
ROUTES = '''
route "routed.test" { via = "smtp:127.0.0.1:9" tls = none }
route "*" { via = "smtp:127.0.0.1:9" tls = none }
'''


def refused(rcpt, sender="stranger@elsewhere.test", helo="EHLO stranger.test"):
    with directory() as path, Server(path, routes=ROUTES) as server, Raw(server.mx) as client:
        client.ask(helo)
        mail = client.ask(f"MAIL FROM:<{sender}>")
        reply = client.ask(f"RCPT TO:{rcpt}") if mail.startswith("2") else mail
        assert reply[:1] == "5", f"{rcpt}: {reply}"
        assert client.ask("DATA")[:3] in ("503", "554")
        client.ask("RSET")
        assert client.ask("RCPT TO:<alice@example.org>")[:3] == "503"
        assert server.queue() == []
    return reply


@test
def a_foreign_recipient_is_refused():
    assert refused("<victim@elsewhere.test>")[:3] in ("550", "554")


@test
def a_percent_hack_is_refused():
    assert refused("<victim%elsewhere.test@example.org>").startswith("550 5.1.1")


@test
def a_bang_path_is_refused():
    assert refused("<elsewhere.test!victim@example.org>").startswith("550 5.1.1")


@test
def a_bang_path_without_a_domain_is_refused():
    refused("<elsewhere.test!victim>")


@test
def a_source_route_is_refused():
    refused("<@example.org:victim@elsewhere.test>")


@test
def a_source_route_to_a_local_user_is_refused_or_taken_as_that_user():
    with directory() as path, Server(path, routes=ROUTES) as server, Raw(server.mx) as client:
        client.ask("EHLO stranger.test")
        client.ask("MAIL FROM:<stranger@elsewhere.test>")
        assert client.ask("RCPT TO:<@elsewhere.test:alice@example.org>")[:1] in "25"
        assert client.ask("RCPT TO:<@example.org,@elsewhere.test:victim@elsewhere.test>")[:1] == "5"


@test
def a_quoted_local_part_with_an_address_in_it_is_refused():
    assert refused('<"victim@elsewhere.test"@example.org>').startswith("550 5.1.1")


@test
def a_quoted_percent_hack_is_refused():
    refused('<"victim%elsewhere.test"@example.org>')


@test
def two_at_signs_are_refused():
    refused("<victim@elsewhere.test@example.org>")


@test
def two_addresses_in_one_path_are_refused():
    refused("<alice@example.org,victim@elsewhere.test>")


@test
def a_forged_local_sender_does_not_open_the_relay():
    assert refused("<victim@elsewhere.test>", sender="alice@example.org")[:3] in ("550", "554")


@test
def a_forged_sender_of_the_host_itself_does_not_open_the_relay():
    refused("<victim@elsewhere.test>", sender="root@mx.example.test")


@test
def the_null_sender_does_not_open_the_relay():
    refused("<victim@elsewhere.test>", sender="")


@test
def an_address_literal_is_refused():
    refused("<victim@[192.0.2.1]>")


@test
def the_address_literal_of_the_server_itself_is_refused():
    refused("<victim@[127.0.0.1]>")


@test
def an_ipv6_address_literal_is_refused():
    refused("<victim@[IPv6:2001:db8::1]>")


@test
def a_route_for_a_domain_without_a_section_does_not_open_the_relay():
    assert refused("<victim@routed.test>")[:3] in ("550", "554")


@test
def a_subdomain_of_a_local_domain_is_foreign():
    refused("<alice@sub.example.org>")


@test
def a_trailing_dot_does_not_open_the_relay():
    refused("<victim@elsewhere.test.>")


@test
def a_port_behind_the_domain_is_refused():
    refused("<victim@elsewhere.test:2525>")


@test
def a_helo_with_our_name_does_not_open_the_relay():
    refused("<victim@elsewhere.test>", helo="HELO mx.example.test")


@test
def a_made_up_sender_of_forwarded_mail_does_not_open_the_relay():
    for local in ("SRS0=AAAAAA=AA=elsewhere.test=victim", "srs0=aaaaaa=aa=elsewhere.test=victim", "SRS0=elsewhere.test=victim",
                  "SRS0+AAAA=AA=elsewhere.test=victim", "SRS0==AA=elsewhere.test=victim", "SRS0=",
                  "SRS1=AAAAAAAA=elsewhere.test==AAAA=AA=x.test=victim", "SRS1=x=elsewhere.test=victim"):
        assert refused(f"<{local}@example.org>").startswith("550 5.1.1")
    assert refused("<SRS0=AAAAAA=AA=example.org=victim@elsewhere.test>")[:3] in ("550", "554")


@test
def vrfy_and_expn_do_not_tell_who_exists():
    with directory() as path, Server(path) as server, Raw(server.mx) as client:
        client.ask("EHLO stranger.test")
        assert client.ask("VRFY alice")[:3] == client.ask("VRFY nobody")[:3]
        assert client.ask("EXPN alice")[:3] in ("502", "550")


@test
def a_login_is_needed_to_submit_and_gives_the_right_to_send_elsewhere():
    with directory() as path, Server(path, routes=ROUTES, senders="local") as server:
        with Raw(server.submission) as client:
            client.ask("EHLO stranger.test")
            assert client.ask("MAIL FROM:<alice@example.org>").startswith("530")
        with server.login() as client:
            assert client.mail("alice@example.org")[0] == 250
            assert client.rcpt("friend@elsewhere.test")[0] == 250
            client.rset()
            assert client.mail("someone@elsewhere.test")[0] == 553


@test
def a_client_in_relay_from_may_relay():
    with directory() as path, Server(path, routes=ROUTES, text='relay { from = {"127.0.0.1"} }') as server:
        with server.client() as client:
            client.sendmail("host@inside.test", ["friend@elsewhere.test"], b"Subject: x\r\n\r\nx\r\n")
        [row] = wait_for(server.queue, "the message in the queue")
        assert row["recipient"] == "friend@elsewhere.test"


main()
