#!/usr/bin/env python3
"""The same binary as a relay: everything that postrider takes arrives at the next host, a real
Postfix, over TLS: once, and unchanged but for the trace fields on top."""

import os

import bulk
from harness import Postfix, Server, directory, main, queue_id, test, wait_for

MESSAGES = int(os.environ.get("RELAY_MESSAGES", "10000"))


@test
def ten_thousand_messages_reach_postfix_over_tls_once_and_unchanged():
    with directory() as path, Postfix(path, smtpd_tls_received_header="yes") as postfix, \
            Server(path, text='relay { from = {"127.0.0.1"} }',
                   routes=f'route "*" {{ via = "smtp:127.0.0.1:{postfix.port}" tls = require }}',
                   limits="limits { messages_per_session = 100000 }") as server:
        bulk.send(server.client, MESSAGES, "all@sink.test")
        wait_for(lambda: len(postfix.messages()) >= MESSAGES, f"{MESSAGES} messages at Postfix", 300)
        wait_for(lambda: server.queue() == [], "an empty queue")
        bulk.check_arrived(postfix.messages(), MESSAGES, {"over TLS": rb"\(using TLSv1.3 with cipher"},
                           "postrider to Postfix")


@test
def a_refusal_by_the_next_host_ends_the_message_and_is_told():
    with directory() as path, Postfix(path, smtpd_relay_restrictions="reject_unauth_destination") as postfix, \
            Server(path, text='relay { from = {"127.0.0.1"} }',
                   routes=f'route "*" {{ via = "smtp:127.0.0.1:{postfix.port}" tls = may }}') as server:
        with server.client() as client:
            client.mail("sender@load.test")
            client.rcpt("all@sink.test")
            client.rcpt("someone@not-relayed.test")
            message_id = queue_id(client.data(bulk.content(1))[1])
        wait_for(lambda: len(postfix.messages()) == 1, "the good recipient's copy")
        story = wait_for(lambda: (lambda text: text if "bounced" in text else None)(server.trace(message_id)),
                         "the refusal in the story")
        assert "not-relayed.test" in story and "sink.test" in story


@test
def mail_waits_while_the_next_host_is_away_and_goes_when_it_is_back():
    with directory() as path:
        postfix = Postfix(path)
        with Server(path, text='relay { from = {"127.0.0.1"} }\nretry { first = 1s max = 2s }',
                    routes=f'route "*" {{ via = "smtp:127.0.0.1:{postfix.port}" tls = may }}') as server:
            with server.client() as client:
                client.mail("sender@load.test")
                client.rcpt("all@sink.test")
                message_id = queue_id(client.data(bulk.content(1))[1])
            [row] = wait_for(lambda: server.queue("--state", "waiting"), "the message waiting")
            assert row["reason"] == "connection" and "refused" in row["words"], row
            with postfix:
                wait_for(lambda: len(postfix.messages()) == 1, "the message")
                wait_for(lambda: server.queue() == [], "an empty queue")
                story = server.trace(message_id)
                assert "refused" in story and "delivered" in story, story


main()
