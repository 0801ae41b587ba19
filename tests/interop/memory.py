"""What clients cost that take nothing: those that ask for much and read nothing, over TCP and over TLS, and those that connect
to a port with TLS and say nothing. SECURITY.md states the bounds."""

import ssl
import time

from harness import Checks, Server, connect, raise_descriptors

CLIENTS = 300
KIB = 1024
READER_BYTES_MAX = 40 * KIB
TLS_READER_BYTES_MAX = 64 * KIB
SILENT_BYTES_MAX = 4 * KIB
SYSTEM_BYTES_MAX = 256 * KIB
REQUEST = b"GET /bytes/100000000 HTTP/1.1\r\nHost: a\r\n\r\n"

checks = Checks("memory")


def settled(server):
    """Resident memory, once it grows no more."""
    last = server.resident_bytes()
    for _ in range(20):
        time.sleep(0.25)
        now = server.resident_bytes()
        if abs(now - last) < 16 * KIB:
            return now
        last = now
    return last


def cost(server, open_one):
    """Bytes of resident memory for each client, and the clients."""
    warm = [open_one() for _ in range(20)]
    settled(server)
    for link in warm:
        link.close()
    before = settled(server)
    links = [open_one() for _ in range(CLIENTS)]
    return (settled(server) - before) / CLIENTS, links


def reader(address):
    link = connect(address)
    link.sendall(REQUEST)
    return link


def tls_reader(address, tls):
    link = tls.wrap_socket(connect(address))
    link.sendall(REQUEST)
    return link


def queued_by_system(port):
    """Bytes in the send queues of the server's sockets, from /proc/net/tcp."""
    total, count = 0, 0
    with open("/proc/net/tcp") as lines:
        for line in list(lines)[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == "01":
                total += int(fields[4].partition(":")[0], 16)
                count += 1
    return total / max(count, 1)


def report(what, bytes_each, most):
    checks.check(f"{what}: {bytes_each / KIB:.1f} KiB each, {most / KIB:.0f} allowed", bytes_each <= most)


def main():
    raise_descriptors()
    with Server("--workers", "1") as server:
        each, links = cost(server, lambda: reader(server.address))
        report("clients that read nothing, user memory", each, READER_BYTES_MAX)
        report("bytes in the send queue of the system", queued_by_system(server.address[1]), SYSTEM_BYTES_MAX)
        for link in links:
            link.close()
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    with Server("--workers", "1", "--tls-self-signed") as server:
        each, links = cost(server, lambda: tls_reader(server.address, tls))
        report("clients of TLS that read nothing, user memory", each, TLS_READER_BYTES_MAX)
        for link in links:
            link.close()
    for first in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 200):
        with Server("--workers", "1", "--tls-self-signed") as server:

            def silent():
                link = connect(server.address)
                link.sendall(first)
                return link

            each, links = cost(server, silent)
            report(f"clients that send {len(first)} bytes to a port with TLS", each, SILENT_BYTES_MAX)
            for link in links:
                link.close()
    checks.leave()


main()
