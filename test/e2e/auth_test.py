#!/usr/bin/env python3
"""Who sent it, from end to end, with names published by NSD on loopback: what strangers bring is
judged, what we send is signed, what we forward is sealed; dkimpy and OpenDKIM read our signatures."""

import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from harness import POSTRIDER, Postfix, Server, directory, free_port, main, message, queue_id, test, wait_for  # noqa: E402
from nsd import Nsd  # noqa: E402

sys.path.append("/usr/lib/python3/dist-packages")
import authres  # noqa: E402
import dkim  # noqa: E402

HOSTNAME = "mx.example.org"
SELECTORS = {"large": "rsa-2048", "small": "ed25519"}

# The client of all messages is 127.0.0.1.
STRANGERS = """
honest TXT "v=spf1 ip4:127.0.0.1 -all"
_dmarc.honest TXT "v=DMARC1; p=reject"
strict TXT "v=spf1 -all"
_dmarc.strict TXT "v=DMARC1; p=reject"
"""


def strings(text):
    """A TXT record's, of 255 bytes each."""
    return " ".join(f'"{text[i:i + 255]}"' for i in range(0, len(text), 255))


class World:
    """A server for example.org that signs, its name server, and a Postfix as the next host, if it is
    wanted."""

    def __init__(self, has_next_host=False, **options):
        self.has_next_host, self.options, self.records = has_next_host, options, {}

    def __enter__(self):
        self.context = directory()
        self.path = self.context.__enter__()
        sections = "".join(self.make_key(selector, algorithm) for selector, algorithm in SELECTORS.items())
        (self.path / "aliases").write_text("far: someone@sink.test\n")
        keys = "".join(f"{name}. TXT {strings(text)}\n" for name, text in self.records.items())
        self.nsd = Nsd(self.path, {"org": keys, "example": STRANGERS})
        self.postfix = Postfix(self.path, smtpd_relay_restrictions="reject_unauth_destination")
        if self.has_next_host:
            self.postfix.start()
        options = {"dmarc": "quarantine", "resolver": f'servers = {{"127.0.0.1:{self.nsd.port}"}} dnssec = no',
                   **self.options}
        self.server = Server(self.path, hostname=HOSTNAME, domain=f'aliases = "{self.path}/aliases"\n{sections}',
                             routes=f'route "*" {{ via = "smtp:127.0.0.1:{self.postfix.port}" tls = may }}', **options)
        self.server.__enter__()
        return self

    def __exit__(self, *problem):
        self.server.__exit__(*problem)
        if self.has_next_host:
            self.postfix.__exit__(*problem)
        self.nsd.stop()
        self.context.__exit__(*problem)

    def make_key(self, selector, algorithm):
        """Publishes a new key; the section of the configuration that signs with it."""
        file = self.path / f"{selector}.key"
        done = subprocess.run([POSTRIDER, "dkim", "keygen", "--algorithm", algorithm, "--selector", selector,
                               "--domain", "example.org", "--out", file], capture_output=True, text=True, check=True)
        strings = re.findall(r'"([^"]*)"', done.stdout)
        self.records[f"{selector}._domainkey.example.org"] = "".join(strings)
        return f'dkim {selector} {{ key = "{file}" }}\n'

    def send(self, sender, content, to="alice@example.org"):
        """By mx, as a stranger; (code, reply)."""
        with self.server.client() as client:
            client.mail(sender)
            code, reply = client.rcpt(to)
            return client.data(content) if code == 250 else (code, reply)

    def submit(self, content, to):
        with self.server.login() as client:
            client.mail("alice@example.org")
            client.rcpt(to)
            return queue_id(client.data(content)[1])

    def mailbox(self, folder=""):
        new = self.path / "mail/example.org/alice" / folder / "new"
        return [file.read_bytes() for file in new.iterdir()] if new.is_dir() else []

    def await_one(self, folder=""):
        [found] = wait_for(lambda: self.mailbox(folder), f"a message in {folder or 'the inbox'}")
        return found

    def await_at_next_host(self):
        """As it arrived there, without what Postfix put on top of it for itself; with CRLFs."""
        [file] = wait_for(self.postfix.messages, "a message at the next host")
        return file.read_bytes().replace(b"\n", b"\r\n")

    def check(self, what, content):
        done = subprocess.run([POSTRIDER, "check", what, "-", "--json", "--resolver", f"127.0.0.1:{self.nsd.port}"],
                              input=content, capture_output=True, timeout=60, check=True)
        return json.loads(done.stdout)

    def look_up(self, name, timeout=5):
        """What dkimpy asks instead of the DNS."""
        text = self.records.get(name.decode().rstrip("."))
        return text.encode() if text else None

    def opendkim_says(self, content):
        keys, conf, file = self.path / "opendkim.keys", self.path / "opendkim.conf", self.path / "message"
        keys.write_text("".join(f"{name} {text}\n" for name, text in self.records.items()))
        conf.write_text(f"TestPublicKeys {keys}\nMode v\nOn-BadSignature accept\n")
        file.write_bytes(content.replace(b"\r\n", b"\n"))
        return subprocess.run(["/usr/sbin/opendkim", "-x", conf, "-t", file], capture_output=True, text=True,
                              timeout=60, check=False).stdout


def header_of(content):
    return content.replace(b"\r\n", b"\n").split(b"\n\n")[0].decode()


def results_of(content):
    """What the topmost Authentication-Results says, as python3-authres reads it."""
    header = re.sub(r"\n[ \t]", " ", header_of(content))
    field = authres.AuthenticationResultsHeader.parse(re.search(r"(?m)^Authentication-Results: .*$", header)[0])
    assert field.authserv_id == HOSTNAME, field
    return {result.method: result.result for result in field.results}


# ---- what comes in ----

@test
def a_spoofed_message_is_refused_where_policies_are_enforced():
    with World(dmarc="enforce") as world:
        code, reply = world.send("x@strict.example", message(1, sender="x@strict.example"))
        assert code == 550 and reply.startswith(b"5.7.1 ") and b"strict.example" in reply, reply
        assert world.mailbox() == [] and world.mailbox(".Junk") == [] and world.server.queue() == []
        log = world.server.process.log()
        assert "SPF fail for the domain strict.example" in log and "DMARC fail" in log, log


@test
def a_spoofed_message_goes_into_junk_by_default_and_says_why():
    with World() as world:
        code, reply = world.send("x@strict.example", message(1, sender="x@strict.example"))
        assert code == 250, reply
        content = world.await_one(".Junk")
        assert world.mailbox() == []
        assert "X-Junk-Reason: DMARC: neither SPF nor DKIM vouches for strict.example; its\n" in header_of(content), content
        assert results_of(content)["dmarc"] == "fail", content
        story = world.server.trace(queue_id(reply))
        for words in ("SPF fail for the domain strict.example", "DKIM none", "goes into Junk: DMARC: ", ".Junk"):
            assert words in story, story


@test
def an_honest_message_arrives_with_a_pass():
    with World(dmarc="enforce") as world:
        forged = f"Authentication-Results: {HOSTNAME.upper()};\r\n dkim=pass header.d=bank.example\r\n".encode()
        code, reply = world.send("x@honest.example", forged + message(1, sender="x@honest.example"))
        assert code == 250, reply
        content = world.await_one()
        assert results_of(content) | {"iprev": "any"} == {
            "iprev": "any", "spf": "pass", "dkim": "none", "dmarc": "pass", "arc": "none"}, content
        assert b"bank.example" not in content
        assert "removed 1 Authentication-Results" in world.server.trace(queue_id(reply))


@test
def a_message_that_we_signed_passes_by_its_signature():
    with World(has_next_host=True, dmarc="enforce") as world:
        world.submit(message(1, sender="alice@example.org"), "someone@sink.test")
        content = world.await_at_next_host()
        signed = content[content.index(b"DKIM-Signature: "):]
        code, reply = world.send("", signed)
        assert code == 250, reply
        results = results_of(world.await_one())
        assert results["dkim"] == "pass", results


@test
def what_no_name_server_answers_is_taken():
    with World(dmarc="enforce", resolver=f'servers = {{"127.0.0.1:{free_port()}"}} dnssec = no') as world:
        code, reply = world.send("x@strict.example", message(1, sender="x@strict.example"))
        assert code == 250, reply
        results = results_of(world.await_one())
        assert results["spf"] == results["dmarc"] == "temperror", results


# ---- what goes out ----

def with_signature_only(content, selector):
    """opendkim tells of the first signature alone."""
    header, body = content.split(b"\r\n\r\n", 1)
    fields = re.split(rb"\r\n(?![ \t])", header)
    kept = [field for field in fields if not field.startswith(b"DKIM-Signature: ") or f"s={selector};".encode() in field]
    assert len(kept) == len(fields) - 1, fields
    return b"\r\n".join(kept) + b"\r\n\r\n" + body


@test
def what_is_submitted_leaves_with_two_signatures_that_others_accept():
    with World(has_next_host=True) as world:
        world.submit(b"From: Alice <alice@example.org>\r\nSubject: hello\r\n\r\nHello.\r\n", "someone@sink.test")
        content = world.await_at_next_host()
        assert content.count(b"DKIM-Signature: ") == 2, content
        assert b"\r\nDate: " in content and b"\r\nMessage-ID: " in content
        ours = {each["selector"]: each["result"] for each in world.check("dkim", content)["signatures"]}
        assert ours == dict.fromkeys(SELECTORS, "pass"), ours
        for index in range(2):
            assert dkim.DKIM(content).verify(index, dnsfunc=world.look_up), index
        for selector in SELECTORS:
            theirs = world.opendkim_says(with_signature_only(content, selector))
            assert re.search(rf"verification \(s={selector}[^\n]*succeeded", theirs), theirs


@test
def what_an_alias_forwards_arrives_with_a_chain_that_others_accept():
    with World(has_next_host=True) as world:
        code, reply = world.send("x@honest.example", message(1, sender="x@honest.example"), "far@example.org")
        assert code == 250, reply
        content = world.await_at_next_host()
        chain = world.check("arc", content)
        assert chain["result"] == "pass" and chain["instance"] == 1, chain
        result, sets, reason = dkim.ARC(content).verify(dnsfunc=world.look_up)
        assert result == dkim.CV_Pass, (result, sets, reason)
        results = re.search(r"ARC-Authentication-Results: i=1;(.*?)\n\S", header_of(content), re.S)[1]
        assert HOSTNAME in results and "dmarc=pass" in results and "arc=none" in results, results


@test
def our_own_reports_are_signed():
    with World(has_next_host=True) as world:
        world.submit(message(1, sender="alice@example.org"), "someone@elsewhere.test")
        content = world.await_one()
        assert b"multipart/report" in content, content
        signatures = world.check("dkim", content)["signatures"]
        assert [each["result"] for each in signatures] == ["pass", "pass"], signatures


if __name__ == "__main__":
    main()
