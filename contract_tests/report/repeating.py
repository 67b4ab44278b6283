"""The shell line before one that repeats a failure: the persona of a run is gone when its report is read."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable

from contract_tests.contract import Contract, Schema

VARIABLE = "$PERSONA_ID"
ADVICE = (
    "A line that repeats a request needs BASE_URL and COVAL_API_KEY in the environment, and a persona of your own. "
    "This one makes it:"
)
BODY = "$response.body#/"


def needs_item(lines: Iterable[str]) -> bool:
    """Whether one of some shell lines is about a persona."""
    return any(VARIABLE in line for line in lines)


def making_line(contract: Contract) -> str:
    """
    Return a shell line that makes a persona and puts its id into PERSONA_ID.

    It sends the shortest example of a create, and takes the id from where the links of its answer say that it stands.

    Args:
        contract: What openapi.yaml says.

    Returns:
        One line; empty where the contract has no such example or link.
    """
    operation = contract.operation("createPersona")
    bodies = [json.dumps(each["value"]) for each in _examples(operation.definition)]
    links = [link for answer in operation.definition["responses"].values() for link in answer.get("links", {}).values()]
    places = [place for link in links for place in link.get("parameters", {}).values() if place.startswith(BODY)]
    if not bodies or not places:
        return ""
    create = (
        f'curl -sS -X {operation.method} "$BASE_URL"{operation.path} -H "content-type: application/json" '
        f'-H "x-api-key: $COVAL_API_KEY" --data-binary {shlex.quote(min(bodies, key=len))}'
    )
    steps = [step.replace("~1", "/").replace("~0", "~") for step in places[0].removeprefix(BODY).split("/")]
    taken = "".join(f"[{json.dumps(step)}]" for step in steps)
    program = shlex.quote(f"import json, sys; print(json.load(sys.stdin){taken})")
    return f"export PERSONA_ID=$({create} | python3 -c {program})"


def _examples(definition: Schema) -> list[Schema]:
    return [
        each for media in definition["requestBody"]["content"].values() for each in media.get("examples", {}).values()
    ]
