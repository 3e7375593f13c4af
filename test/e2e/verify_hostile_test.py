#!/usr/bin/env python3
"""Hostile messages, records and name servers against `postrider check`: each ends in a verdict, within
bounds of time, processor and memory that do not depend on what it says, and what is printed is valid
JSON. Each row of a table begins with a sentence."""

import base64
import json
import pathlib
import random
import re
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from harness import POSTRIDER, directory, main, test  # noqa: E402
from name_server import Server, Zone  # noqa: E402

MEMORY_BYTES = 256 << 20  # address space, libraries included
RESIDENT_KIB = 48 << 10
CPU_S = 10
DEADLINE_S = 20
SPF_ARGUMENTS = ["--ip", "192.0.2.1", "--helo", "mail.example.org", "--from"]


# ---- running -----------------------------------------------------------------------------------

def set_limits():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))


def largest_size_kib(pid):
    """What it ever had in memory; getrusage would count what this program had when it forked."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1])


def run(arguments, pieces=()):
    """The program within its limits, fed through a pipe: its output, and its size when it had read all
    of that; 0 when there was nothing to read."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([POSTRIDER, *arguments], stdin=subprocess.PIPE, stdout=out, preexec_fn=set_limits)
        for piece in pieces:
            process.stdin.write(piece)
        process.stdin.flush()
        size = largest_size_kib(process.pid) if pieces else 0
        process.stdin.close()
        assert process.wait(60) == 0, (arguments, process.returncode)
        out.seek(0)
        return out.read(), size


def check(server, kind, arguments=(), message=b""):
    """The verdict of `check KIND --json`, which is one JSON object in UTF-8 without raw controls."""
    began = time.monotonic()
    files = [] if kind == "spf" else ["-"]
    printed, _ = run(["check", kind, *arguments, "--json", "--resolver", f"127.0.0.1:{server.port}", *files],
                     [message] if message else [])
    assert time.monotonic() - began < DEADLINE_S, kind
    text = printed.decode("utf-8")
    assert all(each >= " " or each == "\n" for each in text), text
    return json.loads(text)


def check_rows(rows, verdict_of):
    """Rows of (sentence, expected, *arguments)."""
    wrong = []
    for sentence, expected, *arguments in rows:
        got = verdict_of(*arguments)
        if got != expected:
            wrong.append(f"{sentence}: {str(got)[:300]}, want {expected}")
    print(f"# {len(rows)} rows")
    assert not wrong, "\n".join(wrong)


class Signer:
    """Ed25519 and RSA keys of example.org and what they sign."""

    def __init__(self, path):
        self.path, self.records = path, {}
        self.make("ed25519", "ED25519")
        self.make("rsa", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")

    def make(self, selector, algorithm, *options):
        file = self.path / f"{selector}.key"
        subprocess.run(["openssl", "genpkey", "-algorithm", algorithm, *options, "-out", file], check=True,
                       capture_output=True)
        file.chmod(0o600)
        der = subprocess.run(["openssl", "pkey", "-in", file, "-pubout", "-outform", "DER"], check=True,
                             capture_output=True).stdout
        public = base64.b64encode(der if algorithm == "RSA" else der[-32:]).decode()
        self.records[selector] = f"v=DKIM1; k={algorithm.lower()}; p={public}"

    def sign(self, message, selector="ed25519", *options):
        done = subprocess.run([POSTRIDER, "sign", "--domain", "example.org", "--selector", selector, "--key",
                               self.path / f"{selector}.key", *options, "-"], input=message, capture_output=True,
                              timeout=60, check=True)
        return done.stdout

    def zone(self, **more):
        names = {f"{selector}._domainkey.example.org": {"TXT": [record]} for selector, record in self.records.items()}
        return Zone({**names, **{f"{selector}._domainkey.example.org": records for selector, records in more.items()}})


# ---- DKIM: messages ----------------------------------------------------------------------------

HEADER = b"From: joe@example.org\r\nTo: suzie@example.net\r\nSubject: x\r\n"
MESSAGE = HEADER + b"\r\nHello.\r\n"


def results(server, message):
    return [each["result"] for each in check(server, "dkim", message=message)["signatures"]]


@test
def messages_of_any_shape_have_verdicts():
    draw = random.Random(6376)
    with directory() as path:
        signer, server = Signer(path), Server()
        server.zone = signer.zone()
        noise = bytes(draw.randrange(256) for _ in range(100_000)).replace(b"\r", b"").replace(b"\n", b"")
        many = b"".join(b"X-Field-%d: v\r\n" % number for number in range(15_000))
        signature = signer.sign(MESSAGE)[:-len(MESSAGE)]
        rows = [
            ("a plain message", ["pass"], signer.sign(MESSAGE)),
            ("15,000 fields", ["pass"], signer.sign(many + MESSAGE)),
            ("30,000 fields: more than are kept", ["policy"], signature + many + many + MESSAGE),
            ("a field of a megabyte", ["pass"], signer.sign(b"X: " + b"a " * 500_000 + b"\r\n" + MESSAGE)),
            ("a signed field of a megabyte of folds", ["pass"],
             signer.sign(b"To: a@b" + b"\r\n " * 330_000 + b"c\r\n" + HEADER.replace(b"To:", b"X-To:") + b"\r\n")),
            ("a field of three megabytes: more than is kept", ["policy"],
             signature + b"X: " + b"a" * 3_000_000 + b"\r\n" + MESSAGE),
            ("a header without an end", ["policy"], signature + b"X" * 4_000_000),
            ("lines without a colon between the fields", ["pass"], signer.sign(b"no field here\r\n" * 1000 + MESSAGE)),
            ("NUL and 8-bit in field and body", ["pass"],
             signer.sign(b"Subject: \0\xff\x80\r\n" + HEADER + b"\r\n" + b"\0\r\n\xff\0" + noise)),
            ("a body of bare CRs", ["pass"], signer.sign(HEADER + b"\r\n" + b"\r" * 1_000_000)),
            ("a body of blanks", ["pass"], signer.sign(HEADER + b"\r\n" + b" \t" * 1_000_000)),
            ("a body of empty lines", ["pass"], signer.sign(HEADER + b"\r\n" + b"\r\n" * 1_000_000 + b"x")),
            ("no body and no empty line", ["pass"], signer.sign(HEADER)),
            ("nothing at all", [], b""),
            ("nothing but noise", [], noise),
        ]
        check_rows(rows, lambda message: results(server, message))


@test
def ten_thousand_signatures_cost_no_more_than_twenty():
    with directory() as path:
        signer, server = Signer(path), Server()
        server.zone = signer.zone()
        signature = signer.sign(MESSAGE, "rsa")[:-len(MESSAGE)]
        short = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=rsa; h=from; bh=eA==; b=eA==\r\n"
        answer = check(server, "dkim", message=short * 10_000 + MESSAGE)
        assert [each["result"] for each in answer["signatures"]] == ["fail"] * 20 and answer["ignored"] == 9980, answer
        answer = check(server, "dkim", message=signature * 1000 + MESSAGE)
        assert [each["result"] for each in answer["signatures"]] == ["pass"] * 20 and answer["ignored"] == 980, answer
        asked = server.questions
        check(server, "dkim", message=b"".join(
            short.replace(b"s=rsa", b"s=k%d" % number) for number in range(10_000)) + MESSAGE)
        assert server.questions - asked < 100, server.questions - asked


@test
def every_defect_of_a_signature_has_its_verdict():
    good = "v=1; a=ed25519-sha256; d=example.org; s=ed25519; h=from; bh=eA==; b=eA=="
    with directory() as path:
        signer, server = Signer(path), Server()
        server.zone = signer.zone()
        rows = [
            ("nothing wrong but the hash", "fail", good),
            ("an unknown tag", "fail", good + "; zz=\xe9"),
            ("folds wherever they may stand", "fail", good.replace(";", " \r\n\t;\r\n ").replace("=", "\r\n = \r\n ", 6)),
            ("empty", "neutral", ""),
            ("one semicolon", "neutral", ";"),
            ("two semicolons at the end", "neutral", good + ";;"),
            ("a tag without a name", "neutral", good + "; =x"),
            ("a tag without an equals sign", "neutral", good + "; x"),
            ("a name with a digit in front", "neutral", good + "; 1x=y"),
            ("a tag twice", "neutral", good + "; d=example.org"),
            ("a tag twice in other case is another tag", "fail", good + "; D=example.org"),
            ("a control in a value", "neutral", good + "; zz=\x01"),
            ("NUL in a value", "neutral", good + "; zz=\0"),
            ("a bare CR in a value", "neutral", good + "; zz=a\rb"),
            ("sixty thousand tags", "neutral", good + "".join(f"; t{number}=x" for number in range(60_000))),
            ("a value of a megabyte", "fail", good + "; zz=" + "y" * 1_000_000),
            ("no v=", "permerror", good.replace("v=1; ", "")),
            ("another version", "neutral", good.replace("v=1", "v=2")),
            ("no a=", "permerror", good.replace("a=ed25519-sha256; ", "")),
            ("rsa-sha1", "permerror", good.replace("ed25519-sha256", "rsa-sha1")),
            ("an unknown algorithm", "neutral", good.replace("ed25519-sha256", "rot-13")),
            ("no d=", "permerror", good.replace("d=example.org; ", "")),
            ("d= of one label", "neutral", good.replace("d=example.org", "d=org")),
            ("d= with a NUL-like escape", "neutral", good.replace("d=example.org", "d=exa\\000mple.org")),
            ("d= of 300 bytes", "neutral", good.replace("d=example.org", "d=" + "a." * 150 + "org")),
            ("s= so long that the name cannot be asked for", "permerror", good.replace("s=ed25519", "s=" + "a." * 110 + "b")),
            ("no h=", "permerror", good.replace("h=from; ", "")),
            ("h= without From", "permerror", good.replace("h=from", "h=to")),
            ("an empty name in h= names nothing", "fail", good.replace("h=from", "h=from::to")),
            ("From a hundred thousand times", "fail", good.replace("h=from", "h=from" + ":from" * 100_000)),
            ("no bh=", "permerror", good.replace("bh=eA==; ", "")),
            ("b= with a hole", "neutral", good[:-4] + "e*=="),
            ("b= in three characters", "neutral", good[:-4] + "eAA"),
            ("b= with text behind its padding", "neutral", good[:-4] + "eA==eA=="),
            ("b= empty", "neutral", good[:-4]),
            ("b= of a megabyte", "fail", good[:-4] + "AAAA" * 250_000),
            ("c= unknown", "neutral", good + "; c=relaxed/loose"),
            ("l= no number", "neutral", good + "; l=-1"),
            ("l= of 80 digits", "neutral", good + "; l=" + "9" * 80),
            ("l= longer than the body", "permerror", good + "; l=" + "9" * 70),
            ("t= no number", "neutral", good + "; t=now"),
            ("x= long gone", "policy", good + "; x=1"),
            ("x= before t=", "neutral", good + "; t=2; x=1"),
            ("x= of a thousand digits: never", "fail", good + "; x=" + "9" * 1000),
            ("i= outside d=", "permerror", good + "; i=@example.net"),
            ("i= without @", "neutral", good + "; i=example.org"),
            ("i= with many @ and quotes", "fail", good + "; i==22=40=40=22@example.org"),
            ("q= unknown", "neutral", good + "; q=http"),
        ]

        def verdict(value):
            got = results(server, b"DKIM-Signature: " + value.encode("latin-1") + b"\r\n" + MESSAGE)
            assert len(got) == 1
            return got[0]

        check_rows(rows, verdict)


# ---- DKIM: keys --------------------------------------------------------------------------------

def der(kind, content):
    length = len(content)
    size = bytes([length]) if length < 128 else (
        lambda digits: bytes([0x80 | len(digits)]) + digits)(length.to_bytes((length.bit_length() + 7) // 8, "big"))
    return bytes([kind]) + size + content


def der_integer(number):
    return der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def rsa_record(modulus, exponent):
    public = der(0x30, der_integer(modulus) + der_integer(exponent))
    head = der(0x30, bytes.fromhex("06092a864886f70d0101010500"))
    return "v=DKIM1; p=" + base64.b64encode(der(0x30, head + der(3, b"\0" + public))).decode()


@test
def keys_of_any_shape_have_verdicts():
    draw = random.Random(8301)

    def modulus(bits):
        return draw.getrandbits(bits) | 1 << (bits - 1) | 1

    with directory() as path:
        signer, server = Signer(path), Server()
        good = signer.records["rsa"]
        signed = signer.sign(MESSAGE, "rsa")
        chain = {f"c{number}.example.org": {"CNAME": [f"c{number + 1}.example.org"]} for number in range(4)}
        rows = [
            ("the key", "pass", {"TXT": [good]}),
            ("in pieces of one byte", "pass", {"TXT": [list(good)]}),
            ("behind 60 KB of notes", "pass", {"TXT": ["v=DKIM1; n=" + "x" * 60_000 + ";" + good[8:]]}),
            ("60 KB of something else", "permerror", {"TXT": ["x" * 60_000]}),
            ("the last of ten", "pass", {"TXT": [*(f"v=DKIM1; n={number}; p=" for number in range(9)), good]}),
            ("a thousand records", "permerror", {"TXT": [f"v=DKIM1; n={number}; p=" for number in range(1000)]}),
            ("NUL in it", "permerror", {"TXT": [good + "\0"]}),
            ("8-bit in a note", "pass", {"TXT": [good + "; n=\xff\xfe"]}),
            ("base64 with blanks", "pass", {"TXT": [good[:40] + " " + good[40:60] + "\t" + good[60:]]}),
            ("base64 with a hole", "permerror", {"TXT": [good[:40] + "*" + good[41:]]}),
            ("revoked", "permerror", {"TXT": ["v=DKIM1; p="]}),
            ("a version that does not come first", "permerror", {"TXT": [good[9:] + "; v=DKIM1"]}),
            ("another version", "permerror", {"TXT": [good.replace("DKIM1", "DKIM2")]}),
            ("no version", "pass", {"TXT": [good[9:]]}),
            ("a tag twice", "permerror", {"TXT": [good + "; p="]}),
            ("for another service", "permerror", {"TXT": [good + "; s=tlsrpt"]}),
            ("for any service among others", "pass", {"TXT": [good + "; s=tlsrpt:*"]}),
            ("odd flags", "pass", {"TXT": [good + "; t=y:zz:s"]}),
            ("for SHA-1 alone", "permerror", {"TXT": [good + "; h=sha1"]}),
            ("of another type", "permerror", {"TXT": [good.replace("k=rsa", "k=ed25519")]}),
            ("512 bits", "policy", {"TXT": [rsa_record(modulus(512), 65537)]}),
            ("16,384 bits", "policy", {"TXT": [rsa_record(modulus(16384), 65537)]}),
            ("120,000 bits", "policy", {"TXT": [rsa_record(modulus(120_000), 65537)]}),
            ("an exponent of 2,048 bits", "permerror", {"TXT": [rsa_record(modulus(2048), modulus(2047))]}),
            ("an exponent of 64 bits", "fail", {"TXT": [rsa_record(modulus(2048), modulus(64))]}),
            ("an exponent of 1", "permerror", {"TXT": [rsa_record(modulus(2048), 1)]}),
            ("an exponent of 0", "permerror", {"TXT": [rsa_record(modulus(2048), 0)]}),
            ("an even modulus", "fail", {"TXT": [rsa_record(modulus(2048) - 1, 65537)]}),
            ("a modulus of 0", "policy", {"TXT": [rsa_record(0, 65537)]}),
            ("another key", "fail", {"TXT": [rsa_record(modulus(1024), 65537)]}),
            ("DER that goes on", "permerror", {"TXT": [rsa_record(modulus(2048), 3)[:-4] + "AAAA"]}),
            ("behind a chain of CNAMEs", "pass", {"CNAME": ["c0.example.org"]}),
            ("behind a CNAME to itself", "temperror", {"CNAME": ["rsa._domainkey.example.org"]}),
            ("behind a CNAME to nothing", "permerror", {"CNAME": ["nowhere.example.org"]}),
        ]

        def verdict(records):
            server.zone = signer.zone(rsa=records)
            server.zone.names |= {**chain, "c4.example.org": {"TXT": [good]}}
            return results(server, signed)[0]

        check_rows(rows, verdict)


# ---- SPF ---------------------------------------------------------------------------------------

@test
def spf_records_of_any_shape_have_verdicts():
    def chain(kind, count):
        return {f"{kind[0]}{number}.example.org": {"TXT": [f"v=spf1 {kind}{kind[0]}{number + 1}.example.org"]}
                for number in range(count)}

    names = {
        "loop.example.org": {"TXT": ["v=spf1 include:loop.example.org -all"]},
        "turn.example.org": {"TXT": ["v=spf1 redirect=turn.example.org"]},
        "fork.example.org": {"TXT": ["v=spf1" + " include:fork.example.org" * 2000 + " -all"]},
        **chain("include:", 11), "i11.example.org": {"TXT": ["v=spf1 +all"]},
        **chain("redirect=", 10), "r10.example.org": {"TXT": ["v=spf1 +all"]},
        "aliased.example.org": {"CNAME": ["aliased.example.org"]},
        "host.example.org": {"A": ["192.0.2.9"]}, "own.example.org": {"A": ["192.0.2.1"]},
        "many.example.org": {"A": [f"198.51.{number // 250}.{number % 250}" for number in range(1500)]},
        "mx11.example.org": {"MX": [(number, "host.example.org") for number in range(11)]},
        "1.2.0.192.in-addr.arpa": {"PTR": [f"h{number}.example.org" for number in range(1500)]},
    }
    rows = [
        ("3,001 networks, the last matches", "pass", "v=spf1" + " ip4:198.51.100.1" * 3000 + " ip4:192.0.2.1 -all"),
        ("64 KB of nothing", "permerror", "v=spf1 " + "x" * 60_000),
        ("64 KB of blanks", "fail", "v=spf1" + " " * 60_000 + "-all"),
        ("20,000 terms that ask", "permerror", "v=spf1" + " a" * 20_000),
        ("ten terms that ask", "pass", "v=spf1" + " a:host.example.org" * 9 + " a:own.example.org -all"),
        ("eleven terms that ask", "permerror", "v=spf1" + " a:host.example.org" * 10 + " a:own.example.org -all"),
        ("two void look-ups", "fail", "v=spf1 a:v1.example.org a:v2.example.org -all"),
        ("three void look-ups", "permerror", "v=spf1 a:v1.example.org a:v2.example.org a:v3.example.org -all"),
        ("an include of itself", "permerror", "v=spf1 include:loop.example.org -all"),
        ("a redirect to itself", "permerror", "v=spf1 redirect=turn.example.org"),
        ("thousands of includes of themselves", "permerror", "v=spf1 include:fork.example.org -all"),
        ("includes eleven deep", "permerror", "v=spf1 include:i1.example.org -all"),
        ("includes ten deep", "pass", "v=spf1 include:i2.example.org -all"),
        ("redirects eleven times", "permerror", "v=spf1 redirect=r0.example.org"),
        ("redirects ten times", "pass", "v=spf1 redirect=r1.example.org"),
        ("a CNAME to itself", "temperror", "v=spf1 a:aliased.example.org -all"),
        ("a host of 1,500 addresses", "fail", "v=spf1 a:many.example.org -all"),
        ("eleven mail servers", "permerror", "v=spf1 mx:mx11.example.org -all"),
        ("a client with 1,500 names", "fail", "v=spf1 ptr -all"),
        ("a macro that grows", "fail", "v=spf1 exists:" + "%{s}" * 2000 + ".example.org -all"),
        ("a macro of parts without end", "fail", "v=spf1 exists:%{s99999999999999999999r.-+,/_=}.example.org -all"),
        ("a macro without an end", "permerror", "v=spf1 exists:%{" + "s" * 10_000),
        ("a name of 300 bytes matches nothing", "fail", "v=spf1 exists:" + "a" * 300 + ".example.org -all"),
        ("NUL", "permerror", "v=spf1 a:\0.example.org -all"),
        ("8-bit", "permerror", "v=spf1 a:\xff.example.org -all"),
        ("a tab for a blank", "permerror", "v=spf1 a\t-all"),
        ("a thousand records", "permerror", *[[f"v=spf1 exp={number}.example.org -all" for number in range(1000)]]),
    ]
    server = Server()

    def verdict(records):
        records = records if isinstance(records, list) else [records]
        server.zone = Zone({**names, "example.org": {"TXT": records}})
        return check(server, "spf", [*SPF_ARGUMENTS, "joe@example.org"])["result"]

    check_rows(rows, verdict)


@test
def senders_of_any_shape_have_verdicts():
    server = Server(Zone({"example.org": {"TXT": ["v=spf1 exists:%{l}.%{h}.example.org exp=why.example.org -all"]},
                          "why.example.org": {"TXT": ["%{s} at %{h}\x7f\x01"]}}))
    rows = [
        ("controls", "fail", "a\x01\x1b[2J\n\r\t@example.org"),
        ("no UTF-8", "fail", b"\xff\xfe\x80@example.org"),
        ("a local part of 60,000 bytes", "fail", "a" * 60_000 + "@example.org"),
        ("60,000 dots", "fail", "." * 60_000 + "@example.org"),
        ("many @", "fail", "@@@@@@example.org"),
        ("quotes", "fail", '"a b\\"; dkim=pass"@example.org'),
        ("a domain of 60,000 bytes", "none", "a@" + "a." * 30_000 + "org"),
        ("a domain of controls", "none", "a@\x01\x02.\x03"),
        ("a domain that is no UTF-8", "none", b"a@\xff\xfe.org"),
        ("a literal", "none", "a@[192.0.2.1]"),
    ]

    def verdict(sender):
        answer = check(server, "spf", ["--ip", "192.0.2.1", "--helo", b"\xff\x01helo", "--from", sender])
        assert answer["explanation"] == "", answer
        return answer["result"]

    check_rows(rows, verdict)


# ---- ARC ---------------------------------------------------------------------------------------

def arc_set(instance, cv="pass", signature="eA=="):
    tags = f"i={instance}; a=ed25519-sha256; d=example.org; s=ed25519; b={signature}"
    return (f"ARC-Seal: cv={cv}; {tags}\r\nARC-Message-Signature: h=from; bh=eA==; {tags}\r\n"
            f"ARC-Authentication-Results: i={instance}; example.org; none\r\n").encode()


@test
def chains_of_any_shape_have_verdicts():
    with directory() as path:
        signer, server = Signer(path), Server()
        server.zone = signer.zone()
        sealed = signer.sign(MESSAGE, "ed25519", "--arc", "--resolver", f"127.0.0.1:{server.port}")
        own = [line for line in sealed[:-len(MESSAGE)].split(b"\r\n") if line]
        assert own[0].startswith(b"ARC-Seal:")
        rows = [
            ("no chain", "none", MESSAGE),
            ("one set", "pass", sealed),
            ("one set twice", "fail", sealed[:-len(MESSAGE)] + sealed),
            ("results alone", "fail", b"ARC-Authentication-Results: i=1; x; none\r\n" + MESSAGE),
            ("a set that proves nothing", "fail", arc_set(1, "none") + MESSAGE),
            ("fifty of them", "fail", b"".join(arc_set(n, "none" if n == 1 else "pass") for n in range(50, 0, -1)) + MESSAGE),
            ("a thousand of them", "fail", b"".join(arc_set(n) for n in range(1000, 0, -1)) + MESSAGE),
            ("instance 0", "fail", arc_set(0, "none") + MESSAGE),
            ("instance 51", "fail", arc_set(51) + sealed),
            ("an instance of a thousand digits", "fail", arc_set("9" * 1000) + sealed),
            ("a gap", "fail", arc_set(3) + sealed),
            ("another cv", "fail", arc_set(2, "maybe") + sealed),
            ("cv=fail on top", "fail", arc_set(2, "fail") + sealed),
            ("a seal with h=", "fail", sealed.replace(b"ARC-Seal: i=1;", b"ARC-Seal: i=1; h=from;", 1)),
            ("NUL in a seal", "fail", sealed.replace(b"ARC-Seal: i=1;", b"ARC-Seal: i=1; x=\0;", 1)),
            ("a comment of a megabyte before the instance", "fail",
             sealed.replace(b"Results: i=1;", b"Results: (" + b"(" * 500_000 + b") i=1;", 1)),
            ("15,000 fields of it", "fail", (b"ARC-Seal: i=1; cv=none\r\n" * 15_000) + MESSAGE),
        ]
        check_rows(rows, lambda message: check(server, "arc", message=message)["result"])


# ---- all together ------------------------------------------------------------------------------

@test
def authors_of_any_shape_never_pass():
    server = Server(Zone({"_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject"]},
                          "example.org": {"TXT": ["v=spf1 +all"]}}))
    rows = [
        ("one author", "pass", b"From: joe@example.org\r\n"),
        ("none", "permerror", b"To: x\r\n"),
        ("ten thousand fields", "permerror", b"From: joe@example.org\r\n" * 10_000),
        ("30,000 addresses", "permerror", b"From: " + b",\r\n ".join([b"joe@example.org"] * 30_000) + b"\r\n"),
        ("a name of a megabyte", "pass", b"From: " + b"\"" + b"x" * 1_000_000 + b"\" <joe@example.org>\r\n"),
        ("brackets without end", "permerror", b"From: " + b"<" * 1_000_000 + b"joe@example.org\r\n"),
        ("comments without end", "permerror", b"From: " + b"(" * 1_000_000 + b"joe@example.org\r\n"),
        ("NUL in the address", "permerror", b"From: j\0e@example.org\r\n"),
        ("no UTF-8 in the domain", "permerror", b"From: joe@\xff\xfe.org\r\n"),
        ("a bare CR and another field", "permerror", b"From: joe@example.org\rFrom: evil@example.net\r\n"),
    ]
    arguments = [*SPF_ARGUMENTS, b"\xff;\x01 dkim=pass\"@example.org"]

    def verdict(header):
        answer = check(server, "message", arguments, header + b"\r\nHello.\r\n")
        assert answer["header"].isprintable() and answer["header"].count(";") < 12, answer
        return answer["dmarc"]["result"]

    check_rows(rows, verdict)


@test
def fifty_megabytes_come_through_a_pipe_in_constant_memory():
    line = b"All work and no play makes Jack a dull boy. \n" * 1000
    count = 50_000_000 // len(line)
    header = HEADER.replace(b"\r\n", b"\n") + b"\n"
    with directory() as path:
        signer, server = Signer(path), Server()
        server.zone = signer.zone()
        key = ["--domain", "example.org", "--selector", "ed25519", "--key", str(path / "ed25519.key"), "-"]
        resolver = ["--json", "--resolver", f"127.0.0.1:{server.port}", "-"]
        signed, size = run(["sign", *key], [header, *[line] * count])
        assert size < RESIDENT_KIB, size
        field = signed[:signed.index(b"\nFrom:") + 1]
        commands = [["check", "dkim"], ["check", "arc"], ["check", "message", *SPF_ARGUMENTS, "a@example.org"]]
        for command in commands:
            answer, size = run([*command, *resolver], [field, header, *[line] * count])
            assert size < RESIDENT_KIB, (command, size)
            assert command[1] == "arc" or b'"pass"' in answer, answer


main()
