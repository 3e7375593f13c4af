"""Exim as a peer: Debian's, which cannot be installed beside Postfix and is therefore unpacked by
scripts/packages.sh, with a configuration made here."""

import contextlib
import shutil
import socket

from harness import ROOT, Process, make_certificate, wait_for

BINARY = ROOT / "build/unpacked/exim4-daemon-light/usr/sbin/exim4"
USER = "Debian-exim"  # compiled in
ID = 65534            # nobody's: what it writes belongs to nobody

CONFIG = """
primary_hostname = {name}
exim_path = {binary}
spool_directory = {path}/spool
log_file_path = {path}/%slog
pid_file_path = {path}/pid
local_interfaces = <; {ip4} ; {ip6}
daemon_smtp_ports = {port}
queue_run_max = 1
keep_environment =
# Whoever takes a message delivers it, as the same user: nothing here is set-user-id.
deliver_drop_privilege
message_size_limit = 100M
smtp_accept_max = 200
smtp_accept_queue_per_connection = 0
smtp_accept_reserve = 0
smtp_accept_max_per_connection = 0
smtp_enforce_sync = true
host_lookup =
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
acl_smtp_rcpt = accept
acl_smtp_data = accept
begin routers
{routers}
begin transports
remote:
  driver = smtp
  hosts_try_fastopen = :
mailbox:
  driver = appendfile
  directory = {path}/mail
  create_directory
  maildir_format
  user = {user}
begin retry
* * F,1h,1s
"""

RELAY = """
relay:
  driver = manualroute
  transport = remote
  route_list = * {relay}/MX
"""

MAILBOX = """
mailbox:
  driver = accept
  domains = sink.test
  transport = mailbox
"""


class Exim:
    """An Exim of our own on a host: keeps mail for sink.test in a Maildir, or hands everything to
    the mail servers of the domain `relay`."""

    def __init__(self, path, host, name, relay=""):
        self.path, self.host, self.port = path / name, host, host.port(25)
        self.path.mkdir()
        certificate, key = make_certificate(self.path, host.name)
        self.config = self.path / "exim.conf"
        self.config.write_text(CONFIG.format(
            name=host.name, binary=BINARY, path=self.path, ip4=host.ip4, ip6=host.ip6, port=self.port,
            certificate=certificate, key=key, user=USER, routers=RELAY.format(relay=relay) if relay else MAILBOX))
        for made in (self.path, key):
            shutil.chown(made, ID, ID)
        host.put_etc("passwd", f"root:x:0:0::/root:/bin/sh\n{USER}:x:{ID}:{ID}::/nonexistent:/bin/false\n")
        host.put_etc("group", f"root:x:0:\n{USER}:x:{ID}:\n")
        self.process = None

    def __enter__(self):
        assert BINARY.exists(), f"there is no {BINARY}: ./dev test unpacks it"
        self.process = Process(self.host.command(BINARY, "-C", self.config, "-bdf", "-q10s"), self.path / "output")

        def listens():
            with contextlib.suppress(OSError), self.host.inside(), \
                    socket.create_connection((self.host.ip4, self.port), timeout=5) as probe:
                return probe.recv(3) == b"220"
            assert self.process.process.poll() is None, self.process.log()
        wait_for(listens, "Exim to listen")
        return self

    def __exit__(self, kind, *_):
        if kind:
            for name in ("output", "mainlog", "paniclog"):
                with contextlib.suppress(OSError):
                    print(f"# exim {name}:\n# " + (self.path / name).read_text()[-3000:].replace("\n", "\n# "))
        self.process.stop()

    def messages(self):
        """Paths of what was delivered."""
        new = self.path / "mail/new"
        return list(new.iterdir()) if new.is_dir() else []
