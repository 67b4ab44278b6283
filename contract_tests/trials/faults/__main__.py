"""`python -m contract_tests.trials.faults`: the mock with one fault planted, or in one of its lawful variants."""

import difflib
import sys
from collections.abc import Mapping

from contract_tests.errors import Refused
from contract_tests.mock_api.__main__ import REFUSED, argument_parser, assemble, start
from contract_tests.mock_api.contract import read_contract
from contract_tests.mock_api.errors import StartError
from contract_tests.spec.contract import Contract, load_contract

from . import ALWAYS_FAILS, always_fails, catalogue, variants
from .fault import Apply, Fault


def main(command_line: list[str]) -> None:
    """Start the faulty mock and run it until a signal; exit with 4 and one line when it cannot start."""
    parser = argument_parser("contract_tests.trials.faults", "The mock with one fault planted.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--fault", metavar="NAME", help="plant this fault")
    which.add_argument("--variant", metavar="NAME", help="behave in this way, which is lawful")
    which.add_argument("--list", action="store_true", help="list the faults and end")
    arguments = parser.parse_args(command_line)
    apply: Apply = lambda api: None
    try:
        if arguments.list:
            for fault in catalogue(load_contract(arguments.contract)).values():
                print(fault.name, fault.group, fault.clause, fault.summary, sep="\t")
            return
        if arguments.variant is not None:
            apply = _chosen(arguments.variant, variants(load_contract(arguments.contract)), "variant")
        elif arguments.fault is not None:
            apply = chosen_fault(arguments.fault, load_contract(arguments.contract))
        api = assemble(read_contract(arguments.contract), arguments.seeds)
        apply(api)
        start(api, arguments)
    except (Refused, StartError) as error:
        print(f"mock: {error}", file=sys.stderr)
        sys.exit(REFUSED)


def chosen_fault(name: str, contract: Contract) -> Apply:
    """Return what plants a fault; StartError, which names the closest, where nothing has this name."""
    return always_fails if name == ALWAYS_FAILS else _chosen(name, catalogue(contract), "fault")


def _chosen(name: str, known: Mapping[str, Fault], kind: str) -> Apply:
    if name not in known:
        close = ", ".join(difflib.get_close_matches(name, known, 3, 0.4)) or "none; docs/faults.md lists them"
        raise StartError(f"no {kind} is called {name}; close to it: {close}")
    return known[name].apply


if __name__ == "__main__":
    main(sys.argv[1:])
