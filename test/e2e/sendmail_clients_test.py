#!/usr/bin/env python3
"""Programs that send mail by /usr/sbin/sendmail find postrider there, with nothing set up for them:
cron, PHP, Python, mutt, mailx, git. They run in a mount namespace in which /usr/sbin/sendmail is
postrider and /run, /var/spool and cron's tables are this test's own."""

import contextlib
import email
import email.message
import email.policy
import os
import shlex
import subprocess
import sys

from harness import PATIENCE_S, POSTRIDER, ROOT, Here, Process, Server, directory, main, test, wait_for

CRON = ROOT / "build/unpacked/cron/usr/sbin/cron"
EX_TEMPFAIL = 75

SETUP = """set -eu
mount -t tmpfs tmpfs /run
mkdir /run/postrider
mount -t tmpfs tmpfs /var/spool
mkdir -p /var/spool/cron/crontabs
[ ! -d /etc/cron.d ] || mount -t tmpfs tmpfs /etc/cron.d
[ ! -e /etc/crontab ] || mount --bind /dev/null /etc/crontab
mount --bind "$(readlink -f "$1")" /usr/sbin/sendmail
echo ready
exec cat
"""


class Machine(Here):
    """This machine, but for some of its directories. Programs run in it by `command`."""

    def __init__(self, path):
        self.home = path / "home"
        self.home.mkdir()
        # Reads from this process, and so ends with it, however that ends.
        self.keeper = Process(["unshare", "--mount", "--propagation", "private", "sh", "-c", SETUP, "sh", POSTRIDER],
                              path / "machine.log", ready="ready", stdin=subprocess.PIPE)

    def command(self, *words):
        return ["nsenter", f"--mount=/proc/{self.keeper.process.pid}/ns/mnt", "--", *map(str, words)]

    def run(self, *words, text="", check=True):
        """Runs it with nothing of this process's environment but what every program has."""
        done = subprocess.run(self.command(*words), input=text.encode(), capture_output=True, timeout=PATIENCE_S, check=False,
                              cwd=self.home, env={"PATH": os.environ["PATH"], "HOME": str(self.home), "USER": "root",
                                                  "LANG": "C.UTF-8"})
        assert not check or done.returncode == 0, (words, done)
        return done


@contextlib.contextmanager
def world():
    """The machine, and a server on it for alice, bob and root, who is alice."""
    with directory() as path:
        (path / "aliases").write_text("root: alice\n")
        machine = Machine(path)
        try:
            with Server(path, host=machine, domain=f'aliases = "{path}/aliases"') as server:
                yield machine, server
        finally:
            machine.keeper.stop()


def one(server, user):
    """The only message in a mailbox, parsed."""
    [content] = wait_for(lambda: server.mailbox(user), f"mail for {user}")
    return email.message_from_bytes(content, policy=email.policy.default)


def text_of(got):
    return got.get_body(("plain",)).get_content()


@test
def cron_mails_what_a_job_prints():
    assert CRON.exists(), f"there is no {CRON}: ./dev test unpacks it"
    with world() as (machine, server):
        table = "/var/spool/cron/crontabs/root"
        machine.run("sh", "-c", f"umask 077; cat > {table}",
                    text='@reboot printf "first\\n.\\ngr\\303\\274n\\n"\n')
        cron = Process(machine.command(CRON, "-f"), machine.home / "cron.log")
        got = one(server, "alice")
        cron.stop()
        assert got["From"].addresses[0].addr_spec == "root@example.org" and "Cron" in got["Subject"], got.as_string()
        assert got["To"] == "root@example.org" and got["Return-Path"] == "<root@example.org>", got.as_string()
        assert got.get_payload(decode=True) == "first\n.\ngr\u00fcn\n".encode(), got.as_string()


PHP = r"""
$header = "From: Shop <shop@example.org>\r\nBcc: alice@example.org";
$sent = mail('bob@example.org', '=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=', "one\n.\nthree", $header%s);
exit($sent ? 0 : 1);
"""


@test
def php_mails_with_its_defaults():
    with world() as (machine, server):
        machine.run("php", "-r", PHP % "")
        got = one(server, "bob")
        assert got["Subject"] == "Gr\u00fc\u00dfe" and got["From"] == "Shop <shop@example.org>", got.as_string()
        assert text_of(got) == "one\n.\nthree\n" and got["Return-Path"] == "<root@example.org>", got.as_string()
        assert "Bcc" not in one(server, "alice")


@test
def php_names_the_sender_by_an_additional_parameter():
    with world() as (machine, server):
        machine.run("php", "-r", PHP % ", '-fbounces@example.org'")
        assert one(server, "bob")["Return-Path"] == "<bounces@example.org>"


PYTHON = """
import email.message, subprocess
made = email.message.EmailMessage()
made["From"], made["To"], made["Subject"] = "alice@example.org", "bob@example.org", "hello"
made.set_content("Hi.\\n")
subprocess.run(["/usr/sbin/sendmail", "-t", "-oi"], input=made.as_bytes(), check=True)
"""


@test
def python_hands_over_a_message_by_pipe():
    with world() as (machine, server):
        machine.run(sys.executable, "-c", PYTHON)
        assert one(server, "bob")["Subject"] == "hello"


@test
def mutt_sends():
    with world() as (machine, server):
        attachment = machine.home / "data.bin"
        attachment.write_bytes(bytes(range(256)))
        machine.run("mutt", "-e", "set from=alice@example.org use_envelope_from=yes", "-s", "a file", "-a", attachment, "--",
                    "bob@example.org", text="Here it is.\n")
        got = one(server, "bob")
        assert got["Subject"] == "a file" and got["Return-Path"] == "<alice@example.org>", got.as_string()
        assert [part.get_content() for part in got.iter_attachments()] == [bytes(range(256))]


@test
def mailx_sends():
    with world() as (machine, server):
        machine.run("s-nail", "-n", "-r", "alice@example.org", "-s", "disk full", "-b", "alice@example.org", "bob@example.org",
                    text="/var is full\n.\n")
        got = one(server, "bob")
        assert got["Subject"] == "disk full" and got["Return-Path"] == "<alice@example.org>", got.as_string()
        assert one(server, "alice")["Bcc"] is None


@test
def git_sends_patches():
    with world() as (machine, server):
        patch = machine.home / "0001-x.patch"
        patch.write_text("From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
                         "From: Alice <alice@example.org>\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nSubject: [PATCH] x\n\n"
                         "---\n.\n-- \n2.39\n")
        machine.run("git", "-c", "user.name=Alice", "-c", "user.email=alice@example.org", "send-email", "--confirm=never",
                    "--suppress-cc=all", "--smtp-server=/usr/sbin/sendmail", "--envelope-sender=auto",
                    "--from=Alice <alice@example.org>", "--to=bob@example.org", "--cc=alice@example.org", patch)
        got = one(server, "bob")
        assert got["Subject"] == "[PATCH] x" and got["Return-Path"] == "<alice@example.org>", got.as_string()
        assert got.get_payload() == "---\n.\n-- \n2.39\n", got.as_string()
        assert one(server, "alice")["Cc"] == "alice@example.org"


CALLS = (
    "-FCronDaemon -i -B8BITMIME -oem root",   # cron of Debian
    "-FCronDaemon -i -odi -oem -oi -t -f root",  # cronie
    "-i -FAnacron -odi root",                 # anacron
    "-t -i",                                  # PHP
    "-t -oi -fbounces@example.org",           # Perl's and Ruby's libraries
    "-oem -oi -f alice@example.org -- bob@example.org",  # mutt
    "-i -f alice@example.org -B 8BITMIME -N failure,delay -R hdrs bob@example.org",
    "-G -i -f alice@example.org bob@example.org",  # mailing lists
    "-odb -oi -om -f alice@example.org bob@example.org",
    "-v -U -n -oee bob@example.org",
)


@test
def the_command_lines_of_the_world_are_taken():
    with world() as (machine, server):
        for number, words in enumerate(CALLS, 1):
            machine.run("/usr/sbin/sendmail", *shlex.split(words), text=f"To: bob@example.org\nSubject: {number}\n\nx\n")
        wait_for(lambda: len(server.mailbox("alice")) + len(server.mailbox("bob")) >= len(CALLS), "all of them")


@test
def with_the_server_down_callers_are_told_to_try_later():
    with world() as (machine, server):
        server.stop()
        for words in CALLS:
            done = machine.run("/usr/sbin/sendmail", *shlex.split(words), text="To: bob@example.org\n\nx\n", check=False)
            assert done.returncode == EX_TEMPFAIL and done.stderr, (words, done)
        assert machine.run("php", "-r", PHP % "", check=False).returncode == 1
        assert machine.run(sys.executable, "-c", PYTHON, check=False).returncode != 0
        assert machine.run("mutt", "-s", "x", "bob@example.org", text="x\n", check=False).returncode != 0
        assert machine.run("s-nail", "-n", "-S", "sendwait", "-s", "x", "bob@example.org", text="x\n",
                           check=False).returncode != 0
        server.start()
        machine.run("/usr/sbin/sendmail", "bob@example.org", text="x\n")
        assert one(server, "bob")


main()
