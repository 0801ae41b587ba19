"""The OpenAPI document of the example `openapi`, read by an independent validator (openapi-spec-validator). Needs OPENAPI, the example."""

import copy
import json
import os
import subprocess
import sys
import urllib.request

from openapi_spec_validator import OpenAPIV31SpecValidator

from harness import Checks

SECONDS_MAX = 20


def faults(document):
    return [str(error.message) for error in OpenAPIV31SpecValidator(document).iter_errors()]


def get(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
        return answer.headers, answer.read()


def url_of(server):
    for line in server.stdout:
        if "http://" in line:
            return line[line.index("http://"):].strip()
    raise RuntimeError("the example did not print its address")


def run(checks, url):
    headers, body = get(f"{url}/openapi.json")
    document = json.loads(body)
    checks.equal("the document is JSON", "application/json", headers["Content-Type"])
    checks.equal("the validator finds no fault", [], faults(document))

    # The validator is one: it finds what is broken by hand.
    broken = copy.deepcopy(document)
    del broken["paths"]["/notes/{id}"]["get"]["parameters"]
    checks.check("without the parameter of a path it finds a fault", faults(broken))
    broken = copy.deepcopy(document)
    broken["paths"]["/notes"]["get"]["operationId"] = "addNote"
    checks.check("with an id that is used twice it finds a fault", faults(broken))
    broken = copy.deepcopy(document)
    broken["paths"]["/notes"]["post"]["responses"]["201"].pop("description")
    checks.check("without the description of a response it finds a fault", faults(broken))

    operations = {
        f"{method} {path}" for path, item in document["paths"].items() for method in item
    }
    expected = {
        "get /notes", "post /notes", "get /notes/{id}", "delete /notes/{id}", "put /notes/{id}/parts",
        "put /notes/{id}/parts/{number}", "get /labels", "head /labels",
    }
    checks.equal("each described route is an operation", expected, operations)

    headers, page = get(f"{url}/docs", Accept="text/html")
    text = page.decode()
    checks.check("the page names each path", all(path in text for path in document["paths"]))
    checks.check("the page has no script", "<script" not in text and "src=" not in text)
    policy = headers["Content-Security-Policy"] or ""
    checks.check("the page has a policy", policy.startswith("default-src 'none'"), policy)


def main():
    checks = Checks("openapi")
    server = subprocess.Popen(
        [os.environ["OPENAPI"], "127.0.0.1:0"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    try:
        with checks.guard("the example answers"):
            run(checks, url_of(server))
    finally:
        server.terminate()
        try:
            server.wait(SECONDS_MAX)
        except subprocess.TimeoutExpired:
            server.kill()
            checks.check("the example ends on SIGTERM", False)
    checks.leave()


if __name__ == "__main__":
    sys.exit(main())
