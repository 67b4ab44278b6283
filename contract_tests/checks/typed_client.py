"""The client that was generated from a contract: found beside it, and called by role, whatever its models are called."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import httpx

from contract_tests.checks.judge import require
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
    """A generated package: its Client, its ApiError, and a module for each operation."""

    package: ModuleType
    operations: Mapping[str, ModuleType] = field(repr=False)
    """By role, or by operationId where an operation has none."""

    @property
    def error(self) -> type[Exception]:
        """What every answer but a success raises."""
        raised: type[Exception] = self.package.ApiError
        return raised

    def body(self, name: str, sent: Mapping[str, Any]) -> Any:
        """Return the typed body of an operation."""
        model = get_type_hints(self.operations[name].sync)["body"]
        return model.from_dict(dict(sent))

    def connect(self, run: Run, key: str, **httpx_args: Any) -> Any:
        """Open a client; its requests pass where *httpx_args* say."""
        return self.package.Client(key, run.api.target.base_url, httpx_args=httpx_args)


def find_client(contract: Contract, folder: Path | None = None) -> ClientPackage | None:
    """Return the client that has a module for each operation of a contract, by default in the folder beside it, or None."""
    folder = folder or contract.document.file.parent / FOLDER
    for found in sorted(folder.glob("*/api/__init__.py")):
        name = found.parents[1].name
        modules = {
            _plain(file.stem): f"{name}.api.{file.parent.name}.{file.stem}" for file in found.parent.glob("*/*.py")
        }
        wanted = {contract.role(o): _plain(o) for o in contract.operations}
        if set(wanted.values()) <= modules.keys():
            if str(folder) not in sys.path:
                sys.path.append(str(folder))
            package = importlib.import_module(name)
            return ClientPackage(package, {of: importlib.import_module(modules[at]) for of, at in wanted.items()})
    return None


def _plain(name: str) -> str:
    """Return a name as it is compared: the generator writes updateThing as update_thing."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _as_data(answer: Any) -> Any:
    """Return a model, or a list of models, as plain data."""
    if isinstance(answer, list):
        return [_as_data(each) for each in answer]
    return answer.to_dict() if hasattr(answer, "to_dict") else answer


@dataclass(frozen=True)
class Caller:
    """The generated client, its requests behind the run's write guard, and the last answer that it was given."""

    run: Run
    package: ClientPackage
    answers: deque[httpx.Response]
    client: Any

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """
        Call an operation, by role or operationId, with what the contract allows.

        Returns:
            The model that the client returned, as plain data; where it was answered with a known divergence, the answer.

        Raises:
            Inconclusive: Something uses the item that was to be removed.
            Violation: The client raised because the answer is not what the contract says.
            ApiError, HTTPError: It raised although the answer is.
        """
        sync = self.package.operations[name].sync
        return self.understood(name, lambda: sync(*arguments, client=self.client, **options))

    def understood(self, name: str, call: Callable[[], Any]) -> Any:
        """Make a call, and find out whether the answer or the client is to blame where it raises."""
        try:
            answer = call()
        except (self.package.error, httpx.HTTPError):  # httpx raises by itself for a Location that no parser takes
            if name == "remove" and self.last.status == IN_USE:
                raise Inconclusive(f"DELETE {self.last.path} answered {IN_USE}: something uses the item") from None
            found = self.run.judge.success(name, self.last)
            require(found)
            if not found:
                raise
            return self.last.json
        return _as_data(answer)

    def item(self, name: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Call an operation that shows an item, and return the item; empty where its success has no body."""
        return self.run.api.shape.item_in(self.call(name, *arguments, **options))

    def items(self, **query: str) -> list[Any]:
        """List the items of one page."""
        options = {argument: query[name] for name, argument in self._query_arguments.items() if name in query}
        typed = {name: int(value) if value.isdigit() else value for name, value in options.items()}
        return self.run.api.shape.items_in(self.call("list", **typed)) or []

    @cached_property
    def _query_arguments(self) -> dict[str, str]:
        """What the client calls the query parameters of the list."""
        arguments = {_plain(name): name for name in inspect.signature(self.package.operations["list"].sync).parameters}
        names = self.run.contract.query_fields("list")
        return {name: arguments[_plain(name)] for name in names if _plain(name) in arguments}

    def update(self, item_id: ItemId, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Update an item, and return it as the client shows it."""
        return self.item("update", item_id, body=self.package.body("update", sent))

    @property
    def last(self) -> Exchange:
        """What the client was answered last."""
        return self.run.api.exchange(self.answers[-1])
