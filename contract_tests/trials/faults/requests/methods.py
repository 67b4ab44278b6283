"""Faults of methods."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from contract_tests.checks.selections import required_fields
from contract_tests.mock_api.wire.routes import Route, decoded_path
from contract_tests.spec.operation import Operation

from .. import seams
from ..fault import Apply, Planted, fault, rows
from ..scene import Scene, first
from ..seams import Answer, Answering, Api, Refusal, by, maker
from ..usual import ITEM, Shown, change, failed, success, unknown, unnamed_method, without, wrong
from ..witness import Step, with_header

Find = Callable[[str, str], tuple[Route, str]]
IsMeant = Callable[[Api, str], bool]
Change = Callable[[Api, Any, Any], Any]
METHODS = "named_methods_only"
_unnamed: Shown = lambda scene: (unnamed_method(scene), scene.read())


@maker(seams.wrap, "routes.find")
def _taken_for(api: Api, role: str, methods: tuple[str, ...], find: Find, sent: str, path: str) -> tuple[Route, str]:
    """Treat *methods* on an item, where the path does not have them, as an operation."""
    try:
        return find(sent, path)
    except Refusal as refusal:
        if sent not in methods or refusal.status != 405:
            raise
        route, item_id = find(api.resource.layout.operations[role].method, path)
        if not item_id:
            raise
        return route, item_id


@maker(seams.wrap, "answer")
async def _answering(api: Api, method: str, is_meant: IsMeant, answer: Answering, scope: Any, receive: Any) -> Answer:
    is_right = api.is_authorized(dict(scope["headers"]), scope["query_string"])
    if scope["method"] == method and is_right and is_meant(api, decoded_path(scope)):
        return api.give(200, {})
    return await answer(scope, receive)


def _refused_with(status: int) -> Apply:
    return by(seams.replace, "routes.wrong_method")(lambda api, methods: Refusal(status, "Something went wrong."))


rows("methods", (METHODS,), {
    "unnamed_method_updates": ("Treats PUT as PATCH, or PATCH as PUT.", _taken_for("update", ("PUT", "PATCH")), _unnamed),
    "post_updates": ("Treats POST on an item as an update.", _taken_for("update", ("POST",)),
        lambda scene: (replace(scene.update(change(scene)), method="POST"), scene.read())),
    "put_of_an_unknown_item_succeeds": (
        "Answers a PUT of an item that is not there with success, as if it made one.",
        _answering("PUT", lambda api, path: path.rpartition("/")[2] not in api.resource.store.items and not api.routes.paths.get(path)),
        lambda scene: () if scene.is_put else (Step("PUT", scene.path("read", unknown(scene)), b"{}"),)),
    "unknown_method_answered_200": (
        "Answers a method that the path does not have with success and the item, unchanged.",
        _taken_for("read", ("PUT", "PATCH")), _unnamed),
    "unknown_method_answered_400": ("Answers 400 to a method that the path does not have.", _refused_with(400), _unnamed),
    "unknown_method_answered_500": ("Answers 500 to a method that the path does not have.", _refused_with(500), _unnamed),
})  # fmt: skip


@fault("methods")
def method_overridden_by_a_header(scene: Scene) -> Planted:
    """Carries out the method that the header X-HTTP-Method-Override names."""
    method = "DELETE" if scene.contract.has("remove") else scene.contract.operation("update").method

    @by(seams.wrap, "answer")
    async def apply(api: Api, answer: Answering, scope: Any, receive: Any) -> Answer:
        other = dict(scope["headers"]).get(b"x-http-method-override")
        return await answer({**scope, "method": other.decode()} if other else scope, receive)

    step = with_header(scene.read(), "x-http-method-override", method)
    return Planted(apply, (step, scene.read()), success("read")(scene))


def _literal(scene: Scene) -> Operation:
    """Return an operation whose path would name an item if its last word were an id."""
    before = scene.path("read", "")
    known = [one for one in scene.contract.operations.values() if one.method == "GET" and one.path.startswith(before)]
    return first(each for each in known if not {"/", "{"} & {*each.path.removeprefix(before)})


@maker(seams.wrap, "answer")
async def _by_the_body(api: Api, change_scope: Change, answer: Answering, scope: Any, receive: Any) -> Answer:
    """Decide by the body, too, what PUT and PATCH ask for; *change_scope* is told the mock, the scope and the document."""
    headers, document = dict(scope["headers"]), None
    if scope["method"] not in ("PUT", "PATCH") or not api.is_authorized(headers, scope["query_string"]):
        return await answer(scope, receive)
    body = await api.bodies.read(headers, receive)
    with suppress(Refusal):
        document = api.bodies.decode(body)

    async def again() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    return await answer(change_scope(api, scope, document) if isinstance(document, dict) else scope, again)


@fault("methods", METHODS)
def unnamed_method_with_a_whole_body_updates(scene: Scene) -> Planted:
    """Treats PUT as PATCH, or PATCH as PUT, where the body has all that a new item needs."""
    named = {"method": scene.contract.operation("update").method}
    needs = {f.name for f in required_fields(scene.contract)}
    apply = _by_the_body(lambda api, scope, body: scope | (named if needs <= {*body} else {}))
    step = scene.update({name: value for name, value in scene.bystander.items() if name in scene.fields})
    return Planted(apply, (replace(step, method="PUT" if step.method == "PATCH" else "PATCH"), scene.read()))


@fault("methods", METHODS)
def literal_path_checks_the_body_first(scene: Scene) -> Planted:
    """Answers 400 to an update of a literal path, where the body is wrong."""
    step = replace(wrong(scene), path=_literal(scene).path)

    def checked(api: Api, scope: Any, body: Any) -> Any:
        is_meant = scope["method"] == step.method and decoded_path(scope).endswith(step.path)
        return failed(status=400) if is_meant and not api.resource.rules.is_valid("update", body) else scope

    return Planted(_by_the_body(checked), (step,))


@fault("methods", METHODS, needs=ITEM)
def literal_path_is_an_item(scene: Scene) -> Planted:
    """Takes a literal path for an item with its last word as an id."""
    literal = _literal(scene).path

    def apply(api: Api) -> None:
        found = [path for path in api.routes.paths if path.endswith(literal)]
        seams.replace(api, "routes.paths", without(api.routes.paths, *found))

    return Planted(apply, (Step("GET", literal),))


@fault("methods", METHODS, needs=ITEM)
def literal_path_can_be_removed(scene: Scene) -> Planted:
    """Answers a DELETE of a literal path with success."""
    literal = _literal(scene).path
    apply = _answering("DELETE", lambda api, path: path.endswith(literal))
    return Planted(apply, (Step("DELETE", literal),))
