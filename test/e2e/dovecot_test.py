#!/usr/bin/env python3
"""Mail into a real Dovecot, by LMTP and by Maildirs that both share, read again over IMAP: what
arrives, who is refused, what waits while Dovecot cannot take it, and what is left alone."""

import contextlib
import imaplib
import re
import shutil
import socket

from harness import Process, Server, directory, free_port, main, message, queue_id, test, wait_for
from nsd import Nsd

PASSWORD = "secret"
OWNER = "mail"  # both servers' account for mailboxes

CONFIG = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
mail_uid = {owner}
mail_gid = {owner}
mail_location = maildir:{mail}/%d/%n
recipient_delimiter = +
lmtp_rcpt_check_quota = yes
quota_full_tempfail = yes
mail_plugins = quota
passdb {{
  driver = passwd-file
  args = username_format=%u {dir}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {dir}/users
}}
plugin {{
  quota = maildir:User quota
}}
namespace inbox {{
  inbox = yes
  mailbox Junk {{
    special_use = \\Junk
    auto = subscribe
  }}
}}
protocol imap {{
  mail_plugins = quota imap_quota
}}
protocol lmtp {{
  postmaster_address = postmaster@example.org
}}
service lmtp {{
  unix_listener {socket} {{
    user = {owner}
    mode = 0600
  }}
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""

DOMAINS = """
domain unix.test {{ deliver = "lmtp:unix:{socket}"  users = {{"*"}}  aliases = "{aliases}"  dmarc = {dmarc} }}
domain tcp.test {{ deliver = "lmtp:127.0.0.1:{lmtp}"  users = "*"  dmarc = {dmarc} }}
domain listed.test {{ deliver = "lmtp:unix:{socket}"  users = {{"alice", "bob", "ghost"}}  dmarc = {dmarc} }}
"""


class Dovecot:
    """A Dovecot of our own in a directory, with mailboxes in `mail`. Ports: .imap, .lmtp; .socket."""

    def __init__(self, path, mail):
        self.path, self.mail = path / "dovecot", mail
        self.imap, self.lmtp, self.socket = free_port(), free_port(), self.path / "lmtp"
        self.path.mkdir()
        mail.mkdir(exist_ok=True)
        shutil.chown(mail, OWNER, OWNER)
        self.config = self.path / "dovecot.conf"
        self.config.write_text(CONFIG.format(dir=self.path, mail=mail, owner=OWNER, socket=self.socket,
                                             lmtp=self.lmtp, imap=self.imap))
        users = [f"{name}@{domain}" for name in ("alice", "bob")
                 for domain in ("example.org", "unix.test", "tcp.test", "listed.test")]
        lines = [f"{user}:{{PLAIN}}{PASSWORD}:::::" for user in users]
        lines += [f"full@unix.test:{{PLAIN}}{PASSWORD}::::::userdb_quota_rule=*:messages=1"]
        (self.path / "users").write_text("\n".join(lines) + "\n")
        self.process = None

    def start(self):
        self.process = Process(["dovecot", "-F", "-c", str(self.config)], self.path / "output")

        def listens():
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.socket))
                with socket.create_connection(("127.0.0.1", self.imap), timeout=5) as imap:
                    return imap.recv(4) == b"* OK"
        wait_for(listens, "Dovecot to listen")
        return self

    def stop(self):
        process, self.process = self.process, None
        if process:
            process.stop()

    def log(self):
        return (self.path / "log").read_text(errors="replace")

    @contextlib.contextmanager
    def login(self, user, mailbox="INBOX"):
        client = imaplib.IMAP4("127.0.0.1", self.imap)
        client.login(user, PASSWORD)
        assert client.select(mailbox)[0] == "OK", mailbox
        try:
            yield client
        finally:
            client.logout()

    def messages(self, user, mailbox="INBOX"):
        """All of a mailbox, as IMAP shows them."""
        with self.login(user, mailbox) as client:
            return [fetch(client, number) for number in client.search(None, "ALL")[1][0].split()]


def fetch(client, number, what="BODY.PEEK[]"):
    return client.fetch(number, f"({what})")[1][0][1]


@contextlib.contextmanager
def both(dmarc="off", **options):
    """Dovecot, and a postrider that delivers to it in three ways, as the owner of the mailboxes."""
    with directory() as path:
        dovecot = Dovecot(path, path / "mail")
        aliases = path / "aliases"
        aliases.write_text("team: alice, nobody\nghosts: nobody, noone\n")
        domains = DOMAINS.format(socket=dovecot.socket, lmtp=dovecot.lmtp, aliases=aliases, dmarc=dmarc)
        server = Server(path, text=domains, routes='route "*" { via = "hold" }', dmarc=dmarc, **options)
        server.config.write_text(server.config.read_text().replace('user = "root"', f'user = "{OWNER}"'))
        try:
            dovecot.start()
            with server:
                yield server, dovecot
        except BaseException:
            with contextlib.suppress(OSError):
                print("# dovecot log:\n# " + dovecot.log()[-4000:].replace("\n", "\n# "))
            raise
        finally:
            dovecot.stop()


def send(server, data, *recipients, sender="carol@elsewhere.test"):
    """The id of the message, which all recipients are taken for."""
    with server.client() as client:
        client.mail(sender, ["BODY=8BITMIME"])
        for recipient in recipients:
            code, reply = client.rcpt(recipient)
            assert code == 250, (recipient, code, reply)
        code, reply = client.data(data)
        assert code == 250, reply
        return queue_id(reply)


def ask(server, recipient):
    """What the mx says to a recipient, as text."""
    with server.client() as client:
        client.mail("carol@elsewhere.test")
        code, reply = client.rcpt(recipient)
        client.rset()
        return f"{code} {reply.decode()}"


def await_delivery(server, message_id):
    """The story of the message, when it is over."""
    wait_for(lambda: not [entry for entry in server.queue() if entry["id"] == message_id], "the delivery")
    return server.trace(message_id)


def without_trace(data):
    """What was sent, of what arrived."""
    return data[data.index(b"X-First: "):]


@test
def mail_arrives_by_lmtp_and_by_maildir_byte_for_byte():
    everything = (b"X-First: 1\r\nFrom: <carol@elsewhere.test>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\tfolded\r\n\r\n"
                  b".\r\n..\r\n.dots\r\n trailing \t \r\nFrom the start of a line\r\n>From\r\n\r\n\r\n"
                  b"caf\xc3\xa9 and \xff\xfe\r\n" + b"x" * 990 + b"\r\n" + b"many lines\r\n" * 20000 + b"\r\nend\r\n")
    tiny = b"X-First: 2\r\n\r\n"
    users = ("alice@unix.test", "alice@tcp.test", "alice@example.org")
    with both() as (server, dovecot):
        for number, data in enumerate((everything, tiny)):
            for user in users:
                await_delivery(server, send(server, data, user))
                got = dovecot.messages(user)
                assert len(got) == number + 1, (user, len(got))
                assert without_trace(got[number]) == data, (user, got[number][:2000])
                fields = got[number][:got[number].index(b"X-First: ")]
                assert fields.startswith(b"Return-Path: <carol@elsewhere.test>\r\nDelivered-To: "), fields
                assert user.encode() in fields and b"\r\nReceived: from " in fields, fields
        with dovecot.login("alice@example.org") as client:
            for number, data in ((b"1", everything), (b"2", tiny)):
                size = int(re.search(rb"RFC822.SIZE (\d+)", client.fetch(number, "(RFC822.SIZE)")[1][0])[1])
                assert size == len(fetch(client, number)), "the size in the file's name"
        assert "Error" not in dovecot.log(), dovecot.log()


@test
def who_dovecot_does_not_know_is_refused_and_nothing_bounces():
    with both() as (server, dovecot):
        for domain in ("unix.test", "tcp.test"):
            for _ in range(2):
                reply = ask(server, f"nobody@{domain}")
                assert reply.startswith("550 5.1.1 No such user here"), reply
                assert "User doesn't exist" in reply, reply
            assert ask(server, f"alice@{domain}").startswith("250 2.1.5"), domain
        wait_for(lambda: dovecot.log().count("Logged out") >= 4, "Dovecot's log")
        assert dovecot.log().count("Logged out") == 4, "one question for each address, then it is remembered"
        assert ask(server, "ghosts@unix.test").startswith("550 5.1.1"), "an alias that leads to nobody"
        story = await_delivery(server, send(server, message(), "team@unix.test"))
        assert "1 recipient" in story and "<alice@unix.test> is there: 250 2.1.5" in story, story
        assert "nobody@unix.test> is not there" in story, story
        assert len(dovecot.messages("alice@unix.test")) == 1
        with server.login() as client:  # where a later bounce would reach its sender, a no is a no as well
            client.mail("alice@example.org")
            code, reply = client.rcpt("nobody@unix.test")
            assert (code, reply[:5]) == (550, b"5.1.1"), reply
        assert server.queue() == [], "nothing bounces"


@test
def a_subaddress_arrives_where_its_user_is():
    with both() as (server, dovecot):
        assert ask(server, "nobody+tag@unix.test").startswith("550 5.1.1")
        for user in ("alice@unix.test", "alice@example.org"):
            await_delivery(server, send(server, message(), user.replace("@", "+tag@")))
            got = dovecot.messages(user)
            assert len(got) == 1 and b"\r\nDelivered-To: " in got[0] and b"alice+tag@" in got[0], got


@test
def each_recipient_of_a_message_has_his_own_fate():
    with both() as (server, dovecot):
        story = await_delivery(server, send(server, message(), "alice@listed.test", "ghost@listed.test", "bob@listed.test"))
        assert "<ghost@listed.test>: bounced, refused for good: 550 5.1.1" in story, story
        for name in ("alice", "bob"):
            assert f"<{name}@listed.test>: delivered: 250 2.0.0" in story, story
            assert len(dovecot.messages(f"{name}@listed.test")) == 1
        (report,) = server.queue()
        assert report["recipient"] == "carol@elsewhere.test", report


@test
def a_full_mailbox_is_told_at_rcpt_or_waits():
    with both() as (server, dovecot):
        with dovecot.login("full@unix.test") as client:
            client.append("INBOX", None, None, b"Subject: it is full now\r\n\r\n")
        reply = ask(server, "full@unix.test")
        assert reply.startswith("451 4.2.2"), reply
        with dovecot.login("full@unix.test") as client:
            client.store("1", "+FLAGS", "\\Deleted")
            client.expunge()
        wait_for(lambda: ask(server, "full@unix.test").startswith("250"), "the answer to be asked again")
        await_delivery(server, send(server, message(1), "full@unix.test"))
        waiting = send(server, message(2), "full@unix.test")  # the yes is remembered, and true no more
        wait_for(lambda: "not delivered yet: 452 4.2.2" in server.trace(waiting), "the second message to be deferred")
        with dovecot.login("full@unix.test") as client:
            client.store("1", "+FLAGS", "\\Deleted")
            client.expunge()
        server.run("queue", "retry", waiting, "-c", server.config)
        assert "delivered: 250 2.0.0" in await_delivery(server, waiting)
        assert len(dovecot.messages("full@unix.test")) == 1


@test
def while_dovecot_is_down_mail_waits_at_the_sender_or_here():
    with both() as (server, dovecot):
        assert ask(server, "alice@unix.test").startswith("250")
        dovecot.stop()
        for domain in ("unix.test", "tcp.test"):
            reply = ask(server, f"bob@{domain}")
            assert reply.startswith("451 4.4.1"), reply
            assert str(dovecot.socket) not in reply, "how our network looks is nobody's business"
        waiting = [send(server, message(1), "alice@unix.test"), send(server, message(2), "bob@listed.test")]
        def both_wait():
            return [entry["id"] for entry in server.queue() if "nobody listens there (is the" in entry["words"]] == waiting
        wait_for(both_wait, "the deferral")
        with server.login() as client:  # who submits is not told to come again
            client.mail("alice@example.org")
            assert client.rcpt("bob@tcp.test")[0] == 250
        dovecot.start()
        shutil.chown(dovecot.socket, "root", "root")
        server.run("queue", "retry", waiting[0], "-c", server.config)
        wait_for(lambda: "permission denied (open the socket" in server.trace(waiting[0]), "the other deferral")
        shutil.chown(dovecot.socket, OWNER, OWNER)
        server.run("queue", "retry", waiting[0], "-c", server.config)
        for each in waiting:  # the second has waited for the destination alone
            await_delivery(server, each)
        assert len(dovecot.messages("alice@unix.test")) == 1
        assert len(dovecot.messages("bob@listed.test")) == 1
        wait_for(lambda: ask(server, "bob@unix.test").startswith("250"), "Dovecot to be asked again")


@test
def flags_set_over_imap_are_left_alone():
    with both() as (server, dovecot):
        user = "alice@example.org"
        await_delivery(server, send(server, message(1), user))
        with dovecot.login(user) as client:
            assert client.store("1", "+FLAGS", "(\\Seen \\Flagged $Important later)")[0] == "OK"
            uid = client.fetch("1", "(UID)")[1][0]
        await_delivery(server, send(server, message(2), user))
        with dovecot.login(user) as client:
            flags = client.fetch("1", "(FLAGS)")[1][0]
            for flag in (b"\\Seen", b"\\Flagged", b"$Important", b"later"):
                assert flag in flags, flags
            assert client.fetch("1", "(UID)")[1][0] == uid
            assert b"\\Seen" not in client.fetch("2", "(FLAGS)")[1][0]
            assert b"X-Number: 2\r\n" in fetch(client, "2")
            assert client.store("1", "+FLAGS", "\\Deleted")[0] == "OK"
            client.expunge()
        assert [b"X-Number: 2\r\n" in each for each in dovecot.messages(user)] == [True]
        assert "Error" not in dovecot.log(), dovecot.log()


@test
def junk_lies_in_the_junk_mailbox_of_a_maildir_and_by_lmtp_says_why():
    with directory() as path, Nsd(path, {"example": '_dmarc.strict TXT "v=DMARC1; p=reject"\n'}) as names, \
            both(dmarc="quarantine", resolver=f'servers = {{"127.0.0.1:{names.port}"}} dnssec = no') as (server, dovecot):
        user = "alice@example.org"
        spoofed = message(1, sender="boss@strict.example")
        await_delivery(server, send(server, spoofed, user, sender="boss@strict.example"))
        with dovecot.login(user) as client:
            assert any(b'"." Junk' in each for each in client.list()[1]), client.list()
        assert dovecot.messages(user) == []
        (got,) = dovecot.messages(user, "Junk")
        assert b"X-Number: 1\r\n" in got and b"X-Junk-Reason: " in got, got
        await_delivery(server, send(server, message(2), user))
        assert len(dovecot.messages(user)) == 1 and len(dovecot.messages(user, "Junk")) == 1
        await_delivery(server, send(server, spoofed, "alice@unix.test", sender="boss@strict.example"))
        (got,) = dovecot.messages("alice@unix.test")
        assert b"X-Junk-Reason: " in got, got
        assert "Error" not in dovecot.log(), dovecot.log()


@test
def route_tells_of_lmtp_and_of_the_question():
    with both() as (server, dovecot):
        told = server.run("route", "anybody@unix.test", "-c", server.config).stdout
        assert f"via   LMTP to unix:{dovecot.socket}\n" in told, told
        assert "asked that server is asked first: who is not there is refused, and everybody has to come again" in told
        assert "tls   none: in clear" in told and f"host  localhost, unix:{dovecot.socket}" in told, told
        assert "asked" not in server.run("route", "alice@listed.test", "-c", server.config).stdout
        assert "asked" not in server.run("route", "postmaster@unix.test", "-c", server.config).stdout


main()
