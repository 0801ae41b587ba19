#!/usr/bin/env bash
# curl against `hearken echo` with TLS. Needs HEARKEN_URL (https) and HEARKEN_CA; tests/interop/run sets them.
set -uo pipefail

url=${HEARKEN_URL:?} ca=${HEARKEN_CA:?}
name=tls.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# Ignores the user's own settings.
curl() { command curl --disable --noproxy '*' --max-time 50 "$@"; }

ok() { echo "ok   $name: $1"; }
fail() {
    failed=1
    echo "FAIL $name: $1: $(printf '%s' "$2" | head -c 400 | tr '\r\n' '  ')"
}
equal() { # NAME EXPECTED ACTUAL
    if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "expected '$2', got '$3'"; fi
}
has() { # NAME PATTERN TEXT
    if grep -qiE "$2" <<<"$3"; then ok "$1"; else fail "$1" "no '$2' in: $3"; fi
}

equal "--cacert" "Hello, World!" "$(curl -sS --cacert "$ca" "$url/plaintext")"
equal "by name" "Hello, World!" "$(curl -sS --cacert "$ca" --resolve "localhost:${url##*:}:127.0.0.1" "https://localhost:${url##*:}/plaintext")"
equal "-k" "Hello, World!" "$(curl -sSk "$url/plaintext")"
curl -sS "$url/plaintext" >/dev/null 2>&1
equal "an authority that curl does not know: 60" 60 $?
for version in 1.2 1.3; do
    answer=$(curl -sSv --cacert "$ca" --tlsv$version --tls-max $version "$url/plaintext" 2>&1)
    has "TLS $version" "SSL connection using TLSv$version" "$answer"
done
curl -sS --cacert "$ca" --tls-max 1.1 --ciphers 'DEFAULT@SECLEVEL=0' "$url/plaintext" >"$scratch/down" 2>&1
equal "TLS 1.1 is refused: 35" 35 $?
answer=$(curl -sSv --cacert "$ca" --http2 "$url/plaintext" 2>&1)
has "ALPN: h2 is offered, http/1.1 is chosen" 'ALPN.*http/1\.1' "$(grep -v 'offers' <<<"$answer")"
answer=$(curl -sSv --cacert "$ca" "$url/plaintext" "$url/json" 2>&1)
has "a connection is used again" 'Re-using existing connection' "$answer"
head -c 3000000 /dev/urandom >"$scratch/up"
curl -sS --cacert "$ca" --data-binary "@$scratch/up" -H 'Content-Type: a/b' -o "$scratch/down" "$url/echo"
equal "3 MB with a length come back" "" "$(cmp "$scratch/up" "$scratch/down" 2>&1)"
curl -sS --cacert "$ca" --data-binary "@$scratch/up" -H 'Transfer-Encoding: chunked' -H 'Content-Type: a/b' -o "$scratch/down" "$url/echo"
equal "and in chunks" "" "$(cmp "$scratch/up" "$scratch/down" 2>&1)"
answer=$(curl -sSv --cacert "$ca" -H 'Expect: 100-continue' --expect100-timeout 20 --data-binary "@$scratch/up" -o /dev/null "$url/echo" 2>&1)
has "Expect brings 100 Continue" '< HTTP/1.1 100 Continue' "$answer"
answer=$(curl -sS --cacert "$ca" --parallel --parallel-max 20 -o /dev/null "$url/delay/0.[1-5]" -o /dev/null "$url/echo/[1-45]" \
    -w '%{http_code}\n' 2>/dev/null | sort | uniq -c)
equal "50 requests at a time" "50 200" "$(xargs <<<"$answer")"
for path in cut/5 'cut/5?length=10'; do
    curl -sS --cacert "$ca" "$url/$path" >"$scratch/down" 2>"$scratch/errors"
    case $? in
    18 | 56) ok "an answer that breaks off is an error: /$path" ;;
    *) fail "an answer that breaks off is an error: /$path" "$(cat "$scratch/down" "$scratch/errors")" ;;
    esac
done
exit "$failed"
