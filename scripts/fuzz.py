"""scripts/fuzz.py [TARGET] [--seconds N]: runs the fuzz targets whose name contains TARGET, from
the corpus in fuzz/corpus/. What is found goes to build/fuzz-found/, what fails to
build/fuzz-failures/."""

import argparse
import concurrent.futures
import json
import os
import subprocess

import project
from project import BUILD, JOBS, ROOT

DIRECTORY = BUILD / "fuzz"


def targets(part):
    """Names without "fuzz_": base_base64."""
    project.configure("fuzz")
    listed = subprocess.run(["meson", "introspect", "--targets", str(DIRECTORY)], check=True,
                            capture_output=True, text=True)
    names = [target["name"] for target in json.loads(listed.stdout)
             if target["type"] == "executable" and target["name"].startswith("fuzz_")]
    return sorted(name[len("fuzz_"):] for name in names if part in name)


def command(name, seconds):
    found = BUILD / "fuzz-found" / name
    failures = BUILD / "fuzz-failures"
    found.mkdir(parents=True, exist_ok=True)
    failures.mkdir(parents=True, exist_ok=True)
    corpus = [path for path in [ROOT / "fuzz/corpus" / name] if path.is_dir()]
    words = ROOT / "fuzz/corpus" / f"{name}.dict"
    return [str(DIRECTORY / "fuzz" / f"fuzz_{name}"), f"-max_total_time={seconds}", "-timeout=10",
            "-rss_limit_mb=2048", f"-artifact_prefix={failures}/{name}-", "-print_final_stats=1",
            *([f"-dict={words}"] if words.exists() else []), str(found), *map(str, corpus)]


def run_one(name, seconds):
    try:
        done = subprocess.run(command(name, seconds), check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=seconds + 120, env={**os.environ, "TMPDIR": "/tmp"})
    except subprocess.TimeoutExpired:
        return name, False, "did not end\n"
    log = "\n".join(done.stdout.splitlines()[-80:])
    return name, done.returncode == 0, log


def main(tally, part="", seconds=5):
    try:
        names = targets(part)
    except subprocess.CalledProcessError:
        tally.result(False, "fuzz: configure")
        return
    if not names:
        return
    ok = project.build("fuzz", [f"fuzz/fuzz_{name}" for name in names])
    tally.result(ok, "fuzz: build")
    if not ok:
        return
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for name, ok, log in pool.map(lambda name: run_one(name, seconds), names):
            tally.result(ok, f"fuzz: {name}", log)


if __name__ == "__main__":
    PARSER = argparse.ArgumentParser(prog="./dev fuzz")
    PARSER.add_argument("target", nargs="?", default="")
    PARSER.add_argument("--seconds", type=int, default=60)
    ARGS = PARSER.parse_args()
    TALLY = project.Tally()
    main(TALLY, ARGS.target, ARGS.seconds)
    TALLY.finish()
