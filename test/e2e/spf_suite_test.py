#!/usr/bin/python3
"""The test suite for RFC 7208 by the makers of SPF (openspf.org), as Debian's python3-spf brings it,
through `postrider check spf` and a DNS server of its own on loopback, since some of its zones
cannot be served by an ordinary one. Not run where Debian's documentation is not installed."""

import gzip
import json
import pathlib
import socket
import struct
import subprocess
import threading

import yaml

from harness import POSTRIDER, main, test

SUITE = pathlib.Path("/usr/share/doc/python3-spf/rfc7208-tests.yml.gz")
TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SPF": 99}
SERVFAIL, NXDOMAIN = 2, 3
CHAIN_MAX = 8

# Results the suite allows beside the one it prefers are its own; this is how it writes "none given".
NO_EXPLANATION = "DEFAULT"


def wire_name(name):
    labels = [label for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode("latin-1") for label in labels) + b"\0"


def wire_data(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "MX":
        return struct.pack("!H", value[0]) + wire_name(value[1])
    if kind in ("PTR", "CNAME"):
        return wire_name(value)
    texts = [text.encode("latin-1") for text in (value if isinstance(value, list) else [value])]
    pieces = [text[i:i + 255] for text in texts for i in range(0, len(text) or 1, 255)]
    return b"".join(bytes([len(piece)]) + piece for piece in pieces)


class Zone:
    """A scenario's data. SPF records count as TXT records too, unless the name has some of its own;
    TIMEOUT is a failure of everything else at the name."""

    def __init__(self, data):
        self.names, self.failing = {}, set()
        for name, entries in (data or {}).items():
            name = name.rstrip(".").lower()
            records = self.names.setdefault(name, {})
            pairs = [pair for entry in entries if isinstance(entry, dict) for pair in entry.items()]
            has_txt = any(kind == "TXT" for kind, _ in pairs)
            for kind, value in pairs:
                if value != "NONE":
                    for each in [kind, "TXT"] if kind == "SPF" and not has_txt else [kind]:
                        records.setdefault(each, []).append(value)
            if "TIMEOUT" in entries:
                self.failing.add(name)

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

    def answer(self, query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += query[at] + 1
        number, = struct.unpack("!H", query[at + 1:at + 3])
        kind = next((kind for kind in TYPES if TYPES[kind] == number), None)
        rcode, found = self.find(".".join(labels).lower(), kind)
        answers = b""
        for owner, owner_kind, value in found:
            data = wire_data(owner_kind, value)
            answers += wire_name(owner) + struct.pack("!HHIH", TYPES[owner_kind], 1, 60, len(data)) + data
        header = query[:2] + struct.pack("!5H", 0x8580 | rcode, 1, len(found), 0, 0)
        return header + query[12:at + 5] + answers


class Server:
    def __init__(self):
        self.zone = Zone({})
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            query, client = self.socket.recvfrom(4096)
            self.socket.sendto(self.zone.answer(query), client)


def check(server, case):
    done = subprocess.run([POSTRIDER, "check", "spf", "--ip", case["host"], "--helo", case["helo"], "--from",
                           case["mailfrom"], "--resolver", f"127.0.0.1:{server.port}", "--json"],
                          capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout) if done.returncode == 0 else {"result": done.stderr, "explanation": ""}


def is_right(case, answer):
    allowed = case["result"] if isinstance(case["result"], list) else [case["result"]]
    explanation = answer["explanation"] or NO_EXPLANATION
    return answer["result"] in allowed and explanation == case.get("explanation", explanation)


@test
def every_case_of_the_suite():
    if not SUITE.exists():
        print(f"# skipped: {SUITE} is not installed")
        return
    server, wrong, count = Server(), [], 0
    for scenario in yaml.safe_load_all(gzip.decompress(SUITE.read_bytes()).decode()):
        server.zone = Zone(scenario.get("zonedata"))
        for name, case in scenario["tests"].items():
            count += 1
            answer = check(server, case)
            if not is_right(case, answer):
                wrong.append(f"{scenario['description']}: {name}: {case}: {answer}")
    print(f"# {count} cases")
    assert not wrong, "\n".join(wrong)


if __name__ == "__main__":
    main()
