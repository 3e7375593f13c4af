"""A small internet of our own for the end-to-end tests: hosts are network namespaces on one switch,
with addresses that are nobody's (RFC 5737, RFC 3849) and no way out; names come from NSD.

    with directory() as path, Internet(path) as net:
        sink = net.host("mx.sink.test")
        net.serve_names("sink.test. MX 10 mx.sink.test.")
        with Postfix(path, host=sink) as postfix: ...

A host has an address in 203.0.113.0/24 and one in 2001:db8:77::/64, and A, AAAA and PTR records. All
names are below test; broken.test always fails (SERVFAIL), what is not below test is refused. Nothing
of this machine's own network is touched, and all is gone at the end; what a killed test left is
removed by the next one."""

import contextlib
import ctypes
import ipaddress
import os
import pathlib
import re
import shutil
import signal
import subprocess

from harness import PATIENCE_S, Process, wait_for

PREFIX = "postrider"
NET4, NET6 = "203.0.113.", "2001:db8:77::"
DNS_NUMBER = 53
CLONE_NEWNET = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)


def ip(*words, check=True, **options):
    """iproute2's ip; fails with its words."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=PATIENCE_S, check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"ip {' '.join(words)}: {done.stderr.strip()} (these tests make network namespaces: "
                             "they need root and a kernel that has them)")
    return done.stdout


def enter(namespace):
    """Moves the calling thread."""
    if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def remove_namespace(name):
    for pid in ip("netns", "pids", name, check=False).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    ip("netns", "delete", name, check=False)
    shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)


def remove_leftovers():
    """What belongs to processes that are no more."""
    names = {path.name for top in ("/run/netns", "/etc/netns") if os.path.isdir(top) for path in pathlib.Path(top).iterdir()}
    for name in names:
        found = re.fullmatch(rf"{PREFIX}-(\d+)-\w+", name)
        if found and not os.path.exists(f"/proc/{found[1]}"):
            remove_namespace(name)


class Host:
    """One host, as harness.HERE is one. Programs run in it by `command`; sockets that are made
    `inside` belong to it."""

    def __init__(self, namespace, name, number):
        self.namespace, self.name, self.number = namespace, name, number
        self.ip4, self.ip6 = f"{NET4}{number}", f"{NET6}{number}"

    def command(self, *words):
        return ["ip", "netns", "exec", self.namespace, *map(str, words)]

    @contextlib.contextmanager
    def inside(self):
        with open("/proc/thread-self/ns/net") as back, open(f"/run/netns/{self.namespace}") as there:
            enter(there)
            try:
                yield
            finally:
                enter(back)

    @staticmethod
    def port(usual):
        return usual

    def binds(self, port):
        return [f"{self.ip4}:{port}", f"[{self.ip6}]:{port}"]

    def set_link(self, state):
        """up or down: the cable."""
        ip("-n", self.namespace, "link", "set", "eth0", state)
        if state == "up":  # addresses of IPv6 go with the link
            ip("-n", self.namespace, "address", "replace", f"{self.ip6}/64", "dev", "eth0", "nodad")

    def put_etc(self, name, text):
        """A file that programs of this host see as /etc/NAME, which exists on this machine."""
        (pathlib.Path("/etc/netns") / self.namespace / name).write_text(text)


class Internet:
    def __init__(self, path):
        self.path = path / "internet"
        self.path.mkdir()
        self.hosts, self.nsd, self.next_number = [], None, 101
        self.switch = self.namespace_name("switch")

    @staticmethod
    def namespace_name(what):
        return f"{PREFIX}-{os.getpid()}-{what}"

    def __enter__(self):
        remove_leftovers()
        try:
            ip("netns", "add", self.switch)
            ip("-n", self.switch, "link", "add", "bridge", "up", "type", "bridge", "mcast_snooping", "0")
            self.dns = self.host("ns.test", DNS_NUMBER)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.nsd:
            self.nsd.stop()
        for name in [*(host.namespace for host in self.hosts), self.switch]:
            remove_namespace(name)

    def host(self, name, number=None):
        """A new host; the number is the end of its addresses."""
        if number is None:
            number, self.next_number = self.next_number, self.next_number + 1
        host = Host(self.namespace_name(number), name, number)
        self.hosts.append(host)
        ip("netns", "add", host.namespace)
        ip("-n", self.switch, "link", "add", f"port{number}", "up", "master", "bridge", "type", "veth",
           "peer", "name", "eth0", "netns", host.namespace)
        ip("-n", host.namespace, "-batch", "-", input=f"link set lo up\naddress add {host.ip4}/24 dev eth0\n"
           f"address add {host.ip6}/64 dev eth0 nodad\nlink set eth0 up\n")
        etc = pathlib.Path("/etc/netns") / host.namespace
        etc.mkdir(parents=True)
        (etc / "resolv.conf").write_text(f"nameserver {NET4}{DNS_NUMBER}\n")
        return host

    # ---- names ----

    def serve_names(self, records=""):
        """Starts NSD with the hosts' names and these records, in the form of zone files."""
        forward, reverse4, reverse6 = [records], [], []
        for host in self.hosts:
            forward += [f"{host.name}. A {host.ip4}", f"{host.name}. AAAA {host.ip6}"]
            reverse4.append(f"{ipaddress.ip_address(host.ip4).reverse_pointer}. PTR {host.name}.")
            reverse6.append(f"{ipaddress.ip_address(host.ip6).reverse_pointer}. PTR {host.name}.")
        zones = {"test": forward, "113.0.203.in-addr.arpa": reverse4,
                 "0.0.0.0.7.7.0.0.8.b.d.0.1.0.0.2.ip6.arpa": reverse6}
        for name, lines in zones.items():
            top = f"$ORIGIN {name}.\n$TTL 60\n@ SOA ns.test. hostmaster.test. 1 3600 600 86400 1\n@ NS ns.test.\n"
            (self.path / f"{name}.zone").write_text(top + "\n".join(lines) + "\n")
        self.start_nsd([*zones, "broken.test"])

    def start_nsd(self, zones):
        config = self.path / "nsd.conf"
        config.write_text(f'''server:
  ip-address: {self.dns.ip4}
  ip-address: {self.dns.ip6}
  username: ""
  zonesdir: "{self.path}"
  pidfile: "{self.path}/nsd.pid"
  xfrdfile: "{self.path}/xfrd.state"
  zonelistfile: "{self.path}/zone.list"
  database: ""
  server-count: 1
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
''' + "".join(f'zone:\n  name: "{name}"\n  zonefile: "{name}.zone"\n' for name in zones))
        self.nsd = Process(self.dns.command("nsd", "-d", "-c", config), self.path / "nsd.log")
        wait_for(lambda: self.look_up("ns.test", "A") == self.dns.ip4, "NSD to answer")

    def look_up(self, name, kind):
        """As a host of this internet sees it."""
        done = subprocess.run(self.dns.command("drill", "-Q", f"@{self.dns.ip4}", name, kind), capture_output=True,
                              text=True, timeout=PATIENCE_S, check=False)
        if self.nsd.process.poll() is not None:
            raise AssertionError(f"NSD ended: {self.nsd.log()}")
        return done.stdout.strip()

    def resolver(self):
        """What stands in the resolver section of a postrider in this internet."""
        return f'servers = {{"{self.dns.ip4}"}} dnssec = no'
