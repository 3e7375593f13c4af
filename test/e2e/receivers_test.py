#!/usr/bin/env python3
"""What the servers of the world do to a sender, on an internet of our own: they greylist, die in the
middle, refuse TLS, have MX records of all kinds; and what their senders are told."""

import contextlib
import socket
import subprocess
import sys
import threading
import time

from harness import Process, Server, directory, main, make_certificate, test, wait_for
from internet import NET4, NET6, Internet
from peer import Gone, Peer
from report import Report, send

NOBODY4, NOBODY6 = f"{NET4}250", f"{NET6}250"  # addresses that no host has


class World:
    """postrider at mx.example.test, the sender's server at mx.elsewhere.test (.home, a Peer), and one
    host for each other name."""

    def __init__(self, path, *names, records="", retry="first = 1s max = 1s warn = 1h expire = 1d", routes=""):
        self.path, self.names, self.records, self.retry, self.routes = path, names, records, retry, routes

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.net = stack.enter_context(Internet(self.path))
            here, home = self.net.host("mx.example.test"), self.net.host("mx.elsewhere.test")
            self.hosts = {name: self.net.host(name) for name in self.names}
            self.net.serve_names("elsewhere.test. MX 10 mx.elsewhere.test.\n" + self.records)
            self.home = stack.enter_context(Peer(home))
            self.server = stack.enter_context(Server(
                self.path, text=f'relay {{ from = {{"{here.ip4}"}} }}\nretry {{ {self.retry} }}', host=here,
                resolver=self.net.resolver(), routes=self.routes))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *problem):
        return self.stack.__exit__(*problem)

    def peer(self, name, **script):
        """Starts one, which ends with this internet."""
        return self.stack.enter_context(Peer(self.hosts[name], **script))

    def await_empty(self):
        wait_for(lambda: self.server.queue() == [], "an empty queue")

    def row(self, address, state, **wanted):
        """The recipient in the queue once it is in this state and has these values."""
        def look():
            rows = self.server.queue("--recipient", address, "--state", state)
            return [row for row in rows if all(row[key] == value for key, value in wanted.items())]
        [row] = wait_for(look, f"{address} {state} {wanted}")
        return row

    def reports(self, count):
        wait_for(lambda: len(self.home.reports_taken()) >= count, f"{count} reports")
        return [Report(raw) for raw in self.home.reports_taken()]


def name_of(title):
    """A host name of a row's title."""
    return title.replace(" ", "-").replace(",", "").lower() + ".test"


# ---- who says "later" ----

class Greylist:
    """451 until `seconds` after a triplet was first seen."""

    def __init__(self, seconds, reply="451 4.7.1 greylisted, come again"):
        self.seconds, self.reply, self.seen = seconds, reply, {}

    def __call__(self, session, line):
        key = (session.client_address[0], session.mail, line)
        first = self.seen.setdefault(key, time.monotonic())
        return None if time.monotonic() - first >= self.seconds else self.reply


@test
def greylisted_mail_waits_and_arrives_once():
    rows = (("at-rcpt", {"RCPT": Greylist(2)}), ("at-data", {"DATA": Greylist(2, "450 4.2.0 later")}),
            ("at-dot", {".": Greylist(1, "451 4.7.1 later")}), ("at-mail", {"MAIL": Greylist(1, "421 4.7.0 later")}))
    with directory() as path, World(path, *(f"{name}.test" for name, _ in rows)) as world:
        peers = {name: world.peer(f"{name}.test", **script) for name, script in rows}
        ids = {name: send(world.server, f"bob@{name}.test") for name, _ in rows}
        for name in ids:
            row = world.row(f"bob@{name}.test", "waiting")
            assert "later" in row["words"] or "greylisted" in row["words"], row
        world.await_empty()
        for name, peer in peers.items():
            story = world.server.trace(ids[name])
            assert len(peer.messages()) == 1, (name, peer.messages())
            assert "not delivered yet" in story and "delivered: " in story, story
        assert not world.home.messages()


@test
def a_host_that_is_away_for_good_is_told_late_and_given_up():
    with directory() as path, World(path, "away.test", retry="first = 1s max = 1s warn = 2s expire = 6s") as world:
        send(world.server, "bob@away.test")
        world.await_empty()
        delayed, failed = world.reports(2)
        assert delayed.check("bob@away.test", "delayed", "4.4.1")["Will-Retry-Until"]
        failed.check("bob@away.test", "failed", "4.4.7")
        assert "away.test" in failed.text and "refused" in failed.text


@test
def the_report_of_a_refusal_names_the_host_that_refused():
    records = "refuses.test. MX 10 mx.refuses.test."
    with directory() as path, World(path, "mx.refuses.test", records=records) as world:
        world.peer("mx.refuses.test", RCPT="550 5.1.1 no such user")
        send(world.server, "bob@refuses.test")
        [report] = world.reports(1)
        report.check("bob@refuses.test", "failed", "5.1.1", "smtp; 550 5.1.1 no such user", remote="mx.refuses.test")
        world.await_empty()


# ---- who dies ----

# Takes 64 KiB of the content and no more.
STALLS = """
import socket, signal, sys
listener = socket.create_server((sys.argv[1], 25))
print("ready", flush=True)
session, _ = listener.accept()
file = session.makefile("rwb", buffering=0)
file.write(b"220 stalls.test\\r\\n")
while not file.readline().upper().startswith(b"DATA"):
    file.write(b"250 ok\\r\\n")
file.write(b"354 go on\\r\\n")
left = 65536
while left > 0:
    left -= len(session.recv(left))
print("stalled", flush=True)
signal.pause()
"""


@test
def a_server_killed_in_the_middle_of_the_content_gets_it_again():
    with directory() as path, World(path, "dies.test") as world:
        host = world.hosts["dies.test"]
        process = Process(host.command(sys.executable, "-c", STALLS, host.ip4), path / "stalls.log", ready="ready")
        send(world.server, "bob@dies.test", body="0123456789\r\n" * 500_000)
        process.await_line("stalled")
        process.process.kill()
        row = world.row("bob@dies.test", "waiting")
        assert row["reason"] == "connection" and row["attempts"] == 1, row
        process.stop()
        peer = world.peer("dies.test")
        world.await_empty()
        [content] = peer.copies()
        assert content.count(b"0123456789\r\n") == 500_000
        assert not world.home.messages()


@test
def a_cable_pulled_in_a_transaction_costs_time_and_no_copy():
    with directory() as path, World(path, "at-data.test", "at-dot.test") as world:
        cut = threading.Event()

        def pull(session, _):
            world.hosts[session.server.name].set_link("down")
            cut.set()

        for stage, name in (("DATA", "at-data.test"), (".", "at-dot.test")):
            peer = world.peer(name, **{stage: pull})
            peer.name = name
            send(world.server, f"bob@{name}", body="0123456789\r\n" * 10_000)
            assert cut.wait(60)
            cut.clear()
            peer.script.clear()
            [row] = world.server.queue()
            assert row["recipient"] == f"bob@{name}" and row["state"] != "done", row
            world.hosts[name].set_link("up")
            world.await_empty()
            assert len(peer.copies()) == 1, (name, len(peer.copies()))
        assert not world.home.messages()


@test
def a_host_without_a_cable_gets_its_mail_when_it_is_back():
    with directory() as path, World(path, "back.test") as world:
        peer = world.peer("back.test")
        world.hosts["back.test"].set_link("down")
        send(world.server, "bob@back.test")
        row = world.row("bob@back.test", "waiting")
        assert row["reason"] == "connection", row
        world.hosts["back.test"].set_link("up")
        world.await_empty()
        assert len(peer.copies()) == 1


# ---- whom the MX records name ----

def hang_up(session, line):
    raise Gone


FALLBACKS = (
    ("the best MX refuses connections", "{domain} MX 10 deaf.test.\n{domain} MX 20 good.test."),
    ("the best MX is not reachable", "{domain} MX 10 nowhere.test.\n{domain} MX 20 good.test."),
    ("the best MX is busy", "{domain} MX 10 busy.test.\n{domain} MX 20 good.test."),
    ("the best MX refuses us", "{domain} MX 10 rude.test.\n{domain} MX 20 good.test."),
    ("the best MX hangs up", "{domain} MX 10 silent.test.\n{domain} MX 20 good.test."),
    ("the best MX does not exist", "{domain} MX 10 gone.test.\n{domain} MX 20 good.test."),
    ("IPv6 refuses connections", "{domain} MX 10 good.test."),
    ("IPv6 is not reachable", "{domain} MX 10 half.test."),
    ("there is only IPv6", "{domain} MX 10 six.test."),
    ("there is no MX", "{domain} A {good4}"),
    ("the MX is an alias", "{domain} MX 10 alias.test."),
)


@test
def the_next_best_address_is_taken():
    names = ("good.test", "deaf.test", "busy.test", "rude.test", "silent.test", "hidden.test")
    good4, six6 = f"{NET4}103", f"{NET6}108"  # the first and the last of them: see Internet.host
    records = (f"nowhere.test. A {NOBODY4}\nhalf.test. AAAA {NOBODY6}\nhalf.test. A {good4}\nsix.test. AAAA {six6}\n"
               "alias.test. CNAME good.test.\n")
    records += "\n".join(lines.format(domain=name_of(title) + ".", good4=good4) for title, lines in FALLBACKS)
    with directory() as path, World(path, *names, records=records) as world:
        assert (world.hosts["good.test"].ip4, world.hosts["hidden.test"].ip6) == (good4, six6)
        good, six = world.peer("good.test"), world.peer("hidden.test", address=six6)
        world.peer("busy.test", connect="421 4.3.2 busy")
        world.peer("rude.test", connect="554 5.7.1 not you")
        world.peer("silent.test", connect=hang_up)
        for title, _ in FALLBACKS:
            send(world.server, f"bob@{name_of(title)}")
        world.await_empty()
        arrived = sorted(rcpts[0] for peer in (good, six) for _, rcpts, _ in peer.messages())
        assert arrived == sorted(f"RCPT TO:<bob@{name_of(title)}>" for title, _ in FALLBACKS), arrived
        assert len(six.messages()) == 1 and not world.home.messages()
        print(f"# {len(FALLBACKS)} ways of falling back, each arrived once")


@test
def hosts_of_equal_preference_share_the_load():
    domains = [f"d{number}.test" for number in range(40)]
    # A last host of its own for each, since domains with the same hosts share a connection.
    records = "".join(f"{domain}. MX 10 one.test.\n{domain}. MX 10 two.test.\n{domain}. MX 20 spare.test.\n"
                      f"{domain}. MX 30 own.{domain}.\nown.{domain}. A {NOBODY4}\n" for domain in domains)
    with directory() as path, World(path, "one.test", "two.test", "spare.test", records=records) as world:
        one, two, spare = (world.peer(name) for name in ("one.test", "two.test", "spare.test"))
        for domain in domains:
            send(world.server, f"bob@{domain}")
        world.await_empty()
        print(f"# of 40 messages the equal ones got {len(one.copies())} and {len(two.copies())}, the spare one "
              f"{len(spare.copies())}")
        assert len(one.copies()) + len(two.copies()) == 40 and one.copies() and two.copies() and not spare.copies()


@test
def what_the_dns_says_for_good_is_told_at_once():
    rows = (  # domain, its records, the status that the sender is told
        ("null.test", "null.test. MX 0 .", "5.1.10"),
        ("no-such-name.test", "", "5.1.2"),
        ("ourselves.test", "ourselves.test. MX 10 mx.example.test.", "5.4.6"),
        ("ourselves-first.test", "ourselves-first.test. MX 10 mx.example.test.\n"
                                 "ourselves-first.test. MX 20 mx.elsewhere.test.", "5.4.6"),
        ("no-address.test", 'no-address.test. TXT "nothing else"', "5.4.4"),
        ("no-host.test", "no-host.test. MX 10 nobody.no-host.test.", "5.4.4"),
        ("no-address-there.test", 'no-address-there.test. MX 10 x.no-address-there.test.\nx.no-address-there.test. TXT "x"',
         "5.4.4"),
    )
    with directory() as path, World(path, records="\n".join(lines for _, lines, _ in rows)) as world:
        for domain, _, _ in rows:
            send(world.server, f"bob@{domain}")
        world.await_empty()
        found = world.reports(len(rows))
        for domain, _, status in rows:
            [report] = [report for report in found if f"bob@{domain}" in report.text]
            fields = report.check(f"bob@{domain}", "failed", status)
            assert "Remote-MTA" not in fields, fields.as_string()
            assert domain in report.text
        assert len(world.home.messages()) == len(rows)


@test
def what_the_dns_cannot_say_now_waits():
    with directory() as path, World(path) as world:
        for domain, problem in (("broken.test", "SERVFAIL"), ("elsewhere.example", "REFUSED")):
            assert problem in subprocess.run(world.net.dns.command("drill", f"@{world.net.dns.ip4}", domain, "MX"),
                                             capture_output=True, text=True, check=True).stdout
            send(world.server, f"bob@{domain}")
        for domain in ("broken.test", "elsewhere.example"):
            row = world.row(f"bob@{domain}", "waiting", attempts=2)
            assert row["reason"] == "dns" and domain in row["words"], row
        assert not world.home.messages()


# ---- TLS that does not work ----

def say_rubbish(session, line):
    session.say("220 go on")
    session.wfile.write(b"this is no handshake\r\n" * 10)
    raise Gone


STARTTLS = (
    ("is refused for now", {"STARTTLS": "454 4.7.0 no TLS today"}),
    ("is refused for good", {"STARTTLS": "502 5.5.1 what?"}),
    ("is answered with rubbish", {"STARTTLS": say_rubbish}),
    ("is answered with silence", {"STARTTLS": hang_up}),
)


@test
def mail_goes_in_clear_where_tls_fails_and_is_not_required():
    with directory() as path, World(path, *(name_of(title) for title, _ in STARTTLS)) as world:
        peers = {title: world.peer(name_of(title), **script) for title, script in STARTTLS}
        ids = {title: send(world.server, f"bob@{name_of(title)}") for title in peers}
        world.await_empty()
        for title, peer in peers.items():
            assert len(peer.copies()) == 1 and peer.encrypted == 0, title
            assert "in clear" in world.server.trace(ids[title]), title
        assert not world.home.messages()


@test
def mail_waits_where_tls_fails_and_is_required():
    with directory() as path, World(path, *(name_of(title) for title, _ in STARTTLS),
                                    routes='route "*.test" { via = "mx" tls = require }\n'
                                           'route "elsewhere.test" { via = "mx" }') as world:
        peers = {title: world.peer(name_of(title), **script) for title, script in STARTTLS}
        for title in peers:
            send(world.server, f"bob@{name_of(title)}")
        for title, peer in peers.items():
            row = world.row(f"bob@{name_of(title)}", "waiting", attempts=2)
            assert row["reason"] in ("tls", "connection"), row
            assert not peer.messages()
        assert not world.home.messages()


@test
def a_certificate_of_anybody_will_do_unless_it_is_to_be_verified():
    with directory() as path, World(path, "may.test", "verify.test",
                                    routes='route "verify.test" { via = "mx" tls = verify }') as world:
        peers = {name: world.peer(name, tls=make_certificate(path, "somebody.test")) for name in world.names}
        for name in peers:
            send(world.server, f"bob@{name}")
        row = world.row("bob@verify.test", "waiting", attempts=2)
        assert "certificate" in row["words"], row
        wait_for(lambda: peers["may.test"].copies(), "the message that may")
        assert peers["may.test"].encrypted == 1 and not peers["verify.test"].messages()


@test
def replies_injected_in_front_of_tls_are_not_believed():
    injected = "220 2.0.0 go on\r\n250-injected.test\r\n250 PIPELINING"
    with directory() as path, World(path, "injects.test") as world:
        peer = world.peer("injects.test", tls=make_certificate(path, "injects.test"), STARTTLS=injected)
        message_id = send(world.server, "bob@injects.test")
        world.await_empty()
        assert len(peer.messages()) == peer.encrypted == 1
        story = world.server.trace(message_id)
        assert "injected them" in story and "injected.test" not in story, story


# ---- strange habits ----

def answer_late(session, line):
    """Six seconds, during which the client has to stay."""
    session.connection.settimeout(6)
    with contextlib.suppress(socket.timeout):
        session.connection.recv(1, socket.MSG_PEEK)
        raise Gone


def reset(session, line):
    """Takes the message, says so, and is gone without a goodbye."""
    with session.server.lock:
        session.server.taken.append((session.mail, session.accepted, b""))
    session.say("250 2.0.0 taken")
    session.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    session.connection.close()
    raise Gone


def never_answer(session, line):
    session.rfile.read()
    raise Gone


def three_at_a_time(session, line):
    return "452 4.5.3 too many recipients" if len(session.accepted) == 3 else None


@test
def strange_habits_cost_no_second_copy():
    rows = (("answers late", {".": answer_late}), ("resets behind its answer", {".": reset}),
            ("never answers quit", {"QUIT": never_answer}))
    with directory() as path, World(path, *(name_of(title) for title, _ in rows)) as world:
        peers = {title: world.peer(name_of(title), **script) for title, script in rows}
        for title in peers:
            send(world.server, f"bob@{name_of(title)}")
        world.await_empty()
        for title, peer in peers.items():
            assert len(peer.messages()) == 1 and peer.connections == 1, (title, peer.connections, peer.messages())
        assert not world.home.messages()


@test
def too_many_recipients_go_in_further_transactions():
    with directory() as path, World(path, "three.test") as world:
        peer = world.peer("three.test", RCPT=three_at_a_time)
        send(world.server, *(f"u{number}@three.test" for number in range(10)))
        world.await_empty()
        counts = [len(rcpts) for _, rcpts, _ in peer.messages()]
        assert sorted(counts) == [1, 3, 3, 3], counts
        assert len({rcpt for _, rcpts, _ in peer.messages() for rcpt in rcpts}) == 10
        assert not world.home.messages()


main()
