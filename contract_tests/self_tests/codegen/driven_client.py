"""A client of a contract, and how each of its methods is called with what the contract allows."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import inspect
import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import httpx
import pytest

from codegen import generate
from contract_tests.checks.typed_client import as_data, is_shown, plain_name
from contract_tests.self_tests.codegen.driven_operation import KEY, Answer, Call, DrivenOperation, read_driven
from contract_tests.spec.document import read_document

RAISED = {
    400: "BadRequest", 401: "Authentication", 403: "PermissionDenied", 404: "NotFound", 409: "Conflict", 422: "BadRequest",
    429: "RateLimit",
}  # fmt: skip
Serve = Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True)
class DrivenClient:
    """The client of a contract, and the operations that it must have methods for."""

    package: ModuleType
    operations: dict[str, DrivenOperation]

    @cached_property
    def resources(self) -> ModuleType:
        """The module of its methods."""
        return importlib.import_module(f"{self.package.__name__}.resources")

    @property
    def hints(self) -> dict[str, Any]:
        """What the annotations of its methods name."""
        return {self.package.CLIENT.__name__: Any, self.package.ASYNC_CLIENT.__name__: Any}

    def way(self, driven: DrivenOperation) -> str:
        """Return the attributes on the way from a client to the method of an operation."""
        name = driven.operation.operation_id or f"{driven.operation.method}{driven.operation.path}"
        ways = {**self.package.METHODS, **{plain_name(each): way for each, way in self.package.METHODS.items()}}
        found: str = ways[name] if name in ways else ways[plain_name(name)]
        return found

    def arguments(self, driven: DrivenOperation, method: Any, call: Call) -> tuple[list[Any], dict[str, Any]]:
        """Return what a method is called with: values of the types that it declares."""
        types, names = get_type_hints(method, localns=self.hints), [*inspect.signature(method).parameters]
        spelled = {plain_name(name): name for name in names}
        path = [call.parameters["path", name] for name in driven.operation.path_parameters]
        given = {spelled[plain_name(name)]: value for (at, name), value in call.parameters.items() if at != "path"}
        given |= self._body(driven, call) if call.has_body else {}
        extra = {"extra_body": given.pop("extra_body")} if "extra_body" in given else {}
        first = [self._typed(types[name], value) for name, value in zip(names, path, strict=False)]
        return first, {**{name: self._typed(types[name], value) for name, value in given.items()}, **extra}

    def _body(self, driven: DrivenOperation, call: Call) -> dict[str, Any]:
        path, held = re.sub(r"\{[^{}]*\}", "{}", driven.operation.path), vars(self.resources).values()
        wanted = (driven.operation.operation_id, path)
        constants = (each for each in held if hasattr(each, "operation_id"))
        model = next(each.takes for each in constants if (each.operation_id, each.path) == wanted)
        if model is None:
            return {"body": call.body}
        wires = {model._wire_names.get(each.name, each.name): each.name for each in dataclasses.fields(model)}
        extra = {name: value for name, value in call.body.items() if name not in wires}
        fields = {wires[name]: value for name, value in call.body.items() if name in wires}
        return {**fields, **({"extra_body": extra} if extra else {})}

    def _typed(self, hint: Any, value: Any) -> Any:
        types = importlib.import_module(f"{self.package.__name__}.types")
        if types.File in getattr(hint, "__args__", (hint,)):
            return types.File(io.BytesIO(value.encode()), "file.txt", "text/plain")
        return types.reader(hint)(value)

    def drive(self, name: str) -> int:
        """Call an operation in each way that the contract gives, and return how often it was."""
        driven = self.operations[name]
        calls, answers = list(driven.calls()), [*driven.answers(), Answer(500, "")]
        pairs = [(calls[min(number, len(calls) - 1)], answer) for number, answer in enumerate(answers)]
        pairs += [(call, answers[0]) for call in calls[len(answers) :]]
        for call, answer in pairs:
            self._check(driven, call, answer, self._send)
            self._check(driven, call, answer, self._send_async)
        return len(pairs)

    def _check(self, driven: DrivenOperation, call: Call, answer: Answer, send: Callable[..., Any]) -> None:
        requests: list[httpx.Request] = []

        def serve(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return answer.response

        if answer.status < 300:
            self._check_result(driven, call, answer, send(driven, call, serve))
        else:
            kind = f"{RAISED.get(answer.status, 'Server' if answer.status >= 500 else 'ApiStatus')}Error"
            with pytest.raises(self.package.ApiStatusError) as raised:
                send(driven, call, serve)
            assert type(raised.value) is getattr(self.package, kind)
            assert (raised.value.status, raised.value.body) == (answer.status, answer.value)
            assert raised.value.code == driven.code(answer)
        (request,) = requests
        driven.check_request(request, call)

    def _check_result(self, driven: DrivenOperation, call: Call, answer: Answer, result: Any) -> None:
        wanted = driven.shown(answer)
        if hasattr(result, "items") and hasattr(result, "next_page"):
            assert _whole(result.answer) == answer.value
            assert result.next_page == driven.next_page(call, answer)
            result = result.items
        if hasattr(result, "payload"):
            result = result.payload.read().decode()
        assert _whole(result) == wanted
        assert is_shown(as_data(result), wanted), f"the client shows {as_data(result)}, the answer holds {wanted}"

    def _send(self, driven: DrivenOperation, call: Call, serve: Serve) -> Any:
        with httpx.Client(transport=httpx.MockTransport(serve)) as http:
            method = attrgetter(self.way(driven))(self._client("CLIENT", http))
            path, named = self.arguments(driven, method, call)
            result = method(*path, **named)
            return result.page() if hasattr(result, "page") else result

    def _send_async(self, driven: DrivenOperation, call: Call, serve: Serve) -> Any:
        async def sent() -> Any:
            async with httpx.AsyncClient(transport=httpx.MockTransport(serve)) as http:
                method = attrgetter(self.way(driven))(self._client("ASYNC_CLIENT", http))
                path, named = self.arguments(driven, method, call)
                result = method(*path, **named)
                return await (result.page() if hasattr(result, "page") else result)

        return asyncio.run(sent())

    def _client(self, kind: str, http: Any) -> Any:
        made = getattr(self.package, kind)
        key = {"api_key": KEY} if "api_key" in inspect.signature(made).parameters else {}
        return made(**key, max_retries=0, http_client=http)


def _whole(result: Any) -> Any:
    """Return what was read, as it came."""
    if isinstance(result, list):
        return [_whole(each) for each in result]
    if isinstance(result, dict):
        return {name: _whole(each) for name, each in result.items()}
    return result.to_dict() if hasattr(result, "to_dict") else as_data(result)


@dataclass(frozen=True)
class DrivenClients(Mapping[str, DrivenClient]):
    """The clients of some contracts, in a folder; one is written when it is first asked for."""

    folder: Path
    contracts: Mapping[str, Mapping[str, Any]]
    _known: dict[str, DrivenClient] = field(default_factory=dict)

    def __getitem__(self, name: str) -> DrivenClient:
        if name not in self._known:
            folder = self.folder / plain_name(name)
            folder.mkdir(exist_ok=True)
            self._known[name] = made_client(self.contracts[name], folder)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.contracts)

    def __len__(self) -> int:
        return len(self.contracts)


def made_client(tree: Mapping[str, Any], folder: Path) -> DrivenClient:
    """Write the client of a contract into a folder, under a name that no other package has."""
    contract, package = folder / "contract.json", f"driven_{folder.parent.name}_{folder.name}"
    contract.write_text(json.dumps(tree), "utf-8")
    generate.generate(contract, folder / "written", "written")
    next((folder / "written").glob("*/client.py")).parent.rename(folder / package)
    sys.path.append(str(folder))
    try:
        return DrivenClient(importlib.import_module(package), read_driven(read_document(contract)))
    finally:
        sys.path.remove(str(folder))
