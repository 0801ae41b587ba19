#!/usr/bin/env bash
# Makes certificates for a test in a directory: certificate.sh DIRECTORY
#   ca.pem            an authority that is not among the system's roots
#   cert.pem key.pem  signed by it, for localhost, 127.0.0.1 and ::1
#   other.pem other-key.pem      signed by it, for other.test alone
#   expired.pem expired-key.pem  signed by it, for localhost and 127.0.0.1, valid for a day in 2020
set -euo pipefail
cd "${1:?a directory}"

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

leaf() { # NAME KEY SUBJECT-ALTERNATIVE-NAMES TIMES...
    local name=$1 file=$2 names=$3
    shift 3
    key "$file"
    openssl req -new -key "$file" -subj "/CN=$name" -out request.pem
    printf '%s\n' "subjectAltName=$names" basicConstraints=CA:FALSE extendedKeyUsage=serverAuth \
        subjectKeyIdentifier=hash authorityKeyIdentifier=keyid >extensions
    : >index
    openssl ca -batch -config ca.conf -notext -in request.pem -out "$name.pem" -extfile extensions "$@" 2>/dev/null
}

cat >ca.conf <<'CONF'
[ca]
default_ca = only
[only]
database = index
new_certs_dir = .
rand_serial = yes
certificate = ca.pem
private_key = ca-key.pem
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
CONF

key ca-key.pem
openssl req -x509 -new -key ca-key.pem -days 30 -subj "/CN=Interop Test Authority" -out ca.pem \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
leaf cert key.pem DNS:localhost,IP:127.0.0.1,IP:::1 -days 20
leaf other other-key.pem DNS:other.test -days 20
leaf expired expired-key.pem DNS:localhost,IP:127.0.0.1 -startdate 20200101000000Z -enddate 20200102000000Z
