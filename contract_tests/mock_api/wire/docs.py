"""The contract as a page to try: Swagger UI, served from its installed package, so that no network is needed."""

import html
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from ..contract import Contract
from ..errors import Header, Refusal

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>TITLE: mock</title>
  <link rel="stylesheet" href="/docs/swagger-ui.css">
  <link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
  <div id="contract"></div>
  <script src="/docs/swagger-ui-bundle.js"></script>
  <script src="/docs/start.js"></script>
</body>
</html>
"""
# The validator badge would ask another host about the contract.
START = """SwaggerUIBundle({
  url: "/openapi.yaml", dom_id: "#contract", validatorUrl: null, persistAuthorization: true, tryItOutEnabled: true
});
"""
# Whatever a page or its scripts ask for, no other host is asked.
POLICY = (b"content-security-policy", b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:")

ASSETS = {
    "/docs/swagger-ui.css": b"text/css; charset=utf-8", "/docs/favicon-32x32.png": b"image/png",
    "/docs/swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
}  # fmt: skip
LOCAL_HOST = re.compile(r"(?:localhost|127\.0\.0\.1)(?::[0-9]{1,5})?")

Page = tuple[int, bytes, bytes, tuple[Header, ...]]
"""Status, media type, body, further headers."""


def page(contract: Contract, url: str, path: str, host: bytes | None) -> Page:
    """Return the page at a path of the mock at *url*; refuse with 404 where there is none."""
    if path in ("/", "/docs/"):
        return 307, b"text/html; charset=utf-8", b"", ((b"location", b"/docs"),)
    if path == "/docs":
        title = html.escape(str(contract.document.get("info", {}).get("title", "API")))
        return 200, b"text/html; charset=utf-8", PAGE.replace("TITLE", title).encode(), (POLICY,)
    if path == "/docs/start.js":
        return 200, b"text/javascript; charset=utf-8", START.encode(), ()
    if path == "/openapi.yaml":
        return 200, b"application/yaml", _contract_text(contract, _server_url(url, host)).encode(), ()
    if path in ASSETS:
        return 200, ASSETS[path], _asset(path), ()
    raise Refusal(404, "Nothing is at this path.")


def _server_url(url: str, host: bytes | None) -> str:
    """Return *url* under the local name by which the request came: a browser blocks what crosses from one to another."""
    name = (host or b"").decode("latin-1")
    return urlsplit(url)._replace(netloc=name).geturl() if LOCAL_HOST.fullmatch(name) else url


def _contract_text(contract: Contract, url: str) -> str:
    """Write the contract with the mock as its only server."""
    document = {**contract.document, "servers": [{"url": url, "description": "This mock."}]}
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True)


@cache
def _asset(path: str) -> bytes:
    """Read a file of Swagger UI from the package that ships it, without importing that."""
    spec = find_spec("swagger_ui")
    if spec is None or spec.origin is None:
        raise Refusal(404, "Swagger UI is not installed.")
    return (Path(spec.origin).parent / "static" / path.removeprefix("/docs/")).read_bytes()
