#!/usr/bin/env python3
"""One message to a thousand people in hundreds of domains that a few providers serve: one body on the
disk, few connections, and a story that can still be read."""

import contextlib
import threading
import time

from harness import Server, directory, main, queue_id, test, wait_for
from internet import Internet
from peer import Peer

RECIPIENTS, DOMAINS, PROVIDERS = 1000, 300, 10
BODY_LINE = b"x" * 898 + b"\r\n"
CONNECTIONS_MAX = 3  # to one provider, in the test of that
STORY_LINES_MAX, STORY_BYTES_MAX = 500, 32 * 1024


def domain(number):
    return f"d{number % DOMAINS}.test"


class World:
    """Domains d0.test to d299.test on ten mail servers, .providers; each keeps digests of what it took."""

    def __init__(self, path, refused=(), limits="message_size = 50M"):
        self.path, self.refused, self.limits = path, refused, limits

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            net = stack.enter_context(Internet(self.path))
            here = net.host("mx.example.test")
            hosts = [net.host(f"mx{number}.test") for number in range(PROVIDERS)]
            net.serve_names("".join(f"{domain(number)}. MX 10 mx{number % PROVIDERS}.test.\n"
                                    for number in range(DOMAINS)))
            answers = dict.fromkeys(self.refused, "550 5.1.1 no")
            self.providers = [stack.enter_context(Peer(host, digest=True, recipients=answers)) for host in hosts]
            self.server = stack.enter_context(Server(self.path, text=f'relay {{ from = {{"{here.ip4}"}} }}', host=here,
                                                     resolver=net.resolver(), limits=f"limits {{ {self.limits} }}"))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *problem):
        return self.stack.__exit__(*problem)

    def send(self, content):
        """To the thousand, in one transaction."""
        with self.server.client() as client:
            client.mail("alice@example.org")
            for number in range(RECIPIENTS):
                code, words = client.rcpt(f"u{number}@{domain(number)}")
                assert code == 250, (code, words)
            return queue_id(client.data(content)[1])

    def await_empty(self):
        wait_for(lambda: self.server.queue("--limit", "1") == [], "an empty queue", 180)

    def connections(self):
        return sum(provider.connections for provider in self.providers)

    def transactions(self):
        return [taken for provider in self.providers for taken in provider.messages()]


class DiskWatch:
    """The most that the spool held at any time: content files, their bytes, segments."""

    def __init__(self, state):
        self.state, self.contents, self.content_bytes, self.segments = state, 0, 0, 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stopping.wait(0.02):
            sizes = []
            for path in self.state.glob("**/content/*/*"):
                with contextlib.suppress(FileNotFoundError):
                    sizes.append(path.stat().st_size)
            self.contents = max(self.contents, len(sizes))
            self.content_bytes = max(self.content_bytes, sum(sizes))
            self.segments = max(self.segments, len(list(self.state.glob("**/segments/*.seg"))))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def header(number):
    return f"From: <alice@example.org>\r\nSubject: to all\r\nX-Number: {number}\r\n\r\n".encode()


@test
def a_thousand_recipients_have_one_body_on_the_disk():
    content = header(1) + BODY_LINE * (5_000_000 // len(BODY_LINE))
    with directory() as path, World(path) as world:
        with DiskWatch(world.server.state) as watch:
            began = time.monotonic()
            world.send(content)
            accepted = time.monotonic()
            world.await_empty()
            ended = time.monotonic()
        taken = world.transactions()
        arrived = sorted(rcpt for _, rcpts, _ in taken for rcpt in rcpts)
        print(f"# {RECIPIENTS} recipients in {DOMAINS} domains of {PROVIDERS} providers, {len(content)} bytes: accepted in "
              f"{accepted - began:.2f} s, delivered after {ended - began:.1f} s in {len(taken)} transactions over "
              f"{world.connections()} connections; on the disk at most {watch.contents} contents of {watch.content_bytes} "
              f"bytes, {watch.segments} segments")
        assert arrived == sorted(f"RCPT TO:<u{number}@{domain(number)}>" for number in range(RECIPIENTS))
        assert len({digest for _, _, digest in taken}) == 1
        assert watch.contents == 1 and watch.content_bytes < len(content) + 1000
        assert watch.segments <= 4, watch.segments


@test
def domains_of_one_provider_share_connections():
    with directory() as path, World(path, limits=f"connections_per_destination = {CONNECTIONS_MAX}") as world:
        world.send(header(1) + b"hello\r\n")
        world.await_empty()
        at_once = max(provider.most_at_once for provider in world.providers)
        print(f"# {DOMAINS} domains of {PROVIDERS} providers, {CONNECTIONS_MAX} connections to each: "
              f"{len(world.transactions())} transactions over {world.connections()} connections, at most {at_once} at once "
              "to one")
        assert world.connections() <= CONNECTIONS_MAX * PROVIDERS and at_once <= CONNECTIONS_MAX


@test
def the_story_of_a_thousand_recipients_can_be_read():
    refused = [f"u{number}@{domain(number)}" for number in (7, 500, 999)]
    with directory() as path, World(path, refused) as world:
        message_id = world.send(header(1) + b"hello\r\n")
        world.await_empty()
        story, full = world.server.trace(message_id), world.server.trace(message_id, "--full")
        one = world.server.trace(message_id, "--recipient", "u123@d123.test")
        print("# lines and bytes of the story: " + ", ".join(
            f"{name} {len(text.splitlines())} and {len(text)}"
            for name, text in (("usual", story), ("full", full), ("of one recipient", one))))
        assert len(story.splitlines()) <= STORY_LINES_MAX and len(story) <= STORY_BYTES_MAX
        for address in refused:
            assert f"<{address}>: bounced, refused for good: 550 5.1.1 no\n" in story, address
        assert "--full" in story
        for number in range(RECIPIENTS):
            assert f"<u{number}@{domain(number)}>: " in full, number
        assert one.count("delivery attempt") == 1 and "<u123@d123.test>: delivered: 250 2.0.0 taken\n" in one, one


main()
