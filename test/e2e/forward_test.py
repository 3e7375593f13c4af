#!/usr/bin/env python3
"""Mail that an alias sends on to another server: it leaves with a sender that leads back, what is
said to that sender reaches who wrote, and mail that comes back ends."""

import contextlib
import email
import re
import smtplib

from harness import Raw, Server, directory, free_port, main, message, queue_id, test, wait_for

MANY = 6  # more hops than any of these journeys may take


def forwarder(path, domain, aliases, next_port, port=None, users='{"alice", "bob"}'):
    """A server of `domain` that takes mail from everybody and sends all other mail to next_port."""
    path.mkdir()
    (path / "aliases").write_text(aliases)
    server = Server(path, routes=f'''
domain {domain} {{
    deliver = "maildir:{path}/mail/%{{domain}}/%{{user}}"
    users = {users}
    aliases = "{path}/aliases"
}}
route "*" {{ via = "smtp:127.0.0.1:{next_port}" tls = none }}
retry {{ first = 1s max = 2s }}''')
    if port:
        server.config.write_text(server.config.read_text().replace(f"127.0.0.1:{server.mx}", f"127.0.0.1:{port}"))
        server.mx = port
    return server


def send(server, sender, recipient, data=None):
    with server.client() as client:
        assert client.mail(sender)[0] == 250
        code, reply = client.rcpt(recipient)
        assert code == 250, reply
        code, reply = client.data(data or message(sender=sender or "nobody@origin.test", to=recipient))
        assert code == 250, reply
        return queue_id(reply)


def received(server, domain, user="all"):
    return [email.message_from_bytes(data) for data in server.mailbox(user, domain)]


def srs_sender(mail):
    """The Return-Path of what arrived, which has to be one that was rewritten."""
    found = re.fullmatch(r"<(SRS[01]=.+)>", mail["Return-Path"])
    assert found, mail["Return-Path"]
    return found[1]


@test
def a_forwarded_message_can_be_answered_at_its_sender_and_nobody_can_make_such_an_address():
    with directory() as path:
        origin = forwarder(path / "origin", "origin.test", "", 9)
        target_port = free_port()
        middle = forwarder(path / "middle", "middle.test", "info: all@target.test\n", target_port)
        target = forwarder(path / "target", "target.test", "", middle.mx, port=target_port, users='{"all"}')
        middle.config.write_text(middle.config.read_text().replace(
            'route "*"', f'route "origin.test" {{ via = "smtp:127.0.0.1:{origin.mx}" tls = none }}\nroute "*"'))
        with origin, middle, target:
            message_id = send(middle, "alice@origin.test", "info@middle.test")
            [mail] = wait_for(lambda: received(target, "target.test"), "the message at the target")
            sender = srs_sender(mail)
            assert sender.endswith("=origin.test=alice@middle.test"), sender
            assert mail.get_all("Delivered-To") == ["all@target.test", "info@middle.test"], mail.items()
            assert f"sender rewritten to <{sender}>" in middle.trace(message_id)

            # The key is the parent's alone, and the same after a restart.
            key = middle.state / "srs.key"
            assert key.stat().st_mode & 0o777 == 0o600 and key.stat().st_size == 32
            middle.stop()
            middle.start()
            send(middle, "", sender, b"Subject: it bounced\r\n\r\n")
            [bounce] = wait_for(lambda: received(origin, "origin.test", "alice"), "the bounce at the origin")
            assert bounce["Return-Path"] == "<>" and bounce["Subject"] == "it bounced"

            told = middle.run("route", sender, "-c", middle.config).stdout
            assert "alice@origin.test" in told and "forwarded mail" in told, told
            with Raw(middle.mx) as client:
                client.ask("EHLO stranger.test")
                client.ask("MAIL FROM:<>")
                for other in (sender.replace("alice", "victim"), sender.replace("origin.test", "victim.test"),
                              sender[:-len("@middle.test")] + "@origin.test", "x" + sender, sender.replace("SRS0=", "SRS1="),
                              sender[:5] + ("B" if sender[5] == "A" else "A") + sender[6:], sender[:5] + sender[6:]):
                    reply = client.ask(f"RCPT TO:<{other}>")
                    assert reply[:3] in ("550", "554"), f"{other}: {reply}"
                assert client.ask(f"RCPT TO:<{sender.lower()}>")[:3] == "250"
            refused = middle.run("route", "x" + sender[:5] + "AAAAAA" + sender[11:], "-c", middle.config, check=False)
            assert refused.returncode == 1


@test
def a_refusal_by_the_target_is_told_to_who_wrote():
    with directory() as path:
        origin = forwarder(path / "origin", "origin.test", "", 9)
        target = forwarder(path / "target", "target.test", "", 9, users='{"all"}')
        middle = forwarder(path / "middle", "middle.test", "info: gone@target.test\n", target.mx)
        middle.config.write_text(middle.config.read_text().replace(
            'route "*"', f'route "origin.test" {{ via = "smtp:127.0.0.1:{origin.mx}" tls = none }}\nroute "*"'))
        with origin, middle, target:
            send(middle, "alice@origin.test", "info@middle.test")
            [report] = wait_for(lambda: received(origin, "origin.test", "alice"), "the report")
            text = report.as_string()
            assert "Final-Recipient: rfc822;gone@target.test" in text and "550 5.1.1" in text, text
            assert "Original-Recipient: rfc822;info@middle.test" in text, text


@test
def two_servers_that_forward_to_each_other_end_it_with_one_report():
    with directory() as path:
        origin = forwarder(path / "origin", "origin.test", "", 9)
        b_port = free_port()
        a = forwarder(path / "a", "a.test", "loop: loop@b.test\n", b_port)
        b = forwarder(path / "b", "b.test", "loop: loop@a.test\n", a.mx, port=b_port)
        a.config.write_text(a.config.read_text().replace(
            'route "*"', f'route "origin.test" {{ via = "smtp:127.0.0.1:{origin.mx}" tls = none }}\nroute "*"'))
        with origin, a, b:
            send(a, "alice@origin.test", "loop@a.test")
            [report] = wait_for(lambda: received(origin, "origin.test", "alice"), "the report")
            wait_for(lambda: a.queue() == [] and b.queue() == [], "empty queues")
            assert len(received(origin, "origin.test", "alice")) == 1
            text = report.as_string()
            assert "5.4.6" in text and "Final-Recipient: rfc822;loop@a.test" in text, text
            hops = text.count("\nReceived: ")
            assert 0 < hops < MANY, text


@test
def only_the_recipient_that_loops_fails():
    with directory() as path, Server(path) as server:
        with server.client() as client:
            client.mail("bob@example.org")
            client.rcpt("alice@example.org")
            client.rcpt("bob@example.org")
            data = b"Delivered-To: alice@example.org\r\n" + message()
            assert client.data(data)[0] == 250
        texts = wait_for(lambda: (lambda all: all if len(all) == 2 else None)(
            [data.decode() for data in server.mailbox("bob")]), "the message and the report")
        assert sum("Status: 5.4.6" in text and "alice@example.org" in text for text in texts) == 1, texts
        assert server.mailbox("alice") == []
        with Raw(server.mx) as client:
            for line in ("EHLO x.test", "MAIL FROM:<bob@example.org>", "RCPT TO:<alice@example.org>", "DATA"):
                client.ask(line)
            assert client.ask(b"Delivered-To: alice@example.org\r\n\r\n.\r\n").startswith("554 5.4.6")


@test
def a_catch_all_takes_the_rest_and_a_reload_reads_users_and_aliases_again():
    with directory() as path:
        (path / "aliases").write_text("info: bob\n*: alice+rest\n")
        (path / "users").write_text("alice\nbob\n")
        with Server(path, users=f'"file:{path}/users"', domain=f'aliases = "{path}/aliases"') as server:
            send(server, "joe@away.test", "whoever@example.org")
            wait_for(lambda: len(server.mailbox("alice")) == 1, "the message of nobody")
            send(server, "joe@away.test", "info@example.org")
            wait_for(lambda: len(server.mailbox("bob")) == 1, "the message of the alias")
            told = server.run("route", "whoever@example.org", "-c", server.config).stdout
            assert "catch-all" in told and "alice+rest@example.org" in told, told

            (path / "aliases").write_text("info: carol\n")
            (path / "users").write_text("alice\nbob\ncarol\n")
            server.process.process.send_signal(1)

            def is_refused():
                with contextlib.suppress(smtplib.SMTPException), server.client() as client:
                    client.mail("joe@away.test")
                    return client.rcpt("whoever@example.org")[0] == 550
                return False  # the old engine was ending
            wait_for(is_refused, "the new aliases")
            send(server, "joe@away.test", "info@example.org")
            wait_for(lambda: len(server.mailbox("carol")) == 1, "the message of the new user")


@test
def a_domain_beyond_ascii_is_one_domain_in_both_forms():
    with directory() as path:
        next_port = free_port()
        here = forwarder(path / "here", "bücher.test", "weg: all@target.test\n", next_port)
        target = forwarder(path / "target", "target.test", "", 9, port=next_port, users='{"all"}')
        with here, target:
            for domain in ("bücher.test", "BÜCHER.test", "xn--bcher-kva.test"):
                with here.client() as client:
                    options = ["SMTPUTF8"] if not domain.isascii() else []
                    client.mail("joe@away.test", options)
                    client.command_encoding = "utf-8"
                    assert client.docmd(f"RCPT TO:<bob@{domain}>")[0] == 250
                    assert client.data(message())[0] == 250
            wait_for(lambda: len(here.mailbox("bob", "xn--bcher-kva.test")) == 3, "three messages")
            with here.client() as client:
                client.mail("joe@away.test")
                client.command_encoding = "utf-8"
                assert client.docmd("RCPT TO:<bob@bücher.test>")[0] == 553
            send(here, "joe@away.test", "weg@xn--bcher-kva.test")
            [mail] = wait_for(lambda: received(target, "target.test"), "the forwarded message")
            assert srs_sender(mail).endswith("=joe@xn--bcher-kva.test")


main()
