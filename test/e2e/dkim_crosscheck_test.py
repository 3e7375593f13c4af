#!/usr/bin/env python3
"""DKIM and ARC against two other implementations, in both directions: python3-dkim and OpenDKIM
sign what we check, and check what we sign, with NSD serving the keys. Messages and what happens to
them on their way come from a seed. A difference that the RFC does not explain fails the test."""

import base64
import hashlib
import json
import pathlib
import random
import re
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from harness import POSTRIDER, Process, directory, free_port, main, test, wait_for  # noqa: E402
from nsd import Nsd  # noqa: E402

sys.path.append("/usr/lib/python3/dist-packages")
import authres  # noqa: E402
import dkim  # noqa: E402
import dkim.canonicalization  # noqa: E402
import dkim.crypto  # noqa: E402

SEED = 8463
CASES = 200


def is_explained(ours, message):
    """The differences there may be:
    RFC 6376 section 8.2: text behind what l= covers is not trusted by us, and by dkimpy it is.
    RFC 6376 section 3.4.4: blanks at the end of a line go first (a), then a last CRLF is added where
    it is missing (b); dkimpy adds it behind blanks, which stay.
    RFC 6376 section 3.5: q= is a list, and dkimpy knows it with one method only; l= must not be larger
    than the body, which dkimpy does not ask."""
    tags = message.replace(b"bh=", b"")
    is_partial = ours == "policy" and b"l=" in tags
    ends_in_blank = message[-1:] in (b" ", b"\t") and b"/relaxed" in tags
    has_methods = ours == "pass" and b"q=other/x:dns/txt" in tags
    is_too_long = ours == "permerror" and b"l=100000" in tags
    return is_partial or ends_in_blank or has_methods or is_too_long


# ---- keys and the server that publishes them ----

class Keys:
    """Key files, and the zone that publishes them."""

    def __init__(self, path):
        self.path, self.records = path, {}
        self.make("rsa1024", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
        self.make("rsa2048", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        self.make("ed25519", "ED25519")

    def make(self, selector, algorithm, *options):
        file = self.file(selector)
        subprocess.run(["openssl", "genpkey", "-algorithm", algorithm, *options, "-out", file],
                       check=True, capture_output=True)
        file.chmod(0o600)
        der = subprocess.run(["openssl", "pkey", "-in", file, "-pubout", "-outform", "DER"],
                             check=True, capture_output=True).stdout
        is_rsa = algorithm == "RSA"
        text = base64.b64encode(der if is_rsa else der[-32:]).decode()
        self.records[selector] = f"v=DKIM1; k={'rsa' if is_rsa else 'ed25519'}; p={text}"

    def publish(self, selector, record, of="rsa1024"):
        """Another record for a key: {} is what p= says."""
        self.records[selector] = record.format(self.records[of].partition("p=")[2])

    def file(self, selector):
        return self.path / f"{selector}.key"

    def for_dkimpy(self, selector):
        """PEM for RSA, the base64 of the seed for Ed25519."""
        pem = self.file(selector).read_bytes()
        if selector != "ed25519":
            return subprocess.run(["openssl", "rsa", "-traditional"], input=pem, check=True,
                                  capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-outform", "DER"], input=pem, check=True,
                             capture_output=True).stdout
        return base64.b64encode(der[-32:])

    def look_up(self, name, timeout=5):
        """What dkimpy asks instead of the DNS."""
        text = self.records.get(name.decode().split(".")[0])
        return text.encode() if text else None

    def write_for_opendkim(self):
        file = self.path / "opendkim.keys"
        file.write_text("".join(f"{selector}._domainkey.example.org {text}\n"
                                for selector, text in self.records.items()))
        conf = self.path / "opendkim.conf"
        conf.write_text(f"TestPublicKeys {file}\nMode v\nOn-BadSignature accept\n")
        return conf


def zone_of(records):
    """The lines of example.org, with each record in strings of 255 bytes."""
    lines = ""
    for selector, text in records.items():
        strings = " ".join(f'"{text[i:i + 255]}"' for i in range(0, len(text), 255))
        lines += f"{selector}._domainkey TXT {strings}\n"
    return lines


class World:
    def __init__(self, records=()):
        self.more_records = dict(records)

    def __enter__(self):
        self.context = directory()
        self.path = self.context.__enter__()
        self.keys = Keys(self.path)
        for selector, record in self.more_records.items():
            self.keys.publish(selector, record)
        self.opendkim_conf = self.keys.write_for_opendkim()
        self.nsd = Nsd(self.path, {"example.org": zone_of(self.keys.records)})
        return self

    def __exit__(self, *problem):
        self.nsd.stop()
        self.context.__exit__(*problem)

    def check(self, kind, message):
        done = subprocess.run([POSTRIDER, "check", kind, "-", "--json", "--resolver", f"127.0.0.1:{self.nsd.port}"],
                              input=message, capture_output=True, timeout=60)
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def results(self, message):
        return [signature["result"] for signature in self.check("dkim", message)["signatures"]]

    def sign(self, message, selectors, *options):
        command = [POSTRIDER, "sign"]
        for selector in selectors:
            command += ["--domain", "example.org", "--selector", selector, "--key", str(self.keys.file(selector))]
        done = subprocess.run([*command, *options, "-"], input=message, capture_output=True, timeout=60)
        assert done.returncode == 0 and done.stdout.endswith(message), done
        return done.stdout

    def opendkim_passes(self, message):
        """Whether opendkim finds every signature good; it looks at one message and exits."""
        file = self.path / "message"
        file.write_bytes(message.replace(b"\r\n", b"\n"))
        done = subprocess.run(["/usr/sbin/opendkim", "-x", str(self.opendkim_conf), "-t", str(file)],
                              capture_output=True, timeout=60)
        return b"verification (s=" in done.stdout and b"failed" not in done.stdout and b"succeeded" in done.stdout


# ---- messages ----

def random_line(chance):
    words = []
    for _ in range(chance.randrange(0, 12)):
        words.append("".join(chance.choice("abcdefgXYZ.,;:=?é0189") for _ in range(chance.randrange(1, 9))))
    line = chance.choice([" ", "  ", "\t", " \t "]).join(words)
    return chance.choice(["", " ", "\t"]) * chance.randrange(0, 2) + line + chance.choice(["", "", " ", "\t "])


def random_body(chance):
    lines = [random_line(chance) for _ in range(chance.randrange(0, 30))]
    lines += [""] * chance.randrange(0, 3)
    body = "".join(line + "\r\n" for line in lines)
    return body[:-2] if body and chance.random() < 0.1 else body


def random_message(chance):
    fields = ["From: Joe SixPack <joe@example.org>", "To: suzie@example.net",
              f"Subject: {random_line(chance).strip() or 'x'}", "Date: Fri, 11 Jul 2003 21:00:37 -0700",
              f"Message-ID: <{chance.randrange(10**9)}@example.org>"]
    for _ in range(chance.randrange(0, 4)):
        fields.append(chance.choice(["X-Test: a \t b", "Received: from a\r\n\tby b;\r\n  Fri, 11 Jul 2003",
                                     "References: <a@b>\r\n <c@d>", "MIME-Version: 1.0", "x-lower:x",
                                     "Cc: \r\n\tfolded@example.net", "Content-Type: text/plain"]))
    chance.shuffle(fields)
    return ("\r\n".join(fields) + "\r\n\r\n" + random_body(chance)).encode()


def split(message):
    header, _, body = message.partition(b"\r\n\r\n")
    return header + b"\r\n", body


def change_nothing(chance, message):
    return message


def append_text(chance, message):
    return message + b"appended\r\n"


def append_lines(chance, message):
    return message + b"\r\n\r\n"


def blank_at_line_end(chance, message):
    header, body = split(message)
    return header + b"\r\n" + body.replace(b"\r\n", b" \r\n", 1)


def double_blank(chance, message):
    header, body = split(message)
    return header + b"\r\n" + body.replace(b" ", b"  ", 1)


def flip_byte(chance, message):
    header, body = split(message)
    at = chance.randrange(len(body)) if body else 0
    if not body or body[at:at + 1] in b"\r\n":
        return message
    return header + b"\r\n" + body[:at] + b"~" + body[at + 1:]


def lower_subject(chance, message):
    return message.replace(b"Subject:", b"subject:", 1)


def fold_subject(chance, message):
    return message.replace(b"Subject: ", b"Subject:\r\n ", 1)


def change_subject(chance, message):
    return message.replace(b"Subject: ", b"Subject: Re: ", 1)


def second_from(chance, message):
    header, body = split(message)
    return header + b"From: evil@example.net\r\n\r\n" + body


def second_from_on_top(chance, message):
    return b"From: evil@example.net\r\n" + message


def take_to_out(chance, message):
    return message.replace(b"To: suzie@example.net\r\n", b"", 1)


def new_field_on_top(chance, message):
    return b"Received: from here\r\n by there\r\n" + message


def spoil_signature(chance, message):
    return message.replace(b"b=", b"b=A", 1)


def no_from_in_list(chance, message):
    return message.replace(b"v=1;", b"v=2;", 1)


CHANGES = [change_nothing, change_nothing, append_text, append_lines, blank_at_line_end, double_blank, flip_byte,
           lower_subject, fold_subject, change_subject, second_from, second_from_on_top, take_to_out,
           new_field_on_top, spoil_signature, no_from_in_list]


# ---- comparing ----

class Tally:
    """Counts agreement; a difference without an explanation is kept as it is."""

    def __init__(self):
        self.agreed = self.explained = 0
        self.differences = []

    def compare(self, what, ours, theirs, message=b""):
        if (ours == "pass") == theirs:
            self.agreed += 1
        elif is_explained(ours, message):
            self.explained += 1
        else:
            self.differences.append(f"{what}: ours {ours}, theirs {theirs}")

    def done(self, least):
        print(f"# {self.agreed} agree, {self.explained} differ as the RFC explains")
        assert not self.differences, "\n".join(self.differences[:10])
        assert self.agreed >= least


def dkimpy_verifies(world, message, index=0):
    try:
        return dkim.DKIM(message).verify(index, dnsfunc=world.keys.look_up)
    except dkim.DKIMException:
        return False


CANONICAL = [b"simple", b"relaxed"]


def signed_by_dkimpy(world, chance, message):
    selector = chance.choice(["rsa1024", "rsa1024", "rsa2048", "ed25519"])
    signer = dkim.DKIM(message, signature_algorithm=b"ed25519-sha256" if selector == "ed25519" else b"rsa-sha256")
    names = {name.lower() for name, _ in signer.headers} & {b"from", b"to", b"subject", b"date", b"cc", b"x-lower"}
    chosen = [b"from"] + [name for name in sorted(names) if chance.random() < 0.7]
    if chance.random() < 0.5:
        chosen += [b"from", b"reply-to"]
    field = signer.sign(selector.encode(), b"example.org", world.keys.for_dkimpy(selector),
                        canonicalize=(chance.choice(CANONICAL), chance.choice(CANONICAL)), include_headers=chosen,
                        length=chance.random() < 0.2)
    return field + message


@test
def what_dkimpy_signs_we_judge_alike():
    chance, tally = random.Random(SEED), Tally()
    with World() as world:
        for number in range(CASES):
            message = signed_by_dkimpy(world, chance, random_message(chance))
            change = chance.choice(CHANGES)
            message = change(chance, message)
            ours = world.results(message)
            assert len(ours) == 1
            tally.compare(f"case {number}, {change.__name__}", ours[0], dkimpy_verifies(world, message), message)
        tally.done(CASES * 3 // 4)


@test
def what_we_sign_dkimpy_judges_alike():
    chance, tally = random.Random(SEED + 1), Tally()
    with World() as world:
        for number in range(CASES // 2):
            message = world.sign(random_message(chance), ["rsa2048", "ed25519"])
            change = chance.choice(CHANGES)
            message = change(chance, message)
            ours = world.results(message)
            assert len(ours) == 2
            for index, result in enumerate(ours):
                tally.compare(f"case {number}, {change.__name__}, signature {index}", result,
                              dkimpy_verifies(world, message, index), message)
        tally.done(CASES * 3 // 4)


@test
def what_we_sign_opendkim_verifies():
    chance, tally = random.Random(SEED + 2), Tally()
    with World() as world:
        for number in range(CASES // 8):
            message = random_message(chance)
            for selectors in (["rsa2048"], ["ed25519"]):
                signed = world.sign(message, selectors)
                tally.compare(f"case {number} {selectors[0]}", world.results(signed)[0],
                              world.opendkim_passes(signed))
        tally.done(CASES // 4)


# ---- signatures made by hand, as odd as RFC 6376 allows and odder ----

def hand_sign(world, message, tags, name=b"DKIM-Signature", selector="rsa1024"):
    """A signature over the message, with these tags and the h=, bh= and b= that they want. `tags`
    is the text in front of "bh="; its c=, h= and l= say how to sign."""
    said = {key.strip(): "".join(value.split()) for key, _, value in (each.partition("=") for each in tags.split(";"))}
    policy = dkim.canonicalization.CanonicalizationPolicy.from_c_value(said.get("c", "simple/simple").encode())
    headers, body = dkim.rfc822_parse(message)
    canonical = policy.canonicalize_body(body)
    body_hash = base64.b64encode(hashlib.sha256(canonical[:int(said.get("l", len(canonical)))]).digest())
    value = tags.encode() + b" bh=" + body_hash + b";\r\n\tb="
    digest = hashlib.sha256()
    names = [each.lower().encode() for each in said["h"].split(":")]
    dkim.hash_headers(digest, policy, policy.canonicalize_headers(headers), names, (name, value), {})
    key = dkim.crypto.parse_pem_private_key(world.keys.for_dkimpy(selector))
    signature = base64.b64encode(dkim.crypto.RSASSA_PKCS1_v1_5_sign(digest, key))
    return name + b":" + value + signature[:60] + b"\r\n\t" + signature[60:] + b"\r\n" + message


def random_names(chance, message):
    """Names of fields that are there and that are not, some of them again, in any case and spacing."""
    present = [name.decode("latin-1") for name, _ in dkim.rfc822_parse(message)[0] if name.lower() != b"from"]
    names = ["from"] + [name for name in present + ["cc", "reply-to", "x-absent", "to", "from"] if chance.random() < 0.6]
    chance.shuffle(names)
    spelled = [chance.choice([str.lower, str.upper, str.title])(name) for name in names]
    return chance.choice([":", " : ", ": ", ":\r\n\t"]).join(spelled)


def random_tags(chance, message):
    parts = ["v=1", "a=rsa-sha256", "d=" + chance.choice(["example.org", "EXAMPLE.org"]), "s=rsa1024",
             "h=" + random_names(chance, message)]
    for tags, likely in ((["c=simple", "c=relaxed", "c=simple/relaxed", "c=relaxed/relaxed"], 0.8),
                         (["l=0", "l=7", "l=100000"], 0.15), (["t=1", "t=1600000000"], 0.5),
                         (["x=2", "x=99999999999"], 0.3), (["q=dns/txt", "q=other/x:dns/txt"], 0.3),
                         (["z=From:a@b|To:c@d", "unknown=\u00e9", "n=="], 0.3),
                         (["i=@example.org", "i=joe@example.org", "i=joe=20b@sub.example.org", "i=@example.net",
                           "i=@notexample.org"], 0.4)):
        if chance.random() < likely:
            parts.append(chance.choice(tags))
    chance.shuffle(parts)
    blank = chance.choice([" ", "\r\n ", "\t", ""])
    return chance.choice(["", " "]) + "".join(part + chance.choice([";", " ;"]) + blank for part in parts)


def opendkim_is_asked(message):
    """Its test mode writes the fields anew, which only relaxed signatures survive; it takes no 8-bit in
    tags, which section 3.2 allows, and takes a t= of 1 for the future."""
    field = message.partition(b"b=")[0]
    return b"c=relaxed" in field and field.isascii() and not re.search(rb"\bt=1\b", field)


@test
def signatures_made_by_hand_are_judged_alike():
    chance, tally = random.Random(SEED + 5), Tally()
    names = [b"DKIM-Signature", b"dkim-signature", b"DKIM-SIGNATURE", b"Dkim-Signature"]
    with World() as world:
        for number in range(CASES):
            message = random_message(chance)
            count = chance.choice([1, 1, 1, 2, 3])
            for _ in range(count):
                message = hand_sign(world, message, random_tags(chance, message), chance.choice(names))
            change = chance.choice(CHANGES)
            message = change(chance, message)
            ours = world.results(message)
            assert len(ours) == count
            for index, result in enumerate(ours):
                tally.compare(f"case {number}, {change.__name__}, signature {index}", result,
                              dkimpy_verifies(world, message, index), message)
            if count == 1 and opendkim_is_asked(message):
                tally.compare(f"case {number}, {change.__name__}, OpenDKIM", ours[0],
                              world.opendkim_passes(message), message)
        tally.done(CASES)


# Section 3.6.1, and 6.1.2 steps 5 to 8: what is wrong with these, where something is. OpenDKIM does
# not ask whether v= comes first, nor whether a tag stands twice.
KEY_RECORDS = {
    "plain": ("v=DKIM1; k=rsa; p={}", True),
    "bare": ("p={}", True),
    "noversion": ("k=rsa; p={}", True),
    "untyped": ("v=DKIM1; p={}", True),
    "spaced": ("v = DKIM1 ;  k = rsa ; p = {} ", True),
    "ended": ("v=DKIM1; k=rsa; p={};", True),
    "unknown": ("v=DKIM1; k=rsa; zz=1; p={}; n=notes", True),
    "granular": ("v=DKIM1; g=*; k=rsa; p={}", True),
    "testing": ("v=DKIM1; t=y; k=rsa; p={}", True),
    "exact": ("v=DKIM1; t=s; k=rsa; p={}", True),
    "flags": ("v=DKIM1; t=zz:s:y; k=rsa; p={}", True),
    "sha256": ("v=DKIM1; h=sha256; k=rsa; p={}", True),
    "both": ("v=DKIM1; h=sha1 : sha256; k=rsa; p={}", True),
    "sha1": ("v=DKIM1; h=sha1; k=rsa; p={}", False),
    "email": ("v=DKIM1; s=email; k=rsa; p={}", True),
    "any": ("v=DKIM1; s=other:*; k=rsa; p={}", True),
    "service": ("v=DKIM1; s=tlsrpt; k=rsa; p={}", False),
    "revoked": ("v=DKIM1; k=rsa; p=", False),
    "empty": ("v=DKIM1; k=rsa", False),
    "otherkey": ("v=DKIM1; k=dsa; p={}", False),
    "version2": ("v=DKIM2; k=rsa; p={}", False),
}


@test
def keys_with_odd_flags_are_judged_alike():
    chance, wrong = random.Random(SEED + 6), []
    records = {selector: record for selector, (record, _) in KEY_RECORDS.items()}
    with World(records) as world:
        for selector, (_, is_good) in KEY_RECORDS.items():
            message = random_message(chance) + b"\r\nend\r\n"
            signed = hand_sign(world, message, f" v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s={selector}; h=from;")
            ours, theirs = world.results(signed), world.opendkim_passes(signed)
            if (ours == ["pass"]) != is_good or theirs != is_good:
                wrong.append(f"{selector}: ours {ours}, theirs {theirs}")
        for tags in ("i=@sub.example.org", "i=@example.org"):
            signed = hand_sign(world, random_message(chance), f" v=1; a=rsa-sha256; d=example.org; s=exact; {tags}; h=from;")
            if (world.results(signed) == ["pass"]) != world.opendkim_passes(signed):
                wrong.append(f"t=s with {tags}: ours {world.results(signed)}")
    print(f"# {len(KEY_RECORDS) + 2} keys")
    assert not wrong, "\n".join(wrong)


@test
def line_ends_of_files_change_nothing():
    """Section 3.8: what is signed has CRLFs, whatever the file has; `sign` leaves the file's as they are."""
    chance = random.Random(SEED + 7)
    with World() as world:
        for selector in ("rsa2048", "ed25519"):
            message = random_message(chance) + b"\r\nend\r\n"
            signed = world.sign(message, [selector], "--time", "1600000000")
            with_lf = world.sign(message.replace(b"\r\n", b"\n"), [selector], "--time", "1600000000")
            assert with_lf == signed.replace(b"\r\n", b"\n")
            assert world.results(signed) == world.results(with_lf) == ["pass"]


@test
def authres_reads_what_we_say_of_signatures():
    """RFC 8601 section 2.7.1 and RFC 6008: python3-authres finds the same in the field as in the JSON."""
    chance = random.Random(SEED + 8)
    with World() as world:
        for number in range(CASES // 8):
            message = world.sign(random_message(chance), ["rsa1024", "ed25519"])
            message = chance.choice(CHANGES)(chance, seal_with_ours(world, message))
            done = subprocess.run([POSTRIDER, "check", "message", "--ip", "192.0.2.1", "--helo", "mail.example.org",
                                   "--from", "joe@example.org", "--json", "--resolver", f"127.0.0.1:{world.nsd.port}",
                                   "-"], input=message, capture_output=True, timeout=60, check=True)
            answer = json.loads(done.stdout)
            results = authres.AuthenticationResultsHeader.parse(answer["header"]).results
            ours = [(each["result"], each["domain"], each["selector"], each["algorithm"]) for each in answer["dkim"]]
            theirs = [(each.result, *(next((p.value for p in each.properties if p.name == name), "") for name in "dsa"))
                      for each in results if each.method == "dkim"]
            assert ours == theirs and len(ours) == 2, (number, answer)
            assert [each.result for each in results if each.method == "arc"] == [answer["arc"]["result"]], answer
            for each in results:
                shown = [p.value for p in each.properties if p.name == "b"]
                assert all(len(value) == 8 and f"b={value}" in message.decode("latin-1") for value in shown), answer


class OpenDkim:
    """opendkim as the milter it is; miltertest hands it messages."""

    def __init__(self, world, canonicalization):
        self.path, self.port = world.path, free_port()
        key = world.path / "traditional.key"
        key.write_bytes(world.keys.for_dkimpy("rsa2048"))
        key.chmod(0o600)
        conf = world.path / "signer.conf"
        conf.write_text(f"Mode s\nDomain example.org\nSelector rsa2048\nKeyFile {key}\nUserID root\n"
                        f"Canonicalization {canonicalization}\nSocket inet:{self.port}@127.0.0.1\n"
                        f"SignatureAlgorithm rsa-sha256\nInternalHosts 127.0.0.1\nRequireSafeKeys no\n")
        self.process = Process(["/usr/sbin/opendkim", "-f", "-x", str(conf)], world.path / "opendkim.log")
        wait_for(self.listens, "opendkim to listen", 20)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def sign(self, message):
        header, body = split(message)
        script = [f'c = mt.connect("inet:{self.port}@127.0.0.1")', 'mt.conninfo(c, "localhost", "127.0.0.1")',
                  'mt.mailfrom(c, "<joe@example.org>")', 'mt.rcptto(c, "<suzie@example.net>")']
        for field in re.split(rb"\r\n(?![ \t])", header)[:-1]:
            name, _, value = field.partition(b":")
            script.append(f"mt.header(c, {lua(name)}, {lua(value.lstrip().replace(bytes([13, 10]), bytes([10])))})")
        script += ["mt.eoh(c)", f"mt.bodystring(c, {lua(body)})", "mt.eom(c)",
                   'print("FIELD" .. mt.getheader(c, "DKIM-Signature", 0) .. "END")', "mt.disconnect(c)"]
        file = self.path / "script.lua"
        file.write_text("\n".join(script))
        done = subprocess.run(["miltertest", "-s", str(file)], capture_output=True, timeout=60)
        found = re.search(rb"FIELD(.*)END", done.stdout, re.S)
        assert found, done
        value = found.group(1).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return b"DKIM-Signature: " + value.lstrip() + b"\r\n" + message

    def stop(self):
        self.process.stop()


def lua(text):
    return '"' + "".join(f"\\{byte:03d}" for byte in text) + '"'


@test
def what_opendkim_signs_we_verify():
    chance, tally = random.Random(SEED + 3), Tally()
    with World() as world:
        for canonicalization in ("relaxed/simple", "relaxed/relaxed"):
            signer = OpenDkim(world, canonicalization)
            try:
                for number in range(CASES // 8):
                    message = signer.sign(random_message(chance))
                    tally.compare(f"case {number}, {canonicalization}", world.results(message)[0], True)
            finally:
                signer.stop()
        tally.done(CASES // 4)


@test
def rsa_sha1_of_opendkim_s_test_tool_is_no_signature_to_us():
    with World() as world:
        key = world.path / "traditional.key"
        key.write_bytes(world.keys.for_dkimpy("rsa2048"))
        done = subprocess.run(["opendkim-testmsg", "-C", "-d", "example.org", "-s", "rsa2048", "-k", str(key)],
                              input=random_message(random.Random(SEED)), capture_output=True, timeout=60)
        signatures = world.check("dkim", done.stdout)["signatures"]
        assert [(each["algorithm"], each["result"]) for each in signatures] == [("rsa-sha1", "permerror")]


# ---- ARC ----

def dkimpy_arc(world, message):
    try:
        result, _, _ = dkim.ARC(message).verify(dnsfunc=world.keys.look_up)
        return {dkim.CV_Pass: "pass", dkim.CV_None: "none"}.get(result, "fail")
    except dkim.DKIMException:
        return "fail"


def seal_with_dkimpy(world, message):
    message = (b"Authentication-Results: example.org;\r\n dkim=pass header.d=example.org; arc="
               + dkimpy_arc(world, message).encode() + b"\r\n" + message)
    sealer = dkim.ARC(message)
    fields = sealer.sign(b"rsa1024", b"example.org", world.keys.for_dkimpy("rsa1024"), b"example.org",
                         include_headers=[b"from", b"to", b"subject", b"date"], timestamp=1528637909)
    return b"".join(fields) + message


def seal_with_ours(world, message):
    return world.sign(message, ["rsa1024"], "--arc", "--resolver", f"127.0.0.1:{world.nsd.port}")


ARC_CHANGES = [change_nothing, change_nothing, change_nothing, append_text, append_lines, change_subject,
               new_field_on_top, second_from,
               lambda chance, message: message.replace(b"dkim=pass", b"dkim=fail", 1),
               lambda chance, message: message.replace(b"cv=none", b"cv=pass", 1),
               lambda chance, message: message.replace(b"ARC-Message-Signature:", b"X:", 1),
               lambda chance, message: message.replace(b"ARC-Seal: i=1", b"ARC-Seal: i=3", 1)]


@test
def arc_chains_that_both_extend_are_judged_alike():
    chance, tally = random.Random(SEED + 4), Tally()
    with World() as world:
        for number in range(CASES // 4):
            message = random_message(chance) + b"\r\n"
            for _ in range(chance.randrange(0, 4)):
                message = chance.choice([seal_with_dkimpy, seal_with_ours])(world, message)
            message = chance.choice(ARC_CHANGES)(chance, message)
            ours, theirs = world.check("arc", message)["result"], dkimpy_arc(world, message)
            tally.compare(f"chain {number}: {ours} {theirs}", "pass" if ours == theirs else "differs", True)
        tally.done(CASES // 4)


main()
