#!/usr/bin/env bash
# curl against `hearken echo`. Needs HEARKEN_URL and HEARKEN_PID; tests/interop/run sets them.
set -uo pipefail

url=${HEARKEN_URL:?} pid=${HEARKEN_PID:?}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# Ignores the user's own settings.
curl() { command curl --disable --noproxy '*' --max-time 50 "$@"; }

ok() { echo "ok   curl: $1"; }
fail() {
    failed=1
    echo "FAIL curl: $1: $(printf '%s' "$2" | head -c 400 | tr '\r\n' '  ')"
}
equal() { # NAME EXPECTED ACTUAL
    if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "expected '$2', got '$3'"; fi
}
has() { # NAME PATTERN TEXT
    if grep -qiE "$2" <<<"$3"; then ok "$1"; else fail "$1" "no '$2' in: $3"; fi
}
lacks() { # NAME PATTERN TEXT
    if grep -qiE "$2" <<<"$3"; then fail "$1" "'$2' in: $3"; else ok "$1"; fi
}
same() { # NAME FILE FILE
    if cmp -s "$2" "$3"; then ok "$1"; else fail "$1" "$(cmp "$2" "$3" 2>&1)"; fi
}

simple() {
    equal "GET /plaintext" "Hello, World!" "$(curl -sS "$url/plaintext")"
    equal "GET /json" '{"message":"Hello, World!"}' "$(curl -sS "$url/json")"
    equal "GET /echo/{text}, decoded" "a b/c" "$(curl -sS "$url/echo/a%20b%2Fc")"
    equal "GET /status/418" 418 "$(curl -sS -o /dev/null -w '%{http_code}' "$url/status/418")"
    equal "no body after 204 and 304" "204 0 304 0" \
        "$(curl -sS -w '%{http_code} %{size_download} ' "$url/status/204" "$url/status/304" | sed 's/ $//')"
    equal "404" 404 "$(curl -sS -o /dev/null -w '%{http_code}' "$url/nowhere")"
    has "405 says what is allowed" '^allow:.*GET' "$(curl -sSi -X DELETE "$url/json")"
    has "OPTIONS says what is allowed" '^allow:.*POST' "$(curl -sSi -X OPTIONS "$url/echo")"
    has "headers come back as they were sent" '"X-Odd-Case": "1"' "$(curl -sS -H 'X-Odd-Case: 1' "$url/headers")"
    equal "/stream/20 has 20 lines" 20 "$(curl -sS "$url/stream/20" | wc -l)"
    equal "/bytes/1000000 is that long" 1000000 "$(curl -sS "$url/bytes/1000000" | wc -c)"
    equal "/drip comes whole" 20 "$(curl -sS "$url/drip?duration=0.2&numbytes=20" | wc -c)"
    has "the page is HTML" '^<!doctype html' "$(curl -sS "$url/")"
}

versions() {
    local answer
    answer=$(curl -sSi --http1.0 "$url/plaintext")
    has "--http1.0: the answer" 'Hello, World!' "$answer"
    has "--http1.0: closes" '^connection: close' "$answer"
    answer=$(curl -sSi --http1.0 "$url/stream/3")
    lacks "--http1.0: never chunked" '^transfer-encoding' "$answer"
    has "--http1.0: the stream ends with the connection" '"id":2' "$answer"
    has "--http2 (upgrade to h2c) stays HTTP/1.1" '^HTTP/1.1 200' "$(curl -sSi --http2 "$url/plaintext")"
    # raw.py checks the response: curl cannot read it. 28 would be curl's own time limit.
    curl -sS --http2-prior-knowledge "$url/plaintext" >"$scratch/down" 2>&1
    case $? in
    0 | 28) fail "--http2-prior-knowledge is refused at once" "$(cat "$scratch/down")" ;;
    *) ok "--http2-prior-knowledge is refused at once" ;;
    esac
    equal "and the server goes on" "Hello, World!" "$(curl -sS "$url/plaintext")"
}

heads() {
    local answer
    for path in plaintext json bytes/100 stream/3 delay/0; do
        answer=$(curl -sSI -w '%{http_code} %{size_download}' "$url/$path" | tr -d '\r')
        equal "HEAD /$path" "200 0" "${answer##*$'\n'}"
    done
    equal "HEAD and GET agree on the length" "$(curl -sSI "$url/plaintext" | grep -i '^content-length')" \
        "$(curl -sSi "$url/plaintext" | grep -i '^content-length')"
    answer=$(curl -sSvI "$url/plaintext" "$url/plaintext" 2>&1)
    has "HEAD leaves the connection usable" 'Re-using existing connection' "$answer"
}

uploads() {
    local answer
    head -c 3000000 /dev/urandom >"$scratch/up"
    : >"$scratch/empty"
    curl -sS --data-binary "@$scratch/up" -H 'Content-Type: a/b' -D "$scratch/head" -o "$scratch/down" "$url/echo"
    same "POST with a length comes back" "$scratch/up" "$scratch/down"
    has "with its content type" '^content-type: a/b' "$(cat "$scratch/head")"
    curl -sS --data-binary "@$scratch/up" -H 'Transfer-Encoding: chunked' -H 'Content-Type: a/b' -o "$scratch/down" "$url/echo"
    same "chunked POST comes back" "$scratch/up" "$scratch/down"
    answer=$(curl -sSv -H 'Expect: 100-continue' -H 'Content-Type: a/b' --expect100-timeout 20 \
        --data-binary "@$scratch/up" -o "$scratch/down" -w 'took %{time_total}' "$url/echo" 2>&1)
    has "Expect: 100 Continue is sent" '< HTTP/1.1 100 Continue' "$answer"
    same "and the body comes back" "$scratch/up" "$scratch/down"
    answer=$(curl -sSv -H 'Expect: 100-continue' --expect100-timeout 20 --data-binary "@$scratch/up" "$url/nowhere" 2>&1)
    has "Expect: the final answer instead, if it is known" '< HTTP/1.1 404' "$answer"
    lacks "and then no 100" '100 Continue' "$answer"
    has "an unknown expectation is 417" 'HTTP/1.1 417' "$(curl -sSi -H 'Expect: tea' "$url/plaintext")"
    curl -sS --data-binary "@$scratch/empty" -o "$scratch/down" "$url/echo"
    same "an empty POST comes back" "$scratch/empty" "$scratch/down"
    answer=$(curl -sS -T "$scratch/up" -o /dev/null -w '%{http_code}' "$url/plaintext")
    equal "PUT where it is not allowed" 405 "$answer"
}

framing() {
    local answer
    for path in cut/5 'cut/5?length=10'; do
        curl -sS "$url/$path" >"$scratch/down" 2>"$scratch/errors"
        case $? in
        18 | 56) ok "an answer that breaks off is an error: /$path" ;;
        *) fail "an answer that breaks off is an error: /$path" "$(cat "$scratch/down" "$scratch/errors")" ;;
        esac
    done
    answer=$(curl -sS -D "$scratch/head" "$url/information")
    equal "102 and 103 come before 200" "102 103 200 this is what 102 and 103 came before" \
        "$(awk '/^HTTP/ { printf "%s ", $2 }' "$scratch/head")$answer"
    has "the 103 has a link" '^link: </plaintext>; rel=preload' "$(tr -d '\r' <"$scratch/head")"
    curl -sS -D "$scratch/head" -o "$scratch/down" "$url/trailers"
    answer=$(openssl dgst -sha256 -binary "$scratch/down" | base64)
    has "a trailer comes behind the chunks" "^content-digest: sha-256=:${answer//+/\\+}:" "$(tr -d '\r' <"$scratch/head")"
}

like_httpbin() {
    local answer
    equal "redirects are followed" "200 3" "$(curl -sS -L -o /dev/null -w '%{http_code} %{num_redirects}' "$url/redirect/3")"
    answer=$(curl -sS -L --post302 -d a=1 "$url/redirect-to?url=/anything&status=307")
    has "a 307 keeps method and content" '"a": "1"' "$answer"
    answer=$(curl -sS -L -c "$scratch/jar" -b "$scratch/jar" "$url/cookies/set?theme=dark")
    has "cookies are set and come back" '"theme": "dark"' "$answer"
    answer=$(curl -sS -L -c "$scratch/jar" -b "$scratch/jar" "$url/cookies/delete?theme")
    lacks "and are deleted" 'theme' "$answer"
    equal "Basic authentication: no credentials" 401 \
        "$(curl -sS -o /dev/null -w '%{http_code}' "$url/basic-auth/a/b")"
    equal "Basic authentication" 200 "$(curl -sS -o /dev/null -w '%{http_code}' -u a:b "$url/basic-auth/a/b")"
    equal "a range" cde "$(curl -sS -r 2-4 "$url/range/26")"
    head -c 10 <(printf 'abcdefghij') >"$scratch/part"
    curl -sS -C - -o "$scratch/part" "$url/range/26"
    equal "a download continues" abcdefghijklmnopqrstuvwxyz "$(cat "$scratch/part")"
    curl -sS --etag-save "$scratch/etag" -o /dev/null "$url/etag/v1"
    equal "an entity tag is known again" 304 \
        "$(curl -sS --etag-compare "$scratch/etag" -o /dev/null -w '%{http_code}' "$url/etag/v1")"
    answer=$(curl -sS -F a=1 -F "file=@$scratch/part" "$url/anything")
    has "a multipart form is read" '"file": "abcdefghijklmnopqrstuvwxyz"' "$answer"
    equal "events come with their numbers" 3 "$(curl -sSN "$url/sse?count=3&interval=0.05" | grep -c '^id: ')"
    has "any origin may read" '^access-control-allow-origin: https://b.example' \
        "$(curl -sSi -H 'Origin: https://b.example' "$url/headers")"
}

codings() {
    local answer
    answer=$(curl -sS --compressed -D "$scratch/head" "$url/stream/200")
    equal "--compressed: the lines" 200 "$(wc -l <<<"$answer")"
    has "--compressed: was gzip" '^content-encoding: gzip' "$(cat "$scratch/head")"
    has "the response has Vary" '^vary:.*accept-encoding' "$(cat "$scratch/head")"
    equal "the gzip stream is whole" 200 "$(curl -sS -H 'Accept-Encoding: gzip' "$url/stream/200" | gzip -dc | wc -l)"
    lacks "gzip;q=0 is obeyed" '^content-encoding' "$(curl -sSi -H 'Accept-Encoding: gzip;q=0' "$url/stream/200")"
    head -c 300000 /dev/zero | tr '\0' x >"$scratch/up"
    curl -sS --compressed -H 'Content-Type: text/plain' --data-binary "@$scratch/up" -o "$scratch/down" "$url/echo"
    same "--compressed: an echo of 300 kB of text" "$scratch/up" "$scratch/down"
}

connections() {
    local answer
    answer=$(curl -sSv "$url/plaintext" "$url/json" 2>&1)
    has "a connection is used again" 'Re-using existing connection' "$answer"
    answer=$(curl -sSv -H 'Connection: close' "$url/plaintext" "$url/json" 2>&1)
    lacks "not after Connection: close" 'Re-using existing connection' "$answer"
    answer=$(curl -sSv --data-binary @"$scratch/up" -o /dev/null "$url/echo" --next -sS "$url/plaintext" 2>&1)
    has "also after an upload" 'Re-using existing connection' "$answer"
    answer=$(curl -sS --parallel --parallel-max 40 -o /dev/null "$url/delay/0.[1-9]" -o /dev/null "$url/echo/[1-91]" \
        -w '%{http_code}\n' 2>/dev/null | sort | uniq -c)
    equal "100 requests at a time" "100 200" "$(xargs <<<"$answer")"
}

# The server's peak resident memory, in KiB: it must stay flat.
memory() { awk '/^VmHWM/ { print $2 }' "/proc/$pid/status"; }
gibibyte() {
    local up down seconds kib
    read -r up down seconds < <(head -c 1G /dev/zero |
        curl -sST - -X POST "$url/echo" -o /dev/null -w '%{size_upload} %{size_download} %{time_total}')
    # Some versions of curl include the chunk framing in their count.
    if [ "$up" -ge 1073741824 ] && [ "$up" -lt 1075000000 ]; then up=1073741824; fi
    equal "1 GiB goes up and comes back ($seconds s)" "1073741824 1073741824" "$up $down"
    if [ ! -r "/proc/$pid/status" ]; then
        echo "skip curl: there is no /proc to read the server's memory from"
        return
    fi
    kib=$(memory)
    if [ "$kib" -lt $((50 * 1024)) ]; then
        ok "the server never had more than 50 MiB ($kib KiB)"
    else
        fail "the server never had more than 50 MiB" "$kib KiB"
    fi
}

simple
versions
heads
uploads
framing
like_httpbin
codings
connections
gibibyte
exit "$failed"
