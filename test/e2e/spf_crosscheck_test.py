#!/usr/bin/python3
"""SPF against two other implementations, pyspf and Mail::SPF (spfquery), on zones that NSD serves
on loopback: generated cases, the same on every run, must have the same results. Where they differ,
EXPLAINED says why, with the section of RFC 7208. Then python3-authres reads the field that `check
message` prints.

Runs under Debian's own Python, where Debian's python3-spf is."""

import json
import os
import random
import re
import subprocess

import authres
import dns.resolver
import spf

from harness import POSTRIDER, directory, main, test
from nsd import Nsd

SEED = 7208
CASES = 400

# ---- Zones ---------------------------------------------------------------------------------------

ZONE = """
h1 A 192.0.2.1
h2 A 192.0.2.2
h2 AAAA 2001:db8::2
h6 AAAA 2001:db8::6
many A 192.0.2.3
many A 192.0.2.4
many A 192.0.2.5
alias CNAME h1
mxd MX 10 h1
mxd MX 20 h2
nullmx MX 0 .
only-a A 192.0.2.1
alice.user A 127.0.0.2
1.2.0.192.sbl A 127.0.0.2
cross.example.of A 127.0.0.2
h1.helo A 192.0.2.1
pass TXT "v=spf1 ip4:192.0.2.0/30 ip6:2001:db8::/126 -all"
soft TXT "v=spf1 a:h1.cross.example ~all"
neutral TXT "v=spf1 ?all"
fail TXT "v=spf1 -all exp=why.cross.example"
bare TXT "v=spf1"
other TXT "v=spf2.0/pra -all"
bad TXT "v=spf1 a:museum -all"
two TXT "v=spf1 -all"
two TXT "v=spf1 +all"
nested TXT "v=spf1 include:pass.cross.example ?include:soft.cross.example -all"
redirected TXT "v=spf1 ip4:198.51.100.1 redirect=pass.cross.example"
parts TXT "v=sp" "f1 ip4:192.0.2.1" " -all"
why TXT "%{i} is not %{d}, 100%% sure: see %{S}"
why2 TXT "one"
why2 TXT "two"
why3 TXT "bad %{x}"
"""
REVERSE4 = """
1 PTR h1.cross.example.
2 PTR elsewhere.cross.example.
2 PTR h2.cross.example.
3 PTR only-a.cross.example.
"""
REVERSE6 = """
6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR h6.cross.example.
"""


# ---- Cases ---------------------------------------------------------------------------------------

CLIENTS = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.5", "192.0.2.200", "198.51.100.1",
           "2001:db8::2", "2001:db8::6", "2001:db8:1::1", "::ffff:192.0.2.1"]
HELOS = ["h1.cross.example", "mail.example.org", "nowhere.cross.example", "[192.0.2.1]"]
LOCALS = ["alice", "bob", "a-b+c", "strong-bad", "x.y"]
NAMES = ["h1", "h2", "h6", "many", "alias", "mxd", "nullmx", "only-a", "nowhere"]
POLICIES = ["pass", "soft", "neutral", "fail", "bare", "other", "bad", "two", "nested",
            "redirected", "parts", "nowhere"]
LENGTHS = ["", "/24", "/30", "//64", "/24//64", "/0", "/32//128"]
FAULTS = ["a:", "a/33", "a//129", "a/24/64", "a/032", "mx:museum", "all.", "-all:x", "include", "exists",
          "ip4:1.2.3", "ip4:1.2.3.4//8", "ip4:1.2.03.4", "ip6::1::2", "ip6:::1/129", "ptr/24", "moo",
          "exp=", "redirect=-all", "a:h1.cross.example.-x", "x=%abc", "exists:%{x}.cross.example",
          "exists:%{c}.cross.example", "=all", "1up=x", "exists:%(i).cross.example", "exists:%{d0}"]


def mechanism(draw):
    name, policy, length = draw.choice(NAMES), draw.choice(POLICIES), draw.choice(LENGTHS)
    return draw.choice([
        f"a:{name}.cross.example{length}", f"mx:{name}.cross.example{length}", f"a{length}", "mx",
        "ptr:cross.example", f"ptr:{name}.cross.example",
        f"include:{policy}.cross.example", f"include:{policy}.Cross.Example.",
        "ip4:192.0.2.0/29", "ip4:192.0.2.200", "ip6:2001:db8::/96", "ip6:::ffff:192.0.2.1", "IP4:198.51.100.0/24",
        "exists:%{ir}.sbl.cross.example", "exists:%{l}.user.cross.example", "exists:%{l1r-}.user.cross.example",
        "exists:%{o2}.of.cross.example", "exists:%{d2}.of.cross.example", "a:%{h}", "a:%{h1r}.helo.cross.example",
        "exists:%{p}"])


def record(draw):
    terms = [draw.choice(["", "", "", "-", "~", "?", "+"]) + mechanism(draw) for _ in range(draw.randint(0, 4))]
    if draw.random() < 0.6:
        terms.append(draw.choice(["-all", "-all", "~all", "?all", "+ALL"]))
    if draw.random() < 0.25:
        terms.insert(draw.randint(0, len(terms)), f"redirect={draw.choice(POLICIES)}.cross.example")
    if draw.random() < 0.4:
        terms.insert(draw.randint(0, len(terms)), f"exp={draw.choice(['why', 'why2', 'why3', 'h1'])}.cross.example")
    if draw.random() < 0.1:
        terms.append("unknown.modifier-1=%{d}x")
    if draw.random() < 0.15:
        terms.insert(draw.randint(0, len(terms)), draw.choice(FAULTS))
    return draw.choice([" ", " ", "  "]).join(["v=spf1"] + terms)


def generate():
    draw = random.Random(SEED)
    cases, zone = [], ZONE
    for number in range(CASES):
        text = record(draw)
        name = f"c{number}.cross.example"
        zone += f'c{number} TXT "{text}"\nc{number} A 192.0.2.{draw.choice([1, 77])}\n'
        if draw.random() < 0.3:
            zone += f"c{number} MX 5 {draw.choice(['h1', 'h6', 'many'])}\n"
        sender = f"{draw.choice(LOCALS)}@{name}"
        cases.append({"record": text, "ip": draw.choice(CLIENTS), "helo": draw.choice(HELOS), "from": sender})
    return cases, zone


# ---- The implementations -------------------------------------------------------------------------

def check_spf(port, ip, helo, sender):
    done = subprocess.run([POSTRIDER, "check", "spf", "--ip", ip, "--helo", helo, "--from", sender,
                           "--resolver", f"127.0.0.1:{port}", "--json"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ask_pyspf(case):
    query = spf.query(i=case["ip"], s=case["from"], h=case["helo"], receiver="unknown", strict=True)
    query.set_default_explanation("")
    result, _, explanation = query.check()
    return result, explanation if result == "fail" else ""


def ask_mail_spf(port, cases):
    """One process for all; each answer ends with its Received-SPF line."""
    lines = "".join(f"{case['ip']} {case['from']} {case['helo']}\n" for case in cases)
    done = subprocess.run(["spfquery.mail-spf-perl", "--versions", "1", "--file", "-"], input=lines,
                          capture_output=True, text=True, timeout=600,
                          env={**os.environ, "RES_NAMESERVERS": "127.0.0.1", "RES_OPTIONS": f"port:{port}"})
    results = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("Received-SPF: ")]
    assert len(results) == len(cases), (len(results), done.stderr[-2000:])
    return results


# ---- Where they differ ---------------------------------------------------------------------------

def has(pattern):
    return lambda case: re.search(pattern, case["record"])


def mapped_matches(case):
    return "ip6:::ffff:192.0.2.1" in case["record"] and case["ip"].endswith("192.0.2.1")


EXPLAINED = {
    "pyspf": [
        ("section 7.3: the number of parts must not be zero", has(r"%{d0}")),
    ],
    "Mail::SPF": [
        ("section 7.3: the number of parts must not be zero", has(r"%{d0}")),
        ("section 4.6: a macro letter that is none is an error wherever it stands", has(r"%{x}")),
        ("section 7.2: so is one that only explanations may have", has(r"%{c}")),
        ("section 5: an IPv4-mapped address is IPv4 and matches no ip6", mapped_matches),
        ("RFC 7505 section 3: the host of a null MX is none to ask for", has(r"mx:nullmx")),
    ],
}


def unexplained(name, case):
    return not any(applies(case) for _, applies in EXPLAINED[name])


def serve(path, zone):
    nsd = Nsd(path, {"example": "", "cross.example": zone, "2.0.192.in-addr.arpa": REVERSE4,
                     "100.51.198.in-addr.arpa": "", "8.b.d.0.1.0.0.2.ip6.arpa": REVERSE6})
    dns.resolver.default_resolver = dns.resolver.Resolver(configure=False)
    dns.resolver.default_resolver.nameservers = ["127.0.0.1"]
    dns.resolver.default_resolver.port = nsd.port
    return nsd


@test
def generated_cases_have_the_same_results():
    cases, zone = generate()
    differences, results = [], {}
    with directory() as path, serve(path, zone) as nsd:
        for case, mail_spf in zip(cases, ask_mail_spf(nsd.port, cases)):
            ours = check_spf(nsd.port, case["ip"], case["helo"], case["from"])
            pyspf, explanation = ask_pyspf(case)
            results[ours["result"]] = results.get(ours["result"], 0) + 1
            for name, theirs in (("pyspf", pyspf), ("Mail::SPF", mail_spf)):
                if ours["result"] != theirs and unexplained(name, case):
                    differences.append(f"{case}: {ours}, {name}: {theirs}")
            if ours["result"] == pyspf and ours["explanation"] != explanation:
                differences.append(f"{case}: {ours}, pyspf explains: {explanation}")
    print(f"# {len(cases)} cases: {results}")
    assert not differences, "\n".join(differences)
    assert len(results) == 6, f"too few kinds of results: {results}"


MESSAGE = "From: Alice <alice@{domain}>\r\nTo: bob@example.org\r\nSubject: x\r\n\r\nHello.\r\n"


@test
def the_field_of_check_message_is_read_by_authres():
    zone = ZONE + '_dmarc TXT "v=DMARC1; p=reject"\n'
    rows = [("alice@pass.cross.example", "pass", "pass"), ("alice@fail.cross.example", "fail", "fail"),
            ("\"odd \\\\; dkim=pass header.d=x\"@fail.cross.example", "fail", "fail"), ("", "none", "fail")]
    with directory() as path, serve(path, zone) as nsd:
        for sender, spf_result, dmarc_result in rows:
            domain = sender.rpartition("@")[2] or "soft.cross.example"
            done = subprocess.run([POSTRIDER, "check", "message", "--ip", "192.0.2.1", "--helo", "localhost", "--from",
                                   sender, "--resolver", f"127.0.0.1:{nsd.port}", "--json", "-"],
                                  input=MESSAGE.format(domain=domain), capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            answer = json.loads(done.stdout)
            field = authres.AuthenticationResultsHeader.parse(answer["header"])
            results = {result.method: result for result in field.results}
            assert results["spf"].result == spf_result == answer["spf"]["result"], answer
            assert results["dmarc"].result == dmarc_result == answer["dmarc"]["result"], answer
            assert results["dkim"].result == "none" and answer["dkim"] == [], answer
            assert results["arc"].result == "none" == answer["arc"]["result"], answer
            assert results["iprev"].result == "pass", answer
            assert results["dmarc"].properties[0].value == domain == answer["dmarc"]["from"], answer
            assert answer["dmarc"]["record_domain"] == "cross.example", answer
            assert len(field.results) == 5, answer


if __name__ == "__main__":
    main()
