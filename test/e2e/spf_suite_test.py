#!/usr/bin/python3
"""The test suite for RFC 7208 by the makers of SPF (openspf.org), as Debian's python3-spf brings it,
through `postrider check spf` and a DNS server of its own on loopback, since some of its zones
cannot be served by an ordinary one. Not run where Debian's documentation is not installed."""

import gzip
import json
import pathlib
import subprocess

import yaml

from harness import POSTRIDER, main, test
from name_server import Server, Zone

SUITE = pathlib.Path("/usr/share/doc/python3-spf/rfc7208-tests.yml.gz")
# Results the suite allows beside the one it prefers are its own; this is how it writes "none given".
NO_EXPLANATION = "DEFAULT"


def read_zone(data):
    """A scenario's data. SPF records count as TXT records too, unless the name has some of its own;
    TIMEOUT is a failure of everything else at the name."""
    zone = Zone()
    for name, entries in (data or {}).items():
        name = name.rstrip(".").lower()
        records = zone.names.setdefault(name, {})
        pairs = [pair for entry in entries if isinstance(entry, dict) for pair in entry.items()]
        has_txt = any(kind == "TXT" for kind, _ in pairs)
        for kind, value in pairs:
            if value != "NONE":
                for each in [kind, "TXT"] if kind == "SPF" and not has_txt else [kind]:
                    records.setdefault(each, []).append(value)
        if "TIMEOUT" in entries:
            zone.failing.add(name)
    return zone


def check(server, case):
    done = subprocess.run([POSTRIDER, "check", "spf", "--ip", case["host"], "--helo", case["helo"], "--from",
                           case["mailfrom"], "--resolver", f"127.0.0.1:{server.port}", "--json"],
                          capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout) if done.returncode == 0 else {"result": done.stderr, "explanation": ""}


def is_right(case, answer):
    allowed = case["result"] if isinstance(case["result"], list) else [case["result"]]
    explanation = answer["explanation"] or NO_EXPLANATION
    return answer["result"] in allowed and explanation == case.get("explanation", explanation)


@test
def every_case_of_the_suite():
    if not SUITE.exists():
        print(f"# skipped: {SUITE} is not installed")
        return
    server, wrong, count = Server(), [], 0
    for scenario in yaml.safe_load_all(gzip.decompress(SUITE.read_bytes()).decode()):
        server.zone = read_zone(scenario.get("zonedata"))
        for name, case in scenario["tests"].items():
            count += 1
            answer = check(server, case)
            if not is_right(case, answer):
                wrong.append(f"{scenario['description']}: {name}: {case}: {answer}")
    print(f"# {count} cases")
    assert not wrong, "\n".join(wrong)


if __name__ == "__main__":
    main()
