"""Mail in bulk: numbered messages of all shapes, sent over many sessions at once, and what arrived of
them: none lost, none doubled, none changed."""

import hashlib
import random
import re
import threading

SESSIONS = 20
SENDER = "sender@load.test"
TRACE_FIELDS = {b"received", b"return-path", b"delivered-to", b"x-original-to", b"envelope-to", b"delivery-date",
                b"authentication-results"}


def content(number):
    """A message of its own: sizes from tiny to beyond what stays in memory, lines of all kinds."""
    source = random.Random(f"1-{number}")
    size = source.choice((0, 10, 500, 4000, 4000, 12000, 70000 if number % 50 == 0 else 100))
    lines = [f"X-Number: {number}", f"Subject: message {number}", f"From: <{SENDER}>",
             f"Message-ID: <{number}@load.test>", "Date: Thu, 1 Jan 2026 00:00:00 +0000", ""]
    while size > 0:
        line = source.choice(("", ".", "..", ". x", "plain text", "x" * source.randrange(1, 990), "From here", "\t\ttabs ",
                              "trailing space "))
        lines.append(line)
        size -= len(line) + 2
    return ("\r\n".join(lines) + "\r\n").encode()


def send(connect, count, to, sessions=SESSIONS):
    """Sends `count` messages; connect() gives a session that has said EHLO."""
    problems = []

    def run(numbers):
        try:
            with connect() as client:
                for number in numbers:
                    client.mail(SENDER)
                    client.rcpt(to)
                    code, reply = client.data(content(number))
                    assert code == 250, reply
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(range(i, count, sessions),)) for i in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems


def digest(data):
    return hashlib.sha256(data).hexdigest()


def take_apart(data):
    """Of a message in a mailbox: its number, the trace fields on top, and the rest with CRLF."""
    text = data.replace(b"\n", b"\r\n")
    begin = text.index(b"X-Number: ")
    trace = re.sub(rb"\r\n[ \t]+", b" ", text[:begin])
    fields = {line.split(b":")[0].lower() for line in trace.split(b"\r\n") if line}
    assert fields <= TRACE_FIELDS, fields - TRACE_FIELDS
    return int(re.match(rb"X-Number: (\d+)", text[begin:])[1]), trace, text[begin:]


def check_arrived(files, count, marks, words):
    """Every message is there once and as it was sent, and each of the marks, a name and what must be
    found in its trace fields, is on each."""
    seen, marked, changed = {}, dict.fromkeys(marks, 0), []
    for file in files:
        number, trace, rest = take_apart(file.read_bytes())
        seen[number] = seen.get(number, 0) + 1
        if digest(rest) != digest(content(number)):
            changed.append(number)
        for name, pattern in marks.items():
            marked[name] += re.search(pattern, trace) is not None
    lost = [number for number in range(count) if number not in seen]
    doubled = [number for number, copies in seen.items() if copies > 1]
    told = "".join(f", {name} {found}" for name, found in marked.items())
    print(f"# {words}: sent {count}, lost {len(lost)}, doubled {len(doubled)}, changed {len(changed)}{told}")
    assert not lost and not doubled and not changed, (lost[:10], doubled[:10], changed[:10])
    assert all(found == count for found in marked.values()), marked
