"""The client that was generated from a contract: found beside it, and called by role, whatever its models are called."""

import dataclasses
import importlib
import inspect
import re
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import httpx

from contract_tests.checks.judge import require
from contract_tests.checks.readings import same_instant
from contract_tests.checks.run import Run
from contract_tests.errors import Inconclusive
from contract_tests.spec.contract import Contract
from contract_tests.transport.exchange import Exchange
from contract_tests.transport.resource_shape import ItemId
from contract_tests.transport.transport import IN_USE

# Where `make client` writes a client, from the folder of the contract.
FOLDER = "generated_client"


@dataclass(frozen=True)
class ClientPackage:
    """A generated package: its client, its errors, and how it spells each operation."""

    package: ModuleType
    methods: Mapping[str, str] = field(repr=False)
    """By role, or by operationId where an operation has none: the attributes on the way from a client to a method."""
    operation_ids: Mapping[str, str] = field(repr=False)
    """By the same names."""

    @property
    def error(self) -> type[Exception]:
        """What a call raises that did not bring what was asked for."""
        raised: type[Exception] = self.package.ApiError
        return raised

    @property
    def status_error(self) -> type[Exception]:
        """What every answer but a success raises."""
        raised: type[Exception] = self.package.ApiStatusError
        return raised

    def arguments(self, name: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Return the typed arguments that make the body of an operation."""
        resources = importlib.import_module(f"{self.package.__name__}.resources")
        declared = (each for each in vars(resources).values() if hasattr(each, "operation_id"))
        model = next(each.takes for each in declared if each.operation_id == self.operation_ids[name])
        if model is None:
            return {"body": sent}
        typed = model.from_dict(dict(sent))
        extra = {"extra_body": typed.additional_properties} if typed.additional_properties else {}
        return {**_set_fields(typed), **extra}

    def method(self, client: Any, name: str) -> Callable[..., Any]:
        """Return the method of a client for an operation."""
        found: Callable[..., Any] = attrgetter(self.methods[name])(client)
        return found

    @contextmanager
    def connect(self, run: Run, key: str, **httpx_args: Any) -> Iterator[Any]:
        """Open a client; its requests pass where *httpx_args* say, and the suite decides what is sent again."""
        with httpx.Client(**httpx_args) as http:
            yield self.client(run.api.target.base_url, key, max_retries=0, http_client=http)

    @asynccontextmanager
    async def connect_async(self, run: Run, key: str, **httpx_args: Any) -> AsyncIterator[Any]:
        """Open a client for async code, as connect() does."""
        async with httpx.AsyncClient(**httpx_args) as http:
            yield self.client(run.api.target.base_url, key, "ASYNC_CLIENT", max_retries=0, http_client=http)

    def client(self, url: str, key: str, kind: str = "CLIENT", **options: Any) -> Any:
        """Return a client, with a key where the contract has one."""
        made = getattr(self.package, kind)
        keyed = {"api_key": key} if "api_key" in inspect.signature(made).parameters else {}
        return made(**keyed, base_url=url, **options)


def find_client(contract: Contract, folder: Path | None = None) -> ClientPackage | None:
    """Return the client that was written from a contract, by default in the folder beside it, or None."""
    folder = folder or contract.document.file.parent / FOLDER
    for found in sorted(folder.glob("*/resources.py")):
        spelled = dict(re.findall(r'^    "([^"]+)": "([\w.]+)",$', found.read_text("utf-8"), re.MULTILINE))
        package = found.with_name("__init__.py").read_text("utf-8")
        # An overlay is no part of what the client is written from.
        is_of_it = contract.document.overlay is not None or f'CONTRACT_SHA256 = "{contract.document.digest}"' in package
        if contract.operations.keys() <= spelled.keys() and is_of_it:
            if str(folder) not in sys.path:
                sys.path.append(str(folder))
            ids = {contract.role(operation_id): operation_id for operation_id in contract.operations}
            methods = {name: spelled[operation_id] for name, operation_id in ids.items()}
            return ClientPackage(importlib.import_module(found.parent.name), methods, ids)
    return None


def plain_name(name: str) -> str:
    """Return a name as it is compared: the client writes perPage as per_page."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _set_fields(model: Any) -> dict[str, Any]:
    """Return the attributes of a model that are set, but for that which holds the fields that it has no attributes for."""
    given = {each.name: getattr(model, each.name) for each in dataclasses.fields(model)}
    return {n: v for n, v in given.items() if n != "additional_properties" and type(v).__name__ != "Unset"}


def as_data(shown: Any) -> Any:
    """Return what a client shows as plain data: attribute by attribute, whatever the answer was."""
    if isinstance(shown, list):
        return [as_data(each) for each in shown]
    if isinstance(shown, dict):
        return {name: as_data(value) for name, value in shown.items()}
    if dataclasses.is_dataclass(shown):
        wires = getattr(shown, "_wire_names", {})
        values = {wires.get(name, name): value for name, value in _set_fields(shown).items()}
        return as_data({**getattr(shown, "additional_properties", {}), **values})
    if isinstance(shown, Enum):
        return shown.value
    if isinstance(shown, date):
        return shown.isoformat()
    return str(shown) if isinstance(shown, UUID) else shown


def is_shown(shown: Any, answer: Any) -> bool:
    """Whether a client shows what was answered; a time may be spelled in another way."""
    if isinstance(shown, dict) and isinstance(answer, dict):
        return shown.keys() == answer.keys() and all(is_shown(shown[name], answer[name]) for name in shown)
    if isinstance(shown, list) and isinstance(answer, list):
        return len(shown) == len(answer) and all(map(is_shown, shown, answer))
    return shown == answer or (isinstance(shown, str) and isinstance(answer, str) and same_instant(shown, answer))


@dataclass(frozen=True)
class Caller:
    """The generated client, its requests behind the run's write guard, and the last answer that it was given."""

    run: Run
    package: ClientPackage
    answers: deque[httpx.Response]
    client: Any

    def call(self, name: str, /, *arguments: Any, **options: Any) -> Any:
        """
        Call an operation, by role or operationId, with what the contract allows.

        Returns:
            The model that the client returned, as plain data; where it was answered with a known divergence, the answer.

        Raises:
            Inconclusive: Something uses the item that was to be removed.
            Violation: The client raised because the answer is not what the contract says.
            ApiError: It raised although the answer is.
        """
        method = self.package.method(self.client, name)
        return self.understood(name, lambda: method(*arguments, **options))

    def understood(self, name: str, call: Callable[[], Any], *others: int) -> Any:
        """Make a call, and find out whether the answer or the client is to blame where it raises; *others* are right, too."""
        try:
            answer = call()
        except self.package.error:
            if name == "remove" and self.last.status == IN_USE:
                raise Inconclusive(f"DELETE {self.last.path} answered {IN_USE}: something uses the item") from None
            found = self.run.judge.success(name, self.last, *others)
            require(found)
            if not found:
                raise
            return self.last.json
        return as_data(answer)

    def item(self, name: str, /, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Call an operation that shows an item, and return the item; empty where its success has no body."""
        return self.run.api.shape.item_in(self.call(name, *arguments, **options))

    def items(self, **query: str) -> list[Any]:
        """List the items of one page."""
        method = self.package.method(self.client, "list")
        names = {plain_name(name): name for name in inspect.signature(method).parameters}
        known = {names[plain_name(name)]: value for name, value in query.items() if plain_name(name) in names}
        listed = method(**{name: int(value) if value.isdigit() else value for name, value in known.items()})
        shown = self.understood("list", lambda: listed.page().items if hasattr(listed, "page") else listed)
        found: list[Any] = shown if isinstance(shown, list) else self.run.api.shape.items_in(shown) or []
        return found

    def update(self, item_id: ItemId, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Update an item, and return it as the client shows it."""
        return self.item("update", item_id, **self.package.arguments("update", sent))

    @property
    def last(self) -> Exchange:
        """What the client was answered last."""
        return self.run.api.exchange(self.answers[-1])
