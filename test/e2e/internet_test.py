#!/usr/bin/env python3
"""Between mail servers of other kinds, over an internet of our own: each finds the next by its MX
records and speaks TLS with it, and what goes in at one end comes out at the other once and unchanged."""

import contextlib
import os
import smtplib
import time

import bulk
from exim import Exim
from harness import PATIENCE_S, Postfix, Server, directory, main, test, wait_for
from internet import Internet

MESSAGES = int(os.environ.get("INTERNET_MESSAGES", "10000"))
EXIM_MESSAGES = MESSAGES // 2  # in each direction: it forks for every message
# The sender's host hands everything to relay.test, whose mail server is postrider.
RECORDS = "relay.test. MX 10 postrider.test.\nsink.test. MX 10 sink-host.test.\n"


class World:
    """source-host.test, postrider.test and sink-host.test, and who runs on the outer ones."""

    def __init__(self, path, source, sink):
        self.path, self.make_source, self.make_sink = path, source, sink

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            net = stack.enter_context(Internet(self.path))
            hosts = [net.host(f"{name}.test") for name in ("source-host", "postrider", "sink-host")]
            net.serve_names(RECORDS)
            self.sink = stack.enter_context(self.make_sink(self.path, hosts[2]))
            self.server = stack.enter_context(Server(
                self.path, text=f'relay {{ from = {{"{hosts[0].ip4}", "{hosts[0].ip6}"}} }}', host=hosts[1],
                hostname="postrider.test", resolver=net.resolver(), routes='route "*" { via = "mx" }',
                limits="limits { connections_per_ip = 1000 }"))
            self.source = stack.enter_context(self.make_source(self.path, hosts[0]))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *problem):
        return self.stack.__exit__(*problem)

    def client(self):
        with self.source.host.inside():
            client = smtplib.SMTP(self.source.host.ip4, self.source.port, timeout=PATIENCE_S)
        client.ehlo()
        return client


def postfix_source(path, host):
    return Postfix(path, host=host, name="source", myhostname=host.name, relayhost="relay.test",
                   mynetworks=f"{host.ip4}/32", virtual_mailbox_domains="", smtp_tls_loglevel="1",
                   smtpd_recipient_restrictions="permit_mynetworks, reject")


def postfix_sink(path, host):
    return Postfix(path, host=host, name="sink", myhostname=host.name, smtpd_tls_received_header="yes")


def exim_source(path, host):
    return Exim(path, host, "source", relay="relay.test")


def exim_sink(path, host):
    return Exim(path, host, "sink")


def check_bulk(words, source, sink, count):
    with directory() as path, World(path, source, sink) as world:
        began = time.monotonic()
        bulk.send(world.client, count, "all@sink.test")
        sent = time.monotonic()
        wait_for(lambda: len(world.sink.messages()) >= count, f"{count} messages at the end", 300)
        wait_for(lambda: world.server.queue() == [], "an empty queue")
        arrived = time.monotonic()
        print(f"# {words}: handed to the source in {sent - began:.1f} s, all at the sink after {arrived - began:.1f} s, "
              f"{count / (arrived - began):.0f} messages a second")
        marks = {"from postrider by TLS": rb"Received: from [^;]*postrider\.test[^;]*(using TLSv1\.3|esmtps +\(TLS1\.3\))",
                 "by TLS to postrider": rb"Received: from source-host\.test [^;]* by postrider\.test with ESMTPS \(TLSv1\.3"}
        bulk.check_arrived(world.sink.messages(), count, marks, words)


@test
def postfix_to_postrider_to_postfix():
    check_bulk("Postfix to postrider to Postfix", postfix_source, postfix_sink, MESSAGES)


@test
def exim_to_postrider_to_postfix():
    check_bulk("Exim to postrider to Postfix", exim_source, postfix_sink, EXIM_MESSAGES)


@test
def postfix_to_postrider_to_exim():
    check_bulk("Postfix to postrider to Exim", postfix_source, exim_sink, EXIM_MESSAGES)


main()
