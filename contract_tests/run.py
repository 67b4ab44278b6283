"""One contract run: the API, the judge, what was tried, and the personas that the tests borrow."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contract_tests.boundaries import good_values, to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Contract
from contract_tests.errors import Inconclusive
from contract_tests.exchange import Exchange
from contract_tests.fence import path_of
from contract_tests.subject import Persona, Subject
from contract_tests.target import Api
from contract_tests.transport import IN_USE
from contract_tests.verdict import BROKEN, DECISIONS, Finding, Judge, Violation, require

# A field that takes any text, and so can carry the name of the run.
MARKED_FIELD = "persona_prompt"

# As long as a list may be behind (#/x-decisions/concurrency), and a little more: how long each look waits for the next.
PAUSES_SECONDS = (0.25, 0.85, 2.2)
# So many pages of a list are turned: an account may have many personas, and a page may hold few.
MOST_PAGES = 40


@dataclass(frozen=True)
class Run:
    """What the tests of one run share."""

    api: Api
    judge: Judge
    seed: int
    lent: Persona | None = None
    """The persona that the account lends, as it was, where it may make none."""
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many values were tried, by field and by what the contract expects."""
    kept_since: list[float] = field(default_factory=list)
    """When the keepsake was updated; empty before."""
    is_brief: bool = False
    """Whether few requests may be sent, so that personas are used again."""
    _returned: list[Subject] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Run({self.api.run})"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Print as repr does: hypothesis, which prints the arguments of a failing test, would print every field."""
        printer.text(repr(self))

    @property
    def contract(self) -> Contract:
        """The contract that the API is held to."""
        return self.judge.contract

    @cached_property
    def voices(self) -> dict[str, list[str]]:
        """
        The languages of each voice, voices without a language left out.

        Raises:
            Violation: listVoices does not answer as documented.
        """
        exchange = self.api.voices()
        require(self.judge.success("listVoices", exchange))
        return spoken_languages(exchange.json["voices"])

    @property
    def spoken(self) -> tuple[str, str]:
        """
        A voice and a language that it speaks.

        Raises:
            Inconclusive: The API has none, so nothing can be tried.
        """
        if not self.voices:
            raise Inconclusive("GET /personas/voices lists no voice that speaks a language, so no persona can be made")
        voice = next(iter(self.voices))
        return voice, self.voices[voice][0]

    @cached_property
    def keepsake(self) -> Subject:
        """A persona that is updated when it is first asked for, and left alone from then on."""
        subject = self.create()
        subject.accepts(self.full_body("updatePersona", 1))
        self.kept_since.append(time.monotonic())
        return subject

    @cached_property
    def borrowed(self) -> Subject | None:
        """The persona that the account lends; all tests that borrow one share it."""
        return None if self.lent is None else Subject(self.api, self.judge, self.tally, self.lent)

    def chance(self, purpose: str) -> random.Random:
        """Return a source of randomness that the seed of the run and the purpose decide."""
        return random.Random(f"{self.seed} {purpose}")

    def full_body(self, operation_id: str = "createPersona", index: int = 0) -> Persona:
        """
        Return a body with every field of an operation set to a value that is valid beyond doubt.

        Args:
            operation_id: createPersona or updatePersona.
            index: Which of the good values; another index gives other values where the schema allows.
        """
        voice, language = self.spoken
        given = {"name": self.api.new_name(), VOICE_FIELD: voice, LANGUAGE_FIELD: language}
        body = {}
        for name, tried in self.contract.fields(operation_id).items():
            good = [given[name]] if name in given else good_values(tried)
            body[name] = good[index % len(good)]
        return body

    def marked_body(self) -> Persona:
        """Return a body for a create whose name is on trial: the name of the run stands in another field too."""
        body = self.full_body()
        return {**body, MARKED_FIELD: f"{body[MARKED_FIELD]} ({body['name']})"}

    def create(self, **changes: Any) -> Subject:
        """
        Make a persona that has every field set.

        Args:
            changes: Fields of the body that are not to have their usual value.

        Raises:
            Violation: createPersona does not answer as documented.
        """
        body = {**self.full_body(), **changes}
        exchange = self.api.create(to_json(body))
        require(self.judge.success("createPersona", exchange) + self.stolen(exchange))
        return Subject(self.api, self.judge, self.tally, exchange.persona)

    def call(self, operation_id: str, persona_id: str, key: str | None) -> Exchange:
        """
        Call an operation with a request that would be right but for its key.

        Args:
            operation_id: Any operation of the contract.
            persona_id: The persona in the path, where there is one.
            key: What is sent as the key; None sends none.
        """
        operation = self.contract.operation(operation_id)
        path = operation.path.replace("{persona_id}", path_of(persona_id).rpartition("/")[2])
        bodies = {
            "createPersona": lambda: self.full_body(),
            "updatePersona": lambda: self.full_body("updatePersona", 1),
        }
        body = to_json(bodies[operation_id]()) if operation_id in bodies else None
        return self.api.send(operation.method, path, body=body, key=key)

    def stolen(self, exchange: Exchange) -> list[Finding]:
        """Find a create that answers with the id of a persona which has another name than the one that was sent."""
        persona_id = exchange.persona.get("id")
        if not exchange.was_accepted or persona_id in self.api.ledger.made:
            return []
        problem = f"createPersona answered with the id {persona_id!r}, and GET shows another persona there"
        clause = self.contract.operation("createPersona").pointer
        return [Finding(BROKEN, problem, "the answer shows the persona that was made", clause, exchange)]

    def require_own_account(self) -> None:
        """
        Hold the API to what the account has shown: one persona for each create, none for a refusal, none after removal.

        Raises:
            Violation: It happened each time, so it is the API's doing.
            Inconclusive: It happened now and then, so a gateway may have sent a request twice, or none.
        """
        ledger = self.api.ledger
        doubled = (
            f"{len(ledger.doubles)} of {ledger.creates} creates made two personas: {', '.join(ledger.doubles[:5])}"
        )
        if len(ledger.doubles) > 1 and len(ledger.doubles) >= ledger.creates:
            require([self._surprise(doubled, "one create makes one persona", "creation")])
        if ledger.made_by_refusals:
            problem = f"refused creates made personas: {', '.join(ledger.made_by_refusals[:5])}"
            require([self._surprise(problem, "a body that is refused changes nothing", "atomic")])
        if ledger.late and ledger.missed is not None:
            missed = (
                f"{len(ledger.late)} of {ledger.creates} new personas were not shown by a read after their creation"
            )
            promise, clause = "a read sees the last completed write", f"{DECISIONS}/concurrency"
            if len(ledger.late) == 1 < ledger.creates:
                raise Inconclusive(missed)
            require([Finding(BROKEN, missed, promise, clause, self.api.exchange(ledger.missed), "late")])
        stayed = f"{len(ledger.undead)} personas stayed though their removal was answered with success"
        if len(ledger.undead) > 1 and not ledger.removed & set(ledger.made):
            require([self._surprise(stayed, "after a removal the persona is gone", "deletion")])
        if ledger.doubles or ledger.undead:
            raise Inconclusive(doubled if ledger.doubles else stayed)

    def _surprise(self, problem: str, promise: str, decision: str) -> Finding:
        """Tell of a persona that nobody has asked for, with the page of the list that showed it."""
        assert self.api.ledger.evidence is not None, "what was found stood on some page"
        page = self.api.exchange(self.api.ledger.evidence)
        return Finding(BROKEN, problem, promise, f"{DECISIONS}/{decision}", page, "made")

    def remove(self, persona_id: str, *others: int) -> Exchange:
        """
        Remove a persona of this run, as a test of what a removal does.

        Args:
            persona_id: Its id.
            others: Further statuses that are right.

        Raises:
            Violation: deletePersona does not answer as documented.
            Inconclusive: Something uses the persona, which is documented, and nothing follows from it.
        """
        exchange = self.api.delete(persona_id)
        documented = {IN_USE} & {*self.contract.operation("deletePersona").statuses}
        require(self.judge.success("deletePersona", exchange, *others, *documented))
        if exchange.status == IN_USE:
            raise Inconclusive(f"DELETE {exchange.path} answered {IN_USE}: something uses the persona")
        return exchange

    def named(self, name: str) -> list[str]:
        """
        Look through the list for the personas of exactly one name, and return their ids.

        Raises:
            Violation: listPersonas does not answer as documented.
        """
        shown = [persona for page in self.pages(filter=f'name="{name}"') for persona in page.json["personas"]]
        return list(dict.fromkeys(persona["id"] for persona in shown if persona["name"] == name))

    def pages(self, most: int = MOST_PAGES, **params: str) -> Iterator[Exchange]:
        """
        Turn the pages of a list: each may hold few personas, or none, and still lead on.

        Args:
            most: After so many pages the rest is left alone.
            params: The query of the first page, sent with each.

        Yields:
            The pages, until one leads to no other.

        Raises:
            Violation: listPersonas does not answer as documented.
        """
        token: dict[str, str] = {}
        for _ in range(most):
            page = self.api.list_personas(**params, **token)
            require(self.judge.success("listPersonas", page))
            yield page
            if not page.json.get("next_page_token"):
                return
            token = {"page_token": page.json["next_page_token"]}

    def at_last(self, look: Callable[[], list[Finding]]) -> None:
        """
        Pass once a look at a list finds nothing: a list may be behind for some time.

        Raises:
            Violation: It still finds something when that time is over.
        """
        for seconds in PAUSES_SECONDS:
            if not look():
                return
            time.sleep(seconds)
        require(look())

    def doubled(self, exchange: Exchange, name: str) -> list[Finding]:
        """Find a create that made two personas: look for its name, and take what is found for this run's own."""
        made = self.named(name)
        for persona_id in made:
            self.api.transport.ownership.claim(persona_id, name)
        others = [persona_id for persona_id in made if persona_id != exchange.persona.get("id")]
        if not others:
            return []
        for persona_id in others:
            self.api.delete(persona_id)
        problem = f"one create made {exchange.persona.get('id')} and {', '.join(others)}"
        return [Finding(BROKEN, problem, "one create makes one persona", "#/x-decisions/creation", exchange)]

    def discard(self, exchange: Exchange) -> None:
        """Remove the persona that a create has made, if it is one of this run."""
        persona_id = exchange.persona.get("id")
        if persona_id in self.api.ledger.alive:
            self.api.delete(str(persona_id))

    @contextmanager
    def persona(self, **changes: Any) -> Iterator[Subject]:
        """Lend a persona that has every field set, and remove it afterwards; a brief run lends it again."""
        subject = (None if changes else self._lend_again()) or self.create(**changes)
        try:
            yield subject
        finally:
            if self.is_brief and not changes:
                self._returned.append(subject)
            else:
                self._remove(subject)

    def _lend_again(self) -> Subject | None:
        """Read the persona that came back last, and lend it if it still has every field set."""
        while self._returned:
            subject = self._returned.pop()
            if subject.persona_id in self.api.ledger.removed:
                continue
            with suppress(Violation):
                persona = subject.read()
                if all(persona.get(name) is not None for name in self.contract.fields("updatePersona")):
                    return subject
            self._remove(subject)
        return None

    def _remove(self, subject: Subject) -> None:
        if subject.persona_id not in self.api.ledger.removed:
            with suppress(Inconclusive):  # the end of the run tries again
                self.api.delete(subject.persona_id)

    @contextmanager
    def lend(self) -> Iterator[Subject]:
        """Lend a persona that has every field set: one that is made for it, or the one that the account lends."""
        if self.borrowed is None:
            with self.persona() as subject:
                yield subject
        else:
            self.borrowed.accepts(self.full_body("updatePersona"))
            yield self.borrowed


def spoken_languages(voices: list[Any]) -> dict[str, list[str]]:
    """Return the languages of each voice, voices without a language left out; a voice listed twice speaks both lists."""
    spoken: dict[str, list[str]] = {}
    for voice in voices:
        known = spoken.get(voice["voice_name"], [])
        languages = [*known, *(language for language in voice["supported_languages"] if language not in known)]
        if languages:
            spoken[voice["voice_name"]] = languages
    return spoken
