"""
The boundary values and the checks of this suite inside `schemathesis run`, by its documented hooks.

    SCHEMATHESIS_HOOKS=contract_tests.runner.schemathesis_hooks schemathesis run openapi.yaml --url ...

Each boundary value of each field becomes an example of its own: of an update, for an item that is made here, and of a
create. A check holds the answer, and what a read shows then, to the contract. In the end every item is removed.
"""

import atexit
import json
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from schemathesis.auths import AuthContext, set_on_case

from contract_tests.checks.creations import create_values, made, possible_new
from contract_tests.checks.findings import Finding
from contract_tests.checks.item_under_test import ItemUnderTest, Rejection
from contract_tests.checks.judge import Judge, Violation
from contract_tests.checks.run import Run
from contract_tests.checks.shape import shape_of
from contract_tests.checks.updates import possible, spoilt
from contract_tests.errors import Refused
from contract_tests.generation.boundaries import Boundary, boundaries, to_json
from contract_tests.runner.configuration import own_key
from contract_tests.spec.contract import Contract, load_contract
from contract_tests.transport.exchange import Exchange
from contract_tests.transport.target import Api, Target


@dataclass(frozen=True)
class Answered:
    """An API of which the next answer is there already: schemathesis has sent the request."""

    api: Api
    exchange: Exchange

    def send(self, *_: Any, **__: Any) -> Exchange:
        """Return that answer."""
        return self.exchange

    def __getattr__(self, name: str) -> Any:
        return getattr(self.api, name)


@dataclass
class Trial:
    """What is tried of one contract at one API, for as long as the process lives."""

    contract: Contract
    base_url: str
    key: str = ""
    values: dict[str, Boundary] = field(default_factory=dict)
    """By the id of the case that sends it."""
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was sent in place of the value alone, by the id of its case."""

    @cached_property
    def run(self) -> Run:
        """The run that the items belong to."""
        api = Api(Target(self.base_url, self.base_url, self.key), secrets.token_hex(4), shape_of(self.contract))
        atexit.register(api.remove_all)
        return Run(api, Judge(self.contract), seed=0)

    @cached_property
    def item(self) -> ItemUnderTest:
        """The item that updates are sent to."""
        return self.run.create()

    def examples(self, operation: Any) -> list[Any]:
        """Return a case for each boundary value of an operation, where a JSON text of schemathesis can carry it."""
        role = self.contract.role(operation.definition.raw.get("operationId", ""))
        if role == "create":
            values = create_values(self.contract)
        elif role == "update" and self.contract.has("create", "read"):
            values = [b for tried in self.contract.fields("update").values() for b in boundaries(self.contract, tried)]
        else:
            return []
        cases = []
        for value in values:
            if value.is_readable and value.token == to_json(value.value):
                parameters = {self.contract.resource.id_parameter: "made later"} if role == "update" else None
                media_type = self.contract.operation(role).body_type
                case = operation.Case(path_parameters=parameters, body={}, media_type=media_type)
                set_on_case(case, AuthContext(operation=operation, app=None), None)  # as it does for its own examples
                self.values[case.id] = value
                cases.append(case)
        return cases

    def _is_of_create(self, value: Boundary) -> bool:
        return self.contract.role(value.field.operation) == "create"

    def prepare(self, case: Any) -> None:
        """Give a case its item, and its value a body that is right in every other way."""
        value = self.values[case.id]
        wanted = {value.field.name: value.value}
        if self._is_of_create(value):
            body = {**self.run.full_body(), **wanted}
            right = possible_new(self.run, body, [value.field.name]) if value.accepted else None
        else:
            body, right = json.loads(spoilt(self.item, value).token), None
            if value.accepted:
                self.item.make_visible(wanted)
                right = possible(self.item, wanted)
            case.path_parameters = {self.contract.resource.id_parameter: str(self.item.item_id)}
        case.body = self.bodies[case.id] = right or body

    def findings(self, case: Any, exchange: Exchange) -> list[Finding]:
        """Return what the answer to a case, and the reads after it, break of the contract."""
        value, body = self.values[case.id], self.bodies[case.id]
        if self._is_of_create(value):
            item_id, name = self.run.api.shape.id_of(exchange.item), self.contract.run_name
            if item_id is not None:
                self.run.api.transport.ownership.claim(item_id, body.get(name or ""), exchange.item)
            if value.accepted:
                return made(self.run, body, exchange)
            promise, clause = value.field.promise, value.source
            found = self.run.judge.refusal("create", exchange, promise=promise, clause=clause, about=value.shown)
            self.run.discard(exchange)
            return found
        own = self.item.api
        self.item.api = Answered(own, exchange)  # type: ignore[assignment]
        try:
            if value.accepted:
                self.item.accepts(body, boundary=value)
            else:
                self.item.refuses(Rejection.of(value, to_json(body)))
        except Violation as violation:
            return list(violation.findings)
        finally:
            self.item.api = own
        return []


_TRIALS: dict[int, Trial] = {}


def _trial(operation: Any) -> Trial:
    schema = operation.schema
    if id(schema) not in _TRIALS:
        file = Path((schema.location or "").removeprefix("file://"))
        if not file.is_file():
            raise Refused(f"{schema.location} is no file; give schemathesis the contract as a file")
        _TRIALS[id(schema)] = Trial(load_contract(file), schema.get_base_url())
    return _TRIALS[id(schema)]


@schemathesis.hook
def before_add_examples(context: Any, examples: list[Any]) -> None:
    """Add the boundary values of an operation to its examples."""
    examples += _trial(context.operation).examples(context.operation)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Aim a boundary value at its item; the key is the one that schemathesis was given."""
    trial = _trial(case.operation)
    if case.id in trial.values:
        trial.key = trial.key or _key(trial, case)
        trial.prepare(case)


def _key(trial: Trial, case: Any) -> str:
    """Return the key that schemathesis sends in its headers, else that of the variable which the contract names."""
    headers = {**case.operation.schema.config.headers_for(operation=case.operation), **(case.headers or {})}
    sent = shape_of(trial.contract).key.sent_in(httpx.Request("GET", trial.base_url, headers=headers))
    return sent or own_key({"CONTRACT": str(trial.contract.document.file)})[1]


@schemathesis.check
def boundary_values_are_kept(context: Any, response: Any, case: Any) -> None:
    """What is accepted is stored, and nothing else moves; what is refused changes nothing."""
    trial = _trial(case.operation)
    if case.id in trial.bodies:
        found = trial.findings(case, _exchange(trial.run.api, response))
        if found:
            raise AssertionError("\n\n".join(map(str, found)))


def _exchange(api: Api, response: Any) -> Exchange:
    sent = response.request
    content = sent.body.encode() if isinstance(sent.body, str) else sent.body or b""
    request = httpx.Request(sent.method, sent.url, headers=dict(sent.headers), content=content)
    headers = [(name, value) for name, values in response.headers.items() for value in values]
    bare = [pair for pair in headers if pair[0].lower() not in ("content-encoding", "transfer-encoding")]
    return api.exchange(httpx.Response(response.status_code, headers=bare, content=response.content, request=request))
