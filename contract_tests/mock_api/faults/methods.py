"""Faults of methods."""

from __future__ import annotations

from typing import Any

from ..app import Answer, Api
from ..errors import Refusal
from ..routes import decoded_path
from . import seams
from .fault import fault
from .witness import delete, get, post, put, with_header

PATCH = "#/paths/~1personas~1{persona_id}/patch/responses"
GET = "#/paths/~1personas~1{persona_id}/get/responses"
METHODS = "#/x-decisions/methods"


def _method_as(api: Api, method: str, other: str) -> None:
    """Treat *method* on a persona as *other*."""
    find = api.routes.find

    def found(sent: str, path: str) -> tuple[str, str]:
        is_persona = path.rpartition("/")[0] in api.routes.parents and path not in api.routes.paths
        return find(other if sent == method and is_persona else sent, path)

    seams.replace(api.routes, "find", found)


@fault("methods", METHODS, put({"wait_seconds": 1}), get())
def put_updates(api: Api) -> None:
    """Treats PUT as PATCH."""
    _method_as(api, "PUT", "PATCH")


@fault("methods", METHODS, post({"wait_seconds": 1}, "/personas/{id}"), get())
def post_updates(api: Api) -> None:
    """Treats POST on a persona as PATCH."""
    _method_as(api, "POST", "PATCH")


@fault("methods", METHODS, put({"wait_seconds": 1}))
def unknown_method_answered_500(api: Api) -> None:
    """Answers 500 to a method that the path does not have."""
    seams.replace(api.routes, "wrong_method", lambda methods: Refusal(500, "Something went wrong."))


@fault("methods", METHODS, put({"wait_seconds": 1}))
def unknown_method_answered_400(api: Api) -> None:
    """Answers 400 to a method that the path does not have."""
    seams.replace(api.routes, "wrong_method", lambda methods: Refusal(400, "The path does not have this method."))


@fault("methods", METHODS, put({"wait_seconds": 1}), get())
def unknown_method_answered_200(api: Api) -> None:
    """Answers 200 and the persona, unchanged, to a PUT."""
    _method_as(api, "PUT", "GET")


@fault("methods", f"{GET}/200", with_header(get(), "x-http-method-override", "DELETE"), get())
def method_overridden_by_a_header(api: Api) -> None:
    """Carries out the method that the header X-HTTP-Method-Override names."""
    answer = api.answer

    async def run(scope: Any, receive: Any) -> Answer:
        other = dict(scope["headers"]).get(b"x-http-method-override")
        return await answer({**scope, "method": other.decode()} if other else scope, receive)

    seams.replace(api, "answer", run)


@fault("methods", METHODS, get("/personas/voices"))
def voices_is_a_persona(api: Api) -> None:
    """Takes /personas/voices for a persona called voices."""
    api.routes.paths = {path: methods for path, methods in api.routes.paths.items() if not path.endswith("/voices")}


@fault("methods", METHODS, delete("/personas/voices"))
def voices_can_be_deleted(api: Api) -> None:
    """Answers 200 to a DELETE of the voices."""
    answer = api.answer

    async def run(scope: Any, receive: Any) -> Answer:
        is_voices = scope["method"] == "DELETE" and decoded_path(scope).endswith("/voices")
        if is_voices and api.is_authorized(dict(scope["headers"])):
            return api.give(200, {})
        return await answer(scope, receive)

    seams.replace(api, "answer", run)
