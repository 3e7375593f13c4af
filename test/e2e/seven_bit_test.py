#!/usr/bin/env python3
"""8-bit mail to a next host that does not offer 8BITMIME: everything arrives in 7 bit, and Python's
own reader of mail finds in it what was sent; what cannot be converted comes back."""

import email
import os
import random
import socketserver
import threading

from harness import Server, directory, main, queue_id, test, wait_for

MESSAGES = int(os.environ.get("SEVEN_BIT_MESSAGES", "600"))
RELAY = 'relay { from = {"127.0.0.1"} }'


class Sink(socketserver.ThreadingTCPServer):
    """Takes all mail; .taken holds (MAIL line, content) of each. It offers `extensions`."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *extensions):
        super().__init__(("127.0.0.1", 0), SinkSession)
        self.extensions = extensions
        self.port = self.server_address[1]
        self.taken = []

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def route(self):
        return f'route "*" {{ via = "smtp:127.0.0.1:{self.port}" tls = none }}'


class SinkSession(socketserver.StreamRequestHandler):
    def say(self, *lines):
        for i, line in enumerate(lines):
            self.wfile.write(f"250{'-' if i + 1 < len(lines) else ' '}{line}\r\n".encode())

    def take(self, mail, content):
        self.server.taken.append((mail, content))
        self.say("2.0.0 taken")

    def read_data(self):
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            assert line.endswith(b"\r\n"), line
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def handle(self):
        self.wfile.write(b"220 sink.test ESMTP\r\n")
        mail, content = "", b""
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            if verb == "EHLO":
                self.say("sink.test", *self.server.extensions)
            elif verb == "DATA":
                self.wfile.write(b"354 go on\r\n")
                self.take(mail, self.read_data())
            elif verb == "BDAT":
                content += self.rfile.read(int(line.split()[1]))
                if line.upper().endswith("LAST"):
                    self.take(mail, content)
                    content = b""
                else:
                    self.say("2.0.0 more")
            elif verb == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                mail = line if verb == "MAIL" else mail
                self.say("2.0.0 ok")


# ---- messages of all kinds ----

WORDS = {"utf-8": ("Grüße", "日本語", "plain", "= equals", "=3D", "tab\t", "dots..", "ends in blanks \t", "--", "-- ", ".", ""),
         "iso-8859-1": ("Grüße", "ÿ", "plain", "soft=", "\x7f", "From here", " ", "")}


def text(source, charset, boundaries):
    """Lines of all lengths, some of which hold what must not become a delimiter."""
    lines = []
    for _ in range(source.randrange(1, 12)):
        words = [source.choice(WORDS[charset]) for _ in range(source.choice((1, 1, 3, 10, 300)))]
        if boundaries and source.random() < 0.3:
            words.insert(source.randrange(1 + len(words)), "x" * source.randrange(60, 80) + "--" + source.choice(boundaries))
        lines.append(source.choice((" ", "", "-")).join(words))
    return "\r\n".join("_" + line if line.startswith("--") else line for line in lines).encode(charset)


def octets(source):
    """Bytes that may stand in a message: no NUL, no line ends but CRLF."""
    allowed = [byte for byte in range(1, 256) if byte not in (10, 13)]
    return b"\r\n".join(b"_" + bytes(source.choices(allowed, k=source.randrange(200))) for _ in range(source.randrange(1, 5)))


def field(source, name, *values):
    """One of the values, in one of many ways to write it; no field for None."""
    value = source.choice(values)
    if value is None:
        return b""
    written = source.choice((f"{name}: {value}", f"{name.lower()}:\r\n {value}", f"{name.upper()}:  {value} "))
    return written.encode() + b"\r\n"


def encoding(source, *values):
    return field(source, "Content-Transfer-Encoding", *values)


def leaf(source, boundaries):
    kind = source.randrange(8)
    if kind == 0:
        return (field(source, "Content-Type", 'text/plain; charset="utf-8"; format=flowed', "Text/HTML; charset=utf-8")
                + encoding(source, "8bit", "8BIT", "binary", "7bit", None) + b"\r\n" + text(source, "utf-8", boundaries))
    if kind == 1:
        return (field(source, "Content-Type", "text/plain; charset=iso-8859-1", "text/plain") + encoding(source, "8bit", None)
                + b"\r\n" + text(source, "iso-8859-1", boundaries))
    if kind == 2:
        return encoding(source, "8bit", None) + b"\r\n" + text(source, source.choice(tuple(WORDS)), boundaries)
    if kind == 3:
        return (field(source, "Content-Type", "application/octet-stream", 'image/png; name="a b.png"')
                + encoding(source, "8bit", "binary", None) + b"Content-Disposition: attachment\r\n\r\n" + octets(source))
    if kind == 4:
        return (b"Content-Type: text/plain; charset=utf-8\r\n" + encoding(source, "quoted-printable")
                + b"\r\nGr=C3=BC=C3=9Fe=20\r\nsoft =\r\nbreak")
    if kind == 5:
        return b"Content-Type: image/gif\r\n" + encoding(source, "base64", "BASE64") + b"\r\nR0lGODlhAQAB\r\nAIAAAP8="
    if kind == 6:
        return b"Content-Type: text/plain\r\n" + encoding(source, "7bit", "8bit", None) + b"\r\nnothing but ASCII \r\n= "
    return b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a.test\r\n\r\nFinal-Recipient: rfc822;a@b.test"


def inner_message(source, depth, boundaries):
    version = source.choice((b"MIME-Version: 1.0\r\n", b""))
    return b"From: <inner@a.test>\r\nSubject: within\r\n" + version + part(source, depth, boundaries)


def part(source, depth, boundaries):
    kind = source.randrange(4) if depth else 3
    if kind == 0:
        return (field(source, "Content-Type", "message/rfc822", "Message/RFC822; name=x") + encoding(source, "8bit", "7bit", None)
                + b"\r\n" + inner_message(source, depth - 1, boundaries))
    if kind <= 2:
        return multipart(source, depth, boundaries)
    return leaf(source, boundaries)


def multipart(source, depth, boundaries):
    boundary = source.choice(("=_%d_Part", "b%d", "----=%d", "'()+_,-./:=?%d", "with blanks %d")) % source.randrange(10 ** 8)
    within = boundaries + [boundary]
    is_digest = source.random() < 0.1
    written = field(source, "Content-Type", "multipart/%s; boundary=\"%s\"" % (
        "digest" if is_digest else source.choice(("mixed", "alternative", "related; type=\"text/html\"", "x-unheard-of")), boundary))
    pieces = [written, encoding(source, "8bit", "7bit", "binary", None), b"X-Last: field\r\n", b"\r\n"]
    if source.random() < 0.5:
        pieces.append(b"This is the preamble.\r\n\r\n")
    for _ in range(source.randrange(1, 4)):
        inside = b"\r\n" + inner_message(source, depth - 1, within) if is_digest else part(source, depth - 1, within)
        pieces.append(b"--" + boundary.encode() + source.choice((b"", b" ", b"\t ")) + b"\r\n" + inside + b"\r\n")
    pieces.append(b"--" + boundary.encode() + b"--")
    if source.random() < 0.5:
        pieces.append(b"\r\nThis is the epilogue.")
    return b"".join(pieces)


def content(number):
    source = random.Random(number)
    version = source.choice((b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0 (made up)\r\n", b""))
    return (b"X-Number: %d\r\nFrom: <sender@load.test>\r\n" % number + version
            + part(source, source.randrange(4), []) + b"\r\n")


# ---- what must be the same ----

def is_added(name, message):
    return name.lower() in ("mime-version", "content-type") and name not in message


def fields_of(message, also_in):
    return [(name, str(value)) for name, value in message.items()
            if name.lower() != "content-transfer-encoding" and not is_added(name, also_in)]


def check_same(sent, got, at="message"):
    assert fields_of(got, sent) == fields_of(sent, sent), f"{at}: {got.items()} for {sent.items()}"
    assert (got.get_content_type(), got.preamble, got.epilogue) == (sent.get_content_type(), sent.preamble, sent.epilogue), at
    assert len(got.defects) <= len(sent.defects), (at, got.defects)
    if not sent.is_multipart():
        assert got.get_payload(decode=True) == sent.get_payload(decode=True), f"{at}: another payload"
        return
    encodings = got.get_all("Content-Transfer-Encoding", [])
    if any(ord(c) > 127 for c in sent.as_bytes().decode("latin-1")):
        assert all(value.strip().lower() == "7bit" for value in encodings), (at, encodings)
    children, others = sent.get_payload(), got.get_payload()
    assert len(children) == len(others), f"{at}: {len(others)} parts for {len(children)}"
    for i, (child, other) in enumerate(zip(children, others)):
        check_same(child, other, f"{at}.{i}")


def strip_trace(data):
    return data[data.index(b"X-Number: "):]


def check_arrived(number, mail, data, is_bdat):
    sent = content(number)
    got = strip_trace(data)
    assert not [byte for byte in data if byte > 127], f"{number}: 8-bit"
    assert "BODY=" not in mail and f"SIZE={len(data)}" in mail, f"{number}: {mail} for {len(data)} bytes"
    if max(sent) < 128:
        assert got == sent, f"{number}: changed without need"
    check_same(email.message_from_bytes(sent), email.message_from_bytes(got), f"message {number}{' by BDAT' if is_bdat else ''}")


def send(server, data, sender="sender@load.test"):
    with server.client() as client:
        client.mail(sender, ["BODY=8BITMIME"])
        client.rcpt("anybody@sink.test")
        code, reply = client.data(data)
        assert code == 250, reply
        return queue_id(reply)


def send_all(server, numbers):
    with server.client() as client:
        for number in numbers:
            client.mail("sender@load.test")
            client.rcpt("anybody@sink.test")
            code, reply = client.data(content(number))
            assert code == 250, reply


def generated_messages_arrive(extensions, numbers):
    with directory() as path, Sink("SIZE 100000000", *extensions) as sink, \
            Server(path, text=RELAY, routes=sink.route(), limits="limits { messages_per_session = 100000 }") as server:
        send_all(server, numbers)
        wait_for(lambda: len(sink.taken) >= len(numbers), f"{len(numbers)} messages at the sink")
        wait_for(lambda: server.queue() == [], "an empty queue")
        arrived = {}
        for mail, data in sink.taken:
            number = int(strip_trace(data).split(b"\r\n", 1)[0].split()[1])
            arrived[number] = (mail, data)
        assert sorted(arrived) == list(numbers) and len(sink.taken) == len(numbers)
        for number, (mail, data) in arrived.items():
            check_arrived(number, mail, data, "CHUNKING" in extensions)
        eight = sum(max(content(number)) > 127 for number in numbers)
        print(f"# {len(numbers)} messages, {eight} of them 8-bit, all in 7 bit and the same to read")
        assert eight > len(numbers) / 2


@test
def generated_messages_arrive_by_data_in_7_bit_and_read_the_same():
    generated_messages_arrive(("PIPELINING",), range(MESSAGES // 2))


@test
def generated_messages_arrive_by_bdat_in_7_bit_and_read_the_same():
    generated_messages_arrive(("CHUNKING",), range(MESSAGES // 2, MESSAGES))


@test
def a_host_with_8bitmime_gets_what_was_sent():
    sent = b"X-Number: 1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + "Grüße\r\n".encode()
    with directory() as path, Sink("8BITMIME") as sink, Server(path, text=RELAY, routes=sink.route()) as server:
        send(server, sent)
        [(mail, data)] = wait_for(lambda: list(sink.taken), "the message")
        assert strip_trace(data) == sent and "BODY=8BITMIME" in mail, (mail, data)


@test
def a_large_message_is_converted_and_the_trace_says_so():
    line = "ÿ" * 30 + " = \r\n"
    head = b"X-Number: 1\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    sent = head + line.encode() * 200000
    with directory() as path, Sink("SIZE") as sink, Server(path, text=RELAY, routes=sink.route()) as server:
        message_id = send(server, sent)
        [(mail, data)] = wait_for(lambda: list(sink.taken), "the message")
        assert f"SIZE={len(data)}" in mail, mail
        assert email.message_from_bytes(strip_trace(data)).get_payload(decode=True) == sent[len(head):]
        story = wait_for(lambda: (lambda text: text if "delivered" in text else None)(server.trace(message_id)), "its story")
        assert f"converted to 7 bit for 127.0.0.1:{sink.port}, which lacks 8BITMIME" in story, story


@test
def what_is_signed_comes_back_and_the_report_about_it_is_converted_itself():
    sent = (b"DKIM-Signature: v=1; a=rsa-sha256\r\nX-Number: 1\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "Grüße\r\n".encode())
    with directory() as path, Sink() as sink, Server(path, text=RELAY, routes=sink.route()) as server:
        message_id = send(server, sent)
        [(mail, data)] = wait_for(lambda: list(sink.taken), "the report")
        assert mail.startswith("MAIL FROM:<>") and max(data) < 128, (mail, data)
        report = email.message_from_bytes(data)
        assert report.get_content_type() == "multipart/report" and report["To"] == "<sender@load.test>"
        words, status, returned = report.get_payload()
        assert "8BITMIME" in words.get_payload() and "DKIM" in words.get_payload(), words.get_payload()
        assert "Status: 5.6.3" in status.as_string(), status.as_string()
        [original] = returned.get_payload()
        assert original.get_payload(decode=True) == "Grüße\r\n".encode()
        assert "5.6.3" in server.trace(message_id)


main()
