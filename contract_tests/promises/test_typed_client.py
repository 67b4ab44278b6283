"""The generated client, driven through the operations of the contract."""

import asyncio
import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import httpx
import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.judge import Finding, parse_time, require
from contract_tests.checks.run import MOST_PAGES, Run
from contract_tests.checks.selections import birth_time, faults_of, shown_fields
from contract_tests.checks.typed_client import Caller, ClientPackage, find_client, is_shown
from contract_tests.generation.boundaries import boundaries, good_values, to_json
from contract_tests.generation.instances import good_values as good_instances
from contract_tests.generation.places import Place
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field
from contract_tests.spec.operation import Operation
from contract_tests.transport.transport import AsyncGuardedTransport

NO_CLIENT = "no client that was written from this contract was found; make client writes it into generated_client beside the contract"

pytestmark = needs("create", "read", "update", find_client)


def _numbers(contract: Contract) -> list[Field]:
    return [f for f in shown_fields(contract) if "maximum" in f.schema and f.types[0] in ("number", "integer")]


@pytest.fixture(scope="module")
def package(contract: Contract) -> ClientPackage:
    """The client that was generated from the contract."""
    found = find_client(contract)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def caller(run: Run, package: ClientPackage) -> Iterator[Caller]:
    """The generated client, listened to; the last answer alone is kept, because it may be of any size."""
    answers: deque[httpx.Response] = deque(maxlen=1)
    listening = {"transport": run.api.transport, "event_hooks": {"response": [answers.append]}}
    with package.connect(run, run.api.target.api_key, **listening) as client:
        yield Caller(run, package, answers, client)


def _update(caller: Caller, item: ItemUnderTest, changes: Mapping[str, Any]) -> None:
    body = _whole(item, changes)
    if body is not None:
        _agrees(caller.update(item.item_id, body), item, body)


def _whole(item: ItemUnderTest, changes: Mapping[str, Any]) -> dict[str, Any] | None:
    lawful = item.rules.completed(item.last, changes)
    return None if lawful is None else json.loads(item.body(lawful))


def _agrees(shown: Mapping[str, Any], item: ItemUnderTest, sent: Mapping[str, Any]) -> None:
    """Hold a typed item to what was sent, and to what a read answers over plain HTTP."""
    plain, reader = item.read(), item.judge.reader
    shown = shown or plain  # a success without a body shows nothing
    for name in item.contract.item_fields - sent.keys():
        is_same = reader.is_same(name, shown.get(name), plain.get(name))
        told = f"the client shows {name} {shown.get(name)!r}, a read answers {plain.get(name)!r}"
        assert is_same, f"{told}, after {to_json(sent)[:300]}"
    for name, right in reader.after(plain, sent).items():
        for who, value in (("reads", plain.get(name)), ("is shown by the client as", shown.get(name))):
            assert any(reader.is_same(name, value, one) for one in right), (
                f"{name} was sent as {sent[name]!r} and {who} {value!r}"
            )


@pytest.mark.many_requests
@for_each("tried", shown_fields)
def test_each_field_can_be_set_and_nulled(caller: Caller, item: ItemUnderTest, tried: Field) -> None:
    """update, requestBody: the typed body carries each value of the contract, and None carries null."""
    for value in [*good_values(item.contract, tried)[:3], *([None] if tried.is_nullable else [])]:
        _update(caller, item, {tried.name: value})


@needs("any_combination")
@needs(lambda contract: contract.operation("update").method == "PATCH")
def test_unset_leaves_every_field_alone(caller: Caller, item: ItemUnderTest) -> None:
    """x-promises/any_combination: a field that is not given to the client is not sent, so it stays."""
    names = item.contract.fields("update")
    before = {name: item.last.get(name) for name in names}
    caller.update(item.item_id, {})
    after = item.read()
    assert {name: after.get(name) for name in names} == before, "an update without fields changed the item"


@needs("any_combination")
def test_every_field_at_once(run: Run, caller: Caller, item: ItemUnderTest) -> None:
    """x-promises/any_combination: a typed body with every field is accepted and read back."""
    sent = run.full_body("update", 1)
    shown = caller.update(item.item_id, sent)
    carried = json.loads(caller.answers[-1].request.content)
    assert carried == sent, f"the typed arguments do not carry what they were made from: {carried} for {sent}"
    _agrees(shown, item, sent)


@pytest.mark.many_requests
@for_each("tried", shown_fields)
def test_limits_pass_through_the_client(caller: Caller, item: ItemUnderTest, tried: Field) -> None:
    """update, requestBody: what is valid at the limits is sent, shown and read back by the client unchanged."""
    kinds = ("number", "length", "enum")
    values = [value for value in boundaries(item.contract, tried) if value.kind in kinds]
    valid = [value.value for value in values if value.accepted and value.is_readable]
    for value in valid[:2] + valid[-1:] if caller.run.is_brief else valid[:4] + valid[-2:]:
        _update(caller, item, {tried.name: value})


def test_item_lives_and_dies_by_the_client(run: Run, caller: Caller) -> None:
    """#/paths: create, read, list, update, remove, whatever of them there is, and then an error that says not found."""
    sent, contract = run.full_body(), run.contract
    created = caller.item("create", **caller.package.arguments("create", sent))
    item_id = run.api.shape.id_of(created)
    assert item_id is not None, f"the client shows no id of what it created: {created}"
    item = run.taken(created)
    _agrees(caller.item("read", item_id), item, {})
    if contract.has("list"):
        shown, plain = caller.items(**run.query()), run.api.shape.items_in(caller.last.json)
        assert is_shown(shown, plain), f"the client shows {shown!r:.300}, the answer holds {plain!r:.300}"
        if contract.promises_that("newest_first"):
            run.at_last(lambda: _not_listed(caller, item))
    _update(caller, item, run.full_body("update", 1))
    if contract.has("remove"):
        caller.call("remove", item_id)
    if not contract.has("remove") or not contract.promises_that("removed_is_gone"):
        return
    with pytest.raises(caller.package.status_error) as gone:
        caller.package.method(caller.client, "read")(item_id)
    _says(gone.value, 404, contract.error_code("read", 404))


def _says(error: Any, status: int, code: str | None) -> None:
    assert error.status == status, f"the client raised {error!r} instead of an error with status {status}"
    assert code is None or error.code == code, f"the client raised {error!r} instead of an error with code {code}"


def _not_listed(caller: Caller, own: ItemUnderTest) -> list[Finding]:
    """Turn the pages by the client until one holds an item: the newest comes first, behind what others have made since."""
    turn: dict[str, str] = {}
    shape, birth = caller.run.api.shape, birth_time(caller.run.contract)
    for number in range(MOST_PAGES):
        items = caller.items(**caller.run.query(size=shape.paging.largest_size), **turn)
        following = shape.next_page(caller.last.json, number, len(items))
        if items or following is None:
            break
        turn = following
    shown = shape.items_in(caller.last.json) or []
    moments = [parse_time(item[birth])[0] for item in [own.last, *shown] if birth is not None and item.get(birth)]
    is_behind = 1 < len(moments) == len(shown) + 1 and min(moments[1:]) > moments[0]
    if is_behind or any(shape.id_of(item) == own.item_id for item in shown):
        return []
    problem = "the first page that holds an item does not show the newest"
    return [caller.run.judge.promised("newest_first", problem, "newest first by default", caller.last)]


def _others(contract: Contract) -> list[str]:
    """List the operations beside the resource that can be called, for an item of the run where they need one."""
    own = [operation.operation_id for operation in contract.resource.operations.values()]
    return sorted(n for n, each in contract.operations.items() if n not in own and not contract.why_uncalled(each))


@for_each("name", _others)
def test_other_operations_are_typed(run: Run, caller: Caller, name: str) -> None:
    """paths: an operation beside the resource is a method too, and shows what was answered, without its envelope."""
    operation = run.contract.operation(name)
    with run.lend() if operation.path_parameters else nullcontext() as item:
        path = [item.item_id] if item is not None else []
        sent = {} if item is None or operation.body_pointer is None else _replacing(run, item, operation)
        options = caller.package.arguments(name, sent) if sent else {}
        refusals = [status for status in operation.statuses if 400 <= status < 500] if path else []
        method = caller.package.method(caller.client, name)
        try:
            shown = caller.understood(name, lambda: _whole_answer(method(*path, **options)), *refusals)
        except caller.package.status_error as error:
            _says(error, caller.last.status, run.contract.error_code(name, caller.last.status))
            pytest.skip(f"{name} was refused with {caller.last.status}, which the contract allows")
        answer = caller.last.json
        is_right = shown is None or any(is_shown(shown, each) for each in _parts(answer))
        if operation.answer_pointer(caller.last.status) is not None:  # else it is no JSON
            assert is_right, f"the client shows {shown!r:.300}, the answer is {answer!r:.300}"
        if item is not None and sent:
            _agrees(run.api.shape.item_in(answer), item, sent)


def _whole_answer(result: Any) -> Any:
    return result.page().answer if hasattr(result, "page") else result


def _parts(answer: Any) -> Iterator[Any]:
    """Yield an answer, and what stands in it at any depth: an envelope is taken off."""
    yield answer
    for inner in answer.values() if isinstance(answer, dict) else ():
        yield from _parts(inner)


def _replacing(run: Run, item: ItemUnderTest, operation: Operation) -> dict[str, Any]:
    """Return a body that replaces an item as an update may change it."""
    known = {**item.last, **run.full_body("update", 1)}
    for good in good_instances(Place(item.contract.document, (str(operation.body_pointer),))):
        held = {name: known[name] for name in good if known.get(name) is not None}
        if item.contract.accepts(operation.operation_id, {**good, **held}):
            return {**good, **held}
    return pytest.skip(f"no body is found for {operation.operation_id}")


@for_each("tried", _numbers)
def test_refusal_is_an_exception_that_says_why(run: Run, caller: Caller, item: ItemUnderTest, tried: Field) -> None:
    """update, responses: a documented error raises, with its status, code and message."""
    faults = (value for value in faults_of(run.contract, tried) if value.source.endswith("/maximum"))
    # The client itself takes no value of another type.
    fault = next(f for f in faults if f.is_readable and (isinstance(f.value, int) or "number" in tried.types))
    body = caller.package.arguments("update", json.loads(item.body({}, {tried.name: fault.token})))
    error = None
    try:
        caller.package.method(caller.client, "update")(item.item_id, **body)
    except caller.package.status_error as raised:
        error = raised
    require(run.judge.refusal("update", caller.last, promise=tried.promise, clause=fault.source))
    if not caller.last.was_accepted:
        assert error is not None, f"a {caller.last.status} raised nothing"
        _says(error, caller.last.status, run.contract.error_code("update", caller.last.status))


@needs("exact_keys", lambda contract: contract.operation("read").names(401))
def test_wrong_key_raises(run: Run, package: ClientPackage, item: ItemUnderTest) -> None:
    """read, responses/401: a wrong key raises, with status 401 and its code."""
    stranger = package.connect(run, "contract-test-wrong-key", transport=run.api.transport)
    with stranger as client, pytest.raises(package.status_error) as refused:
        package.method(client, "read")(item.item_id)
    _says(refused.value, 401, run.contract.error_code("read", 401))


def test_async_calls_do_the_same(run: Run, package: ClientPackage, item: ItemUnderTest) -> None:
    """update, read: the asynchronous calls send and return what the others do."""
    guarded = AsyncGuardedTransport(run.api.transport)
    answers: deque[httpx.Response] = deque(maxlen=1)

    async def listen(response: httpx.Response) -> None:
        answers.append(response)

    async def call(name: str, /, **options: Any) -> Any:
        listening = {"transport": guarded, "event_hooks": {"response": [listen]}}
        async with package.connect_async(run, run.api.target.api_key, **listening) as client:
            return await package.method(client, name)(item.item_id, **options)

    sent = _whole(item, run.full_body("update", 1)) or {}
    for name, options in (("update", package.arguments("update", sent)), ("read", {})):
        listener = Caller(run, package, answers, None)
        shown = listener.understood(name, partial(asyncio.run, call(name, **options)))
        _agrees(run.api.shape.item_in(shown), item, sent if name == "update" else {})
