"""scripts/test.py [FILTER]: everything that must hold before a commit. With FILTER, only the unit
tests, fuzz targets and end-to-end tests whose name contains it. The last line sums up."""

import json
import os
import subprocess
import sys

import fuzz
import lint
import project
from project import BUILD, JOBS, ROOT

# The rooms whose code runs on several threads: their tests run under ThreadSanitizer too.
THREADED = ["fiber", "net", "dns", "spool", "trace", "queue", "receive", "deliver", "server"]
FUZZ_SECONDS = 5
END_TO_END_SECONDS = 600


def unit_tests(name, part, rooms=None):
    """Names of the tests in a build."""
    directory = project.configure(name)
    listed = subprocess.run(["meson", "introspect", "--tests", str(directory)], check=True,
                            capture_output=True, text=True)
    tests = [test["name"] for test in json.loads(listed.stdout)]
    return [test for test in tests
            if part in test and (rooms is None or test.split("_")[1] in rooms)]


def run_unit_tests(tally, name, tests, wrapper=()):
    directory = BUILD / name
    log = directory / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)
    subprocess.run(["meson", "test", "-C", str(directory), "--no-rebuild", "--quiet",
                    f"--num-processes={JOBS}", *wrapper, *tests], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    results = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    for result in results:
        label = f"{name}: {result['name'].split(' / ')[-1]}"
        status = result["returncode"] if result["result"] != "TIMEOUT" else "timed out"
        tally.program(label, result.get("stdout", "") + result.get("stderr", ""), status)
    if len(results) != len(tests):
        tally.result(False, f"{name}: {len(tests) - len(results)} tests did not run")


def build_and_run(tally, name, part, rooms=None, wrapper=list):
    try:
        tests = unit_tests(name, part, rooms)
    except subprocess.CalledProcessError:
        tally.result(False, f"{name}: configure")
        return
    if part and not tests:
        return
    # All of it unless filtered: what has no test must compile too.
    ok = project.build(name, [f"test/{test}" for test in tests] if part or rooms else [])
    tally.result(ok, f"{name}: build")
    if ok and tests:
        run_unit_tests(tally, name, tests, wrapper())


def thread_sanitizer_wrapper():
    """ThreadSanitizer of clang 14 dies at start where the kernel spreads addresses widely; then
    it runs without that."""
    probe = BUILD / "tsan-probe"
    BUILD.mkdir(exist_ok=True)
    subprocess.run(["clang", "-fsanitize=thread", "-x", "c", "-", "-o", str(probe)], check=True,
                   input=b"int main(void) { return 0; }")
    for wrapper in ([], ["setarch", "-R"]):
        # Several times: whether it dies depends on the addresses it is given.
        runs = [subprocess.run([*wrapper, str(probe)], check=False, capture_output=True)
                for _ in range(10)]
        if all(run.returncode == 0 for run in runs):
            return [f"--wrapper={' '.join(wrapper)}"] if wrapper else []
    return []


def thread_sanitizer(tally, part):
    build_and_run(tally, "tsan", part, THREADED, thread_sanitizer_wrapper)


def release(tally):
    tally.result(project.build("release"), "release: build")
    project.link_postrider()


def end_to_end(tally, part):
    programs = [path for path in sorted((ROOT / "test/e2e").glob("*_test.py"))
                if part in path.name and os.access(path, os.X_OK)]
    if not programs:
        return
    if part:
        release(tally)
    for path in programs:
        try:
            done = subprocess.run([str(path)], check=False, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace",
                                  timeout=END_TO_END_SECONDS,
                                  env={**os.environ, "POSTRIDER": str(BUILD / "postrider")})
            output, status = done.stdout, done.returncode
        except subprocess.TimeoutExpired as late:
            output, status = (late.stdout or b"").decode(errors="replace"), "timed out"
        tally.program(f"e2e: {path.stem}", output, status)


def main(part):
    tally = project.Tally()
    if not part:
        tally.stage("lint", lambda: lint.main(tally))
        tally.stage("release build (gcc)", lambda: release(tally))
    tally.stage("unit tests, address and undefined behaviour (clang)",
                lambda: build_and_run(tally, "asan", part))
    tally.stage("unit tests, threads (clang)", lambda: thread_sanitizer(tally, part))
    tally.stage("fuzz", lambda: fuzz.main(tally, part, FUZZ_SECONDS))
    tally.stage("end to end", lambda: end_to_end(tally, part))
    tally.finish()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
