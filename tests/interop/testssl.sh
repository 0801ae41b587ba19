#!/usr/bin/env bash
# testssl.sh against `hearken echo` with TLS: the versions offered, and every vulnerability that it checks. Needs
# HEARKEN_URL (https); tests/interop/run sets it.
#
# Runs protocols (-p) and vulnerabilities (-U) only: a full run takes three times as long, for findings about the certificate,
# which is self-signed here, and about ciphers, of which -U covers the weak ones. A check that testssl.sh could not run, or no
# longer has, is a failure.
set -uo pipefail

url=${HEARKEN_URL:?}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

program=$(command -v testssl || command -v testssl.sh) || {
    echo "skip testssl: not installed"
    exit 0
}
"$program" --quiet --warnings off --nodns none --color 0 --jsonfile "$scratch/found.json" -p -U "$url" \
    >"$scratch/output" 2>&1 </dev/null

python3 - "$scratch/found.json" "$scratch/output" <<'END'
import json
import sys

NOT_OFFERED = ["SSLv2", "SSLv3", "TLS1", "TLS1_1"]
OFFERED = ["TLS1_2", "TLS1_3"]
CHECKED = [
    "heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_renego", "secure_client_renego", "CRIME_TLS", "BREACH",
    "POODLE_SSL", "fallback_SCSV", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST", "LUCKY13", "RC4",
]
failed = 0


def line(good, text):
    global failed
    failed |= not good
    print(("ok   testssl: " if good else "FAIL testssl: ") + text)


try:
    with open(sys.argv[1], encoding="utf-8") as file:
        found = {finding["id"]: finding for finding in json.load(file)}
except (OSError, ValueError) as error:
    with open(sys.argv[2], encoding="utf-8", errors="replace") as file:
        said = " ".join(file.read().split())[-300:]
    line(False, f"no findings: {error}: {said}")
    sys.exit(1)

# Of the local openssl, not of the server: it has no GOST engine, so GOST ciphers were not tried.
found.pop("engine_problem", None)
for name in NOT_OFFERED + OFFERED + CHECKED:
    finding = found.pop(name, None)
    text = finding["finding"].strip() if finding else "was not checked"
    good = finding is not None and finding["severity"] in ("OK", "INFO")
    if name in NOT_OFFERED:
        good &= text.startswith("not offered")
    elif name in OFFERED:
        good &= text.startswith("offered")
    line(good, f"{name}: {text}")
for name, finding in found.items():
    if finding["severity"] not in ("OK", "INFO"):
        line(False, f"{name}: {finding['severity']}: {finding['finding'].strip()}")
sys.exit(failed)
END
