#!/usr/bin/env python3
"""A gateway, or a backup MX: mail for a domain of ours goes on to the server behind, which here is
another postrider. Who is not there is refused at the gateway."""

import contextlib
import socket

from harness import Server, directory, main, message, queue_id, test, wait_for

INNER = """
domain gate.test { deliver = "maildir:{dir}/mail/%{domain}/%{user}"  users = {"alice", "bob"}  dmarc = off }
domain listed.test { deliver = "maildir:{dir}/mail/%{domain}/%{user}"  users = {"alice"}  dmarc = off }
"""


@contextlib.contextmanager
def pair():
    """The gateway and the server behind it."""
    with directory() as path:
        (path / "inner").mkdir()
        inner = Server(path / "inner", text=INNER, hostname="inner.test")
        outer = Server(path, hostname="outer.test", text=f"""
domain gate.test {{ deliver = "smtp:127.0.0.1:{inner.mx}"  users = "*"  dmarc = off }}
domain listed.test {{ deliver = "smtp:localhost:{inner.mx}"  users = {{"alice", "bob"}}  dmarc = off }}
""", routes='route "*" { via = "hold" }')
        with inner, outer:
            yield outer, inner


def ask(server, *recipients):
    with server.client() as client:
        client.mail("carol@elsewhere.test")
        replies = [client.rcpt(recipient) for recipient in recipients]
        client.rset()
        return [f"{code} {text.decode()}" for code, text in replies]


def send(server, number, recipient):
    with server.client() as client:
        client.mail("carol@elsewhere.test")
        assert client.rcpt(recipient)[0] == 250, recipient
        code, reply = client.data(message(number, to=recipient))
        assert code == 250, reply
        return queue_id(reply)


def await_mail(inner, user, domain, numbers):
    def numbers_there():
        return {n for n in numbers for each in inner.mailbox(user, domain) if f"X-Number: {n}\n".encode() in each}
    wait_for(lambda: numbers_there() == set(numbers), f"mail to {user}@{domain}")


@test
def a_gateway_takes_whom_the_server_behind_takes():
    with pair() as (outer, inner):
        taken, refused, again = ask(outer, "alice+tag@gate.test", "nobody@gate.test", "nobody@gate.test")
        assert taken.startswith("250 2.1.5"), taken
        assert refused.startswith("550 5.1.1 No such user here (550 5.1.1 ") and again == refused, refused
        assert inner.process.log().count("to=<nobody@gate.test>") == 1, "the second time it is known"
        send(outer, 1, "alice+tag@gate.test")
        await_mail(inner, "alice", "gate.test", [1])
        wait_for(lambda: outer.queue() == [], "the queue to be empty")


@test
def a_backup_keeps_mail_while_the_server_behind_is_down():
    with pair() as (outer, inner):
        inner.stop()
        first = send(outer, 1, "alice@gate.test")
        send(outer, 2, "bob@gate.test")
        wait_for(lambda: [entry["reason"] for entry in outer.queue()] == ["connection"] * 2, "the deferrals")
        assert "<alice@gate.test> cannot be asked about: no connection" in outer.trace(first)
        inner.start()
        outer.run("queue", "retry", first, "-c", outer.config)  # the other waits for the destination alone
        await_mail(inner, "alice", "gate.test", [1])
        await_mail(inner, "bob", "gate.test", [2])
        wait_for(lambda: ask(outer, "nobody@gate.test")[0].startswith("550"), "the server behind to be asked again")


@test
def listed_users_are_not_asked_about_and_a_host_may_be_a_name():
    with pair() as (outer, inner):
        known, unknown = ask(outer, "bob@listed.test", "nobody@listed.test")
        assert known.startswith("250") and unknown.startswith("550 5.1.1"), (known, unknown)
        assert "listed.test" not in inner.process.log(), "nothing was asked"
        send(outer, 1, "alice@listed.test")
        await_mail(inner, "alice", "listed.test", [1])
        told = outer.run("route", "x@gate.test", "-c", outer.config).stdout
        assert "asked that server is asked first: who is not there is refused; everybody is taken while" in told, told


@test
def a_server_that_never_answers_delays_neither_others_nor_the_end():
    with directory() as path, socket.create_server(("127.0.0.1", 0)) as silent:
        server = Server(path, text=f"""
domain silent.test {{ deliver = "lmtp:127.0.0.1:{silent.getsockname()[1]}"  users = "*"  dmarc = off }}
""")
        with server, contextlib.closing(server.client()) as stuck:
            stuck.mail("carol@elsewhere.test")
            stuck.putcmd("RCPT TO:<who@silent.test>")
            connection, _ = silent.accept()
            assert ask(server, "alice@example.org")[0].startswith("250")
            assert server.stop() == 0
            reply = stuck.getreply()[0]
            assert reply == 451 and stuck.getreply()[0] == 421 or reply == 421, reply
            connection.close()


main()
