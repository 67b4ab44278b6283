"""`python -m contract_tests.mock_api`: the mock alone, for a person or a program to talk to."""

import argparse
import json
import os
import shlex
import sys
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from .app import Api
from .contract import MISSHAPEN, Contract, misshapen, read_contract
from .errors import StartError
from .process import ROOT, end_with_parent
from .seeds.planting import plant
from .store import MAX_ITEMS
from .wire.protocol import TIMEOUT_SECONDS, MockProtocol
from .wire.server import address, listen, serve

REFUSED = 4

# Made up, and no secret: it opens nothing but a mock. Capitals and small letters, so that a key compared
# without case shows. No string of the code: Hypothesis draws texts from these, and one that is the key would be a leak.
MOCK_API_KEY = bytes.fromhex("4d6f636b344b657937785132765274394c62576e").decode()
MOCK_USER = "mock"


class _Parser(argparse.ArgumentParser):
    """A parser whose wrong usage is one line and the project's exit code for it."""

    def error(self, message: str) -> NoReturn:
        raise StartError(f"{message}; see --help")


def main(command_line: list[str]) -> None:
    """Start the mock and run it until a signal; exit with 4 and one line when it cannot start."""
    parser = argument_parser("contract_tests.mock_api", "An API on localhost that follows its contract.")
    try:
        arguments = parser.parse_args(command_line)
        start(build_api(arguments.contract, arguments.seeds), arguments)
    except StartError as error:
        print(f"mock: {error}", file=sys.stderr)
        sys.exit(REFUSED)


def start(api: Api, arguments: argparse.Namespace) -> None:
    """Serve *api* until a signal, as the arguments say that `argument_parser` read; refuse a port that cannot be had."""
    if arguments.parent is not None:
        end_with_parent(arguments.parent)
    MockProtocol.timeout_seconds = api.outbox.timeout_seconds = arguments.timeout_seconds
    for resource in api.resources:
        resource.store.max_items = arguments.max_items
    listener = listen(arguments.port)
    api.url = address(api, listener)
    serve(api, listener, lambda: print(announcement(api), flush=True))


def argument_parser(module: str, description: str) -> argparse.ArgumentParser:
    """Make the parser of the command line of *module*."""
    parser = _Parser(prog=f"python -m {module}", description=description)
    parser.add_argument("--port", type=_port, default=8400, help="0 takes a free one (default: 8400)")
    parser.add_argument("--seeds", type=Path, metavar="FILE", help="the items at the start, in YAML or JSON")
    contract = ROOT / "openapi.yaml"
    parser.add_argument("--contract", type=Path, metavar="FILE", default=contract, help="(default: openapi.yaml)")
    waited = "for a request to arrive, and for an answer to be read (default: %(default)s)"
    parser.add_argument("--timeout-seconds", type=float, default=TIMEOUT_SECONDS, help=waited)
    parser.add_argument("--max-items", type=int, default=MAX_ITEMS, help="of each resource (default: %(default)s)")
    parser.add_argument("--parent", type=int, metavar="PID", help="end when this process, which has started it, ends")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("write a number from 0 to 65535")
    return int(text)


def build_api(contract_file: Path, seeds: Path | None = None) -> Api:
    """Build the API of an OpenAPI 3.1 document with its items: those of *seeds*, else of the contract."""
    return assemble(read_contract(contract_file), seeds)


def assemble(contract: Contract, seeds: Path | None = None) -> Api:
    """Do what `build_api` does with a contract that has been read."""
    try:
        api = Api(contract)
        made_key = {"none": "", "basic": f"{MOCK_USER}:{MOCK_API_KEY}"}.get(api.key_scheme.kind, MOCK_API_KEY)
        api.api_key = (os.environ.get("MOCK_API_KEY") or made_key).encode()
        plant(api, contract, seeds)
    except MISSHAPEN as error:
        raise misshapen(contract.file, error) from None
    return api


def announcement(api: Api) -> str:
    """Return what a person reads when the mock is ready."""
    docs, tried = f"{api.url.removesuffix(api.contract.base_path)}/docs", " ".join(_curl_arguments(api))
    return f"mock: {api.url}\nkey:  {api.api_key.decode()}\ndocs: {docs}\ntry:  curl -X {tried}"


def _curl_arguments(api: Api) -> list[str]:
    """Return the arguments of curl that update an item, or that send another request if there is none."""
    operations, item_id = api.resource.layout.operations, next(iter(api.resource.store.items), None)
    if item_id is None or "update" not in operations:
        operation = operations.get("list", operations["create"])
        return [operation.method, *_key_arguments(api, api.url + operation.path)]
    operation = operations["update"]
    stored = api.resource.rules.named("update", api.resource.store.items[item_id].fields)
    body = api.contract.example(operation.name) or ({} if api.resource.rules.is_valid("update", {}) else stored)
    sent = ["-H", shlex.quote(f"content-type: {operation.body_type}"), "-d", shlex.quote(json.dumps(body))]
    path = operation.path.replace(f"{{{api.resource.layout.id_parameter}}}", quote(item_id, safe=""))
    return [operation.method, *sent, *_key_arguments(api, api.url + path)]


def _key_arguments(api: Api, url: str) -> list[str]:
    """Return the arguments of curl for a request to *url* with the key, as the contract wants to be given it."""
    scheme, key = api.key_scheme, api.api_key.decode()
    carried = {
        "header": ("-H", f"{scheme.name}: {key}"), "bearer": ("-H", f"authorization: Bearer {key}"),
        "cookie": ("-b", f"{scheme.name}={key}"), "basic": ("-u", key),
    }.get(scheme.kind, ())  # fmt: skip
    if scheme.kind == "query":
        url = f"{url}?{scheme.name}={quote(key, safe='')}"
    return [shlex.quote(each) for each in (*carried, url)]


if __name__ == "__main__":
    main(sys.argv[1:])
