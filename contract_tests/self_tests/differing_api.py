"""
`python -m contract_tests.self_tests.differing_api`: the mock as an API that openapi.yaml has fallen behind of.

It differs in five ways: two further fields in every persona, one more background sound, 202 instead of 200 of an
update, and wait_seconds up to 3.
"""

from __future__ import annotations

from dataclasses import replace as changed
from typing import Any

from contract_tests.mock_api.__main__ import argument_parser, assemble, start
from contract_tests.mock_api.app import Answer, Api, Request
from contract_tests.mock_api.contract import read_contract
from contract_tests.trials.faults import seams
from contract_tests.trials.faults.seams import CREATE, UPDATE, Operation

MORE_SOUND = "backchanneling"
LONGEST_WAIT = 3


def differ(api: Api) -> None:
    """Let the mock differ in five ways."""
    seams.show_as(api, lambda persona, shown: {**shown, "tags": ["vip"], "reviewer": reviewer(persona.id)})
    seams.judge(api, "background_sound", lambda value: True if value == MORE_SOUND else None, UPDATE, CREATE)
    seams.judge(api, "wait_seconds", is_longer_wait, UPDATE, CREATE)

    async def run(request: Request, handle: Operation) -> Answer:
        return changed(await handle(request), status=202)

    seams.around(api, UPDATE, run)


def reviewer(persona_id: str) -> str | None:
    """Name a reviewer of every other persona."""
    return "quality" if ord(persona_id[0]) % 2 else None


def is_longer_wait(value: Any) -> bool | None:
    """Say that a wait between the contract's limit and the longer one is valid."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return True if is_number and 2 < value <= LONGEST_WAIT else None


def main() -> None:
    """Start it, and run it until a signal."""
    arguments = argument_parser("contract_tests.self_tests.differing_api", "An API beyond the contract.").parse_args()
    api = assemble(read_contract(arguments.contract), arguments.seeds)
    differ(api)
    start(api, arguments)


if __name__ == "__main__":
    main()
