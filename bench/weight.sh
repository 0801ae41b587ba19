#!/usr/bin/env bash
# What a program costs to build: crates, CPU seconds of a first debug build, and the size of the program, for a hello world on
# Hearken and on axum, and for Hearken's features. Usage: bench/weight.sh [NAME…], needs cargo alone. Each build begins with an empty
# target directory; downloads are not counted. Do not use the machine meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
hearken=$PWD/crates/hearken
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

hello_hearken='use hearken::prelude::*;
fn main() -> Result<(), Error> {
    Server::new(async |_req, res| res.end("Hello, World!")).listen("127.0.0.1:3000")?.run()
}'
hello_axum='use axum::{Router, routing::get};
#[tokio::main]
async fn main() {
    let app = Router::new().route("/", get(async || "Hello, World!"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await.unwrap();
    axum::serve(listener, app).await.unwrap();
}'

# program NAME SOURCE DEPENDENCY…
program() {
    local name=$1 source=$2
    shift 2
    [ ${#wanted[@]} -eq 0 ] || [[ " ${wanted[*]} " == *" $name "* ]] || return 0
    local dir="$scratch/$name"
    mkdir -p "$dir/src"
    printf '%s\n' "$source" >"$dir/src/main.rs"
    printf '[package]\nname = "hello"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\n' >"$dir/Cargo.toml"
    printf '%s\n' "$@" >>"$dir/Cargo.toml"
    printf '[workspace]\n' >>"$dir/Cargo.toml"
    cp Cargo.lock "$dir/Cargo.lock"
    (
        cd "$dir"
        cargo fetch --quiet
        # Crates for this system, with ours, without the program itself; build dependencies and macros counted too.
        crates=$(cargo tree --edges normal,build --prefix none | sed 's/ (.*//' | sort -u | grep -vc '^hello ')
        TIMEFORMAT='%U %S %R'
        read -r user system wall < <({ time cargo build --quiet 2>errors; } 2>&1) || { cat errors; exit 1; }
        strip -o stripped target/debug/hello
        awk -v name="$name" -v crates="$crates" -v cpu="$(echo "$user $system")" -v wall="$wall" \
            -v debug="$(stat -c %s target/debug/hello)" -v bare="$(stat -c %s stripped)" 'BEGIN {
                split(cpu, of, " ")
                printf "| %s | %d | %.1f | %.1f | %.1f | %.1f |\n", name, crates, of[1] + of[2], wall, debug / 1e6, bare / 1e6
            }'
        rm -rf target
    )
}

wanted=("$@")
echo "| program | crates | CPU s | s | MB, debug | MB, stripped |"
echo "|---|--:|--:|--:|--:|--:|"
program hearken "$hello_hearken" "hearken = { path = \"$hearken\" }"
program axum "$hello_axum" 'axum = "0.8"' 'tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }'
for feature in client charset compression zstd tls self-signed full; do
    program "$feature" "$hello_hearken" "hearken = { path = \"$hearken\", features = [\"$feature\"] }"
done
