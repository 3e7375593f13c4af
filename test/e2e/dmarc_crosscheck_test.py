#!/usr/bin/env python3
"""DMARC against a second reading of RFC 9989: its steps as the RFC writes them, one after the other,
in the plainest Python, on generated zones. No other implementation that Debian has knows RFC 9989."""

import json
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from harness import POSTRIDER, main, test  # noqa: E402
from name_server import Server, Zone  # noqa: E402

SEED = 9989
ZONES, CASES_EACH = 40, 10


# ---- the RFC, step by step -----------------------------------------------------------------------

def parse(text):
    """Sections 4.7 and 4.8: {tag: value}, or None when it is no DMARC record."""
    pairs = [part.split("=", 1) for part in text.split(";") if "=" in part]
    tags = {}
    for name, value in pairs:
        tags.setdefault(name.strip(), value.strip())
    first = pairs[0] if pairs else ["", ""]
    return tags if [first[0].strip(), first[1].strip()] == ["v", "DMARC1"] else None


def record_at(zone, domain):
    """Steps 2 and 6: several records are none."""
    texts = zone.names.get(f"_dmarc.{domain}", {}).get("TXT", [])
    records = [tags for tags in map(parse, texts) if tags]
    return records[0] if len(records) == 1 else None


def walk(zone, domain):
    """Section 4.10: [(name, record)] from the longest name to the shortest."""
    found, target = [], domain
    while target:
        record = record_at(zone, target)
        if record:
            found.append((target, record))
            if record.get("psd") in ("y", "n"):
                break
        labels = target.split(".")
        target = ".".join(labels[1:] if len(labels) < 8 else labels[-7:])
    return found


def organization(zone, domain):
    """Section 4.10.2."""
    found = walk(zone, domain)
    for name, record in found:
        if record.get("psd") == "n":
            return name
        if record.get("psd") == "y" and name != domain:
            return ".".join(domain.split(".")[-len(name.split(".")) - 1:])
    return found[-1][0] if found else domain


def discover(zone, author):
    """Section 4.10.1: (name, record) that applies, or None."""
    found = dict(walk(zone, author))
    for name in (author, organization(zone, author)):
        if name in found:
            return name, found[name]
    return next(((name, record) for name, record in found.items() if record.get("psd") == "y"), None)


POLICIES = ["none", "quarantine", "reject"]


def has_report_address(record):
    return any(uri.strip().startswith("mailto:") for uri in record.get("rua", "").split(","))


def policy_of(zone, author, name, record):
    """Sections 4.7 and 4.10.1: a policy, or None when DMARC is not applied."""
    if any(record.get(tag, "none") not in POLICIES for tag in ("p", "sp", "np")):
        return "none" if has_report_address(record) else None
    if "p" not in record:
        return "none"
    if name == author:
        return record["p"]
    exists = any(other == author or other.endswith("." + author) for other in zone.names)
    return record.get("sp", record["p"]) if exists else record.get("np", record.get("sp", record["p"]))


def judge(zone, author, identifier):
    """(result, policy, disposition, record's domain) when SPF vouches for the identifier."""
    applying = discover(zone, author)
    policy = policy_of(zone, author, *applying) if applying else None
    if policy is None:
        return "none", "none", "none", ""
    name, record = applying
    is_aligned = author == identifier
    if record.get("aspf") != "s":
        is_aligned = is_aligned or organization(zone, author) == organization(zone, identifier)
    if is_aligned:
        return "pass", policy, "none", name
    disposition = policy
    if record.get("t") == "y" and policy != "none":
        disposition = POLICIES[POLICIES.index(policy) - 1]
    return "fail", policy, disposition, name


# ---- cases -------------------------------------------------------------------------------------

def random_record(draw):
    tags = ["v=DMARC1"]
    for tag, values, chance in (("p", POLICIES * 4 + ["never"], 0.9), ("sp", POLICIES * 4 + ["x"], 0.4),
                                ("np", POLICIES, 0.3), ("psd", ["y", "n", "u"], 0.25), ("t", ["y", "n"], 0.2),
                                ("aspf", ["s", "r"], 0.3), ("rua", ["mailto:a@b.example", "nothing"], 0.3)):
        if draw.random() < chance:
            tags.append(f"{tag}={draw.choice(values)}")
    return draw.choice(["; ", ";", " ; "]).join(tags)


def random_domain(draw):
    """Few labels, so that domains meet; up to eleven of them."""
    depth = draw.choice([1, 1, 2, 2, 2, 3, 3, 4, 6, 7, 8, 10])
    return ".".join([draw.choice("ab") for _ in range(depth)] + ["zone"])


def random_zone(draw):
    """Domains with records at them and above them; all that send mail have SPF records."""
    zone, domains = Zone(), [random_domain(draw) for _ in range(6)]
    for domain in domains + ["zone"]:
        labels = domain.split(".")
        for count in range(1, len(labels) + 1):
            if draw.random() < 0.3:
                name = "_dmarc." + ".".join(labels[-count:])
                texts = zone.names.setdefault(name, {}).setdefault("TXT", [])
                texts.append(draw.choice([random_record(draw)] * 9 + ["v=spf1 -all"]))
    return zone, domains


def check(server, author, sender, helo="helo.zone"):
    message = f"From: Joe <joe@{author}>\r\nSubject: x\r\n\r\nHello.\r\n"
    done = subprocess.run([POSTRIDER, "check", "message", "--ip", "192.0.2.1", "--helo", helo, "--from", sender,
                           "--json", "--resolver", f"127.0.0.1:{server.port}", "-"], input=message,
                          capture_output=True, text=True, timeout=60, check=True)
    answer = json.loads(done.stdout)["dmarc"]
    return answer["result"], answer["policy"], answer["disposition"], answer["record_domain"]


@test
def generated_trees_have_the_same_organizations():
    draw, server, wrong, seen = random.Random(SEED), Server(), [], {}
    for _ in range(ZONES):
        zone, domains = random_zone(draw)
        for _ in range(CASES_EACH):
            author, identifier = draw.choice(domains + ["ghost." + draw.choice(domains)]), draw.choice(domains)
            server.zone = Zone({**zone.names, identifier: {"TXT": ["v=spf1 +all"]}})
            want, got = judge(server.zone, author, identifier), check(server, author, f"bounce@{identifier}")
            seen[want[0], want[2]] = seen.get((want[0], want[2]), 0) + 1
            if got != want:
                wrong.append(f"{author} by {identifier} in {server.zone.names}: {got}, want {want}")
    print(f"# {ZONES * CASES_EACH} cases: {seen}")
    assert not wrong, "\n".join(wrong[:5])
    assert len(seen) >= 5, f"too few kinds of verdicts: {seen}"


@test
def a_null_path_is_vouched_for_by_the_helo_name():
    """Section 4.4.2 and RFC 7208 section 2.4: the MAIL FROM identity of <> is postmaster at the HELO name."""
    server = Server(Zone({"mail.example.org": {"TXT": ["v=spf1 +all"]},
                          "_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject"]}}))
    assert check(server, "example.org", "", "mail.example.org") == ("pass", "reject", "none", "example.org")
    assert check(server, "example.org", "", "mail.example.net") == ("fail", "reject", "reject", "example.org")
    # The HELO name counts for nothing beside a reverse-path.
    assert check(server, "example.org", "a@example.net", "mail.example.org")[0] == "fail"


@test
def records_of_several_strings_are_joined():
    server = Server(Zone({"_dmarc.example.org": {"TXT": [["v=DM", "ARC1; p=rej", "ect; rua=mailto:", "x" * 300]]}}))
    assert check(server, "example.org", "a@example.net") == ("fail", "reject", "reject", "example.org")


main()
