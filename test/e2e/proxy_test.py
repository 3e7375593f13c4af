#!/usr/bin/env python3
"""A load balancer's PROXY header and a proxy's XCLIENT: the client is who they say, and nobody else
is believed."""

import contextlib
import shutil
import socket
import ssl
import struct
import subprocess

from harness import (PATIENCE_S, Process, Raw, Server, any_certificate, directory, free_port, main, message, queue_id,
                     test, wait_for)

V1 = b"PROXY TCP4 203.0.113.9 127.0.0.1 40000 25\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(client, more=b""):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    addresses = socket.inet_pton(family, client) * 2 + struct.pack(">HH", 40000, 25) + more
    return SIGNATURE + bytes([0x21, 0x21 if ":" in client else 0x11]) + struct.pack(">H", len(addresses)) + addresses


LOCAL = SIGNATURE + b"\x20\0\0\0"


def server_believing(path, text, limits="limits { connections_per_ip = 3 }"):
    """Its listeners believe 127.0.0.1; 127.0.0.9 is anybody. 203.0.113.9 may relay."""
    server = Server(path, limits=limits, text='relay { from = {"203.0.113.9"} }')
    server.config.write_text(server.config.read_text().replace("service =", f"{text} service ="))
    return server


def say(server, first, number):
    """A message through a connection that begins with these bytes; its id."""
    with Raw(server.mx, banner=False) as client:
        client.send(first)
        assert client.reply().startswith("220 ")
        for line in ("EHLO client.test", "MAIL FROM:<carol@elsewhere.test>", "RCPT TO:<alice@example.org>", "DATA"):
            assert client.ask(line)[0] in "23"
        return queue_id(client.ask(message(number) + b".\r\n"))


@test
def the_client_is_the_one_in_the_header():
    with directory() as path, server_believing(path, 'proxy = {"127.0.0.1"}') as server:
        tls_info = b"\x20\0\x05\1\0\0\0\0\4\0\x03abc"
        for number, (first, client) in enumerate(((V1, "203.0.113.9"), (v2("203.0.113.9"), "203.0.113.9"),
                                                  (v2("2001:db8::9", tls_info), "2001:db8::9"))):
            story = server.trace(say(server, first, number))
            assert f"client {client}," in story and f"127.0.0.1 speaks for {client}" in story, story
            received = wait_for(lambda n=number: [m for m in server.mailbox("alice") if b"X-Number: %d\n" % n in m],
                                "the message")[0]
            assert f"{client}]".encode() in received and b"127.0.0.1" not in received.split(b"\nFrom:")[0], received
        story = server.trace(say(server, LOCAL, 9))
        assert "client 127.0.0.1," in story, story


@test
def the_client_in_the_header_has_its_own_rights():
    with directory() as path, server_believing(path, 'proxy = {"127.0.0.1"}') as server:
        for first, code in ((V1, "250"), (v2("203.0.113.8"), "554"), (LOCAL, "554")):
            with Raw(server.mx, banner=False) as client:
                client.send(first)
                client.reply()
                client.ask("EHLO client.test")
                client.ask("MAIL FROM:<a@b.test>")
                assert client.ask("RCPT TO:<x@away.test>").startswith(code), (first, code)


@test
def what_is_no_header_is_closed_without_a_word():
    with directory() as path, server_believing(path, 'proxy = {"127.0.0.1"}') as server:
        for first in (b"EHLO client.test\r\n", b"PROXY TCP4 a b c d\r\n", SIGNATURE + b"\x31\x11\0\0", b"\x16\x03\x01"):
            with Raw(server.mx, banner=False) as client:
                client.send(first)
                with contextlib.suppress(ConnectionResetError):
                    assert client.reply() == "", first
        assert server.process.log().count("sent no PROXY header") == 4, server.process.log()


@test
def a_header_from_elsewhere_is_no_header():
    with directory() as path, server_believing(path, 'proxy = {"127.0.0.1"}') as server:
        for first in (V1, v2("203.0.113.9")):
            with socket.create_connection(("127.0.0.1", server.mx), PATIENCE_S, ("127.0.0.9", 0)) as plain:
                with plain.makefile("rb") as file:
                    assert file.readline().startswith(b"220 ")
                    plain.sendall(first + b"\r\n")
                    assert file.readline().startswith(b"5"), first
                    plain.sendall(b"EHLO me\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<x@away.test>\r\n")
                    plain.shutdown(socket.SHUT_WR)
                    said = file.read()
                    assert b"554 5.7.1" in said, said


@test
def implicit_tls_and_starttls_come_behind_the_header():
    with directory() as path, server_believing(path, 'proxy = {"127.0.0.1"}') as server:
        with socket.create_connection(("127.0.0.1", server.submissions), PATIENCE_S) as plain:
            plain.sendall(v2("203.0.113.9"))
            with any_certificate().wrap_socket(plain) as encrypted:
                assert encrypted.recv(4) == b"220 "
        # The header and the client's first words in one piece.
        incoming, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = any_certificate().wrap_bio(incoming, out)
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        with socket.create_connection(("127.0.0.1", server.submissions), PATIENCE_S) as plain:
            plain.sendall(V1 + out.read())
            while True:
                incoming.write(plain.recv(65536))
                with contextlib.suppress(ssl.SSLWantReadError):
                    tls.do_handshake()
                    break
            plain.sendall(out.read())
            while True:
                with contextlib.suppress(ssl.SSLWantReadError):
                    assert tls.read(4) == b"220 "
                    break
                incoming.write(plain.recv(65536))
        with Raw(server.submission, banner=False) as client:
            client.send(V1)
            assert client.reply().startswith("220 ")
            client.ask("EHLO me")
            assert client.ask("STARTTLS").startswith("220")
            with any_certificate().wrap_socket(client.socket) as encrypted:
                encrypted.sendall(b"QUIT\r\n")
                assert encrypted.recv(4) == b"221 "


@test
def clients_behind_a_balancer_are_limited_and_the_balancer_is_not():
    with directory() as path, server_believing(path, 'proxy = {"127.0.0.1"}') as server, contextlib.ExitStack() as stack:
        def connect(first):
            client = stack.enter_context(Raw(server.mx, banner=False))
            client.send(first)
            return client.reply()
        for number in range(10):
            assert connect(v2(f"203.0.113.{number}")).startswith("220")
        assert connect(V1).startswith("220") and connect(V1).startswith("220")
        assert connect(V1).startswith("421 4.7.0")


@test
def submitted_mail_does_not_tell_where_the_client_is():
    with directory() as path, server_believing(path, 'proxy = {"127.0.0.1"}') as server:
        with Raw(server.submission, banner=False) as raw:
            raw.send(V1)
            raw.reply()
            raw.ask("EHLO me")
            raw.ask("STARTTLS")
            with any_certificate().wrap_socket(raw.socket) as encrypted:
                raw.socket, raw.file = encrypted, encrypted.makefile("rb")
                for line in ("EHLO me", "AUTH PLAIN AGFsaWNlQGV4YW1wbGUub3JnAGNvcnJlY3QgaG9yc2U=",
                             "MAIL FROM:<alice@example.org>", "RCPT TO:<bob@example.org>", "DATA"):
                    assert raw.ask(line)[0] in "23", line
                story = server.trace(queue_id(raw.ask(message(1, sender="alice@example.org") + b".\r\n")))
        assert "client 203.0.113.9," in story, story
        received = wait_for(lambda: server.mailbox("bob"), "the message")[0]
        assert b"203.0.113.9" not in received and b"127.0.0.1" not in received, received


class Haproxy:
    """A real load balancer before the server's listeners, which looks whether they live as well."""

    def __init__(self, path, server, how):
        self.mx, self.submissions = free_port(), free_port()
        listen = "".join(f"listen l{port}\n  bind 127.0.0.1:{port}\n  server s 127.0.0.1:{behind} {how} check inter 500\n"
                         for port, behind in ((self.mx, server.mx), (self.submissions, server.submissions)))
        config = path / f"haproxy-{how}.cfg"
        config.write_text(f"defaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n  timeout server 60s\n{listen}")
        self.process = Process(["haproxy", "-db", "-f", str(config)], path / "haproxy.log")
        wait_for(self.listens, "HAProxy to listen")

    def listens(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.mx), timeout=5):
            return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stop()


@test
def haproxy_stands_before_us():
    with directory() as path, server_believing(path, 'proxy = {"127.0.0.1"}') as server:
        for number, how in enumerate(("send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id")):
            with Haproxy(path, server, how) as balancer:
                with socket.create_connection(("127.0.0.1", balancer.mx), PATIENCE_S, ("127.0.0.7", 0)) as plain:
                    with plain.makefile("rb") as file:
                        plain.sendall(b"EHLO me\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n" +
                                      message(number) + b".\r\nQUIT\r\n")
                        story = server.trace(queue_id(file.read()))
                assert "client 127.0.0.7," in story, story
                with socket.create_connection(("127.0.0.1", balancer.submissions), PATIENCE_S) as plain:
                    with any_certificate().wrap_socket(plain) as encrypted:
                        assert encrypted.recv(4) == b"220 "
        assert "no PROXY header" not in server.process.log(), server.process.log()


# ---- XCLIENT ----

@test
def swaks_speaks_for_a_client():
    if not shutil.which("swaks"):
        return
    with directory() as path, server_believing(path, 'xclient = {"127.0.0.1"}') as server:
        done = subprocess.run(["swaks", "--server", f"127.0.0.1:{server.mx}", "--from", "carol@elsewhere.test",
                               "--to", "x@away.test", "--xclient-addr", "203.0.113.9", "--xclient-name", "client.test",
                               "--xclient-helo", "client.test", "--xclient-proto", "ESMTP", "--helo", "client.test"],
                              capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        story = server.trace(queue_id(done.stdout))
        assert "client 203.0.113.9, HELO client.test" in story and "127.0.0.1 speaks for 203.0.113.9" in story, story


@test
def nobody_else_speaks_for_others():
    with directory() as path, server_believing(path, 'xclient = {"127.0.0.1"}') as server:
        with socket.create_connection(("127.0.0.1", server.mx), PATIENCE_S, ("127.0.0.9", 0)) as plain:
            plain.sendall(b"EHLO me\r\nXCLIENT ADDR=203.0.113.9\r\n"
                          b"MAIL FROM:<a@b.test>\r\nRCPT TO:<x@away.test>\r\nQUIT\r\n")
            with plain.makefile("rb") as file:
                said = file.read()
        assert b"250-XCLIENT" not in said and b"550 5.7.0" in said and b"554 5.7.1" in said, said


@test
def clients_behind_a_proxy_are_limited_and_the_proxy_is_not():
    with directory() as path, server_believing(path, 'xclient = {"127.0.0.1"}') as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Raw(server.mx)) for _ in range(10)]
        for client in clients[:3]:
            assert client.ask("XCLIENT ADDR=203.0.113.9").startswith("220")
        assert clients[3].ask("XCLIENT ADDR=203.0.113.9").startswith("421 4.7.0")
        assert clients[4].ask("XCLIENT ADDR=203.0.113.10").startswith("220")


main()
