"""
schemathesis on every operation: its examples, its coverage of the schema, and its fuzzing.

schemathesis makes the requests; whether one is valid is decided by the contract, as everywhere in this suite. Its own
checks of status, media type, headers and schema run on every answer. Left out are the checks whose subject has a file
of its own here, and which would send requests that a live account should not see: ignored_auth (test_authentication),
unsupported_method (test_protocol), use_after_free and ensure_resource_availability (test_deletion, test_creation),
and positive_data_acceptance and negative_data_rejection, which take the generator's word for what is valid.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import hypothesis
import requests
import schemathesis
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.specs.openapi import checks

from contract_tests.boundaries import to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, load_contract
from contract_tests.exchange import NOT_JSON, Exchange
from contract_tests.findings import KNOWN, Matter
from contract_tests.run import Run
from contract_tests.subject import Subject
from contract_tests.verdict import Finding, Violation, require

CONTRACT = load_contract()
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# Statuses that the contract leaves open and schemathesis would call undocumented.
UNNAMED_STATUSES = (405,)
# Cases of a phase where few requests may be sent.
BRIEF_CASES = 6
PHASES = frozenset(mode.value for mode in HypothesisTestMode)


def generate(run: Run, subject: Subject, operation_id: str) -> Conformance:
    """
    Send everything that schemathesis makes for one operation.

    Args:
        run: Where to send it.
        subject: The persona that requests are aimed at.
        operation_id: The operation.

    Returns:
        What was sent in which phase, and what was found.
    """
    assert set(JUDGES) == set(CONTRACT.operations), "every operation needs somebody who judges its answers"
    conformance = Conformance(run, subject)
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
    schema = schemathesis.openapi.from_dict(dict(CONTRACT.document))
    schema.config.update(base_url=run.api.target.base_url)
    # The tests of authentication drop the key; here every request carries it. Keys of the body that the contract
    # does not name prove nothing, because it neither promises nor refuses them.
    schema.config.generation.update(with_security_parameters=False, allow_extra_parameters=False)
    # Left at its default, the coverage phase sends DELETE and PUT to the same path.
    schema.config.phases.coverage.unexpected_methods = set()
    return schema


class Conformance:
    """Sends what schemathesis makes for one operation, and keeps every failure of the run."""

    def __init__(self, run: Run, subject: Subject) -> None:
        self.run = run
        self.subject = subject
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
            for exchange in JUDGES[case.operation.definition.raw["operationId"]](self, _prepare(case)):
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
        clause = f"{CONTRACT.operation(operation_id).pointer}/responses"
        return Finding("broken", problem, promise, clause, exchange, type(failure).__name__)

    def _keep(self, findings: Iterable[Finding]) -> None:
        fresh = [finding for finding in findings if not KNOWN.takes(finding)]
        self.found.update({(finding.matter, finding.problem): finding for finding in fresh})

    def sample(self, size: int) -> list[Finding]:
        """Return some of what was found, of each matter one before a second of any."""
        seen: Counter[Matter] = Counter()
        ranks: list[tuple[int, int, Finding]] = []
        for finding in self.found.values():
            ranks.append((seen[finding.matter], len(ranks), finding))
            seen[finding.matter] += 1
        return [finding for _, _, finding in sorted(ranks, key=lambda rank: rank[:2])[:size]]

    def update(self, request: requests.PreparedRequest) -> Iterator[Exchange]:
        """PATCH the persona of the test: accepted with all that it means, or refused with all that it means."""
        body = self._body(request)
        clause = "#/components/schemas/PersonaUpdate"
        if body is UNJUDGED:
            return
        if not _is_json(request):
            promise = "a body of another media type gets 400 or 415"
            yield self.subject.refuses(
                _bytes(request), promise=promise, clause=clause, statuses=(400, 415), content_type=_media_type(request)
            )
        elif CONTRACT.accepts("updatePersona", body):
            yield self.subject.accepts(body)
        else:
            yield self.subject.refuses(_bytes(request), promise="this body breaks the schema", clause=clause)

    def create(self, request: requests.PreparedRequest) -> Iterator[Exchange]:
        """POST a persona, named as those of this run are, and remove it."""
        body = self._body(request)
        if body is UNJUDGED or not _is_json(request):
            return
        is_valid = CONTRACT.accepts("createPersona", body)
        is_named = isinstance(body, dict) and isinstance(body.get("name"), str) and CONTRACT.accepts_name(body["name"])
        if is_named:
            prefix = self.run.api.new_name()
            body["name"] = prefix + body["name"][len(prefix) :]
        exchange = self.run.api.create(to_json(body) if is_named else _bytes(request))
        self.run.discard(exchange)
        if is_valid:
            require(self.run.judge.success("createPersona", exchange))
        else:
            clause, promise = "#/components/schemas/PersonaCreate", "this body breaks the schema"
            require(self.run.judge.refusal("createPersona", exchange, 400, promise=promise, clause=clause))
        yield exchange

    def get(self, _request: requests.PreparedRequest) -> Iterator[Exchange]:
        """GET the persona of the test; the contract promises nothing of the form of an id."""
        exchange = self.run.api.get(self.subject.persona_id)
        require(self.run.judge.success("getPersona", exchange))
        yield exchange

    def delete(self, _request: requests.PreparedRequest) -> Iterator[Exchange]:
        """DELETE a persona that was made for it."""
        yield self.run.remove(self.run.create().persona_id)

    def list(self, request: requests.PreparedRequest) -> Iterator[Exchange]:
        """GET a page; only a page_size outside its limits must be refused, other parameters may be."""
        query = (request.path_url or "").partition("?")[2]
        exchange = self.run.api.send("GET", f"/personas{'?' if query else ''}{query}")
        sizes = re.findall(r"(?:^|&)page_size=([^&]*)", query)
        size = sizes[0] if len(sizes) == 1 else ""
        limits = CONTRACT.query_fields("listPersonas")["page_size"]
        is_outside = bool(re.fullmatch(r"-?\d+", size)) and not CONTRACT.accepts_value(limits, int(size))
        others = set(re.findall(r"(?:^|&)(\w+)=", query)) - {"page_size"}
        if is_outside or re.fullmatch(r"[A-Za-z]+", size):
            found = self.run.judge.answer("listPersonas", exchange, 400)
        else:
            is_open = others or (not size.isdigit() and sizes)
            found = self.run.judge.success("listPersonas", exchange, *([400] if is_open else []))
        require(found)
        yield exchange

    def voices(self, _request: requests.PreparedRequest) -> Iterator[Exchange]:
        """GET the voices."""
        exchange = self.run.api.voices()
        require(self.run.judge.success("listVoices", exchange))
        yield exchange

    def _body(self, request: requests.PreparedRequest) -> Any:
        """Decode a body, its voice and language made to fit; UNJUDGED where the contract says nothing of it."""
        try:
            body = json.loads(_bytes(request))
        except ValueError:
            return UNJUDGED if _is_json(request) else None
        if not isinstance(body, dict):
            return body
        if not body.keys() <= CONTRACT.fields("createPersona").keys() | CONTRACT.fields("updatePersona").keys():
            return UNJUDGED
        if any(isinstance(body.get(name), str) for name in (VOICE_FIELD, LANGUAGE_FIELD)):
            fitting = dict(zip((VOICE_FIELD, LANGUAGE_FIELD), self.run.spoken, strict=True))
            body |= {name: value for name, value in fitting.items() if isinstance(body.get(name, value), str)}
        return body


UNJUDGED = object()

JUDGES: dict[str, Callable[[Conformance, requests.PreparedRequest], Iterator[Exchange]]] = {
    "updatePersona": Conformance.update,
    "createPersona": Conformance.create,
    "getPersona": Conformance.get,
    "deletePersona": Conformance.delete,
    "listPersonas": Conformance.list,
    "listVoices": Conformance.voices,
}


def _prepare(case: Any) -> requests.PreparedRequest:
    """Return the case as it would go over the wire; it is sent by the run's own client, behind its fence."""
    return requests.Request(**case.as_transport_kwargs()).prepare()


def _bytes(request: requests.PreparedRequest) -> bytes:
    body = request.body or b""
    return body.encode() if isinstance(body, str) else body


def _media_type(request: requests.PreparedRequest) -> str:
    value = request.headers.get("Content-Type", "application/json")
    return value.decode() if isinstance(value, bytes) else str(value)


def _is_json(request: requests.PreparedRequest) -> bool:
    return _media_type(request).partition(";")[0].strip().lower() == "application/json"
