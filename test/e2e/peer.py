"""A next host that answers by a script: the remote servers of the end-to-end tests."""

import contextlib
import hashlib
import re
import socket
import socketserver
import ssl
import threading

from harness import HERE


class Gone(Exception):
    """Raised by a script's function: the session ends here."""


class Peer(socketserver.ThreadingTCPServer):
    """Answers {"connect": …, "EHLO": …, "STARTTLS": …, "MAIL": …, "RCPT": …, "DATA": …, ".": …,
    "QUIT": …} for messages with a sender. An answer is a reply, or a function of session and line
    that gives one, None for the usual one, or raises Gone; `recipients` overrides RCPT for an
    address. What has no sender is a report: it is taken, unless `reports` says otherwise. `tls` is
    certificate and key. With `digest`, contents are kept as their SHA-256."""
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100

    def __init__(self, host=HERE, address=None, extensions=("PIPELINING", "8BITMIME"), reports="250 2.0.0 taken",
                 recipients=None, tls=None, digest=False, **script):
        self.extensions = (*extensions, "STARTTLS") if tls or "STARTTLS" in script else extensions
        self.reports, self.recipients, self.digest, self.script = reports, recipients or {}, digest, script
        self.tls = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
        self.lock = threading.Lock()
        self.taken = []  # (MAIL line, [RCPT lines], content)
        self.connections = self.at_once = self.most_at_once = 0
        self.encrypted = 0
        self.port = host.port(25)
        address = address or host.ip4
        if ":" in address:
            self.address_family = socket.AF_INET6
        with host.inside():
            super().__init__((address, self.port), PeerSession)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def messages(self):
        with self.lock:
            return list(self.taken)

    def reports_taken(self):
        return [content for mail, _, content in self.messages() if mail.upper().startswith("MAIL FROM:<>")]

    def copies(self):
        """Of what is no report."""
        return [content for mail, _, content in self.messages() if not mail.upper().startswith("MAIL FROM:<>")]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class PeerSession(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        self.count(1)
        with contextlib.suppress(OSError, Gone):
            self.converse()
        self.count(-1)

    def count(self, step):
        server = self.server
        with server.lock:
            server.connections += step == 1
            server.at_once += step
            server.most_at_once = max(server.most_at_once, server.at_once)

    def say(self, reply):
        self.wfile.write(reply.encode("latin-1") + b"\r\n")
        return reply[0] in "23"

    def ask_script(self, stage, line):
        reply = self.server.script.get(stage)
        return reply(self, line) if callable(reply) else reply

    def answer(self, stage, otherwise, line=""):
        is_report = self.mail.upper().startswith("MAIL FROM:<>")
        if is_report:
            return self.say(self.server.reports if stage in ("RCPT", ".") else otherwise)
        return self.say(self.ask_script(stage, line) or otherwise)

    def take(self):
        lines, digest = [], hashlib.sha256()
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            line = line[1:] if line.startswith(b".") else line
            digest.update(line)
            if not self.server.digest:
                lines.append(line)
        content = digest.hexdigest() if self.server.digest else b"".join(lines)
        if self.answer(".", "250 2.0.0 taken"):
            with self.server.lock:
                self.server.taken.append((self.mail, self.accepted, content))
        return True

    def rcpt(self, line):
        address = re.search("<(.*?)>", line)[1]
        reply = self.server.recipients.get(address)
        if self.say(reply) if reply else self.answer("RCPT", "250 2.1.5 ok", line):
            self.accepted.append(line)

    def ehlo(self, line):
        usual = "\r\n".join(["250-peer.test", *(f"250-{name}" for name in self.server.extensions), "250 HELP"])
        self.say(self.ask_script("EHLO", line) or usual)

    def start_tls(self, line):
        if not self.say(self.ask_script("STARTTLS", line) or "220 2.0.0 go on") or not self.server.tls:
            return
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        with self.server.lock:
            self.server.encrypted += 1
        self.setup()

    def converse(self):
        self.mail, self.accepted = "", []
        if not self.say(self.ask_script("connect", "") or "220 peer.test ESMTP"):
            return
        while line := self.rfile.readline().decode("latin-1").rstrip("\r\n"):
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb == "EHLO":
                self.ehlo(line)
            elif verb == "STARTTLS":
                self.start_tls(line)
            elif verb == "MAIL":
                self.mail, self.accepted = line, []
                self.answer("MAIL", "250 2.1.0 ok", line)
            elif verb == "RCPT":
                self.rcpt(line)
            elif verb == "DATA":
                if not self.accepted:
                    self.say("554 5.5.1 no recipients")
                elif self.answer("DATA", "354 go on", line) and not self.take():
                    return
            elif verb == "QUIT":
                self.say(self.ask_script("QUIT", line) or "221 2.0.0 bye")
                return
            else:
                self.say("250 2.0.0 ok")
