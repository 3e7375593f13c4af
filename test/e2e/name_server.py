"""A name server on loopback whose zone is data and may be as wrong as it likes: for what NSD would
refuse to serve. UDP and TCP on the same port."""

import socket
import struct
import threading

TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SPF": 99}
SERVFAIL, NXDOMAIN = 2, 3
TRUNCATED = 0x0200
UDP_MAX = 1232  # what resolvers say they take
CHAIN_MAX = 8


def to_bytes(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def wire_name(name):
    labels = [label for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + to_bytes(label) for label in labels) + b"\0"


def wire_data(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "MX":
        return struct.pack("!H", value[0]) + wire_name(value[1])
    if kind in ("PTR", "CNAME"):
        return wire_name(value)
    texts = [to_bytes(text) for text in (value if isinstance(value, list) else [value])]
    pieces = [text[i:i + 255] for text in texts for i in range(0, len(text) or 1, 255)]
    return b"".join(bytes([len(piece)]) + piece for piece in pieces)


class Zone:
    """{name: {type: [value]}}, names in lower case. `failing`: names that have no more than what is
    here, and SERVFAIL for the rest; `silent`: names about which nothing is said at all."""

    def __init__(self, names=None, failing=(), silent=()):
        self.names, self.failing, self.silent = names or {}, set(failing), set(silent)

    def find(self, name, kind):
        """(rcode, [(owner, type, value)])"""
        found = []
        for _ in range(CHAIN_MAX):
            records = self.names.get(name)
            if name in self.failing and kind not in (records or {}):
                return SERVFAIL, []
            if records is None:
                exists = any(other.endswith("." + name) for other in self.names)
                return 0 if exists else NXDOMAIN, found
            if kind in records or "CNAME" not in records:
                return 0, found + [(name, kind, value) for value in records.get(kind, [])]
            found.append((name, "CNAME", records["CNAME"][0]))
            name = records["CNAME"][0].rstrip(".").lower()
        return SERVFAIL, []

    def answer(self, query, size_max):
        """The bytes to say, or None."""
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += query[at] + 1
        name = ".".join(labels).lower()
        if name in self.silent:
            return None
        number, = struct.unpack("!H", query[at + 1:at + 3])
        kind = next((kind for kind in TYPES if TYPES[kind] == number), None)
        rcode, found = self.find(name, kind)
        answers = b""
        for owner, owner_kind, value in found:
            data = wire_data(owner_kind, value)
            answers += wire_name(owner) + struct.pack("!HHIH", TYPES[owner_kind], 1, 60, len(data)) + data
        question, flags = query[12:at + 5], 0x8580 | rcode
        if 12 + len(question) + len(answers) > size_max:
            flags, found, answers = flags | TRUNCATED, [], b""
        return query[:2] + struct.pack("!5H", flags, 1, len(found), 0, 0) + question + answers


class Server:
    """Serves `zone`, which may be replaced at any time, and counts questions."""

    def __init__(self, zone=None):
        self.zone, self.questions = zone or Zone(), 0
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        threading.Thread(target=self.run_udp, daemon=True).start()
        threading.Thread(target=self.run_tcp, daemon=True).start()

    def run_udp(self):
        while True:
            query, client = self.udp.recvfrom(4096)
            self.questions += 1
            answer = self.zone.answer(query, UDP_MAX)
            if answer:
                self.udp.sendto(answer, client)

    def run_tcp(self):
        while True:
            connection, _ = self.tcp.accept()
            threading.Thread(target=self.converse, args=(connection,), daemon=True).start()

    def converse(self, connection):
        with connection, connection.makefile("rwb") as stream:
            while len(length := stream.read(2)) == 2:
                answer = self.zone.answer(stream.read(struct.unpack("!H", length)[0]), 65535)
                if answer:
                    stream.write(struct.pack("!H", len(answer)) + answer)
                    stream.flush()
