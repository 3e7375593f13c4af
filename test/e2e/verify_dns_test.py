#!/usr/bin/env python3
"""The name servers behind `postrider check`: all ways to name one, zones that resolvers like to answer
by themselves, answers too large for a datagram; and servers that refuse, fail, are silent or not
there at all: then every evaluation ends as temperror within 20 seconds."""

import concurrent.futures
import json
import pathlib
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from harness import POSTRIDER, directory, free_port, main, test  # noqa: E402
from name_server import Server, Zone  # noqa: E402
from nsd import Nsd  # noqa: E402

DEADLINE_S = 20
SPECIAL = ["test", "home.arpa", "example", "internal"]
ZONES = {
    **{name: 'spf TXT "v=spf1 a -all"\nspf A 192.0.2.1\n_dmarc.spf TXT "v=DMARC1; p=reject"\n' for name in SPECIAL},
    "10.in-addr.arpa": "1.0.0 PTR private.spf.test.\n",
    "168.192.in-addr.arpa": "1.0 PTR private.spf.test.\n",
    "16.172.in-addr.arpa": "1.0 PTR private.spf.test.\n",
    "127.in-addr.arpa": "1.0.0 PTR private.spf.test.\n",
    "d.f.ip6.arpa": "1" + ".0" * 29 + " PTR private.spf.test.\n",
}
ZONES["test"] += "private.spf A 10.0.0.1\nprivate.spf A 192.168.0.1\nprivate.spf A 172.16.0.1\nprivate.spf A 127.0.0.1\n"
ZONES["test"] += "private.spf AAAA fd00::1\n"
ZONES["test"] += "large TXT " + '"v=spf1 "' + ' "ip4:198.51.100.1 "' * 600 + ' "ip4:192.0.2.1 -all"\n'

# Unsigned parts are enough: what is asked for is the key.
SIGNED = (b"DKIM-Signature: v=1; a=rsa-sha256; d=spf.test; s=s; h=from;\r\n"
          b" bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=eA==\r\n"
          b"From: joe@spf.test\r\n\r\n")


def check(resolver, kind, *arguments, message=b""):
    """(the verdict, seconds)"""
    began = time.monotonic()
    done = subprocess.run([POSTRIDER, "check", kind, *arguments, "--json", "--resolver", resolver,
                           *([] if kind == "spf" else ["-"])], input=message, capture_output=True, timeout=60)
    assert done.returncode == 0, done
    return json.loads(done.stdout), time.monotonic() - began


def spf(resolver, ip="192.0.2.1", sender="joe@spf.test"):
    return check(resolver, "spf", "--ip", ip, "--helo", "mail.spf.test", "--from", sender)[0]["result"]


@test
def a_server_may_be_named_in_many_ways():
    with directory() as path, Nsd(path, ZONES, ("127.0.0.1", "::1")) as nsd:
        for resolver in (f"127.0.0.1:{nsd.port}", f"[::1]:{nsd.port}", f"localhost:{nsd.port}"):
            assert spf(resolver) == "pass", resolver
        for resolver in ("", ":53", "127.0.0.1:x", "127.0.0.1:70000", "no.such.host.invalid:53"):
            done = subprocess.run([POSTRIDER, "check", "spf", "--ip", "192.0.2.1", "--helo", "x", "--from", "a@b.test",
                                   "--resolver", resolver], capture_output=True, text=True, timeout=60)
            assert done.returncode == 2 and "--resolver wants HOST:PORT" in done.stderr, (resolver, done)


@test
def zones_for_special_use_are_asked_for():
    with directory() as path, Nsd(path, ZONES) as nsd:
        resolver = f"127.0.0.1:{nsd.port}"
        for name in SPECIAL:
            assert spf(resolver, sender=f"joe@spf.{name}") == "pass", name
        for ip in ("10.0.0.1", "192.168.0.1", "172.16.0.1", "127.0.0.1", "fd00::1"):
            answer, _ = check(resolver, "message", "--ip", ip, "--helo", "x", "--from", "joe@spf.test", message=SIGNED)
            assert answer["iprev"] == {"result": "pass", "name": "private.spf.test"}, (ip, answer)


@test
def answers_too_large_for_a_datagram_come_whole():
    with directory() as path, Nsd(path, ZONES) as nsd:
        assert spf(f"127.0.0.1:{nsd.port}", sender="joe@large.test") == "pass"


# ---- servers that do not answer ----------------------------------------------------------------

def all_verdicts(resolver):
    """Each command's result, all at once since each may take its whole time."""
    arguments = ["--ip", "192.0.2.1", "--helo", "mail.spf.test", "--from", "joe@spf.test"]
    jobs = {"spf": ("spf", arguments, b""), "dkim": ("dkim", [], SIGNED), "message": ("message", arguments, SIGNED)}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = {name: pool.submit(check, resolver, kind, *more, message=message)
                   for name, (kind, more, message) in jobs.items()}
    answers = {name: job.result()[0] for name, job in running.items()}
    took = max(job.result()[1] for job in running.values())
    assert took < DEADLINE_S, took
    whole = answers["message"]
    return [answers["spf"]["result"], answers["dkim"]["signatures"][0]["result"], whole["spf"]["result"],
            whole["dkim"][0]["result"], whole["dmarc"]["result"], whole["dmarc"]["disposition"]]


UNKNOWN = ["temperror"] * 5 + ["none"]


@test
def a_server_that_refuses_is_a_temporary_error():
    with directory() as path, Nsd(path, {"elsewhere": ""}) as nsd:
        assert all_verdicts(f"127.0.0.1:{nsd.port}") == UNKNOWN


@test
def a_server_that_fails_is_a_temporary_error():
    names = ["spf.test", "s._domainkey.spf.test", "_dmarc.spf.test", "1.2.0.192.in-addr.arpa"]
    server = Server(Zone(failing=names))
    assert all_verdicts(f"127.0.0.1:{server.port}") == UNKNOWN


@test
def a_port_without_a_server_is_a_temporary_error():
    assert all_verdicts(f"127.0.0.1:{free_port()}") == UNKNOWN


@test
def a_silent_server_is_a_temporary_error():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        assert all_verdicts(f"127.0.0.1:{silent.getsockname()[1]}") == UNKNOWN


@test
def one_silent_name_takes_nothing_from_the_others():
    """The key's server is silent, the rest answers: SPF passes and is aligned."""
    server = Server(Zone({"spf.test": {"TXT": ["v=spf1 a -all"], "A": ["192.0.2.1"]},
                          "_dmarc.spf.test": {"TXT": ["v=DMARC1; p=reject"]}}, silent=["s._domainkey.spf.test"]))
    verdicts = all_verdicts(f"127.0.0.1:{server.port}")
    assert verdicts == ["pass", "temperror", "pass", "temperror", "pass", "none"], verdicts


main()
