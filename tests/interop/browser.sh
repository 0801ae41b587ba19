#!/usr/bin/env bash
# Chromium against `hearken echo`: what it shows of three addresses, then its own fetch (browser.mjs).
# Needs HEARKEN_URL; tests/interop/run sets it.
set -uo pipefail

url=${HEARKEN_URL:?}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# --no-sandbox, because CI is root in a container; it opens this one server and nothing else.
FLAGS=(--headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run --no-proxy-server
    --hide-scrollbars --disable-background-networking --disable-component-update --disable-sync --disable-extensions)

shows() { # PATH TEXT
    local dom
    dom=$(timeout 20 chromium "${FLAGS[@]}" --user-data-dir="$scratch/profile" --dump-dom "$url$1" 2>"$scratch/errors")
    if grep -qF -- "$2" <<<"$dom"; then
        echo "ok   browser: $1 shows '$2'"
    else
        failed=1
        echo "FAIL browser: $1 shows '$2': $(printf '%s %s' "$dom" "$(tail -n 3 "$scratch/errors")" | head -c 400 | tr '\n' ' ')"
    fi
}

shows / '/echo/{text}'
shows /json '{"message":"Hello, World!"}'
shows /echo/hello hello
timeout 45 node "$here/browser.mjs" "${FLAGS[@]}" --user-data-dir="$scratch/profile" || failed=1
exit "$failed"
