"""Hearken's client (`ours/`) against other servers (`peers/`) and against `hearken echo`. Needs HEARKEN_URL, OURS (the program),
HEARKEN (the binary), node, nginx and openssl. Here: starting and ending the servers. The checks are in `ours/`."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from harness import Checks, Peer, address_from_environment

HERE = pathlib.Path(__file__).parent / "peers"
ECHO = address_from_environment()
checks = Checks("ours")


def speaks_tls(binary):
    flags = subprocess.run([binary, "echo", "--help"], capture_output=True, text=True, check=True).stdout
    return "--tls-cert" in flags


def start(directory, running):
    """The servers by their names, as `ours/` knows them."""
    files = [f"{directory}/cert.pem", f"{directory}/key.pem"]

    def peer(*command, **more):
        return [url if isinstance(url, str) else url.geturl() for url in running.enter_context(Peer(*command, **more)).urls]

    node, python = ("node", HERE / "node.mjs"), (sys.executable, HERE / "python.py")
    servers = {"ca": f"{directory}/ca.pem", "echo": os.environ["HEARKEN_URL"].rstrip("/")}
    for name, command in (("node", node), ("python", python)):
        servers[name], = peer(*command)
        servers[f"{name}-tls"], = peer(*command, *files)
    for name in ("other", "expired"):
        servers[f"node-{name}"], = peer(*node, f"{directory}/{name}.pem", f"{directory}/{name}-key.pem")
    servers["node-short"], = peer(*node, KEEP_ALIVE_MS="50")
    servers["node-unix"], = peer(*node, SOCKET=f"{directory}/node.sock")
    if shutil.which("nginx"):
        servers["nginx"], servers["nginx-tls"] = peer("bash", HERE / "nginx.sh", directory, f"{ECHO[0]}:{ECHO[1]}", urls=2)
    else:
        checks.skip("nginx is not installed")
    binary = os.environ.get("HEARKEN", "target/release/hearken")
    if speaks_tls(binary):
        flags = ("echo", "--port", "0", "--quiet", "--tls-cert", files[0], "--tls-key", files[1])
        servers["echo-tls"] = peer(binary, *flags)[0].rstrip("/")
    else:
        checks.skip("echo-tls: this binary does not speak TLS")
    return servers


def main(directory):
    subprocess.run(["bash", HERE / "certificate.sh", directory], check=True, capture_output=True)
    with contextlib.ExitStack() as running:
        servers = start(directory, running)
        arguments = [f"{name}={value}" for name, value in servers.items()]
        code = subprocess.run([os.environ["OURS"], *arguments], check=False).returncode
    # It has printed what failed; a code other than 0 and 1 is a failure of the program itself.
    if code not in (0, 1):
        checks.check("the program ends by itself", False, f"it left with {code}")
    return code


with tempfile.TemporaryDirectory() as directory:
    sys.exit(main(directory) or checks.failed)
