#!/usr/bin/env python3
"""kill -9, again and again, of the parent, the engine, or both, while mail comes in and goes out:
every message that was answered with 250 arrives. One that arrives twice was in flight when the
server was killed: it is the last one that its connection carried, and the connection was cut."""

import os
import signal
import socketserver
import threading
import time

from harness import Server, directory, free_port, main, queue_id, test, wait_for

KILLS = int(os.environ.get("CRASH_KILLS", "30"))
SENDERS = 8


class Sink(socketserver.ThreadingTCPServer):
    """A next host that remembers which message came last over which connection."""
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port):
        self.lock = threading.Lock()
        self.taken = []      # (number, connection, place on the connection), in order of acceptance
        self.connections = {}  # connection -> how many it carried; ports come again, numbers do not
        super().__init__(("127.0.0.1", port), SinkSession)


class SinkSession(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        with self.server.lock:
            self.connection = len(self.server.connections)
            self.server.connections[self.connection] = 0
        try:
            self.converse()
        except OSError:
            pass

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def take(self):
        number = None
        while True:
            line = self.rfile.readline()
            if line.startswith(b"X-Number: "):
                number = int(line[10:])
            if not line:
                return False
            if line == b".\r\n":
                break
        sink = self.server
        with sink.lock:
            sink.connections[self.connection] += 1
            sink.taken.append((number, self.connection, sink.connections[self.connection]))
        self.say("250 2.0.0 taken")
        return True

    def converse(self):
        self.say("220 sink ESMTP")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.say("250-sink\r\n250-PIPELINING\r\n250 8BITMIME")
            elif verb == b"DATA":
                self.say("354 go on")
                if not self.take():
                    return
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


class Load:
    """Clients that send numbered messages until told to stop, whatever happens to the server."""

    def __init__(self, server):
        self.server = server
        self.lock = threading.Lock()
        self.next = 0
        self.acknowledged = {}
        self.uncertain = set()
        self.stopping = False
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def run(self, index):
        while not self.stopping:
            try:
                with self.server.client() as client:
                    while not self.stopping:
                        self.send_one(client, index)
            except Exception:  # the server was killed: that is the test
                time.sleep(0.05)

    def send_one(self, client, index):
        with self.lock:
            number = self.next
            self.next += 1
            self.uncertain.add(number)
        to = "alice@example.org" if index % 2 else "someone@sink.test"
        size = 100_000 if number % 97 == 0 else 2000
        client.mail("sender@load.test")
        client.rcpt(to)
        code, reply = client.data(f"X-Number: {number}\r\nSubject: {number}\r\n\r\n{'y' * 76}\r\n".encode() +
                                  b"z" * 76 + b"\r\n" + (b"x" * 76 + b"\r\n") * (size // 78))
        with self.lock:
            self.uncertain.discard(number)
            if code == 250:
                self.acknowledged[number] = queue_id(reply)

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()


def kill(server, what):
    parent, engine = server.process.process.pid, server.engine_pid()
    victims = {"parent": [parent], "engine": [engine], "both": [parent, engine]}[what]
    for pid in victims:
        if pid:
            os.kill(pid, signal.SIGKILL)
    if what != "engine":
        server.process.process.wait()
        server.process.stop()
        server.start()
    else:
        wait_for(lambda: server.engine_pid() not in (None, engine), "a new engine")


def in_mailbox(path):
    numbers = []
    for file in (path / "mail/example.org/alice/new").iterdir():
        for line in file.read_bytes().split(b"\n"):
            if line.startswith(b"X-Number: "):
                numbers.append(int(line[10:]))
                break
    return numbers


@test
def every_acknowledged_message_survives_kill_9():
    with directory() as path:
        sink = Sink(free_port())
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        with Server(path, text='relay { from = {"127.0.0.1"} }\nretry { first = 1s max = 2s }',
                    routes=f'route "*" {{ via = "smtp:127.0.0.1:{sink.server_address[1]}" tls = none }}',
                    limits="limits { messages_per_session = 100000 }") as server:
            load = Load(server)
            for number in range(KILLS):
                before = len(load.acknowledged)
                wait_for(lambda: len(load.acknowledged) > before + 100, "acknowledged messages")
                kill(server, ("engine", "parent", "both")[number % 3])
            load.stop()
            wait_for(lambda: server.queue() == [], "an empty queue", 180)
            assert server.stop() == 0
        sink.shutdown()
        judge(load, sink, in_mailbox(path))


def judge(load, sink, mailbox):
    relayed = [number for number, _, _ in sink.taken]
    arrived = set(relayed) | set(mailbox)
    lost = sorted(set(load.acknowledged) - arrived)
    strangers = sorted(arrived - set(load.acknowledged) - load.uncertain)
    unexplained, explained = [], 0
    for number in {number for number in relayed if relayed.count(number) > 1}:
        earlier = [entry for entry in sink.taken if entry[0] == number][:-1]
        for _, connection, place in earlier:
            if sink.connections[connection] == place:
                explained += 1
            else:
                unexplained.append(number)
    doubled_in_mailbox = len(mailbox) - len(set(mailbox))
    print(f"# {KILLS} kills; acknowledged {len(load.acknowledged)}, without an answer {len(load.uncertain)}, "
          f"arrived {len(arrived)}, lost {len(lost)}; relayed twice {explained + len(unexplained)}, of these in flight "
          f"at a kill {explained}; twice in the mailbox {doubled_in_mailbox}")
    assert not lost, f"lost: {lost[:10]} of {len(lost)}: {[load.acknowledged[n] for n in lost[:10]]}"
    assert not strangers, f"never sent: {strangers[:10]}"
    assert not unexplained, f"doubled without reason: {unexplained[:10]}"
    assert doubled_in_mailbox <= KILLS * 20, "more than could be in flight"


main()
