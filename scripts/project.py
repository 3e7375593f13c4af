"""What the scripts share: the kinds of build, and how programs are run and counted."""

import hashlib
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
JOBS = os.cpu_count() or 1

# A sanitizer's finding ends the program, whatever it is.
STRICT = "-fno-sanitize-recover=all"

# name: (compiler, options of meson setup)
BUILDS = {
    "release": ("gcc", ["--buildtype=release", "-Doptimization=2", "-Ddebug=true",
                        "-Db_pie=true", "-Dwerror=true"]),
    "asan": ("clang", ["--buildtype=debugoptimized", "-Dwerror=true",
                       "-Db_sanitize=address,undefined", f"-Dc_args={STRICT}"]),
    "tsan": ("clang", ["--buildtype=debugoptimized", "-Dwerror=true",
                       "-Db_sanitize=thread", f"-Dc_args={STRICT}"]),
    "fuzz": ("clang", ["--buildtype=debugoptimized", "-Dfuzz=true",
                       "-Db_sanitize=address,undefined", f"-Dc_args={STRICT}"]),
}


def configure(name):
    """Sets the build up, or again when its options changed or a room came or went: meson does
    not see a meson.build that was not there before."""
    compiler, options = BUILDS[name]
    directory = BUILD / name
    rooms = sorted(str(path.relative_to(ROOT)) for top in ("src", "test", "fuzz")
                   for path in (ROOT / top).rglob("meson.build"))
    wanted = hashlib.sha256("\n".join([compiler, *options, *rooms]).encode()).hexdigest()
    stamp = directory / "configured"
    if (directory / "build.ninja").exists() and stamp.exists() and stamp.read_text() == wanted:
        return directory
    # A setup that failed half way cannot be repeated, only begun anew.
    half_done = (directory / "meson-private").exists() and not (directory / "build.ninja").exists()
    again = ["--wipe"] if half_done else ["--reconfigure"] if stamp.exists() else []
    done = subprocess.run(["meson", "setup", *again, str(directory), str(ROOT), *options],
                          check=False, env={**os.environ, "CC": compiler}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        print("\n".join(done.stdout.splitlines()[-5:]), flush=True)
        done.check_returncode()
    stamp.write_text(wanted)
    return directory


def build(name, targets=()):
    """Builds the targets (default: all). Returns whether that went well."""
    try:
        directory = configure(name)
    except subprocess.CalledProcessError:
        return False
    done = subprocess.run(["ninja", "-C", str(directory), "--quiet", *targets], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print(done.stdout, end="", flush=True)
    return done.returncode == 0


def link_postrider():
    """Puts the release build where users look for it."""
    if not (BUILD / "release/src/postrider").exists():
        return False
    link = BUILD / "postrider"
    link.unlink(missing_ok=True)
    link.symlink_to("release/src/postrider")
    return True


class Tally:
    """Counts tests by their lines "ok NAME" and "FAIL NAME", and times the stages."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.failures = []

    def result(self, ok, name, log=""):
        """One test without lines of its own: a build, a check, a fuzz target."""
        if ok:
            self.passed += 1
            print(f"ok {name}", flush=True)
            return
        self.failed += 1
        self.failures.append(name)
        print(f"{log.rstrip()}\nFAIL {name}" if log else f"FAIL {name}", flush=True)

    def program(self, name, output, returncode):
        """A test program: its lines count. If it ends badly without naming a failure, that is
        one; if it proves nothing at all, that is one too."""
        lines = output.splitlines()
        passed = sum(line.startswith("ok ") for line in lines)
        failed = [line[len("FAIL "):] for line in lines if line.startswith("FAIL ")]
        self.passed += passed
        self.failed += len(failed)
        self.failures += [f"{name}: {failure}" for failure in failed]
        if failed:
            print(output, flush=True)
        if returncode != 0 and not failed:
            self.result(False, f"{name}: exit status {returncode}", output)
        elif passed == 0 and not failed:
            self.result(False, f"{name}: no tests", output)
        elif not failed:
            print(f"ok {name} ({passed})", flush=True)

    def stage(self, name, run):
        print(f"-- {name}", flush=True)
        started = time.monotonic()
        run()
        print(f"-- {name}: {time.monotonic() - started:.1f} s", flush=True)

    def finish(self):
        for failure in self.failures:
            print(f"failed: {failure}")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed else 0)
