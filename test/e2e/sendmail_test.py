#!/usr/bin/env python3
"""What programs of the host use to send mail: sendmail under its three names (sendmail_clients_test has
the programs); and `route`, which tells where an address would end."""

import contextlib
import email.message
import json
import subprocess

from harness import PATIENCE_S, POSTRIDER, Server, directory, main, queue_id, test, wait_for

EX_USAGE, EX_DATAERR, EX_NOUSER, EX_TEMPFAIL = 64, 65, 67, 75

DOMAIN = '''aliases = "{dir}/aliases"'''
ROUTES = '''
route "held.test" { via = "hold" }
route "*.far.test" { via = "smtp:192.0.2.9:2526"  tls = verify }
route "*" { via = "smtp:127.0.0.1:9"  tls = none }
'''


class Host:
    """A server with `sendmail`, `mailq` and `newaliases` in .bin."""

    def __init__(self, path, **options):
        (path / "aliases").write_text("root: alice\nstaff: alice, bob, ada@elsewhere.test\n")
        self.server = Server(path, domain=DOMAIN, routes=ROUTES, **options)
        self.bin = path / "bin"
        self.bin.mkdir()
        for name in ("sendmail", "mailq", "newaliases"):
            (self.bin / name).symlink_to(POSTRIDER)

    def call(self, *words, text="", user=None, name="sendmail", config=True):
        """Runs it and gives what it did; `config`: it is told which server."""
        command = [str(self.bin / name), *(["-C", str(self.server.config)] if config else []), *words]
        if user:
            command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
        data = text if isinstance(text, bytes) else text.encode()
        done = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE_S, check=False)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return done

    def send(self, *words, **options):
        done = self.call(*words, **options)
        assert done.returncode == 0, done
        return done

    def one(self, user="alice"):
        """The only message in a mailbox, parsed."""
        [content] = wait_for(lambda: self.server.mailbox(user), f"mail for {user}")
        return email.message_from_bytes(content)


@contextlib.contextmanager
def host(**options):
    with directory() as path:
        made = Host(path, **options)
        with made.server:
            yield made


# ---- as programs call it ----

@test
def cron_mails_the_output_of_a_job_to_root():
    text = ("From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@mx> backup\nMIME-Version: 1.0\n"
            "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n"
            "\nbackup: gr\u00fcn\n.\nstill going\n")
    with host() as mx:
        mx.send("-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f", "root", text=text)
        got = mx.one()
        assert got["From"] == "root@example.org (Cron Daemon)" and got["To"] == "root@example.org", got.as_string()
        assert got["Return-Path"] == "<root@example.org>" and got["Date"] and got["Message-ID"], got.as_string()
        assert got.get_payload(decode=True).decode() == "backup: gr\u00fcn\n.\nstill going\n"


@test
def a_text_without_a_header_gets_one():
    with host() as mx:
        mx.send("-F", "Disk, the", "bob", text="the disk is full\n")
        got = mx.one("bob")
        assert got["From"] == '"Disk, the" <root@example.org>', got.as_string()
        assert got.get_payload() == "the disk is full\n"


@test
def a_lone_dot_ends_the_message_unless_told_otherwise():
    with host() as mx:
        mx.send("bob", text="Subject: x\n\none\n.\ntwo\n")
        assert mx.one("bob").get_payload() == "one\n"


@test
def bcc_is_delivered_and_not_told():
    with host() as mx:
        mx.send("-t", text="To: bob\nBcc: alice@example.org,\n held@held.test\nSubject: x\n\nx\n")
        for user in ("alice", "bob"):
            assert "Bcc" not in mx.one(user)
        [row] = mx.server.queue()
        assert row["recipient"] == "held@held.test"


@test
def a_resent_message_goes_to_whom_it_is_resent():
    with host() as mx:
        mx.send("-t", text="Resent-To: bob\nResent-Bcc: nobody@held.test\nResent-From: root\n"
                           "Received: from x by y; Mon, 1 Jan 2024 00:00:00 +0000\nResent-To: old@held.test\n"
                           "From: a@b.test\nTo: alice@example.org\n\nx\n")
        got = mx.one("bob")
        assert "Resent-Bcc" not in got and got["To"] == "alice@example.org", got.as_string()
        assert [row["recipient"] for row in mx.server.queue()] == ["nobody@held.test"]
        assert mx.server.mailbox("alice") == []


@test
def more_recipients_than_one_transaction_takes_all_get_it():
    with host(limits="limits { recipients = 10 }") as mx:
        mx.send("-f", "<>", *(f"u{i}@held.test" for i in range(25)), text="x\n")
        assert len(wait_for(lambda: mx.server.queue(), "the queue")) == 25
        assert len({row["id"] for row in mx.server.queue()}) == 3


# ---- who may, and who did ----

@test
def every_user_may_submit_and_is_recorded():
    with host() as mx:
        done = mx.send("-v", "-f", "bob@example.org", "alice@example.org", text="Subject: x\n\nx\n", user=65534)
        message_id = queue_id(done.stdout)
        got = mx.one()
        received = got["Received"]
        assert "65534" not in received and "local" not in received, received
        story = mx.server.trace(message_id)
        assert "account uid 65534" in story and "service submit" in story, story


@test
def only_root_and_the_server_see_the_queue():
    with host() as mx:
        mx.send("-f", "alice@example.org", "x@held.test", text="Subject: x\n\nx\n")
        done = mx.call(name="mailq", user=65534)
        assert done.returncode == 69 and "only root" in done.stderr, done


# ---- refusals ----

@test
def without_a_server_it_exits_75():
    with directory() as path:
        mx = Host(path)
        for words in (("-t", "-i"), ("bob@example.org",), ("-bs",), ("-q",)):
            done = mx.call(*words, text="To: bob@example.org\n\nx\n")
            assert done.returncode == EX_TEMPFAIL, done
            assert "no server is running" in done.stderr, done
        assert mx.call(name="mailq").returncode == EX_TEMPFAIL
        assert mx.call("-bs").stdout.startswith("421 ")


@test
def an_unknown_user_is_named_and_the_others_get_it():
    with host() as mx:
        done = mx.call("nobody@example.org", "bob@example.org", text="x\n")
        assert done.returncode == EX_NOUSER and "nobody@example.org: 550 5.1.1" in done.stderr, done
        assert mx.one("bob")
        assert mx.call("nobody@example.org", text="x\n").returncode == EX_NOUSER
        assert mx.server.queue() == []


@test
def what_makes_no_sense_is_said():
    with host() as mx:
        for words, text, status in (
                ((), "x\n", EX_USAGE),
                (("-t",), "Subject: x\n\nx\n", EX_USAGE),
                (("-y", "bob"), "x\n", EX_USAGE),
                (("-bd",), "", EX_USAGE),
                (("-f",), "", EX_USAGE),
                (("-N", "sometimes", "bob"), "x\n", EX_USAGE),
                (("a b",), "x\n", EX_DATAERR),
                (("-f", "a b", "bob"), "x\n", EX_DATAERR),
                (("-t",), "To: bob, <alice\n\nx\n", EX_DATAERR),
                (("-t",), "To: alice@example.org <bob@example.org>\n\nx\n", EX_DATAERR),
                (("bob",), b"Subject: x\n\n\0\n", EX_DATAERR),
                (("--", "-bp"), "x\n", EX_NOUSER)):
            done = mx.call(*words, text=text)
            assert done.returncode == status and done.stderr, (words, done)
        assert mx.server.mailbox("bob") == [] and mx.server.queue() == []


# ---- the other modes ----

@test
def bs_speaks_smtp_on_a_pipe():
    with host() as mx:
        said = ("EHLO script\nMAIL FROM:<alice@example.org>\nRCPT TO:<bob@example.org>\nDATA\n"
                "Subject: x\n\n..dot\n.\nQUIT\n")
        done = mx.send("-bs", text=said)
        assert [line[:3] for line in done.stdout.split("\r\n") if line[3:4] == " "] == [
            "220", "250", "250", "250", "354", "250", "221"], done.stdout
        assert mx.one("bob").get_payload() == ".dot\n"


@test
def mailq_prints_the_queue():
    with host() as mx:
        assert mx.send("-bp").stdout == "Mail queue is empty\n"
        mx.send("-f", "alice@example.org", "a@held.test", "b@held.test", text="Subject: x\n\nx\n")
        mx.send("-f", "<>", "c@held.test", text="Subject: x\n\nx\n")
        wait_for(lambda: len(mx.server.queue("--state", "held")) == 3, "three on hold")
        text = mx.send(name="mailq").stdout
        assert text.startswith("-Queue ID-") and text.endswith("in 2 Requests.\n"), text
        for word in ("alice@example.org", "MAILER-DAEMON", " a@held.test\n", " b@held.test\n", " c@held.test\n", "! "):
            assert word in text, text
        assert mx.send("-bp").stdout == text


@test
def q_has_what_waits_tried_again():
    with host() as mx:
        mx.send("-f", "alice@example.org", "a@elsewhere.test", text="Subject: x\n\nx\n")
        [row] = wait_for(lambda: mx.server.queue("--state", "waiting"), "a deferral")
        assert row["attempts"] == 1
        mx.send("-q")
        [row] = wait_for(lambda: [row for row in mx.server.queue("--state", "waiting") if row["attempts"] == 2], "a retry")
        mx.send("-qI" + row["id"])
        wait_for(lambda: mx.server.queue()[0]["attempts"] == 3, "another retry")


@test
def newaliases_says_that_there_is_nothing_to_do():
    with directory() as path:
        done = Host(path).send(name="newaliases", config=False)
        assert "SIGHUP" in done.stdout


@test
def the_subcommand_is_the_same():
    with host() as mx:
        mx.server.run("sendmail", "-C", mx.server.config, "bob", input="x\n")
        assert mx.one("bob")
        assert "usage: sendmail" in mx.server.run("sendmail", "--help").stdout


@test
def the_socket_is_gone_with_the_server_and_comes_back():
    with host() as mx:
        socket = mx.server.state / "submit.sock"
        assert socket.stat().st_mode & 0o777 == 0o666 and mx.server.state.stat().st_mode & 0o777 == 0o711
        mx.server.stop()
        assert not socket.exists()
        mx.server.start()
        mx.send("bob", text="x\n")


# ---- route ----

def route(server, address, **options):
    done = server.run("route", address, "-c", server.config, "--json", check=False, **options)
    return done.returncode, json.loads(done.stdout)


@test
def route_tells_the_way_step_by_step():
    with directory() as path:
        server = Host(path).server
        status, told = route(server, "Staff+x@example.org")
        assert status == 0 and told["answer"] == "local", told
        assert [step["meaning"] for step in told["steps"]] == ["alias", "mailbox", "mailbox", "foreign"], told
        assert [end["address"] for end in told["ends"]] == ["alice@example.org", "bob@example.org", "ada@elsewhere.test"]
        assert told["ends"][0]["maildir"] == f"{path}/mail/example.org/alice"
        assert told["ends"][2]["section"] == "route *" and told["ends"][2]["hosts"][0]["address"] == "127.0.0.1:9"
        text = server.run("route", "staff@example.org", "-c", server.config).stdout
        assert "staff is an alias of example.org for alice@example.org, bob@example.org, ada@elsewhere.test" in text, text
        assert f"a Maildir {path}/mail/example.org/alice" in text, text


@test
def route_tells_who_is_refused_and_what_tls_is_wanted():
    with directory() as path:
        server = Host(path).server
        status, told = route(server, "nobody@example.org")
        assert status == 1 and told["answer"] == "no such user" and told["ends"] == [], told
        status, told = route(server, "x@y.far.test")
        assert status == 0 and told["answer"] == "foreign", told
        [end] = told["ends"]
        assert (end["section"], end["via"], end["tls"]) == ("route *.far.test", "smtp", "verify"), end
        assert route(server, "postmaster")[1]["ends"][0]["address"] == "postmaster@example.org"
        assert server.run("route", "x y", "-c", server.config, check=False).returncode == 2
        assert server.run("route", "x@y.test", "-c", path / "none", check=False).returncode == 2


main()
