"""`python -m contract_tests.mock_api.faults`: the mock with one fault planted, or in one of its lawful variants."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Collection

from ..__main__ import REFUSED, argument_parser, assemble, start
from ..contract import Contract, read_contract
from ..errors import StartError
from . import ALWAYS_FAILS, always_fails, catalogue, variants
from .fault import Apply


def main(command_line: list[str]) -> None:
    """Start the faulty mock and run it until a signal; exit with 4 and one line when it cannot start."""
    try:
        arguments = parse_arguments(command_line)
        contract = read_contract(arguments.contract)
        if arguments.list:
            print(listing(contract))
            return
        apply = chosen(contract, arguments)
        api = assemble(contract, arguments.seed_file)
        if apply is not None:
            apply(api)
        start(api, arguments)
    except StartError as error:
        print(f"mock: {error}", file=sys.stderr)
        sys.exit(REFUSED)


def parse_arguments(command_line: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argument_parser("contract_tests.mock_api.faults", "The mock with one fault planted.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--fault", metavar="NAME", help="plant this fault")
    which.add_argument("--variant", metavar="NAME", help="behave in this way, which is lawful")
    which.add_argument("--list", action="store_true", help="list the faults and end")
    return parser.parse_args(command_line)


def chosen(contract: Contract, arguments: argparse.Namespace) -> Apply | None:
    """
    Return what the command line asks for; None for the mock as it should be.

    Raises:
        StartError: Nothing has this name.
    """
    if arguments.variant is not None:
        known = variants()
        return known[checked(arguments.variant, known, "variant")].apply
    if arguments.fault is None:
        return None
    if arguments.fault == ALWAYS_FAILS:
        return always_fails
    faults = catalogue(contract)
    return faults[checked(arguments.fault, faults, "fault")].apply


def checked(name: str, known: Collection[str], kind: str) -> str:
    """
    Return *name* if it is known.

    Raises:
        StartError: It is not; the message names the closest.
    """
    if name not in known:
        close = ", ".join(difflib.get_close_matches(name, known, 3, 0.4)) or "none; --list names the faults"
        raise StartError(f"no {kind} is called {name}; close to it: {close}")
    return name


def listing(contract: Contract) -> str:
    """Return a line for each fault: name, group, clause, sentence, with tabs between."""
    return "\n".join(
        "\t".join((fault.name, fault.group, fault.clause, fault.summary)) for fault in catalogue(contract).values()
    )


if __name__ == "__main__":
    main(sys.argv[1:])
