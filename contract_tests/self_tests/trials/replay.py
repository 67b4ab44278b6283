"""
What a mock answers to the requests of a witness.

The application is called directly, without a socket. Its ids and its clock are pinned, so that two mocks that behave
alike answer alike.
"""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any
from urllib.parse import quote

from contract_tests.mock_api.app import Api
from contract_tests.mock_api.made import text_by
from contract_tests.trials.faults.scene import Scene
from contract_tests.trials.faults.witness import START, Step, Witness

STEP = timedelta(seconds=1, microseconds=1)  # never without a fraction

TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?")

# Two statuses of which the contract allows either.
SAME_STATUS = {405: 404, 415: 400}


@dataclass(frozen=True)
class Reply:
    """One answer, and the role of the operation that was asked; empty for what is no operation."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    role: str = ""

    def promised(self, scene: Scene) -> tuple[Any, ...]:
        """Return what of the answer the contract speaks of, spelled so that lawful differences vanish."""
        headers = dict(self.headers)
        media_type = (headers.get("content-type", "").partition(";")[0], headers.get("content-encoding"))
        try:
            node = json.loads(self.body, parse_int=float)
            token_at = scene.contract.listing.paging.token_at if self.role == "list" else ()
            is_error = self.status >= 400
            body = json.dumps(_of_error(scene, self, node) if is_error else _without_nulls(scene, node, token_at))
        except ValueError:
            body = self.body
        if SAME_STATUS.get(self.status):
            body = ""  # its code differs with the status
        return SAME_STATUS.get(self.status, self.status), media_type, body


def replies(scene: Scene, api: Api, witness: Witness) -> list[Reply]:
    """Make two items, send the requests of *witness*, and return every answer."""
    return asyncio.run(_replay(scene, api, witness))


def promised(scene: Scene, given: list[Reply]) -> list[tuple[Any, ...]]:
    """Return what the contract promises of the answers, each time as its place in the order of all times."""
    return _ranked([reply.promised(scene) for reply in given])


def pin(api: Api) -> None:
    """Empty *api*, and give it ids and times that are the same in every process."""
    resource, numbers, ticks = api.resource, count(1), count(1)
    schema = api.contract.properties(resource.layout.item).get(resource.layout.id_name, {})
    resource.store.items.clear()
    resource.store.stored_bytes = 0

    def new_id() -> str:
        number = next(numbers)
        if "integer" in api.contract.types(schema):
            return resource.store.made_id(number)
        return text_by(api.contract, schema, Random(number))

    resource.store.new_id = new_id  # type: ignore[method-assign]
    resource.store.now = lambda: START + STEP * next(ticks)  # type: ignore[method-assign]


def carried(api: Api, key: str) -> tuple[list[tuple[str, str]], str]:
    """Return the headers and the query string that carry a key as the contract wants it."""
    scheme = api.key_scheme
    headers = {
        "header": (scheme.name, key),
        "cookie": ("cookie", f"{scheme.name}={key}"),
        "bearer": ("authorization", f"Bearer {key}"),
        "basic": ("authorization", f"Basic {b64encode(key.encode()).decode()}"),
    }
    query = f"{scheme.name}={quote(key, safe='')}" if scheme.kind == "query" else ""
    return [headers[scheme.kind]] if scheme.kind in headers else [], query


async def _replay(scene: Scene, api: Api, witness: Witness) -> list[Reply]:
    names = dict.fromkeys(("{id}", "{other}", "{swapped}", "{start}", "{new}", "{token}"), "")
    given: list[Reply] = []
    for moment in (scene.create(scene.item), scene.create(scene.bystander), *witness):
        steps = (moment,) if isinstance(moment, Step) else moment
        answers = await asyncio.gather(*(_call(scene, api, step, names) for step in steps))
        given.extend(answers)
        for reply in answers:
            _remember(scene, names, reply)
    return given


def _remember(scene: Scene, names: dict[str, str], reply: Reply) -> None:
    try:
        document: Any = json.loads(reply.body)
    except ValueError:
        return
    if reply.role == "list":
        names["{token}"] = str(_at(document, scene.contract.listing.paging.token_at) or names["{token}"])
    resource = scene.contract.resource
    item_id = _at(document, (*resource.item_at, resource.id_name)) if reply.role == "create" else None
    if item_id is None or reply.status >= 300:
        return
    names["{new}"] = quote(str(item_id), safe="")
    if not names["{id}"]:
        own = names["{new}"]
        names |= {"{id}": own, "{swapped}": own.swapcase(), "{start}": own[:-1]}
    elif not names["{other}"]:
        names["{other}"] = names["{new}"]


async def _call(scene: Scene, api: Api, step: Step, names: dict[str, str]) -> Reply:
    known = {**names, "{key}": api.api_key.decode()}
    raw_path, _, query = (api.contract.base_path + _filled(step.path, known)).partition("?")
    key = step.key(known["{key}"])
    key_headers, key_query = ([], "") if key is None else carried(api, key)
    scope = {
        "type": "http", "method": step.method, "path": raw_path, "raw_path": raw_path.encode(),
        "query_string": "&".join(part for part in (query, key_query) if part).encode(),
        "headers": [(name.encode(), _filled(value, known).encode()) for name, value in (*step.headers, *key_headers)],
    }  # fmt: skip
    sent: list[dict[str, Any]] = []
    body = step.body or b""
    middle = len(body) // 2
    parts = [body[:middle], body[middle:]] if step.in_parts else [body]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await api(scope, receive, send)
    shown = tuple((name.decode(), value.decode()) for name, value in sent[0]["headers"])
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Reply(sent[0]["status"], shown, body.decode("utf-8", "backslashreplace"), _role(scene, step))


def _role(scene: Scene, step: Step) -> str:
    path = step.path.partition("?")[0]
    for role, operation in scene.contract.resource.operations.items():
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(operation.path))
        if operation.method == step.method and re.fullmatch(pattern, path):
            return str(role)
    return ""


def _filled(text: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(name, value)
    return text


def _at(node: Any, path: Iterable[str]) -> Any:
    for step in path:
        node = node.get(step) if isinstance(node, dict) else None
    return node


def _without_nulls(scene: Scene, node: Any, token_at: tuple[str, ...]) -> Any:
    """Leave out what the contract leaves open: the form of a token, null where nothing is set, a text that clears."""
    if isinstance(node, list):
        return [_without_nulls(scene, item, ()) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for name, value in sorted(node.items()):
        is_cleared = value == "" and name in scene.fields and scene.fields[name].clears_on_empty
        if value is None or is_cleared:
            continue
        if (name,) == token_at and isinstance(value, str):
            value = "token"
        kept[name] = _without_nulls(scene, value, token_at[1:] if token_at[:1] == (name,) else ())
    return kept


def _of_error(scene: Scene, reply: Reply, node: Any) -> Any:
    """Keep the shape, the code and the fields at fault of an error; its texts are open."""
    if not reply.role:
        return _worded(node, None, None, ())
    contract = scene.contract
    operation = contract.operation(reply.role)
    if operation.answer_pointer(reply.status) is None:
        return node
    return _worded(
        node, contract.error_code_at(reply.role, reply.status), contract.error_fields_at(reply.role, reply.status), ()
    )


def _worded(
    node: Any, code_at: tuple[str, ...] | None, fields_at: tuple[str, ...] | None, path: tuple[str, ...]
) -> Any:
    if fields_at is not None and path == fields_at[: len(path)] and isinstance(node, list):
        inner = fields_at[len(path) + 1 :]
        return sorted({str(_at(element, inner)) for element in node if _at(element, inner) is not None})
    if isinstance(node, list):
        return [_worded(element, code_at, fields_at, (*path, "*")) for element in node]
    if isinstance(node, dict):
        return {n: _worded(v, code_at, fields_at, (*path, n)) for n, v in sorted(node.items()) if v is not None}
    return "text" if isinstance(node, str) and path != code_at else node


def _ranked(given: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    times = sorted({found.group() for *_, body in given for found in TIME.finditer(body)})
    ranks = {time: str(rank) for rank, time in enumerate(times)}

    def rank(found: re.Match[str]) -> str:
        return f"time {ranks[found.group()]}{found.group(3) and ' with a zone'}"

    return [(status, media, TIME.sub(rank, body)) for status, media, body in given]
