"""Faults of status codes, and of the shapes of answers and errors."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce
from operator import getitem
from typing import Any

import orjson

from .. import seams, usual
from ..fault import Fault, Planted, fault, generator, plain, rows
from ..scene import Scene, needed
from ..seams import Answer, Api, Operation, Refusal, Request, by, curried
from ..usual import ITEM, change
from ..witness import Moment, Step, Witness

Path = tuple[str, ...]

# By the role of the operation: the group, how it is called, and the successes that are tried.
SUCCESSES = {"update": ("statuses", "an update", (200, 201, 204)), "remove": ("deletion", "a removal", (200, 202, 204))}


def _refusing_with(status: int, scene: Scene) -> Planted:
    needed(status not in scene.contract.operation("update").refusals)
    told, clause = usual.refusal_status(scene), usual.error("update", 400)(scene)
    return Planted(lambda api: usual.status_as(api, told, status), usual.refused(scene), clause)


rows("statuses", (), {
    f"refusal_answered_{status}": (f"Answers {status} to a body that is not valid.", status) for status in (200, 400, 422, 500)
}, ("update",), make=_refusing_with)  # fmt: skip


def _succeeding_with(role: str, status: int, scene: Scene) -> Planted:
    needed(not scene.contract.operation(role).names(status))
    give = lambda answer: Answer(status, b"" if status == 204 else answer.body or b"{}", answer.headers)
    witness = usual.change_alone(scene) if role == "update" else (scene.remove(),)
    return Planted(lambda api: usual.success_as(api, role, give), witness, usual.success(role)(scene))


for _role, (_group, _called, _statuses) in SUCCESSES.items():
    _table = {
        f"{_role}_answered_{status}": (f"Answers {_called} with {status}.", _role, status) for status in _statuses
    }
    rows(_group, (), _table, (_role,), make=_succeeding_with)


@plain("statuses", needs=ITEM, shown=usual.read_unknown, clause=usual.error("read", 404))
def unknown_item_answered_400(api: Api) -> None:
    """Answers 400 where no item has the id."""
    usual.status_as(api, 404, 400)


ODD = {"__proto__": 1}


def _oddly_named(scene: Scene) -> Witness:
    needed(scene.contract.accepts("update", ODD))
    return (scene.update(ODD),)


rows("statuses", (), {
    "odd_property_answered_500": (
        "Fails on a property called __proto__.",
        lambda api: seams.read_role_as(api, "update", lambda body: usual.failed() if ODD.keys() & body.keys() else body),
        _oddly_named),
}, ("update",), usual.success("update"))  # fmt: skip


@plain("statuses", needs=ITEM, shown=usual.read_unknown, clause=usual.error("read", 404))
@by(seams.around, "read")
async def unknown_item_answered_with_null(api: Api, request: Request, handle: Operation) -> Answer:
    """Answers with success and null where no item has the id."""
    if request.item_id in api.resource.store.items:
        return await handle(request)
    answer = api.resource.succeed("read", api.resource.envelopes["read"].filled(None))
    return replace(answer, body=answer.body or b"null")


@fault("statuses", needs=ITEM)
def item_not_wrapped(scene: Scene) -> Planted:
    """Answers an item by itself instead of in its envelope."""
    path = needed(scene.contract.item_at("read"))
    apply = lambda api: usual.body_as(api, "read", lambda document: reduce(getitem, path, document))
    return Planted(apply, (scene.read(),), usual.success("read")(scene))


@fault("statuses", needs=ITEM)
def item_wrapped(scene: Scene) -> Planted:
    """Answers an item in an envelope that the contract does not have."""
    needed(not scene.contract.item_at("read"))
    apply = lambda api: usual.body_as(api, "read", lambda document: {"item": document})
    return Planted(apply, (scene.read(),), usual.success("read")(scene))


@fault("statuses")
def update_answered_with_what_was_sent(scene: Scene) -> Planted:
    """Answers an update with those fields alone that it changed, and those that must be there."""
    body, path = change(scene), scene.contract.item_at("update")
    required = scene.contract.document.required(scene.contract.resource.item_pointer)
    needed(usual.shows_item(scene, "update") and not scene.item.keys() <= {*required, *body})

    @by(seams.around, "update")
    async def apply(api: Api, request: Request, handle: Operation) -> Answer:
        before = dict(getattr(api.resource.store.items.get(request.item_id), "fields", {}))
        answer = await handle(request)
        cut = lambda item: {n: v for n, v in item.items() if n in required or before.get(n) != v}
        return replace(answer, body=orjson.dumps(usual.changed_at(orjson.loads(answer.body), path, cut)))

    return Planted(apply, (scene.update(body),), usual.success("update")(scene))


@fault("statuses", needs=ITEM)
def fields_in_another_case(scene: Scene) -> Planted:
    """Answers the names of fields in snake case instead of camel case, or the other way round."""
    needed(any(_other_case(name) != name for name in (*scene.contract.server_fields, *scene.item)))
    show = lambda item, shown: {_other_case(n): v for n, v in shown.items()}
    return Planted(lambda api: seams.show_as(api, show), (scene.read(),), scene.contract.resource.item_pointer)


def _other_case(name: str) -> str:
    if "_" in name:
        first, *rest = name.split("_")
        return first + "".join(part.capitalize() for part in rest)
    return usual.snake_case(name)


# -- Errors -----------------------------------------------------------------------------------------------------------


def _value_at(document: Any, path: Path) -> Any:
    """Return what stands at *path* first; None where nothing does."""
    found: list[Any] = []
    usual.changed_at(document, path, found.append)
    return next(iter(found), None)


Rewrite = Callable[[Scene, str, int, Any], Any]
"""Is told the role, the status and the body of an error, and returns another; None where it has no place."""


def _no_code(scene: Scene, role: str, status: int, body: Any) -> Any:
    path = scene.contract.error_code_at(role, status)
    return usual.without_at(body, path) if path and _value_at(body, path) is not None else None


def _no_message(scene: Scene, role: str, status: int, body: Any) -> Any:
    code_at = scene.contract.error_code_at(role, status)
    changed = (usual.without_at(body, path) for path in usual.places(str, body) if path != code_at)
    return next((each for each in changed if scene.contract.answer_faults(role, status, each)), None)


@curried
def _code_as(change_code: Callable[[Any, int], Any], scene: Scene, role: str, status: int, body: Any) -> Any:
    path = scene.contract.error_code_at(role, status)
    if not path or _value_at(body, path) is None:
        return None
    changed = usual.changed_at(body, path, lambda code: change_code(code, status))
    is_told = scene.contract.error_code(role, status) is not None
    return changed if is_told or scene.contract.answer_faults(role, status, changed) else None


def _text_of_an_object(scene: Scene, role: str, status: int, body: Any) -> Any:
    inner = next((name for name, value in body.items() if isinstance(value, dict)), None)
    return {inner: "Something is wrong."} if inner else "Something is wrong."


def _rewriting(rewrite: Rewrite, scene: Scene) -> Planted:
    cases = needed(list(_broken(scene, rewrite)))
    statuses = {(role, status) for role, status, _ in cases}
    codes = {scene.api.resource.layout.operations[role].name: role for role, _ in statuses}

    def change_answer(refusal: Refusal, answer: Answer) -> Answer:
        role = codes.get(refusal.operation.name) if refusal.operation else None
        if role is None or (role, answer.status) not in statuses:
            return answer
        body = rewrite(scene, role, answer.status, orjson.loads(answer.body))
        return answer if body is None else replace(answer, body=orjson.dumps(body))

    role, status, _ = cases[0]
    clause = scene.contract.operation(role).response_pointer(status) or ""
    return Planted(lambda api: seams.refuse_as(api, change_answer), tuple(step for *_, step in cases), clause)


def _broken(scene: Scene, rewrite: Rewrite) -> Iterator[tuple[str, int, Moment]]:
    """Yield the role, the status and a request of each error whose body the contract describes, and *rewrite* breaks."""
    asked = [("update", usual.refusal_status(scene), step) for step in usual.optional(usual.refused, scene)]
    for role, status, step in (*asked, ("read", 404, scene.read(usual.unknown(scene)))):
        body = scene.api.errors.body(scene.api.resource.layout.operations[role], Refusal(status, "MESSAGE"))
        if scene.contract.operation(role).answer_pointer(status) and isinstance(body, dict):
            changed = rewrite(scene, role, status, body)
            code_at = scene.contract.error_code_at(role, status) or ()
            is_told = bool(code_at) and scene.contract.error_code(role, status) is not None
            is_other_code = is_told and _value_at(changed, code_at) != _value_at(body, code_at)
            if changed is not None and (scene.contract.answer_faults(role, status, changed) or is_other_code):
                yield role, status, step


# By the name of the fault: what it does, and how it rewrites the body of an error.
rows("statuses", (), {
    "error_as_detail": ("Answers errors as msg, as a framework does by itself.", lambda *_: {"msg": "Something is wrong."}),
    "error_as_text": ("Answers errors as text instead of an object.", _text_of_an_object),
    "error_without_code": ("Leaves the code out of errors.", _no_code),
    "error_without_message": ("Leaves a text that must be there out of errors.", _no_message),
    "error_code_is_the_status": ("Answers the status as the code of an error.", _code_as(lambda code, status: status)),
    "error_code_in_another_case": (
        "Answers the codes of errors in small letters.", _code_as(lambda code, status: str(code).swapcase())),
    "error_code_is_internal": ("Answers every error with the code of a 500.", _code_as(lambda *_: "INTERNAL")),
}, ITEM, make=_rewriting)  # fmt: skip


# -- Listed values ----------------------------------------------------------------------------------------------------


@generator
def listed_values_in_another_shape(scene: Scene) -> Iterator[Fault]:
    """Each answers an operation that lists values in another shape."""
    for name in usual.further(scene):
        operation, body = scene.contract.operation(name), scene.api.answer_of(name)
        for path in list(usual.places(list, body))[:1]:
            elements = reduce(getitem, path, body)
            numbered = usual.changed_at(body, path, lambda elements: {str(n): each for n, each in enumerate(elements)})
            shapes = {"numbered": (f"Answers {name} with an object instead of an array.", numbered)}
            if elements and all(isinstance(each, dict) and each for each in elements):
                member = list(elements[0])[-1]
                less = usual.without_at(body, (*path, "*", member))
                shapes["incomplete"] = (f"Leaves {member} out of {name}.", less)
            for defect, (summary, shape) in shapes.items():
                if scene.contract.answer_faults(name, operation.successes[0], json.loads(json.dumps(shape))):
                    apply = lambda api, name=name, shape=shape: usual.body_as(api, name, lambda _: shape)
                    clause, witness = operation.success_pointer or operation.pointer, (Step("GET", operation.path),)
                    yield Fault(f"{usual.snake_case(name)}_{defect}", "statuses", summary, clause, apply, witness)
