#!/usr/bin/env python3
"""What the server costs: idle connections, and messages far larger than what it keeps in memory."""

import contextlib
import hashlib
import os
import pathlib
import resource
import socket
import time

from harness import Raw, Server, directory, main, message, queue_id, test, wait_for

CONNECTIONS = int(os.environ.get("IDLE_CONNECTIONS", "10000"))
BIG_BYTES = 100_000_000


def memory_kib(pid, field):
    """A figure of /proc/PID/status or smaps_rollup, summed as the kernel does."""
    for name in ("status", "smaps_rollup"):
        for line in pathlib.Path(f"/proc/{pid}/{name}").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
    raise AssertionError(field)


@test
def idle_connections_cost_at_most_12_kib_each():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with directory() as path, Server(path, limits="limits { connections_per_ip = 20000 }") as server:
        engine = server.engine_pid()
        with server.client() as client:
            client.sendmail("carol@elsewhere.test", ["alice@example.org"], message(1))
        before = memory_kib(engine, "VmRSS")
        with contextlib.ExitStack() as stack:
            idle = []
            for i in range(CONNECTIONS):
                connection = stack.enter_context(socket.socket())
                # 127.0.0.x: one source address has not enough ports for all.
                connection.bind((f"127.0.0.{2 + i % 4}", 0))
                connection.settimeout(60)
                connection.connect(("127.0.0.1", server.mx))
                idle.append(connection)
            for connection in idle:
                assert connection.recv(512).startswith(b"220 ")
                connection.sendall(b"EHLO idle.test\r\n")
            for connection in idle:
                assert b"250" in connection.recv(4096)

            # Stacks and buffers are given back after some seconds without a word.
            sizes = [memory_kib(engine, "VmRSS")]

            def settled():
                time.sleep(0.5)
                sizes.append(memory_kib(engine, "VmRSS"))
                return len(sizes) > 8 and sizes[-1] > sizes[-5] - 200
            wait_for(settled, "memory to be given back", 30)
            each = (memory_kib(engine, "VmRSS") - before) / CONNECTIONS
            began = time.monotonic()
            with server.client() as client:
                client.sendmail("carol@elsewhere.test", ["alice@example.org"], message(2))
            service = time.monotonic() - began
            print(f"# {CONNECTIONS} idle connections: {each:.1f} KiB each (engine {before} KiB before); "
                  f"another client's message took {service * 1000:.0f} ms")
            wait_for(lambda: len(server.mailbox("alice")) == 2, "the other client's message")
            assert each <= 12, f"{each:.1f} KiB"
            assert service < 4
        wait_for(lambda: not open_sockets(engine, server.mx), "the descriptors to be given back")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def open_sockets(pid, port):
    """Established connections to the port, seen from the kernel's table."""
    count = 0
    for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        count += fields[1].endswith(f":{port:04X}") and fields[3] == "01"
    return count


@test
def a_100_mb_message_passes_without_growing_the_server():
    line = b"0123456789abcdef" * 4 + b"\r\n"
    with directory() as path, Server(path, limits="limits { message_size = 200M }") as server:
        with server.client() as client: # warm up: pools, buffers, the first segment
            for i in range(3):
                client.sendmail("carol@elsewhere.test", ["alice@example.org"], message(i, body="x\r\n" * 100_000))
        wait_for(lambda: len(server.mailbox("alice")) == 3, "the small ones")
        engine = server.engine_pid()
        before = peak = memory_kib(engine, "RssAnon")
        digest = hashlib.sha256()
        with Raw(server.mx) as client:
            client.ask("EHLO big.test")
            client.ask("MAIL FROM:<carol@elsewhere.test>")
            client.ask("RCPT TO:<alice@example.org>")
            assert client.ask("DATA").startswith("354")
            client.send(b"Subject: big\r\n\r\n")
            for sent in range(0, BIG_BYTES, len(line) * 1000):
                client.send(line * 1000)
                digest.update(line * 1000)
                if sent // (len(line) * 1000) % 100 == 0:
                    peak = max(peak, memory_kib(engine, "RssAnon"))
            message_id = queue_id(client.ask(b".\r\n"))

        def arrived():
            nonlocal peak
            peak = max(peak, memory_kib(engine, "RssAnon"))
            return len(list((path / "mail/example.org/alice/new").iterdir())) == 4
        wait_for(arrived, "the big one")
        big = max((path / "mail/example.org/alice/new").iterdir(), key=lambda file: file.stat().st_size)
        body = big.read_bytes().split(b"\n\n", 1)[1].replace(b"\n", b"\r\n")
        assert hashlib.sha256(body).hexdigest() == digest.hexdigest(), message_id
        print(f"# a message of {len(body)} bytes: anonymous memory grew by {peak - before} KiB")
        assert peak - before < 2048


main()
