#!/usr/bin/env python3
"""The same binary as a relay: everything that postrider takes arrives at the next host, a real
Postfix, over TLS: once, and unchanged but for the trace fields on top."""

import hashlib
import os
import random
import re
import subprocess
import threading

from harness import Postfix, Server, directory, main, queue_id, test, wait_for

MESSAGES = int(os.environ.get("RELAY_MESSAGES", "10000"))
SESSIONS = 20


def content(number, seed=1):
    """A message of its own: sizes from tiny to beyond what stays in memory, lines of all kinds."""
    source = random.Random(f"{seed}-{number}")
    size = source.choice((0, 10, 500, 4000, 4000, 12000, 70000 if number % 50 == 0 else 100))
    lines = [f"X-Number: {number}", f"Subject: message {number}", "From: <sender@load.test>", ""]
    while size > 0:
        line = source.choice(("", ".", "..", ". x", "plain text", "x" * source.randrange(1, 990), "From here", "\t\ttabs ",
                              "trailing space "))
        lines.append(line)
        size -= len(line) + 2
    return ("\r\n".join(lines) + "\r\n").encode()


def digest(data):
    return hashlib.sha256(data).hexdigest()


def send_range(server, numbers, to, problems):
    try:
        with server.client() as client:
            for number in numbers:
                client.mail("sender@load.test")
                client.rcpt(to)
                code, reply = client.data(content(number))
                assert code == 250, reply
                queue_id(reply)
    except BaseException as problem:
        problems.append(problem)


def strip_trace(data):
    """What was sent, of what arrived: the next host's fields and ours taken off, CRLF again."""
    text = data.replace(b"\n", b"\r\n")
    return text[text.index(b"X-Number: "):]


@test
def ten_thousand_messages_reach_postfix_over_tls_once_and_unchanged():
    with directory() as path, Postfix(path, smtpd_tls_received_header="yes") as postfix, \
            Server(path, text='relay { from = {"127.0.0.1"} }',
                   routes=f'route "*" {{ via = "smtp:127.0.0.1:{postfix.port}" tls = require }}',
                   limits="limits { messages_per_session = 100000 }") as server:
        problems = []
        threads = [threading.Thread(target=send_range, args=(server, range(i, MESSAGES, SESSIONS), "all@sink.test", problems))
                   for i in range(SESSIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not problems, problems
        wait_for(lambda: len(postfix.messages()) >= MESSAGES, f"{MESSAGES} messages at Postfix", 300)
        wait_for(lambda: server.queue() == [], "an empty queue")
        seen = {}
        encrypted = 0
        for file in postfix.messages():
            data = file.read_bytes()
            number = int(re.search(rb"X-Number: (\d+)", data)[1])
            seen[number] = seen.get(number, 0) + 1
            if digest(strip_trace(data)) != digest(content(number)):
                (path / "arrived").write_bytes(strip_trace(data))
                (path / "sent").write_bytes(content(number))
                subprocess.run(["diff", path / "sent", path / "arrived"], check=False)
                raise AssertionError(f"message {number} was changed")
            encrypted += b"(using TLSv1.3 with cipher" in data
        lost = [number for number in range(MESSAGES) if number not in seen]
        doubled = [number for number, count in seen.items() if count > 1]
        print(f"# sent {MESSAGES}, lost {len(lost)}, doubled {len(doubled)}, over TLS {encrypted}")
        assert not lost and not doubled and encrypted == MESSAGES


@test
def a_refusal_by_the_next_host_ends_the_message_and_is_told():
    with directory() as path, Postfix(path, smtpd_relay_restrictions="reject_unauth_destination") as postfix, \
            Server(path, text='relay { from = {"127.0.0.1"} }',
                   routes=f'route "*" {{ via = "smtp:127.0.0.1:{postfix.port}" tls = may }}') as server:
        with server.client() as client:
            client.mail("sender@load.test")
            client.rcpt("all@sink.test")
            client.rcpt("someone@not-relayed.test")
            message_id = queue_id(client.data(content(1))[1])
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
                message_id = queue_id(client.data(content(1))[1])
            [row] = wait_for(lambda: server.queue("--state", "waiting"), "the message waiting")
            assert row["reason"] == "connection" and "refused" in row["words"], row
            with postfix:
                wait_for(lambda: len(postfix.messages()) == 1, "the message")
                wait_for(lambda: server.queue() == [], "an empty queue")
                story = server.trace(message_id)
                assert "refused" in story and "delivered" in story, story


main()
