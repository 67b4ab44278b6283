"""
schemathesis on every operation: its examples, its coverage of the schema, and its fuzzing.

schemathesis makes the requests; whether one is valid is decided by the contract, as everywhere in this suite. Its own
checks of status, media type, headers and schema run on every answer. Left out are the checks whose item has a file
of its own here, and which would send requests that a live account should not see: ignored_auth (test_authentication),
unsupported_method (test_protocol), use_after_free and ensure_resource_availability (test_deletion, test_creation),
and positive_data_acceptance and negative_data_rejection, which take the generator's word for what is valid.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

import hypothesis
import requests
import schemathesis
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.specs.openapi import checks

from contract_tests.checks.findings import KNOWN, Matter
from contract_tests.checks.item_under_test import ItemUnderTest, Rejection
from contract_tests.checks.judge import Finding, Violation, require
from contract_tests.checks.run import Run
from contract_tests.checks.wrong_requests import other_type
from contract_tests.generation.candidate import to_json, values_in
from contract_tests.generation.numbers import EXACT_IN_DOUBLES
from contract_tests.spec.operation import is_json_type
from contract_tests.spec.resource import ROLES
from contract_tests.transport.exchange import NOT_JSON, Exchange

CHECKS = [
    checks.status_code_conformance, checks.content_type_conformance,
    checks.response_headers_conformance, checks.response_schema_conformance,
]  # fmt: skip
# Statuses that the contract leaves open and schemathesis would call undocumented.
UNNAMED_STATUSES = (405,)
# Cases of a phase where few requests may be sent.
BRIEF_CASES = 3


def generate(run: Run, item: ItemUnderTest, operation_id: str) -> Conformance:
    """Send everything that schemathesis makes for one operation, aimed at an item; tell what was sent and found."""
    conformance = Conformance(run, item)
    schema = _load(run)
    operations = [found.ok() for found in schema.get_all_operations()]
    operation = next(found for found in operations if found.definition.raw["operationId"] == operation_id)
    # schemathesis' own decorator lets the first failure end the phase; with the test in hand every case is sent.
    config = HypothesisTestConfig(
        project=schema.config, modes=list(HypothesisTestMode), settings=hypothesis.settings(), seed=run.seed
    )
    create_test(operation=operation, test_func=conformance.judge, config=config)()
    run.tally[f"schemathesis, {operation_id}", "generated"] += sum(conformance.phases.values())
    return conformance


def _load(run: Run) -> Any:
    """Load the contract into schemathesis, set to send nothing that the contract does not name."""
    schema = schemathesis.openapi.from_dict(dict(run.contract.document.tree))
    schema.config.update(base_url=run.api.target.base_url)
    # The tests of authentication drop the key; here every request carries it. Keys of the body that the contract
    # does not name prove nothing, because it neither promises nor refuses them.
    schema.config.generation.update(with_security_parameters=False, allow_extra_parameters=False)
    # Left at its default, the coverage phase sends DELETE and PUT to the same path.
    schema.config.phases.coverage.unexpected_methods = set()
    return schema


class Conformance:
    """Sends what schemathesis makes for one operation, and keeps every failure of the run."""

    def __init__(self, run: Run, item: ItemUnderTest) -> None:
        self.run = run
        self.contract = run.contract
        self.item = item
        self.found: dict[tuple[Matter, str], Finding] = {}
        self.phases: Counter[str] = Counter()

    def judge(self, case: Any) -> None:
        """Send one case and note what is wrong; an exception would end the coverage phase at the first failure."""
        phase = case.meta.phase.name.value
        if not case.operation.body and not case.operation.query and self.phases[phase]:
            return  # without a body or a query every case of the operation is the same request
        if self.run.is_brief and self.phases[phase] >= BRIEF_CASES:
            return
        try:
            request = requests.Request(**case.as_transport_kwargs()).prepare()
            for exchange in self._judge(case.operation.definition.raw["operationId"], request):
                self.phases[phase] += 1
                self._check(case, exchange)
        except Violation as violation:
            self._keep(violation.findings)

    def _check(self, case: Any, exchange: Exchange) -> None:
        if exchange.status in UNNAMED_STATUSES or exchange.response is None:
            return
        operation_id = case.operation.definition.raw["operationId"]
        if exchange.json is NOT_JSON:
            self._keep(self.run.judge.answer(operation_id, exchange))  # schemathesis' own parser gives up on some of it
            return
        try:
            case.validate_response(exchange.response, checks=CHECKS)
        except FailureGroup as group:
            # What the judge finds in this answer too is one matter, by whoever it is found.
            own = self.run.judge.answer(operation_id, exchange)
            self._keep(own or [self._finding(operation_id, failure, exchange) for failure in group.exceptions])

    def _finding(self, operation_id: str, failure: Exception, exchange: Exchange) -> Finding:
        problem = " ".join(str(failure).split())[:300]
        promise = "schemathesis holds the answer against the operation's responses"
        clause = f"{self.contract.operation(operation_id).pointer}/responses"
        return Finding("broken", problem, promise, clause, exchange, type(failure).__name__)

    def _keep(self, findings: Iterable[Finding]) -> None:
        fresh = [finding for finding in findings if not KNOWN.takes(finding)]
        self.found.update({(finding.matter, finding.problem): finding for finding in fresh})

    def sample(self, size: int) -> list[Finding]:
        """Return some of what was found, of each matter one before a second of any."""
        by_matter: dict[Matter, list[Finding]] = {}
        for finding in self.found.values():
            by_matter.setdefault(finding.matter, []).append(finding)
        return [finding for row in zip_longest(*by_matter.values()) for finding in row if finding is not None][:size]

    def _judge(self, operation_id: str, request: requests.PreparedRequest) -> Iterator[Exchange]:
        role, operation = self.contract.role(operation_id), self.contract.operation(operation_id)
        if role in ROLES:
            yield from getattr(self, role)(request)
        # It can be asked as it stands.
        elif not operation.path_parameters and not self.contract.why_uncalled(operation):
            exchange = self.run.api.send("GET", operation.path)
            require(self.run.judge.success(operation_id, exchange))
            yield exchange

    def update(self, request: requests.PreparedRequest) -> Iterator[Exchange]:
        """Update the item of the test: accepted with all that it means, or refused with all that it means."""
        body, update = self._body("update", request), self.contract.operation("update")
        clause = update.body_pointer or update.pointer
        if body is UNJUDGED:
            return
        if not _is_json(request):
            if self.contract.promises_that("strict_media_types"):
                yield self.item.refuses(other_type(self.item, _media_type(request), _bytes(request)))
        elif not self.contract.accepts("update", body):
            yield self.item.refuses(Rejection(_bytes(request), "this body breaks the schema", clause))
        elif self.run.rules.lawful(self.item.last, body):
            yield self.item.accepts(body)

    def create(self, request: requests.PreparedRequest) -> Iterator[Exchange]:
        """Create an item, named as those of this run are, and remove it."""
        body, create = self._body("create", request), self.contract.operation("create")
        if body is UNJUDGED or not _is_json(request):
            return
        is_valid, field = self.contract.accepts("create", body), self.contract.run_name
        named = body.get(field) if isinstance(body, dict) and field is not None else None
        is_named = isinstance(named, str) and self.contract.accepts_name(named)
        if is_named and isinstance(named, str):
            prefix = self.run.api.new_name()
            body[field] = prefix + named[len(prefix) :]
        if is_valid and not (self.contract.accepts("create", body) and self.run.rules.lawful({}, body)):
            return
        exchange = self.run.api.create(to_json(body) if is_named else _bytes(request))
        self.run.discard(exchange)
        if is_valid:
            require(self.run.judge.success("create", exchange))
        else:
            clause = create.body_pointer or create.pointer
            require(self.run.judge.refusal("create", exchange, promise="this body breaks the schema", clause=clause))
        yield exchange

    def read(self, _request: requests.PreparedRequest) -> Iterator[Exchange]:
        """Read the item of the test; nothing is promised of the form of an id."""
        exchange = self.run.api.read(self.item.item_id)
        require(self.run.judge.success("read", exchange))
        yield exchange

    def remove(self, _request: requests.PreparedRequest) -> Iterator[Exchange]:
        """Remove an item that was made for it."""
        yield self.run.remove(self.run.create().item_id)

    def list(self, request: requests.PreparedRequest) -> Iterator[Exchange]:
        """Read a page; only a page size outside its limits must be refused, other parameters may be."""
        query = (request.path_url or "").partition("?")[2]
        operation, size = self.contract.operation("list"), self.contract.listing.paging.size
        exchange = self.run.api.send("GET", f"{operation.path}{'?' if query else ''}{query}")
        sent = dict(re.findall(r"(?:^|&)([^=&]+)=([^&]*)", query))
        said = sent.pop(size.name, None) if size is not None else None
        is_number = said is not None and re.fullmatch(r"-?\d{1,300}", said) is not None
        is_outside = is_number and size is not None and not self.contract.accepts_value(size, int(said or 0))
        if is_outside or re.fullmatch(r"[A-Za-z]+", said or ""):
            found = self.run.judge.answer("list", exchange, *operation.refusals)
        else:
            is_open = sent or (said is not None and not said.isdigit())
            found = self.run.judge.success("list", exchange, *(operation.refusals if is_open else ()))
        require(found)
        yield exchange

    def _body(self, role: str, request: requests.PreparedRequest) -> Any:
        """Decode a body, its listed values made to fit; UNJUDGED where the contract says nothing of it."""
        try:
            body = json.loads(_bytes(request))
        except ValueError:
            return UNJUDGED if _is_json(request) else None
        if not isinstance(body, dict):
            return body
        fields = self.contract.fields(role)
        if not body.keys() <= fields.keys() or self.contract.unnamed(role, body) or _is_wide(body):
            return UNJUDGED
        if self.contract.is_in_doubt(role, body):
            return UNJUDGED
        some = next(iter(self.run.listed.combinations()), {})
        if any(isinstance(body.get(name), type(value)) for name, value in some.items()):
            known = {name: value for name, value in some.items() if name in fields}
            body |= {name: value for name, value in known.items() if isinstance(body.get(name, value), type(value))}
        return body


def _is_wide(value: Any) -> bool:
    """Whether a value holds a whole number beyond those that every parser keeps: nothing is promised of it."""
    return any(isinstance(each, (int, float)) and abs(each) > EXACT_IN_DOUBLES for each in values_in(value))


UNJUDGED = object()


def _bytes(request: requests.PreparedRequest) -> bytes:
    body = request.body or b""
    return body.encode() if isinstance(body, str) else body


def _media_type(request: requests.PreparedRequest) -> str:
    value = request.headers.get("Content-Type", "application/json")
    return value.decode() if isinstance(value, bytes) else str(value)


def _is_json(request: requests.PreparedRequest) -> bool:
    return is_json_type(_media_type(request))
