"""scripts/lint.py [FILTER]: layout, static analysis, the layer rule. What was clean and did not
change since is not analysed again."""

import concurrent.futures
import hashlib
import re
import subprocess
import sys

import project
from project import BUILD, JOBS, ROOT

CACHE = BUILD / "lint"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def sources(pattern, tops=("src", "test", "fuzz"), part=""):
    return sorted(path for top in tops for path in (ROOT / top).rglob(pattern)
                  if part in str(path.relative_to(ROOT)))


def run(command):
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode == 0, done.stdout


def check_format(part):
    files = sources("*.[ch]", part=part)
    return run(["clang-format", "--dry-run", "-Werror", *map(str, files)]) if files else (True, "")


def resolve(includer, name):
    for base in (includer.parent, ROOT / "src", ROOT / "test", ROOT / "fuzz"):
        if (base / name).is_file():
            return (base / name).resolve()
    return None


def with_headers(path, seen):
    """The file and all of the project's headers that it sees."""
    if path not in seen:
        seen.add(path)
        for match in INCLUDE.finditer(path.read_text(errors="replace")):
            header = resolve(path, match[1])
            if header:
                with_headers(header, seen)
    return seen


def fingerprint(path, settings):
    digest = hashlib.sha256(settings)
    for part in sorted(with_headers(path.resolve(), set())):
        digest.update(str(part).encode() + b"\0" + part.read_bytes())
    return digest.hexdigest()


def tidy_one(path, database, settings):
    stamp = CACHE / "tidy" / str(path.relative_to(ROOT)).replace("/", "_")
    wanted = fingerprint(path, settings)
    if stamp.exists() and stamp.read_text() == wanted:
        return True, ""
    ok, output = run(["clang-tidy", "--quiet", "-p", str(database), str(path)])
    output = re.sub(r"^\d+ warnings? .*\n", "", output, flags=re.MULTILINE)
    if ok:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(wanted)
        return True, ""
    return False, output


def check_tidy(part):
    asan, fuzz = project.configure("asan"), project.configure("fuzz")
    known = {asan: (asan / "compile_commands.json").read_text(),
             fuzz: (fuzz / "compile_commands.json").read_text()}
    version = subprocess.run(["clang-tidy", "--version"], check=True, capture_output=True).stdout
    settings = version + (ROOT / ".clang-tidy").read_bytes()
    work = []
    for path in sources("*.c", part=part):
        database = fuzz if path.is_relative_to(ROOT / "fuzz") else asan
        if str(path.relative_to(ROOT)) in known[database]:
            work.append((path, database, settings))
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        results = list(pool.map(lambda job: tidy_one(*job), work))
    return all(ok for ok, _ in results), "".join(distinct(output for _, output in results))


def distinct(outputs):
    """The findings, each once: one in a header comes from every file that includes it."""
    findings = re.split(r"^(?=\S+:\d+:\d+: (?:error|warning):)", "".join(outputs), flags=re.MULTILINE)
    return dict.fromkeys(findings)


def check_cppcheck(part):
    cache = CACHE / "cppcheck"
    cache.mkdir(parents=True, exist_ok=True)
    files = sources("*.c", tops=("src",), part=part)
    if not files:
        return True, ""
    return run(["cppcheck", "--quiet", "--enable=warning,performance,portability", "--std=c11",
                "--inline-suppr", "--suppressions-list=scripts/cppcheck-suppressions",
                "--error-exitcode=1", "--inconclusive", "-D_GNU_SOURCE", "-D__x86_64__",
                "-DPOSTRIDER_VERSION=\"0\"", "--include=scripts/cppcheck.h", "-Isrc",
                f"-j{JOBS}", f"--cppcheck-build-dir={cache}",
                *map(lambda path: str(path.relative_to(ROOT)), files)])


def check_layers(_part):
    return run([str(ROOT / "scripts/check-layers")])


def proof_exists(room_and_file, test):
    """Whether the test stands in test/ROOM/FILE_test.c or .py, and is run."""
    for suffix, pattern in ((".c", rf"\bRUN\({test}\)"), (".py", rf"^def {test}\(")):
        file = ROOT / "test" / f"{room_and_file}_test{suffix}"
        if file.exists() and re.search(pattern, file.read_text(), re.MULTILINE):
            return True
    return False


def check_rfc(_part):
    """What docs/rfc.md names exists: sources as `room/file`, tests as `room/file: name`."""
    missing = []
    for number, line in enumerate((ROOT / "docs/rfc.md").read_text().splitlines(), 1):
        for name in re.findall(r"`([^`]*)`", line if line.startswith("|") else ""):
            where, _, test = name.partition(": ")
            if not (proof_exists(where, test) if test else (ROOT / "src" / f"{where}.c").exists()):
                missing.append(f"docs/rfc.md:{number}: there is no {name}\n")
    return not missing, "".join(missing)


def check_shell(_part):
    return run(["shellcheck", "dev", "scripts/packages.sh", ".ci/run"])


CHECKS = [
    ("layers", check_layers),
    ("clang-format", check_format),
    ("shellcheck", check_shell),
    ("docs/rfc.md", check_rfc),
    ("cppcheck", check_cppcheck),
    ("clang-tidy", check_tidy),
]


def main(tally, part=""):
    for name, check in CHECKS:
        try:
            ok, output = check(part)
        except (OSError, subprocess.CalledProcessError) as error:
            ok, output = False, str(error)
        tally.result(ok, f"lint: {name}", output)


if __name__ == "__main__":
    TALLY = project.Tally()
    main(TALLY, sys.argv[1] if len(sys.argv) > 1 else "")
    TALLY.finish()
