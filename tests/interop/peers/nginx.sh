#!/usr/bin/env bash
# nginx for clients, plain and with TLS, and in front of another server: nginx.sh DIRECTORY HOST:PORT
# DIRECTORY has cert.pem and key.pem; nginx writes its files there. /up/ forwards to HOST:PORT over persistent connections.
# Prints two URLs, each alone on one line: http and https.
#   /plaintext    "Hello, World!"
#   /connections  "A B": the number of this connection, and of this request on it; with TLS also "r" if its session was
#                 resumed, else "."
#   /bytes        1 MiB from a file, /bytes.txt the same compressed on the fly: chunks
#   /moved        302 to /plaintext
set -euo pipefail
directory=${1:?a directory} upstream=${2:?HOST:PORT}
cd "$directory"

mkdir -p files temporary
head -c 1048576 /dev/zero | tr '\0' x >files/bytes
cp files/bytes files/bytes.txt

# Two ports that were free a moment ago.
read -r plain tls < <(python3 -c '
import socket
held = [socket.socket() for _ in range(2)]
for one in held: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))')

cat >nginx.conf <<CONF
daemon off;
master_process off;
worker_processes 1;
pid $PWD/nginx.pid;
error_log $PWD/error.log warn;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path $PWD/temporary/body;
    proxy_temp_path $PWD/temporary/proxy;
    fastcgi_temp_path $PWD/temporary/fastcgi;
    uwsgi_temp_path $PWD/temporary/uwsgi;
    scgi_temp_path $PWD/temporary/scgi;
    default_type application/octet-stream;
    types { text/plain txt; }
    gzip on;
    gzip_types text/plain;
    client_max_body_size 64m;
    ssl_certificate $PWD/cert.pem;
    ssl_certificate_key $PWD/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:sessions:1m;
    upstream up { server $upstream; keepalive 8; }
    server {
        listen 127.0.0.1:$plain;
        listen 127.0.0.1:$tls ssl;
        root $PWD/files;
        location = /plaintext { default_type text/plain; return 200 "Hello, World!"; }
        location = /connections { default_type text/plain; return 200 "\$connection \$connection_requests \$ssl_session_reused"; }
        location = /moved { return 302 /plaintext; }
        location /up/ {
            proxy_pass http://up/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host \$host;
            proxy_request_buffering off;
            proxy_buffering off;
        }
    }
}
CONF

nginx -p "$PWD" -c "$PWD/nginx.conf" >/dev/null 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null' EXIT
trap 'exit 143' TERM INT
for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$plain") 2>/dev/null; then
        echo "http://127.0.0.1:$plain"
        echo "https://127.0.0.1:$tls"
        wait "$server"
        exit
    fi
    if ! kill -0 "$server" 2>/dev/null; then break; fi
    sleep 0.05
done
cat error.log >&2
exit 1
