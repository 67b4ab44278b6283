"""`python -m contract_tests.mock_api`: the mock alone, for a person or a program to talk to."""

import argparse
import json
import os
import shlex
import sys
from pathlib import Path
from typing import NoReturn

from .app import Api
from .contract import Contract, read_contract
from .errors import StartError
from .parent import end_with_parent
from .protocol import TIMEOUT_SECONDS, MockProtocol
from .rules import Rules
from .seeds import built_in_personas, plant, read_seeds
from .server import HOST, listen, serve
from .store import Store
from .voices import Voices

REFUSED = 4
ROOT = Path(__file__).resolve().parents[2]

# Made up, and no secret: it opens nothing but a mock. Capitals and small letters, so that a key compared
# without case shows.
MOCK_API_KEY = "Mock4Key7xQ2vRt9LbWn"


class _Parser(argparse.ArgumentParser):
    """A parser whose wrong usage is one line and the project's exit code for it."""

    def error(self, message: str) -> NoReturn:
        raise StartError(f"{message}; see --help")


def main(command_line: list[str]) -> None:
    """Start the mock and run it until a signal; exit with 4 and one line when it cannot start."""
    parser = argument_parser("contract_tests.mock_api", "A Personas API on localhost that behaves.")
    try:
        arguments = parser.parse_args(command_line)
        start(build_api(arguments.contract, arguments.seed_file), arguments)
    except StartError as error:
        print(f"mock: {error}", file=sys.stderr)
        sys.exit(REFUSED)


def start(api: Api, arguments: argparse.Namespace) -> None:
    """
    Serve *api* until a signal.

    Args:
        api: What to serve.
        arguments: What `argument_parser` read: the port and the time limit.

    Raises:
        StartError: The port cannot be had.
    """
    if arguments.parent is not None:
        end_with_parent(arguments.parent)
    MockProtocol.timeout_seconds = api.outbox.timeout_seconds = arguments.timeout_seconds
    listener = listen(arguments.port)
    api.url = f"http://{HOST}:{listener.getsockname()[1]}{api.contract.base_path}"
    serve(api, listener, lambda: print(announcement(api), flush=True))


def argument_parser(module: str, description: str) -> argparse.ArgumentParser:
    """Make the parser of the command line of *module*."""
    parser = _Parser(prog=f"python -m {module}", description=description)
    parser.add_argument("--port", type=port, default=8400, help="0 takes a free one (default: 8400)")
    parser.add_argument("--seed-file", type=Path, help="JSON or YAML list of the personas at the start")
    parser.add_argument("--contract", type=Path, default=ROOT / "openapi.yaml", help="(default: openapi.yaml)")
    parser.add_argument(
        "--timeout-seconds",
        type=float,
        default=TIMEOUT_SECONDS,
        help="for a request to arrive, and for an answer to be read (default: 10)",
    )
    parser.add_argument("--parent", type=int, metavar="PID", help="end when this process, which has started it, ends")
    return parser


def port(text: str) -> int:
    """Read a port number."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("write a number from 0 to 65535")
    return int(text)


def build_api(contract_file: Path, seed_file: Path | None = None) -> Api:
    """
    Build the API with its personas.

    Args:
        contract_file: openapi.yaml, or a copy.
        seed_file: The personas at the start; the built-in ones without it.

    Raises:
        StartError: One of the files cannot be followed.
    """
    return assemble(read_contract(contract_file), seed_file)


def assemble(contract: Contract, seed_file: Path | None = None) -> Api:
    """
    Put the parts of the API together, with its personas.

    Args:
        contract: What the API follows.
        seed_file: The personas at the start; the built-in ones without it.

    Raises:
        StartError: One of the files cannot be followed.
    """
    voices = Voices()
    try:
        rules = Rules(contract)
        store = Store(rules, voices)
        api = Api(contract, os.environ.get("MOCK_API_KEY") or MOCK_API_KEY, rules, voices, store)
        seeds = read_seeds(seed_file, rules) if seed_file else built_in_personas(contract)
        plant(store, seeds, str(seed_file or contract.file))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StartError(f"{contract.file}: cannot be followed at {error}; write it as OpenAPI 3.1") from None
    return api


def announcement(api: Api) -> str:
    """Return what a person reads when the mock is ready."""
    key = api.api_key.decode()
    return "\n".join(
        [
            f"mock: {api.url}",
            f"key:  {key}",
            f"docs: {api.url.removesuffix(api.contract.base_path)}/docs",
            f"try:  {curl_line(api.contract, api.url, key, next(iter(api.store.personas), None))}",
        ]
    )


def curl_line(contract: Contract, url: str, key: str, persona_id: str | None) -> str:
    """Return a line for a shell that updates a persona, or that lists them if there is none."""
    header = shlex.quote(f"x-api-key: {key}")
    if persona_id is None:
        return f"curl -H {header} {url}/personas"
    body = shlex.quote(json.dumps(contract.example("updatePersona") or {}))
    return f"curl -X PATCH -H {header} -H 'content-type: application/json' -d {body} {url}/personas/{persona_id}"


if __name__ == "__main__":
    main(sys.argv[1:])
