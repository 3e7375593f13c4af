"""NSD on loopback: what the tests publish."""

import subprocess

from harness import Process, free_port, wait_for


class Nsd:
    """Serves the zones {name: text} on one port; the first of them has a SOA record."""

    def __init__(self, path, zones):
        self.port, self.probe = free_port(), next(iter(zones))
        lines = [f'server:\n ip-address: 127.0.0.1@{self.port}\n username: ""\n chroot: ""\n zonesdir: "{path}"\n'
                 f' database: ""\n pidfile: "{path}/nsd.pid"\n xfrdfile: "{path}/xfrd.state"\n'
                 f' zonelistfile: "{path}/zone.list"\n xfrdir: "{path}"\n server-count: 1\n round-robin: no\n'
                 'remote-control:\n control-enable: no\n']
        for number, (name, text) in enumerate(zones.items()):
            (path / f"{number}.zone").write_text(text)
            lines.append(f'zone:\n name: "{name}"\n zonefile: "{number}.zone"\n')
        config = path / "nsd.conf"
        config.write_text("".join(lines))
        self.process = Process(["/usr/sbin/nsd", "-d", "-c", str(config)], path / "nsd.log")
        wait_for(self.answers, "NSD to answer")

    def answers(self):
        # By TCP: who does not listen yet says so at once.
        done = subprocess.run(["drill", "-t", "-p", str(self.port), "@127.0.0.1", self.probe, "SOA"], capture_output=True,
                              check=False)
        return b"ANSWER: 1" in done.stdout

    def stop(self):
        self.process.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def txt(text):
    """The data of a TXT record in a zone file, in strings of 255 bytes."""
    return " ".join(f'"{text[i:i + 255]}"' for i in range(0, len(text), 255))


def zone(name, lines):
    """A zone's text: what every zone has, and these lines with names relative to it."""
    return "\n".join([f"$ORIGIN {name}.", "$TTL 60", "@ SOA ns hostmaster 1 3600 600 86400 60", "@ NS ns",
                      "ns A 127.0.0.1", *lines]) + "\n"
