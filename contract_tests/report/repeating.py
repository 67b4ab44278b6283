"""The shell line before one that repeats a failure: the items of a run are gone when its report is read."""

import json
import shlex
from collections.abc import Iterable, Iterator
from typing import Any

from contract_tests.api_key import ApiKey
from contract_tests.generation.boundaries import good_values
from contract_tests.spec.contract import Contract
from contract_tests.spec.document import escape

VARIABLE = "$ITEM_ID"
ADVICE = (
    "A line that repeats a request takes from the environment each variable that it names. "
    f"This one makes an item, and {VARIABLE} its id:"
)


def needs_item(lines: Iterable[str]) -> bool:
    """Whether one of some shell lines is about an item."""
    return any(VARIABLE in line for line in lines)


def making_line(contract: Contract) -> str:
    """Return a shell line that makes an item and exports its id as ITEM_ID; empty where no valid body is known."""
    create, resource = contract.resource.create, contract.resource
    body = _good_body(contract)
    if body is None or create.path_parameters:
        return ""
    options, query = _key_options(contract.key)
    headers = " ".join([f'-H "content-type: {create.body_type}"', *options])
    request = f'curl -sS -X {create.method} "$BASE_URL"{create.path}{query} {headers} --data-binary {shlex.quote(body)}'
    steps = "".join(f"[{json.dumps(step)}]" for step in (*resource.item_at, resource.id_name))
    program = shlex.quote(f"import json, sys; print(json.load(sys.stdin){steps})")
    return f"export {VARIABLE[1:]}=$({request} | python3 -c {program})"


def _key_options(key: ApiKey) -> tuple[list[str], str]:
    value = f"${key.env}"
    headers = {"header": f"{key.name}: {value}", "bearer": f"authorization: Bearer {value}"}
    headers["cookie"] = f"cookie: {key.name}={value}"
    if key.kind in headers:
        return [f'-H "{headers[key.kind]}"'], ""
    if key.kind == "basic":
        return [f'-u "{value}"'], ""
    return [], f'"?{key.name}={value}"' if key.kind == "query" else ""


def _good_body(contract: Contract) -> str | None:
    """Return the shortest body of the contract's own examples; one made of its required fields where it has none."""
    bodies = [json.dumps(body) for body in (*_examples(contract), _made(contract)) if contract.accepts("create", body)]
    return min(bodies, key=len, default=None)


def _examples(contract: Contract) -> Iterator[Any]:
    document, create = contract.document, contract.resource.create
    if create.body_pointer is None:
        return
    carrier = create.body_pointer.removesuffix("/schema")
    media = document.at(carrier)
    examples = (document.resolve(f"{carrier}/examples/{escape(name)}")[1] for name in media.get("examples", {}))
    yield from (each["value"] for each in examples if "value" in each)
    if "example" in media:
        yield media["example"]


def _made(contract: Contract) -> dict[str, Any] | None:
    """Make a body of the required fields; None where another operation decides which values are valid."""
    required = [tried for tried in contract.fields("create").values() if tried.is_required]
    if not all(tried.is_free for tried in required):
        return None
    made = {tried.name: next(iter(good_values(contract, tried)), None) for tried in required}
    return made if contract.accepts("create", made) else None
