"""Faults of authentication, and of what a stranger learns."""

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from contract_tests.api_key import ApiKey
from contract_tests.mock_api.wire.bodies import Headers
from contract_tests.mock_api.wire.messages import read_query
from contract_tests.mock_api.wire.routes import decoded_path
from contract_tests.spec.operation import Operation as Named

from .. import seams, usual
from ..fault import Fault, Planted, fault, generator, plain
from ..scene import NoPlace, Scene, first, needed
from ..seams import Answer, Answering, Api, Fields, Refusal, by, maker
from ..state.pages import by_token, page_size
from ..usual import ITEM, REMOVAL, change, change_alone, error, further, optional, unknown, wrong
from ..witness import Step, Witness, stranger, with_header

FIRST = "key_before_anything"
Check = Callable[[Any, str, str, Any], Awaitable[None]]
IsFurther = Callable[[Api, Headers, bytes], bool]
Rule = Callable[..., bool]
IsRight = Callable[[str, str], bool]  # is told the key that was sent and the right one

# By the name of the fault: what it does, which keys it takes besides, and one of them made from the right one.
KEYS: dict[str, tuple[str, IsRight, Callable[[str], str]]] = {
    "any_key_accepted": ("Asks only that a key is there.", lambda sent, right: bool(sent), lambda key: "wrong:key"),
    "empty_key_accepted": ("Takes an empty key for no check at all.", lambda sent, right: not sent, lambda key: ""),
    "key_in_any_case": ("Compares keys without case.", lambda sent, right: sent.lower() == right.lower(), str.swapcase),
    "beginning_of_the_key_accepted": (
        "Compares only as many characters as were sent.",
        lambda sent, right: bool(sent) and right.startswith(sent), lambda key: key[: len(key) // 2]),
    "key_with_a_tail_accepted": (
        "Compares only as many characters as the key has.",
        lambda sent, right: sent.startswith(right), lambda key: f"{key}x"),
    "bearer_before_the_key_accepted": (
        "Strips a scheme in front of the key.",
        lambda sent, right: sent.partition(" ")[2] == right, lambda key: f"Bearer {key}"),
    "key_with_spaces_inside_accepted": (
        "Strips every space of the key.",
        lambda sent, right: sent.replace(" ", "") == right, lambda key: f"{key[:3]} {key[3:]}"),
    "key_before_a_comma_accepted": (
        "Compares a key up to a comma.", lambda sent, right: sent.partition(",")[0] == right, lambda key: f"{key}, other"),
    "quoted_key_accepted": ("Strips quotes around the key.", lambda sent, right: sent.strip('"') == right, lambda key: f'"{key}"'),
}  # fmt: skip

# Of them, those that one operation alone takes.
NEAR = {
    "with_a_longer_key": "key_with_a_tail_accepted",
    "with_an_empty_key": "empty_key_accepted",
    "with_spaces_in_the_key": "key_with_spaces_inside_accepted",
}
# What tells nothing in a place: a basic key has a colon, and a cookie may be quoted.
NOT_IN = {"basic": ("empty_key_accepted",), "cookie": ("quoted_key_accepted",)}


def is_guarded(scene: Scene, operation: Named) -> bool:
    """Whether an operation takes a key, and says what it answers without the right one."""
    schemes = operation.definition.get("security", scene.contract.document.tree.get("security", []))
    return bool(schemes) and {} not in schemes and operation.names(401)


def guarded(scene: Scene) -> Step:
    """Return a request that needs the key, an update if there is one that can be made."""
    for step in optional(change_alone, scene):
        if isinstance(step, Step) and is_guarded(scene, scene.contract.operation("update")):
            return step
    needed(is_guarded(scene, scene.contract.operation("read")))
    return scene.read()


def _role_of(step: Step) -> str:
    return "read" if step.method == "GET" else "update"


def _keyless(*steps: Step) -> Witness:
    return tuple(stranger(step, lambda key: None) for step in steps)


def _security(scene: Scene, operation: Named) -> str:
    own = f"{operation.pointer}/security"
    return own if scene.contract.document.has(own) else "#/security"


@generator
def operations_without_a_key(scene: Scene) -> Iterator[Fault]:
    """Each carries out one operation for anyone."""
    scheme = scene.contract.key
    steps: dict[str, Witness] = {"create": _keyless(scene.create(scene.named(scene.item, "New")))}
    with suppress(NoPlace):
        steps["update"] = (*_keyless(scene.update(change(scene))), scene.read())
    for role in {"read", "list", "remove"} & {*scene.contract.resource.operations}:
        steps[role] = _keyless(getattr(scene, role)())
    for name in further(scene):
        steps[name] = _keyless(Step("GET", scene.contract.operation(name).path))
    for name, witness in sorted(steps.items()):
        operation = scene.contract.operation(name)
        if is_guarded(scene, operation):
            of, clause, told = usual.snake_case(name), _security(scene, operation), operation.operation_id
            summary, apply = f"Answers {told} without a key.", _opening(scheme, operation, None)
            yield Fault(f"{of}_without_a_key", "authentication", summary, clause, apply, witness)
            for defect, kind in NEAR.items():
                summary, is_right, make = KEYS[kind]
                summary, near = f"{summary[:-1]}, in {told}.", _opening(scheme, operation, is_right)
                shown = tuple(stranger(s, make) if isinstance(s, Step) and s.key is not str else s for s in witness)
                if kind not in NOT_IN.get(scheme.kind, ()):
                    yield Fault(f"{of}_{defect}", "authentication", summary, clause, near, shown)


@maker(seams.wrap, "answer")
async def _opening(
    api: Api, scheme: ApiKey, operation: Named, is_right: IsRight | None, answer: Answering, scope: Any, receive: Any
) -> Answer:
    """Carry out one operation for anyone, or for those alone who send a key that is taken for the right one."""
    with suppress(Refusal):
        found = api.routes.find(scope["method"], decoded_path(scope))[0].operation
        is_taken = is_right is None or _is_taken(is_right, api, dict(scope["headers"]), scope["query_string"])
        is_open = is_taken and not _is_authorized(api, scope)
        if (found.method, found.path) == (operation.method, operation.path) and is_open:
            scope = _with_key(scheme, api, scope)
    return await answer(scope, receive)


def _is_authorized(api: Api, scope: Any) -> bool:
    return api.is_authorized(dict(scope["headers"]), scope["query_string"])


def _with_key(scheme: ApiKey, api: Api, scope: Any) -> Any:
    key = api.api_key.decode()
    carrying, query = (
        {name.encode(): value for name, value in scheme.headers(key)},
        urlencode(scheme.query(key)).encode(),
    )
    pairs = [*(pair for pair in scope["headers"] if pair[0] not in carrying), *carrying.items()]
    query_string = b"&".join(part for part in (scope["query_string"], query) if part)
    return {**scope, "headers": pairs, "query_string": query_string}


# -- Wrong keys -------------------------------------------------------------------------------------------------------


@maker(seams.wrap, "is_authorized")
def _authorizing(api: Api, is_further: IsFurther, rule: Rule, headers: Headers, query_string: bytes = b"") -> bool:
    """Take for authorized also what *is_further* says of a request's headers and its query string."""
    return rule(headers, query_string) or is_further(api, headers, query_string)


def _is_taken(is_right: IsRight, api: Api, headers: Headers, query_string: bytes) -> bool:
    sent = api.key_scheme.sent(headers, query_string)
    return sent is not None and is_right(sent.decode("latin-1"), api.api_key.decode())


@generator
def wrong_keys(scene: Scene) -> Iterator[Fault]:
    """Each takes further keys for the right one."""
    step = guarded(scene)
    for name, (summary, is_right, make) in KEYS.items():
        clause, contract = _security(scene, scene.contract.operation(_role_of(step))), scene.contract
        if name == "key_in_any_case":
            clause = contract.pointer_of_promise("exact_keys") if contract.promises_that("exact_keys") else ""
        if clause and name not in NOT_IN.get(scene.contract.key.kind, ()):
            apply = _authorizing(partial(_is_taken, is_right))
            yield Fault(name, "authentication", summary, clause, apply, (stranger(step, make),))


@fault("authentication", needs=ITEM)
def key_in_the_query_accepted(scene: Scene) -> Planted:
    """Accepts the key as a query parameter."""
    needed(scene.contract.key.kind not in ("none", "query"))
    step = guarded(scene)
    is_key = lambda api, headers, query: api.api_key.decode() in read_query(query).values()
    witness = _keyless(replace(step, path=f"{step.path}?api_key={{key}}"))
    return Planted(_authorizing(is_key), witness, scene.contract.key.pointer)


@fault("authentication", needs=ITEM)
def key_in_authorization_accepted(scene: Scene) -> Planted:
    """Accepts the key as a bearer token."""
    key = scene.contract.key
    needed(key.kind not in ("none", "bearer", "basic") and key.name != "authorization")
    is_key = lambda api, headers, query: headers.get(b"authorization") == b"Bearer " + api.api_key
    witness = _keyless(with_header(guarded(scene), "authorization", "Bearer {key}"))
    return Planted(_authorizing(is_key), witness, key.pointer)


@fault("authentication", needs=("create", "list"))
def page_token_stands_for_the_key(scene: Scene) -> Planted:
    """Answers the page of a token whatever the key."""
    operation, token = scene.contract.operation("list"), by_token(scene)
    needed(is_guarded(scene, operation))
    one = scene.list(f"{page_size(scene).name}=1")
    later = stranger(replace(one, path=f"{one.path}&{token}={{token}}"))
    is_later = lambda api, headers, query: f"{token}=".encode() in query
    return Planted(_authorizing(is_later), (one, later), _security(scene, operation))


@fault("authentication", needs=ITEM)
def wrong_key_answered_403(scene: Scene) -> Planted:
    """Answers 403 to a wrong key."""
    step = guarded(scene)
    return Planted(lambda api: usual.status_as(api, 401, 403), (stranger(step),), error(_role_of(step), 401)(scene))


# -- Before the key ---------------------------------------------------------------------------------------------------


@by(seams.wrap, "answer")
async def before_the_key(api: Api, check: Check, answer: Answering, scope: Any, receive: Any) -> Answer:
    """Let *check* look at a request without the right key: its scope, the role, the id, and how to receive the body."""
    path = decoded_path(scope)
    if not api.is_page(path) and not _is_authorized(api, scope):
        route, item_id = api.routes.find(scope["method"], path)
        if route.owner is api.resource:
            try:
                await check(scope, route.role, item_id, receive)
            except Refusal as refusal:
                refusal.operation = route.operation
                raise
    return await answer(scope, receive)


@plain("authentication", FIRST, needs=ITEM, shown=lambda s: (stranger(s.read(unknown(s))),) if guarded(s) else ())
@by(before_the_key)
async def unknown_item_before_the_key(api: Api, scope: Any, role: str, item_id: str, receive: Any) -> None:
    """Looks for the item before it checks the key, and answers 404 to a stranger."""
    if item_id:
        api.resource.store.find(item_id)


def _removed(scene: Scene) -> Witness:
    needed(is_guarded(scene, scene.contract.operation("read")))
    return (scene.remove(), stranger(scene.read()))


@plain("authentication", FIRST, needs=REMOVAL, shown=_removed)
@by(before_the_key, memory=usual.removed_items)
async def removed_item_before_the_key(
    api: Api, removed: Fields, scope: Any, role: str, item_id: str, body: Any
) -> None:
    """Tells a stranger of an item that was removed that it is gone."""
    if item_id in removed:
        api.resource.store.find(item_id)


@plain("authentication", FIRST, shown=lambda s: (stranger(wrong(s)),) if guarded(s) else ())
@by(before_the_key)
async def body_before_the_key(api: Api, scope: Any, role: str, item_id: str, receive: Any) -> None:
    """Checks the body before a key that is sent, and answers a stranger as one who sent an invalid body."""
    if role in api.resource.rules.bodies and api.key_scheme.sent(dict(scope["headers"]), scope["query_string"]):
        message = await receive()
        is_json = api.bodies.is_json(dict(scope["headers"]).get(b"content-type"))
        is_whole = is_json and not message.get("more_body")
        if not is_whole or not api.resource.rules.is_valid(role, api.bodies.decode(message["body"])):
            raise Refusal(400, "The request body is not valid.")


def _wrong_query(scene: Scene) -> Witness:
    needed(is_guarded(scene, scene.contract.operation("list")))
    fields = scene.contract.query_fields("list").values()
    closed = first(tried.name for tried in fields if not scene.contract.accepts_value(tried, "a b"))
    return (stranger(scene.list(f"{closed}={quote('a b')}")),)


@plain("authentication", FIRST, needs=("create", "list"), shown=_wrong_query)
@by(before_the_key)
async def query_before_the_key(api: Api, scope: Any, role: str, item_id: str, receive: Any) -> None:
    """Checks the query before the key, and answers a stranger as one who sent an invalid query."""
    api.resource.rules.query(role, scope["query_string"])


@fault("authentication", FIRST, needs=ITEM)
def stranger_is_told_which_items_exist(scene: Scene) -> Planted:
    """Answers 401 with other words where the item exists."""
    words = "This item belongs to another account."
    needed(words in json.dumps(scene.api.errors.body(None, Refusal(401, words))) and guarded(scene))

    @by(seams.refuse_request_as)
    def apply(api: Api, scope: Any, refusal: Refusal) -> Answer:
        is_known = decoded_path(scope).rpartition("/")[2] in api.resource.store.items
        return api.refuse(Refusal(401, words) if is_known and refusal.status == 401 else refusal)

    return Planted(apply, (stranger(scene.read()), stranger(scene.read(unknown(scene)))))


@fault("authentication")
def stranger_is_refused_after_the_update(scene: Scene) -> Planted:
    """Carries out the update of a stranger and then answers 401."""
    operation = scene.contract.operation("update")
    needed(is_guarded(scene, operation))

    @by(seams.wrap, "answer")
    async def apply(api: Api, answer: Answering, scope: Any, receive: Any) -> Answer:
        if scope["method"] == operation.method and not _is_authorized(api, scope):
            with suppress(Refusal):
                await answer(_with_key(scene.contract.key, api, scope), receive)
            raise Refusal(401, "The key is missing or wrong.")
        return await answer(scope, receive)

    return Planted(apply, (stranger(scene.update(change(scene))), scene.read()), error("update", 401)(scene))
