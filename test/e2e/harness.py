"""What the end-to-end tests share: a real postrider in a directory of its own, real clients and
peers beside it, everything on loopback and everything gone at the end.

    class Sandbox: ...
    @test
    def a_message_arrives(): ...
    main()

A test passes when it returns and fails when it raises. Waiting is always for a condition, with a
bound, never for a time."""

import contextlib
import email.utils
import json
import os
import pathlib
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
POSTRIDER = os.environ.get("POSTRIDER", str(ROOT / "build/postrider"))
PATIENCE_S = 60

_tests = []


def test(function):
    _tests.append(function)
    return function


def main():
    """Runs the tests of the file, those whose name holds argv[1] if it is given."""
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    failed = 0
    for function in _tests:
        if part not in function.__name__:
            continue
        began = time.monotonic()
        try:
            function()
            print(f"ok {function.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        except BaseException as problem:  # a failing check, a dead server, Ctrl-C: all are told
            failed += 1
            traceback.print_exc()
            print(f"FAIL {function.__name__}: {problem!r}", flush=True)
            if isinstance(problem, KeyboardInterrupt):
                break
    sys.exit(1 if failed else 0)


def wait_for(condition, what, patience_s=PATIENCE_S):
    """The first true value of condition(); raises when it stays false for too long."""
    until = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"waited {patience_s} s in vain for {what}")
        time.sleep(0.02)


def free_port():
    """A port nobody listens on. Taken from below the ephemeral range, so that no outgoing
    connection gets it meanwhile."""
    for port in range(20000 + os.getpid() % 8000, 32000):
        if port in free_port.given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        free_port.given.add(port)
        return port
    raise AssertionError("no free port")


free_port.given = set()


class Here:
    """This machine as a host, by loopback; internet.Host is one of another kind."""
    ip4 = "127.0.0.1"

    @staticmethod
    def command(*words):
        return list(map(str, words))

    @staticmethod
    @contextlib.contextmanager
    def inside():
        yield

    @staticmethod
    def port(usual):
        """Where a service listens; `usual` is its own port, which is not ours here."""
        return free_port()

    def binds(self, port):
        return [f"{self.ip4}:{port}"]


HERE = Here()


@contextlib.contextmanager
def directory():
    path = pathlib.Path(tempfile.mkdtemp(prefix="postrider-test-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def make_certificate(path, name="localhost", ca=None):
    """A key and a certificate for name: self-signed, or signed by a CA made by make_ca."""
    key, certificate = path / f"{name}.key", path / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-days", "30", "-subj", f"/CN={name}", "-keyout", key, "-out", certificate,
               "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"]
    if ca:
        command += ["-CA", ca[0], "-CAkey", ca[1]]
    subprocess.run(command, check=True, capture_output=True)
    key.chmod(0o600)
    return certificate, key


class Process:
    """A program with its output in a file, ended at the end."""

    def __init__(self, command, log, ready=None, **options):
        self.command, self.log_path = command, log
        self.log_file = open(log, "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE if ready else self.log_file,
                                        stderr=self.log_file, **options)
        if ready:
            self.await_line(ready)

    def await_line(self, ready):
        os.set_blocking(self.process.stdout.fileno(), False)
        said = b""

        def look():
            nonlocal said
            said += self.process.stdout.read() or b""
            if self.process.poll() is not None:
                raise AssertionError(f"{self.command[0]} ended with {self.process.returncode}: {self.log()}")
            return ready.encode() in said.split(b"\n")
        wait_for(look, f"{self.command[0]} to say {ready}")
        self.said = said.decode()

    def log(self):
        return pathlib.Path(self.log_path).read_text(errors="replace")

    def stop(self, sign=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sign)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        if self.process.stdout:
            self.process.stdout.close()
        self.log_file.close()
        return self.process.returncode


class Server:
    """postrider serve with a configuration made here. `text` is appended to it; {dir} in it is the
    directory. Ports: .mx, .submission, .submissions."""

    def __init__(self, path, text="", limits="", routes="", senders="any", hostname="mx.example.test",
                 domain="", users='{"alice", "bob"}', host=HERE, resolver="dnssec = no", dmarc="off"):
        self.path, self.host = path, host
        self.mx, self.submission, self.submissions = host.port(25), host.port(587), host.port(465)
        self.state = path / "state"
        certificate, key = make_certificate(path)
        domain_text = f'''domain example.org {{
    deliver = "maildir:{path}/mail/%{{domain}}/%{{user}}"
    users = {users}
    dmarc = {dmarc}
    {domain}
}}'''
        self.config = path / "postrider.conf"
        self.config.write_text(f'''
hostname = "{hostname}"
state = "{self.state}"
user = "root"
listener mx {{ bind = {self.binds(self.mx)} service = mx }}
listener submission {{ bind = {self.binds(self.submission)} service = submission tls = starttls }}
listener submissions {{ bind = {self.binds(self.submissions)} service = submission tls = implicit }}
tls {{ certificate = "{certificate}" key = "{key}" }}
accounts {{ file = "{path}/accounts" senders = {senders} }}
{domain_text}
resolver {{ {resolver} }}
{routes}
{limits}
{text}
'''.replace("{dir}", str(path)))
        accounts = path / "accounts"
        if not accounts.exists():
            accounts.touch(mode=0o600)
            self.run("account", "add", "alice@example.org", "-c", self.config, "--password-stdin",
                     input="correct horse\n")
        self.process = None

    def binds(self, port):
        return "{" + ", ".join(f'"{bind}"' for bind in self.host.binds(port)) + "}"

    def start(self):
        self.process = Process(self.host.command(POSTRIDER, "serve", "-c", self.config), self.path / "server.log",
                               ready="ready")
        return self

    def stop(self, sign=signal.SIGTERM):
        process, self.process = self.process, None
        return process.stop(sign) if process else None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, problem, _):
        with contextlib.suppress(Exception):
            if problem:
                print("# server log:\n# " + self.process.log()[-4000:].replace("\n", "\n# "))
            self.stop()

    def run(self, *arguments, check=True, **options):
        """A postrider command; its output as text."""
        done = subprocess.run([POSTRIDER, *map(str, arguments)], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments}: status {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def queue(self, *arguments):
        return json.loads(self.run("queue", "list", "--json", "-c", self.config, *arguments).stdout)["recipients"]

    def trace(self, message_id, *options):
        return self.run("trace", message_id, *options, "-c", self.config).stdout

    def engine_pid(self):
        found = subprocess.run(["pgrep", "-P", str(self.process.process.pid)], capture_output=True, text=True,
                               check=False).stdout.split()
        return int(found[0]) if found else None

    def mailbox(self, user, domain="example.org"):
        """The messages in new/ of a mailbox, as bytes."""
        new = self.path / "mail" / domain / user / "new"
        return [path.read_bytes() for path in sorted(new.iterdir())] if new.is_dir() else []

    def client(self, port=None):
        """A session that has said EHLO."""
        with self.host.inside():
            client = smtplib.SMTP(self.host.ip4, port or self.mx, timeout=PATIENCE_S)
        client.ehlo()
        return client

    def login(self):
        """A logged-in session on the submission service."""
        client = self.client(self.submission)
        client.starttls(context=any_certificate())
        client.login("alice@example.org", "correct horse")
        return client


def any_certificate():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def queue_id(reply):
    """The id in `250 2.0.0 Ok: queued as ID`."""
    text = reply.decode() if isinstance(reply, bytes) else reply
    found = re.search(r"queued as ([0-9A-Z]{12})\b", text)
    assert found, f"no queue id in {text!r}"
    return found[1]


def message(number=1, sender="carol@elsewhere.test", to="alice@example.org", body="Hello.\r\n"):
    return (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: message {number}\r\n"
            f"Date: {email.utils.formatdate()}\r\nMessage-ID: <{number}@elsewhere.test>\r\n"
            f"X-Number: {number}\r\n\r\n{body}").encode()


class Raw:
    """A socket on which exactly these bytes are said."""

    def __init__(self, port, banner=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.file = self.socket.makefile("rb")
        if banner:
            self.banner = self.reply()

    def send(self, data):
        self.socket.sendall(data)

    def reply(self):
        """One whole reply as text; empty when the server closed."""
        lines = []
        while True:
            line = self.file.readline()
            lines.append(line.decode(errors="replace").rstrip("\r\n"))
            if len(line) < 4 or line[3:4] != b"-":
                return "\n".join(lines)

    def ask(self, line):
        self.send(line.encode() + b"\r\n" if isinstance(line, str) else line)
        return self.reply()

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Postfix:
    """A Postfix of our own in a directory, listening on .port; `settings` go to main.cf.
    Mail for sink.test is kept in one mbox-less Maildir: .maildir."""

    def __init__(self, path, host=HERE, name="postfix", **settings):
        self.path, self.host = path / name, host
        self.port = host.port(25)
        self.maildir = self.path / "mail"
        config, queue, data = self.path / "etc", self.path / "queue", self.path / "data"
        for made in (config, queue, data):
            made.mkdir(parents=True)
        certificate, key = make_certificate(self.path)
        shutil.chown(data, "postfix")
        self.path.chmod(0o755)
        self.maildir.mkdir()
        shutil.chown(self.maildir, "nobody", "nogroup")
        nobody = subprocess.run(["id", "-u", "nobody"], capture_output=True, text=True, check=True).stdout.strip()
        nogroup = subprocess.run(["id", "-g", "nobody"], capture_output=True, text=True, check=True).stdout.strip()
        values = {
            "compatibility_level": "3.6", "queue_directory": queue, "data_directory": data,
            "maillog_file": self.path / "log", "maillog_file_prefixes": "/tmp, /var",
            "myhostname": "postfix.sink.test", "mydestination": "", "inet_interfaces": "127.0.0.1" if host is HERE else "all",
            "inet_protocols": "ipv4" if host is HERE else "all", "mynetworks": "127.0.0.0/8", "alias_maps": "",
            "alias_database": "",
            "local_recipient_maps": "", "virtual_mailbox_domains": "sink.test",
            "virtual_mailbox_base": self.maildir, "virtual_mailbox_maps": "static:all/",
            "virtual_uid_maps": f"static:{nobody}", "virtual_gid_maps": f"static:{nogroup}",
            "virtual_minimum_uid": "1", "smtpd_tls_cert_file": certificate, "smtpd_tls_key_file": key,
            "smtpd_tls_security_level": "may", "smtpd_tls_loglevel": "1", "message_size_limit": "0", "virtual_mailbox_limit": "0",
            "mailbox_size_limit": "0", "smtpd_client_connection_count_limit": "0",
            "smtpd_client_connection_rate_limit": "0", "smtp_tls_security_level": "may",
            "maximal_queue_lifetime": "1d", "local_header_rewrite_clients": "", "biff": "no", **settings,
        }
        (config / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in values.items()))
        master = pathlib.Path("/usr/share/postfix/master.cf.dist").read_text()
        master = re.sub(r"(?m)^smtp\s+inet\s.*$", "\n".join(f"{bind} inet n - n - 100 smtpd" for bind in host.binds(self.port)),
                        master, count=1)
        master = re.sub(r"(?m)^((?!#|\s)\S+\s+(?:inet|unix|unix-dgram|pass|fifo)\s+\S+\s+\S+\s+)[y-](\s)", r"\1n\2", master)
        (config / "master.cf").write_text(master)
        self.config = config

    def start(self):
        self.run("start", check=True)

        def listens():
            with contextlib.suppress(OSError), self.host.inside(), \
                    socket.create_connection((self.host.ip4, self.port), timeout=5) as probe:
                return probe.recv(3) == b"220"
        wait_for(listens, "Postfix to listen")
        return self

    def stop(self):
        self.run("stop", check=False)

    def run(self, command, check):
        subprocess.run(self.host.command("postfix", "-c", self.config, command), check=check, capture_output=True,
                       timeout=PATIENCE_S)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind:
            with contextlib.suppress(OSError):
                print("# postfix log:\n# " + (self.path / "log").read_text()[-4000:].replace("\n", "\n# "))
        self.stop()

    def messages(self):
        """Paths of what was delivered."""
        new = self.maildir / "all" / "new"
        return list(new.iterdir()) if new.is_dir() else []
