"""NSD on loopback: an ordinary authoritative server that refuses what it does not know."""

import subprocess

from harness import Process, free_port, wait_for

CONFIG = """server:
{addresses}
 username: ""
 chroot: ""
 zonesdir: "{path}"
 database: ""
 pidfile: "{path}/nsd.pid"
 xfrdfile: "{path}/xfrd.state"
 zonelistfile: "{path}/zone.list"
 xfrdir: "{path}"
 server-count: 1
 round-robin: no
remote-control:
 control-enable: no
"""
HEAD = "$ORIGIN {name}.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"


class Nsd:
    """Serves zones {name: lines in the format of zone files}, each behind a SOA and an NS record of
    their own, at one port of the addresses."""

    def __init__(self, path, zones, addresses=("127.0.0.1",)):
        self.port = free_port()
        listening = "\n".join(f" ip-address: {address}@{self.port}" for address in addresses)
        config = CONFIG.format(path=path, addresses=listening)
        for number, (name, lines) in enumerate(zones.items()):
            (path / f"{number}.zone").write_text(HEAD.format(name=name) + lines)
            config += f'zone:\n name: "{name}"\n zonefile: "{number}.zone"\n'
        (path / "nsd.conf").write_text(config)
        self.process = Process(["/usr/sbin/nsd", "-d", "-c", str(path / "nsd.conf")], path / "nsd.log")
        self.first = next(iter(zones))
        wait_for(self.answers, "NSD to answer", 20)

    def answers(self):
        done = subprocess.run(["drill", "-t", "-p", str(self.port), "@127.0.0.1", self.first, "SOA"], capture_output=True)
        return b"hostmaster" in done.stdout

    def stop(self):
        self.process.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
