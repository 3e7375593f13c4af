#!/usr/bin/env python3
"""What a client can say to harm the server, others or the next host, over real sockets and real
TLS; and that each such thing is refused, dropped or kept exactly, and nothing else happens."""

import atexit
import base64
import concurrent.futures
import contextlib
import functools
import os
import pathlib
import re
import socket
import struct
import threading
import time

from harness import PATIENCE_S, Raw, Server, any_certificate, directory, main, message, queue_id, test, wait_for

LINE_LENGTHS = (999, 4096, 65536, 1_000_000)
SERVICE_S = 4  # what others may have to wait while a hostile client is at work

# What is not CRLF "." CRLF, and once was taken for it by somebody.
MIXTURES = {
    "LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n", "CRLF.LF": b"\r\n.\n", "CR.CR": b"\r.\r", "CR.LF": b"\r.\n",
    "LF.CR": b"\n.\r", "CRLF.CR": b"\r\n.\r", "CR.CRLF": b"\r.\r\n", "CRLF.CRCRLF": b"\r\n.\r\r\n",
    "CRCRLF.CRCRLF": b"\r\r\n.\r\r\n", "LFLF.CRLF": b"\n\n.\r\n", "LFCR.LFCR": b"\n\r.\n\r",
    "CRLF NUL.CRLF": b"\r\n\0.\r\n", "CRLF.NUL CRLF": b"\r\n.\0\r\n",
}
# Odd but lawful: these are content, and stay as they are.
LAWFUL_MIXTURES = {
    "CRLF SP.CRLF": b"\r\n .\r\n", "CRLF.SP CRLF": b"\r\n. \r\n", "CRLF TAB.CRLF": b"\r\n\t.\r\n",
    "VT.VT": b"\x0b.\x0b", "FF.FF": b"\x0c.\x0c", "NEL.NEL": b"\x85.\x85", "UTF-8 NEL": b"\xc2\x85.\xc2\x85",
    "CRLF VT.CRLF": b"\r\n\x0b.\r\n", "CRLF.FF CRLF": b"\r\n.\x0c\r\n", "CRLF..CRLF": b"\r\n..\r\n",
}
SMUGGLED = (b"MAIL FROM:<smuggler@elsewhere.test>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"
            b"From: <admin@example.org>\r\n\r\nsmuggled")


_until_the_end = contextlib.ExitStack()
atexit.register(_until_the_end.close)


@functools.cache
def common_server():
    """What one test does to it must not harm the next."""
    return _until_the_end.enter_context(Server(_until_the_end.enter_context(directory())))


@contextlib.contextmanager
def serving(**options):
    """A server with empty mailboxes: the common one, unless there are options. At the end nothing
    is left in its queue, and its engine is alive and has not been replaced."""
    with contextlib.ExitStack() as stack:
        server = (stack.enter_context(Server(stack.enter_context(directory()), **options)) if options
                  else common_server())
        for copy in server.path.glob("mail/*/*/new/*"):
            copy.unlink()
        engine = server.engine_pid()
        yield server
        wait_for(lambda: server.queue() == [], "the queue to be empty")
        assert server.engine_pid() == engine, "the engine has died"
        assert server.mailbox("bob") == [], "a smuggled message"


def plain(password="correct horse", user="alice@example.org"):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def encrypt(client):
    """TLS on a session that was told to go ahead."""
    client.file.close()
    client.socket = any_certificate().wrap_socket(client.socket)
    client.file = client.socket.makefile("rb")


def expect(client, line, *replies):
    reply = client.ask(line)
    assert reply.startswith(replies), f"{line!r:.80}: {reply!r}, not {replies}"
    return reply


def in_sync(client):
    """What was said is answered, once: the next reply is that of the next command."""
    expect(client, "VRFY in-sync", "252 ")


def closed(client):
    """Whatever else came before the end."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while line := client.file.readline():
            said += line
    return said.decode(errors="replace")


@contextlib.contextmanager
def greeted(port):
    with Raw(port) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) # each write is a segment
        expect(client, "EHLO hostile.test", "250-")
        yield client


@contextlib.contextmanager
def encrypted(server):
    """A session on the submission service after STARTTLS and EHLO."""
    with greeted(server.submission) as client:
        expect(client, "STARTTLS", "220 ")
        encrypt(client)
        expect(client, "EHLO hostile.test", "250-")
        yield client


@contextlib.contextmanager
def logged_in(server):
    with encrypted(server) as client:
        expect(client, f"AUTH PLAIN {plain()}", "235 ")
        yield client


def envelope(client, recipient="alice@example.org", sender="carol@elsewhere.test"):
    expect(client, f"MAIL FROM:<{sender}>", "250 ")
    expect(client, f"RCPT TO:<{recipient}>", "250 ")


def send_data(client, content, cut=None):
    """Content that is stuffed already, in two writes if there is a cut; the reply to its end."""
    expect(client, "DATA", "354 ")
    for piece in (content[:cut], content[cut:]) if cut else (content,):
        client.send(piece)
    return client.ask(b"\r\n.\r\n")


def send_chunks(client, content, cut=None):
    """Each chunk and its command with one write; the last reply."""
    chunks = (content[:cut], content[cut:]) if cut else (content,)
    for chunk in chunks[:-1]:
        reply = client.ask(b"BDAT %d\r\n" % len(chunk) + chunk)
        if not reply.startswith("250"):
            return reply
    return client.ask(b"BDAT %d LAST\r\n" % len(chunks[-1]) + chunks[-1])


def body_of(copy):
    return copy.split(b"\n\n", 1)[1]


# ---- the end of data ----

def mixture_is_refused(client, name, send, content, mixture):
    """Whole, and with a cut behind each byte of the mixture."""
    start = content.index(mixture)
    for cut in (None, *range(start + 1, start + len(mixture) + 1)):
        envelope(client)
        reply = send(client, content, cut)
        assert reply[:4] in ("550 ", "554 "), f"{name} cut at {cut}: {reply}"
        in_sync(client)


def no_mixture_ends_the_content(server, opened, send):
    for name, mixture in MIXTURES.items():
        for content in (message(1)[:-2] + mixture + SMUGGLED,
                        b"Subject: a" + mixture + SMUGGLED):
            with opened() as client: # too many refusals would end a session
                mixture_is_refused(client, name, send, content, mixture)
    assert server.queue() == []
    assert server.mailbox("alice") == []


@test
def no_mixture_of_line_ends_ends_data():
    with serving() as server:
        no_mixture_ends_the_content(server, lambda: greeted(server.mx), send_data)


@test
def no_mixture_of_line_ends_passes_through_bdat():
    with serving() as server:
        no_mixture_ends_the_content(server, lambda: greeted(server.mx), send_chunks)


@test
def no_mixture_of_line_ends_passes_through_submission():
    with serving() as server, logged_in(server) as client:
        for name, mixture in MIXTURES.items():
            for send in (send_data, send_chunks):
                expect(client, "RSET", "250 ")
                envelope(client)
                reply = send(client, message(1)[:-2] + mixture + SMUGGLED)
                assert reply[:4] in ("550 ", "554 "), f"{name}: {reply}"
            # A message that is taken pays for the errors, or the session would end.
            envelope(client)
            queue_id(send_data(client, message(2)))
        in_sync(client)
        wait_for(lambda: len(server.mailbox("alice")) == len(MIXTURES), "the lawful messages")


def lawful_mixtures_are_kept(send, is_stuffed):
    with serving() as server, greeted(server.mx) as client:
        for mixture in LAWFUL_MIXTURES.values():
            envelope(client)
            queue_id(send(client, message(1)[:-2] + mixture + SMUGGLED))
            in_sync(client)
        expected = set()
        for mixture in LAWFUL_MIXTURES.values():
            content = mixture.replace(b"\r\n.", b"\r\n", 1) if is_stuffed else mixture
            expected.add((b"Hello." + content + SMUGGLED).replace(b"\r\n", b"\n").rstrip(b"\n"))
        copies = wait_for(lambda: len(found := server.mailbox("alice")) == len(LAWFUL_MIXTURES) and found,
                          "the messages")
        assert {body_of(copy).rstrip(b"\n") for copy in copies} == expected
        for copy in copies:
            assert b"\r" not in copy and b"\0" not in copy


@test
def odd_lines_with_a_dot_pass_exactly_through_data():
    lawful_mixtures_are_kept(send_data, True)


@test
def odd_lines_with_a_dot_pass_exactly_through_bdat():
    lawful_mixtures_are_kept(send_chunks, False)


class Sink:
    """A next host without extensions, which keeps what it hears."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.commands, self.contents = [], []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection, connection.makefile("rwb", buffering=0) as file:
                    self.talk(file)

    def talk(self, file):
        file.write(b"220 sink.test\r\n")
        while line := file.readline():
            self.commands.append(line)
            if line == b"DATA\r\n":
                file.write(b"354 go ahead\r\n")
                content = b""
                while not content.endswith(b"\r\n.\r\n"):
                    content += file.readline() or b"\r\n.\r\n"
                self.contents.append(content)
            elif line.startswith(b"EHLO"):
                file.write(b"502 what\r\n")
                continue
            file.write(b"221 bye\r\n" if line == b"QUIT\r\n" else b"250 ok\r\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@test
def a_lone_dot_from_bdat_is_stuffed_on_its_way_out():
    with Sink() as sink, serving(
            text='relay { from = {"127.0.0.1"} }',
            routes=f'route "*" {{ via = "smtp:127.0.0.1:{sink.port}" tls = none }}') as server:
        with greeted(server.mx) as client:
            envelope(client, "friend@next.test")
            queue_id(send_chunks(client, message(1)[:-2] + b"\r\n.\r\n" + SMUGGLED + b"\r\n.\r\nRSET\r\n"))
        wait_for(lambda: server.queue() == [] and sink.contents, "the delivery")
        [content] = sink.contents
        assert content.endswith(b"Hello.\r\n..\r\n" + SMUGGLED + b"\r\n..\r\nRSET\r\n.\r\n"), content
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", content)
        assert not any(b"smuggler" in command or b"bob" in command for command in sink.commands)


# ---- STARTTLS ----

@test
def commands_behind_starttls_are_not_run():
    with serving() as server:
        for port in (server.mx, server.submission):
            with greeted(port) as client:
                reply = client.ask(b"STARTTLS\r\nMAIL FROM:<carol@elsewhere.test>\r\nRCPT TO:<bob@example.org>\r\n")
                assert reply.startswith("5"), reply
                assert closed(client) == ""


@test
def what_is_said_in_clear_is_forgotten_after_starttls():
    with serving() as server, greeted(server.mx) as client:
        envelope(client)
        expect(client, "STARTTLS", "220 ")
        encrypt(client)
        expect(client, "RCPT TO:<alice@example.org>", "503 ")
        expect(client, "DATA", "503 ", "554 ")
        expect(client, "MAIL FROM:<carol@elsewhere.test>", "503 ")
        extensions = expect(client, "EHLO hostile.test", "250-")
        assert "STARTTLS" not in extensions
        expect(client, "DATA", "503 ", "554 ")


@test
def a_second_starttls_is_refused():
    with serving() as server, encrypted(server) as client:
        expect(client, "STARTTLS", "503 ")
        in_sync(client)
    with serving() as server, Raw(server.submissions, banner=False) as client:
        encrypt(client)
        assert client.reply().startswith("220 ")
        expect(client, "EHLO hostile.test", "250-")
        expect(client, "STARTTLS", "503 ")


@test
def starttls_with_an_argument_is_refused():
    with serving() as server, greeted(server.mx) as client:
        expect(client, "STARTTLS now", "501 ")
        in_sync(client)


@test
def plaintext_for_a_handshake_gets_no_reply():
    with serving() as server:
        with greeted(server.mx) as client:
            expect(client, "STARTTLS", "220 ")
            client.send(b"EHLO hostile.test\r\nMAIL FROM:<carol@elsewhere.test>\r\n")
            assert not re.search(r"\d{3}[ -]", closed(client))
        with Raw(server.submissions, banner=False) as client:
            client.send(b"EHLO hostile.test\r\nMAIL FROM:<carol@elsewhere.test>\r\n")
            assert not re.search(r"\d{3}[ -]", closed(client))


@test
def tls_that_ends_within_bdat_ends_the_session():
    with serving() as server:
        for rest in (b"x" * 100, b"x" * 86 + b"BDAT 0 LAST\r\n", b"", os.urandom(20_000)):
            with greeted(server.mx) as client:
                expect(client, "STARTTLS", "220 ")
                encrypt(client)
                expect(client, "EHLO hostile.test", "250-")
                envelope(client)
                client.send(b"BDAT 200 LAST\r\n" + b"Subject: x\r\n\r\n" + b"x" * 86)
                client.file.close()
                client.socket.settimeout(10)
                with contextlib.suppress(OSError):
                    client.socket = client.socket.unwrap() # close_notify, and the server's
                clear = socket.socket(fileno=client.socket.detach())
                clear.settimeout(PATIENCE_S)
                client.socket, client.file = clear, clear.makefile("rb")
                with contextlib.suppress(OSError):
                    clear.sendall(rest + b"\r\nNOOP\r\nMAIL FROM:<>\r\n")
                assert "250" not in closed(client)
        assert server.queue() == []
        assert server.mailbox("alice") == []


# ---- AUTH ----

@test
def a_login_in_clear_is_refused():
    with serving() as server:
        with greeted(server.submission) as client:
            expect(client, f"AUTH PLAIN {plain()}", "538 5.7.11")
            expect(client, "MAIL FROM:<alice@example.org>", "530 ")
        with greeted(server.mx) as client:
            expect(client, f"AUTH PLAIN {plain()}", "502 ", "503 ", "538 ")


@test
def a_malformed_login_is_refused_and_harms_nothing():
    nul_in_password = base64.b64encode(b"\0alice@example.org\0correct horse\0x").decode()
    no_separators = base64.b64encode(b"alice").decode()
    with serving() as server, encrypted(server) as client:
        expect(client, "AUTH PLAIN !!!!", "501 5.5.2")
        expect(client, "AUTH PLAIN YWxpY2U", "501 5.5.2")
        expect(client, "AUTH PLAIN =", "501 5.5.2")
        expect(client, f"AUTH PLAIN {nul_in_password}", "501 5.5.2")
        expect(client, f"AUTH PLAIN {no_separators}", "501 5.5.2")
        expect(client, f"AUTH PLAIN {plain()} more", "501 ")
        expect(client, "AUTH", "501 ")
        expect(client, "AUTH KERBEROS_V4", "504 5.5.4")
        expect(client, "AUTH PLAIN", "334 ")
        expect(client, "*", "501 ")
        expect(client, "AUTH LOGIN", "334 ")
        expect(client, b"\x00\xff\r\n", "501 5.5.2")
        expect(client, "AUTH LOGIN", "334 ")
        expect(client, (plain() + "\n").encode(), "501 5.5.2")
        expect(client, "MAIL FROM:<alice@example.org>", "530 ")
        expect(client, f"AUTH PLAIN {plain()}", "235 ")


@test
def a_login_of_20000_bytes_is_refused_once():
    with serving() as server, encrypted(server) as client:
        expect(client, "AUTH PLAIN " + "A" * 20_000, "500 ", "501 ")
        in_sync(client)
        expect(client, "AUTH PLAIN", "334 ")
        expect(client, "A" * 20_000, "500 ", "501 ")
        in_sync(client)
        expect(client, "AUTH LOGIN " + "A" * 11_000, "334 ")
        expect(client, "A" * 20_000, "500 ", "501 ")
        in_sync(client)


@test
def a_second_login_is_refused():
    with serving() as server, logged_in(server) as client:
        expect(client, f"AUTH PLAIN {plain()}", "503 ")
        envelope(client, sender="alice@example.org")
        expect(client, f"AUTH PLAIN {plain()}", "503 ")
        queue_id(send_data(client, message(1)))


@test
def who_guesses_passwords_is_cut_off_and_delays_nobody():
    with serving() as server, concurrent.futures.ThreadPoolExecutor() as threads:
        def guess():
            with encrypted(server) as client:
                client.send("".join(f"AUTH PLAIN {plain(f'guess {i}')}\r\n" for i in range(10)).encode())
                return closed(client).splitlines()
        guessers = [threads.submit(guess) for _ in range(3)]
        while not all(guesser.done() for guesser in guessers):
            began = time.monotonic()
            with greeted(server.mx) as client:
                envelope(client)
                queue_id(send_data(client, message(1)))
            assert time.monotonic() - began < SERVICE_S
            time.sleep(0.5)
        for guesser in guessers:
            replies = guesser.result()
            assert replies[-1].startswith("421 4.7.0") and len(replies) <= 5, replies
            assert all(reply.startswith("535 5.7.8") for reply in replies[:-1]), replies


# ---- lines and paths ----

@test
def bytes_that_no_path_may_hold_are_refused():
    paths = [b"<car\0ol@elsewhere.test>", b"<carol\0@elsewhere.test>", b"<carol@elsewhere.test\0>",
             b"<carol@elsewhere.test>\0", b"<car\x07ol@elsewhere.test>", b"<car\x7fol@elsewhere.test>",
             b"<\"car\0ol\"@elsewhere.test>", b"<\"car\rol\"@elsewhere.test>", b"<car\tol@elsewhere.test>",
             b"<carol@elsewhere.test\r>", b"<carol@elsewhere.test>\r"]
    with serving() as server:
        for path in paths:
            with greeted(server.mx) as client:
                for parameter in (b"", b" SMTPUTF8"):
                    expect(client, b"MAIL FROM:" + path + parameter + b"\r\n", "501 ", "553 5.1.")
                    expect(client, b"MAIL FROM:<carol@elsewhere.test>" + parameter + b"\r\n", "250 ")
                    expect(client, b"RCPT TO:" + path + b"\r\n", "501 ", "553 5.1.")
                    expect(client, "DATA", "503 ", "554 ")
                    expect(client, "RSET", "250 ")


@test
def addresses_beyond_ascii_need_smtputf8_and_good_utf8():
    with serving(users='{"alice", "b\u00f6b"}') as server, greeted(server.mx) as client:
        expect(client, "MAIL FROM:<c\u00e4rol@elsewhere.test>", "553 5.6.7")
        expect(client, "MAIL FROM:<carol@elsewhere.test>", "250 ")
        expect(client, "RCPT TO:<b\u00f6b@example.org>", "553 5.6.7")
        expect(client, "RSET", "250 ")
        for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc3"):
            expect(client, b"MAIL FROM:<c" + bad + b"@elsewhere.test> SMTPUTF8\r\n", "501 ", "553 ")
            expect(client, b"MAIL FROM:<carol@" + bad + b".test> SMTPUTF8\r\n", "501 ", "553 ")
        expect(client, "MAIL FROM:<c\u00e4rol@elsewhere.test> SMTPUTF8", "250 ")
        expect(client, "RCPT TO:<b\u00f6b@example.org>", "250 ")


@test
def line_ends_in_parameters_are_refused():
    with serving() as server, greeted(server.mx) as client:
        for parameter in ("ENVID=a+0D+0AEvil:", "ENVID=a+0a", "AUTH=a+0D+0A@elsewhere.test", "ENVID=+00",
                          "AUTH=+0", "ENVID=" + "x" * 200):
            expect(client, f"MAIL FROM:<carol@elsewhere.test> {parameter}", "501 ")
        expect(client, "MAIL FROM:<carol@elsewhere.test>", "250 ")
        for parameter in ("ORCPT=rfc822;a+0D+0AEvil:", "ORCPT=rfc822;a+0a", "ORCPT=rfc822;a+00", "ORCPT=rfc\t822;a"):
            expect(client, f"RCPT TO:<alice@example.org> {parameter}", "501 ")
        expect(client, "DATA", "503 ", "554 ")


@test
def a_command_that_ends_in_a_bare_line_feed_is_not_run():
    with serving() as server, greeted(server.mx) as client:
        expect(client, b"MAIL FROM:<carol@elsewhere.test>\n", "500 ")
        expect(client, "RCPT TO:<alice@example.org>", "503 ")
        in_sync(client)


@test
def an_overlong_command_is_refused_once():
    with serving() as server, greeted(server.mx) as client:
        for line in (b"NOOP " + b"x" * 5000, b"MAIL FROM:<" + b"x" * 5000 + b"@elsewhere.test>",
                     b"x" * 1_000_000, b"MAIL FROM:<" + b"x" * 1_000_000, b"\0" * 13_000,
                     b"EHLO " + b"x" * 20_000, b"RCPT TO:<alice@example.org> " + b"NOOP\r" * 4000):
            expect(client, line + b"\r\n", "500 5.5.2")
            in_sync(client)


@test
def a_command_without_end_ends_the_session():
    with serving() as server, greeted(server.mx) as client:
        with contextlib.suppress(OSError):
            for _ in range(100):
                client.send(b"x" * 1_000_000)
        assert closed(client)[:4] in ("", "421 ")


# ---- content ----

@test
def a_message_that_is_too_large_is_refused():
    with serving(limits="limits { message_size = 4M }") as server, greeted(server.mx) as client:
        over = 5_000_000
        expect(client, f"MAIL FROM:<carol@elsewhere.test> SIZE={over}", "552 5.3.4")
        expect(client, "MAIL FROM:<carol@elsewhere.test> SIZE=99999999999999999999", "552 5.3.4", "501 ")
        for size in ("-1", "+1", "", "1e3", "0x10", " 1", "1k", "9" * 21):
            expect(client, f"MAIL FROM:<carol@elsewhere.test> SIZE={size}", "501 ")
        for send in (send_data, send_chunks):
            for body in (b"x" * 8_000_000, (b"x" * 62 + b"\r\n") * (over // 64)):
                envelope(client)
                reply = send(client, b"Subject: x\r\n\r\n" + body)
                assert reply.startswith("552 5.3.4"), reply
                in_sync(client)
        envelope(client)
        queue_id(send_data(client, b"Subject: x\r\n\r\n" + b"x" * 3_900_000))
        wait_for(lambda: len(server.mailbox("alice")) == 1, "the one that is not too large")


@test
def a_size_without_sense_in_bdat_ends_the_session():
    with serving() as server:
        for size in ("18446744073709551616", "-1", "", "9" * 400, "1 LAST LAST"):
            with greeted(server.mx) as client:
                envelope(client)
                expect(client, f"BDAT {size}", "501 ")
                assert closed(client) == ""


@test
def a_chunk_that_nobody_wants_is_not_taken_for_commands():
    with serving() as server, greeted(server.mx) as client:
        chunk = b"MAIL FROM:<smuggler@elsewhere.test>\r\nRCPT TO:<bob@example.org>\r\n"
        expect(client, b"BDAT %d LAST\r\n" % len(chunk) + chunk, "503 ")
        in_sync(client)
        expect(client, "MAIL FROM:<carol@elsewhere.test>", "250 ")
        expect(client, "RCPT TO:<nobody@example.org>", "550 5.1.1")
        expect(client, b"BDAT %d\r\n" % len(chunk) + chunk, "554 ", "503 ")
        in_sync(client)


@test
def long_lines_are_kept_exactly():
    with serving() as server, greeted(server.mx) as client:
        for length in LINE_LENGTHS:
            for send in (send_data, send_chunks):
                envelope(client)
                queue_id(send(client, message(length, body=f"{'y' * length}\r\nend")))
        copies = wait_for(lambda: len(found := server.mailbox("alice")) == 2 * len(LINE_LENGTHS) and found,
                          "the messages")
        bodies = sorted((body_of(copy).rstrip(b"\n") for copy in copies), key=len)
        assert bodies == [b"y" * length + b"\nend" for length in LINE_LENGTHS for _ in range(2)]


@test
def a_message_that_goes_round_in_circles_is_refused():
    received = b"Received: from a.test by b.test; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    folded = b"rEcEiVeD :\r\n from a.test\r\n by b.test; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    with serving() as server, greeted(server.mx) as client:
        for field in (received, folded):
            for send in (send_data, send_chunks):
                envelope(client)
                reply = send(client, field * 110 + message(1))
                assert reply.startswith("554 5.4.6"), reply
        envelope(client)
        queue_id(send_data(client, received * 25 + message(2)))
        wait_for(lambda: len(server.mailbox("alice")) == 1, "the message with 25 hops")


@test
def an_unknown_recipient_is_refused_at_rcpt_and_never_bounced():
    with serving() as server, greeted(server.mx) as client:
        expect(client, "MAIL FROM:<alice@example.org>", "250 ")
        expect(client, "RCPT TO:<nobody@example.org>", "550 5.1.1")
        expect(client, "RCPT TO:<alice@example.org>", "250 ")
        queue_id(send_data(client, message(1)))
        wait_for(lambda: server.mailbox("alice"), "the message")
        assert server.queue() == []
        assert len(server.mailbox("alice")) == 1


# ---- other protocols ----

@test
def http_is_cut_off_and_its_body_not_run():
    body = b"MAIL FROM:<smuggler@elsewhere.test>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n\r\nsmuggled\r\n.\r\n"
    headers = b"Host: mx\r\nContent-Type: text/plain\r\n\r\nEHLO browser.test\r\n"
    requests = [verb + b" " + target + b" HTTP/1.1" + end + headers + body
                for verb in (b"GET", b"POST", b"CONNECT", b"PUT")
                for target in (b"/", b"/" + b"x" * 5000, b"/" + b"x" * 20_000)
                for end in (b"\r\n", b"\n")]
    with serving() as server:
        for request in requests:
            with Raw(server.mx) as client:
                with contextlib.suppress(OSError):
                    client.send(request)
                said = closed(client)
                assert said.count("\n") <= 1 and "250" not in said, f"{request[:20]}, {len(request)} bytes: {said!r}"


# ---- many, and slow ----

def connect_from(address, port, banner=b"220 "):
    connection = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(address, 0))
    said = connection.recv(512)
    assert said.startswith(banner), said
    return connection


def tell(connection, line):
    connection.sendall(line + b"\r\n")
    said = connection.recv(4096)
    assert said[:1] in b"23", said


def linger_in_command(server):
    connection = connect_from("127.0.0.2", server.mx)
    connection.sendall(b"EHL")
    return connection


def linger_in_data(server):
    connection = connect_from("127.0.0.2", server.mx)
    for line in (b"EHLO slow.test", b"MAIL FROM:<carol@elsewhere.test>", b"RCPT TO:<alice@example.org>", b"DATA"):
        tell(connection, line)
    connection.sendall(b"Subject: slow\r\n\r\n")
    return connection


def linger_in_chunk(server):
    connection = connect_from("127.0.0.2", server.mx)
    for line in (b"EHLO slow.test", b"MAIL FROM:<carol@elsewhere.test>", b"RCPT TO:<alice@example.org>"):
        tell(connection, line)
    connection.sendall(b"BDAT 1000000 LAST\r\nSubject: slow\r\n\r\n")
    return connection


def linger_in_handshake(server):
    connection = connect_from("127.0.0.2", server.submission)
    tell(connection, b"EHLO slow.test")
    tell(connection, b"STARTTLS")
    connection.sendall(b"\x16\x03\x01\x02\x00\x01")
    return connection


LINGERERS = (linger_in_command, linger_in_data, linger_in_chunk, linger_in_handshake)


def descriptors(server):
    """How many the engine has, without that of the trace, which opens when there is something to write."""
    count = 0
    for descriptor in pathlib.Path(f"/proc/{server.engine_pid()}/fd").iterdir():
        with contextlib.suppress(OSError):
            count += "/state/trace/" not in os.readlink(descriptor)
    return count


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@test
def slow_clients_delay_nobody_and_their_descriptors_come_back():
    with serving() as server:
        with greeted(server.mx) as client: # a first message opens what stays open
            envelope(client)
            queue_id(send_data(client, message(0)))
        wait_for(lambda: len(server.mailbox("alice")) == 1, "the first message")
        before = descriptors(server)
        slow = [linger(server) for linger in LINGERERS for _ in range(20)]
        for number in range(1, 6):
            for connection in slow:
                connection.sendall(b"x")
            began = time.monotonic()
            with greeted(server.mx) as client:
                envelope(client)
                queue_id(send_data(client, message(number)))
            assert time.monotonic() - began < SERVICE_S
        wait_for(lambda: len(server.mailbox("alice")) == 6, "the others' messages")
        for i, connection in enumerate(slow):
            reset(connection) if i % 2 else connection.close()
        wait_for(lambda: descriptors(server) <= before, "the descriptors to come back")
        assert server.queue() == []


@test
def only_the_address_with_too_many_connections_is_turned_away():
    with serving(limits="limits { connections_per_ip = 10 }") as server, contextlib.ExitStack() as stack:
        before = descriptors(server)
        held = [stack.enter_context(connect_from("127.0.0.2", server.mx)) for _ in range(10)]
        with connect_from("127.0.0.2", server.mx, banner=b"421 4.7.0") as more:
            assert more.recv(512) == b""
        with greeted(server.mx) as client:
            in_sync(client)
        held[0].close()

        def is_let_in():
            with contextlib.suppress(AssertionError), connect_from("127.0.0.2", server.mx):
                return True
            return False
        wait_for(is_let_in, "the address to be let in again")
        for connection in held:
            connection.close()
        wait_for(lambda: descriptors(server) <= before, "the descriptors to come back")


main()
