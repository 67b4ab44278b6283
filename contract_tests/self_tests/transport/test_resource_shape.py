"""Other resources than personas: where their ids and items stand, how their keys are sent, and whose their items are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract_tests.api_key import ApiKey, Kind
from contract_tests.checks.shape import shape_of
from contract_tests.errors import Inconclusive, RunEnded, TargetError
from contract_tests.spec.contract import load_contract
from contract_tests.transport.account import Account
from contract_tests.transport.answers.foreign_answers import foreign_reason
from contract_tests.transport.created_resources import CreatedResources
from contract_tests.transport.journal import NoJournal
from contract_tests.transport.ownership import Ownership
from contract_tests.transport.resource_shape import ItemId, Paging, ResourceShape
from contract_tests.transport.run_limits import RequestBudget
from contract_tests.transport.write_guard import WriteGuard

CONTRACTS = Path(__file__).parents[1] / "contracts"
RUN = "0123abcd"
METHODS = {"create": "POST", "read": "GET", "update": "PUT", "remove": "DELETE", "list": "GET"}
NUMBERED = ResourceShape(
    "things", "/v2/things/", "/v2/things/{number}/", "number", "number", {"type": "integer"}, methods=METHODS
)


def _shape(name: str) -> ResourceShape:
    return shape_of(load_contract(CONTRACTS / f"{name}.yaml"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/things/12/", 12), ("/v2/things/12", 12), ("/v2/things/012/", "012"), ("/v2/things/+12/", "+12"),
        ("/v2/things/%31%32/", 12), ("/v2/things/\u0661", "\u0661"), ("/v2/things/", None), ("/v3/things/12/", None),
        ("/v2/things/12/parts", None),
    ],
)  # fmt: skip
def test_id_in_a_path_is_a_number_only_in_its_usual_spelling(path: str, expected: ItemId | None) -> None:
    """What a server may or may not read as the number 12 is not the item 12 to the write guard."""
    assert NUMBERED.id_in(path) == expected
    assert NUMBERED.path_of(12) == "/v2/things/12/"
    assert NUMBERED.template("/v2/things/12/parts") == "/v2/things/{number}/parts"


def test_items_stand_where_the_contract_says() -> None:
    """An envelope, none at all, and a bare item where others have an envelope are all read."""
    assert _shape("bookings").item_in({"data": {"id": "a"}}) == {"id": "a"}
    assert _shape("bookings").item_in({"id": "a"}) == {"id": "a"}
    assert _shape("tickets").item_in({"id": 1}) == {"id": 1}
    assert _shape("tickets").items_in([{"id": 1}]) == [{"id": 1}]
    assert _shape("devices").items_in({"data": []}) is None


@pytest.mark.parametrize("kind", ["none", "header", "query", "cookie", "bearer", "basic"])
def test_key_that_is_sent_is_found_again(kind: Kind) -> None:
    """Whose key a removal carried decides whether the run's own item is gone."""
    scheme, key = ApiKey(kind, "token"), "user:päss wörd"
    headers = httpx.Headers(scheme.headers(key))  # type: ignore[arg-type]  # a value may be bytes
    request = httpx.Request("GET", "http://127.0.0.1/things", params=scheme.query(key), headers=headers)
    found = scheme.sent_in(request)
    assert found.encode("utf-8", "surrogateescape") in (
        key.encode(),
        key.encode("utf-8").decode("latin-1").encode(),
    ) or (kind == "none" and not found)


@pytest.mark.parametrize(
    ("operation", "status", "body", "is_foreign"),
    [
        ("PATCH /tickets/{ticketId}", 204, b"", False),
        ("GET /tickets", 200, b"[]", False),
        ("GET /tickets/{ticketId}", 200, b"[]", True),
        ("GET /tickets/{ticketId}", 404, b'{"type": "about:blank", "title": "Missing", "status": 404}', False),
        ("GET /tickets/{ticketId}", 403, b'{"message": "Forbidden"}', True),
        ("GET /tickets/{ticketId}", 200, b"", True),
    ],
)
def test_answer_is_foreign_by_the_contracts_own_shapes(
    operation: str, status: int, body: bytes, is_foreign: bool
) -> None:
    """An empty success, a bare array and any shape of error are the API's own where the contract names them."""
    assert bool(foreign_reason(operation, httpx.Response(status, content=body), _shape("tickets"))) is is_foreign


@pytest.mark.parametrize(
    ("paging", "expected"),
    [
        (Paging("size", 2, offset="skip"), [{"size": "2"}, {"size": "2", "skip": "2"}, {"size": "2", "skip": "3"}]),
        (
            Paging("size", 2, page_number="page"),
            [{"size": "2"}, {"size": "2", "page": "2"}, {"size": "2", "page": "3"}],
        ),
        (Paging(page_number="page", first_page=0), [{}, {"page": "1"}, {"page": "2"}]),
        (Paging(), [{}]),
    ],
)
def test_list_is_turned_to_its_end(paging: Paging, expected: list[dict[str, str]]) -> None:
    """By offset or page number the list ends with an empty page; without pages one answer is all of it."""
    pages = [[{"number": 1}, {"number": 2}], [{"number": 3}], []]
    asked: list[dict[str, str]] = []

    def ask(_path: str, query: dict[str, str]) -> httpx.Response:
        asked.append(query)
        return httpx.Response(200, json=pages[len(asked) - 1])

    listing = Account(RUN, replace(NUMBERED, paging=paging), ask).listed(5)
    assert (asked, listing.is_complete) == (expected, True)


class Played:
    """An account of numbered things, which can carry no name."""

    def __init__(self, shape: ResourceShape) -> None:
        self.things: dict[int, dict[str, Any]] = {1: {"number": 1}}
        self.created = CreatedResources()
        self.guard = WriteGuard(b"127.0.0.1", "", True, RUN, self.created, bool, 20, None, shape)
        self.ownership = Ownership(self.guard, self.get, NoJournal(), RequestBudget())

    def get(self, path: str, params: dict[str, str] | None = None, *, is_reserved: bool = True) -> httpx.Response:
        """Answer a GET."""
        number = NUMBERED.id_in(path)
        if number is None:
            return httpx.Response(200, json=list(self.things.values()))
        known = self.things.get(int(number))
        return httpx.Response(404, json={}) if known is None else httpx.Response(200, json=known)

    def create(self, shown: int, made: int | None = None) -> None:
        """Send a create that makes something and is answered with an id."""
        request = httpx.Request("POST", "http://127.0.0.1/v2/things/", content=json.dumps({"size": 1}))
        creation = self.ownership.prepare(request)
        if made is not None:
            self.things[made] = {"number": made}
        with self.ownership.pending(creation):
            self.ownership.note_answer(creation, httpx.Response(201, json={"number": shown}))


def test_item_without_a_name_is_own_if_it_was_not_there_before() -> None:
    """Without a name the list before the first create tells; what it showed is never this run's."""
    account = Played(NUMBERED)
    account.create(2, made=2)
    assert account.created.made == [2]
    account.create(1)
    assert (account.created.made, account.created.unclaimed) == ([2], [1])
    with pytest.raises(RunEnded):
        account.create(3, made=3)
    for number, is_own in ((1, False), (2, True)):
        request = httpx.Request("DELETE", f"http://127.0.0.1/v2/things/{number}/")
        if is_own:
            account.guard.check(request)
        else:
            with pytest.raises(TargetError):
                account.guard.check(request)


def test_item_without_a_list_is_own_by_the_answer_to_its_creation() -> None:
    """Nothing else tells of it, so the answer is believed once a read shows that it is there."""
    account = Played(replace(NUMBERED, methods={role: how for role, how in METHODS.items() if role != "list"}))
    account.create(2, made=2)
    account.create(7)
    assert (account.created.made, account.created.unclaimed) == ([2], [7])


def test_unanswered_creation_that_nothing_can_find_is_told() -> None:
    """Where no name and no list can find what a create has made, the run says so at its end."""
    account = Played(replace(NUMBERED, methods={role: how for role, how in METHODS.items() if role != "list"}))
    creation = account.ownership.prepare(httpx.Request("POST", "http://127.0.0.1/v2/things/", content=b"{}"))
    assert account.ownership.claim_unanswered(creation) is None
    account.ownership.note_unsure(creation.name)
    assert account.created.unnamed == 1
    account.ownership.note_unsure(f"contract-test-{RUN}-1")
    with pytest.raises(Inconclusive, match="without a list"):
        account.ownership.look()
