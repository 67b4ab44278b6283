"""The creates that tests send: with some fields as a test wants them, and right in every other way."""

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import Any

from contract_tests.checks.account_findings import stolen
from contract_tests.checks.judge import Finding
from contract_tests.checks.observations import Attempt
from contract_tests.checks.run import Run
from contract_tests.checks.selections import required_fields
from contract_tests.generation.boundaries import Boundary, boundaries, good_values, to_json
from contract_tests.spec.contract import Contract
from contract_tests.transport.exchange import Exchange

Body = dict[str, Any]

# So many bodies that are full in another way are looked at.
MOST_FULL = 4
STORED = "a create stores every field that it accepts"


def create_values(contract: Contract) -> list[Boundary]:
    """
    Return the values on trial of every field of a create.

    The name of an item that is made here begins with the name of the run, so other names are left to updates, and so are
    the right values of fields that another operation lists.
    """
    return [
        value
        for tried in contract.fields("create").values()
        for value in boundaries(contract, tried)
        if not value.accepted or (tried.is_free and tried.name != contract.run_name)
    ]


def wrong_values(contract: Contract) -> list[Boundary]:
    """Return the values on trial that a create refuses."""
    return [value for value in create_values(contract) if not value.accepted]


def is_right(run: Run, body: Mapping[str, Any]) -> bool:
    """Whether the contract allows a create, by its schema and by the rules across fields."""
    return run.contract.accepts("create", body) and run.rules.lawful({}, body)


def may_be_alike(contract: Contract) -> bool:
    """Whether two items may be made of one body: no id is chosen, and no create is refused as a conflict."""
    is_chosen = contract.resource.id_name in contract.fields("create")
    return not is_chosen and 409 not in contract.operation("create").statuses


def smallest(run: Run) -> Body:
    """Return a create with no field that may be left out, but for the name of the run."""
    needed = {tried.name for tried in required_fields(run.contract)} | {run.contract.run_name}
    return {name: value for name, value in run.full_body().items() if name in needed}


def possible_new(run: Run, body: Body, kept: Collection[str]) -> Body | None:
    """Return a body where the contract allows it, else one near it in which some fields stay as they are, or left out."""
    fixed = {*kept, run.contract.run_name}
    return next((found for found in _near(run, body, fixed) if is_right(run, found)), None)


def _near(run: Run, body: Body, fixed: Collection[str | None]) -> Iterator[Body]:
    """Yield a body, then others like it: of other values, and without some optional fields."""
    yield body
    wanted = {name: value for name, value in body.items() if name in fixed}
    for index in range(MOST_FULL):
        full = {name: value for name, value in run.full_body("create", index).items() if name not in fixed}
        yield {**full, **wanted}
    free = [tried for tried in run.contract.fields("create").values() if tried.is_free and tried.name not in fixed]
    for tried in free:
        yield from ({**body, tried.name: good} for good in good_values(run.contract, tried))
    optional = [tried.name for tried in free if not tried.is_required]
    for count in (1, 2):
        for left_out in combinations(optional, count):
            yield {name: value for name, value in body.items() if name not in left_out}


def joined(run: Run, wanted: Mapping[str, Any]) -> Body:
    """Return a create with as many of the wanted values as may stand together, and every other field."""
    known = {name: value for name, value in wanted.items() if name in run.contract.fields("create")}
    body = run.full_body()
    found = possible_new(run, {**body, **known}, known)
    if found is not None:
        return found
    kept: list[str] = []
    for name, value in known.items():
        wider = possible_new(run, {**body, name: value}, [*kept, name])
        if wider is not None:
            body, kept = wider, [*kept, name]
    return body


def made(run: Run, body: Body, exchange: Exchange | None = None) -> list[Finding]:
    """Hold a create to its promise: success, every field in the answer and in a later read; then remove the item."""
    exchange = exchange or run.api.create(to_json(body))
    run.judge.observations.attempts.append(Attempt("create", {}, body))
    found = run.judge.success("create", exchange)
    item_id = run.api.shape.id_of(exchange.item)
    if item_id is None:
        return found
    shown = [exchange.item]
    if run.contract.has("read"):
        read = run.api.read(item_id)
        found += run.judge.success("read", read)
        shown.append(read.item)
    if run.contract.promises_that("create_stores_everything"):
        expected = run.judge.reader.after_create(body)
        found += [each for item in shown for each in run.judge.shows(exchange, item, expected, STORED)]
    found += stolen(run, exchange)
    run.discard(exchange)
    return found


def not_made(
    run: Run, body: Body | str, promise: str, clause: str, name: str, *, is_plain: bool = True, **options: Any
) -> list[Finding]:
    """Hold a refusal to its promise, and to blame a field where it is plain which; remove what was made against it."""
    token = body if isinstance(body, str) else to_json(body)
    run.judge.observations.note_spoilt("create", {}, token, name)
    exchange = run.api.send("POST", run.api.shape.list_path, body=token, **options)
    found = run.judge.refusal("create", exchange, promise=promise, clause=clause, about=f"{name} of a new item")
    run.discard(exchange)
    return found or (run.judge.details("create", exchange, name) if is_plain else [])
