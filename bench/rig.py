"""What the benchmarks share: postrider and Postfix on this machine, the same load for both in
interleaved rounds, CPU of all their processes, syncs counted by the kernel's own accounting.
Ratios within one run mean something on a noisy machine; single figures do not."""

import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test/e2e"))
import harness  # noqa: E402  (the end-to-end tests' way to start servers)

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
TOOLS = ROOT / "build/release/bench"


def build_tools(*names):
    """The programs of this directory that a bench needs; without names, those that make load."""
    targets = [f"bench/{name}" for name in names or ("smtp_load", "smtp_sink")]
    subprocess.run(["ninja", "-C", ROOT / "build/release", *targets], check=True, capture_output=True)


def descendants(pid):
    """The process and all below it that live now."""
    found, todo = [], [pid]
    while todo:
        current = todo.pop()
        found.append(current)
        listed = subprocess.run(["pgrep", "-P", str(current)], capture_output=True, text=True, check=False)
        todo += [int(word) for word in listed.stdout.split()]
    return found


def cpu_seconds(pid):
    """CPU of a process tree, its ended and reaped children included."""
    ticks = 0
    for each in descendants(pid):
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS_PER_S


class SyncCounter:
    """Counts fsync, fdatasync and sync_file_range of a process tree with strace: for a round of its
    own, since it slows what it watches."""

    def __init__(self, pid):
        self.path = pathlib.Path(f"/tmp/postrider-bench-syncs-{os.getpid()}")
        self.process = subprocess.Popen(
            ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range", "-o", self.path,
             *(word for each in descendants(pid) for word in ("-p", str(each)))],
            stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        count = len(re.findall(r"\b(?:fsync|fdatasync|sync_file_range)\(", self.path.read_text()))
        self.path.unlink()
        return count


def run_load(port, sessions, messages, size, to, *options):
    """One round of load; messages per second."""
    done = subprocess.run([TOOLS / "smtp_load", "--server", f"127.0.0.1:{port}", "--sessions", str(sessions),
                           "--messages", str(messages), "--size", str(size), "--to", to, *options],
                          capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise SystemExit(f"the load failed: {done.stdout}{done.stderr[-2000:]}")
    return float(re.search(r"per_second=(\d+)", done.stdout)[1])


def run_smtp_source(port, sessions, messages, size, to):
    """The same with Postfix's own generator; messages per second."""
    import time
    began = time.monotonic()
    done = subprocess.run(["smtp-source", "-d", "-s", str(sessions), "-m", str(messages), "-l", str(size),
                           "-f", "sender@load.example", "-t", to, f"127.0.0.1:{port}"],
                          capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise SystemExit(f"smtp-source failed: {done.stderr[-2000:]}")
    return messages / (time.monotonic() - began)


def median(values):
    return statistics.median(values)


def table(rows, header):
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        print("  ".join(str(cell).rjust(width) if i else str(cell).ljust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))))
