"""Which personas a run takes for its own, held against an account that is played here, without a server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract_tests.errors import Inconclusive, RunEnded
from contract_tests.self_tests.transport.shapes import PERSONAS
from contract_tests.transport.account import Account
from contract_tests.transport.created_resources import CreatedResources
from contract_tests.transport.journal import Journal
from contract_tests.transport.leftovers import SURE_SECONDS, read
from contract_tests.transport.ownership import PAGES_OF_A_LOOK, Ownership
from contract_tests.transport.resource_shape import Item, ItemId
from contract_tests.transport.run_limits import RequestBudget
from contract_tests.transport.write_guard import WriteGuard

RUN = "0123abcd"
LONG_AGO, NOW = "2025-01-24T10:00:00Z", "2026-06-01T12:00:00Z"
CAP = 12


class PlayedAccount:
    """An account in memory: what POST would make, and what GET shows."""

    def __init__(self, journal: Journal) -> None:
        self.items: dict[str, Item] = {}
        self.created = CreatedResources()
        guard = WriteGuard(b"127.0.0.1", "", True, RUN, self.created, bool, CAP, None, PERSONAS)
        self.ownership = Ownership(guard, self.get, journal, RequestBudget())
        self.is_listed = self.is_read = True
        self.has_next = False
        self.add("foreign", name=None, create_time=LONG_AGO)

    def add(self, persona_id: str, *, create_time: str = NOW, **fields: Any) -> Item:
        """Put a persona into the account."""
        self.items[persona_id] = {"id": persona_id, "create_time": create_time, **fields}
        return self.items[persona_id]

    def get(self, path: str, params: dict[str, str] | None = None, *, is_reserved: bool = True) -> httpx.Response:
        """Answer a GET."""
        if path == "/personas" and not self.is_listed:
            return httpx.Response(500, json={})
        if path == "/personas":
            token = {"next_page_token": "again"} if self.has_next else {}
            return httpx.Response(200, json={"personas": list(reversed(self.items.values()))} | token)
        if not self.is_read:
            return httpx.Response(404, json={})
        item = self.items.get(path.rpartition("/")[2])
        return httpx.Response(404, json={}) if item is None else httpx.Response(200, json={"persona": item})

    def create(self, body: Any, answer: Any, made: dict[str, Item] | None = None, status: int = 201) -> list[ItemId]:
        """Send a create that makes something, or nothing, and is answered in some way; what is to be removed."""
        request = httpx.Request("POST", "http://127.0.0.1/personas", content=json.dumps(body))
        creation = self.ownership.prepare(request)
        for persona_id, fields in (made or {}).items():
            self.add(persona_id, **fields)
        with self.ownership.pending(creation):
            return self.ownership.note_answer(creation, httpx.Response(status, json=answer))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal in a folder of its own."""
    journal = Journal(RUN, "http://127.0.0.1:8400/v1", "Key-4711-abc", tmp_path)
    yield journal
    journal.close()


@pytest.fixture
def account(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> PlayedAccount:
    """An account with one foreign persona, whose name is null; its list is never behind."""
    monkeypatch.setattr("contract_tests.transport.ownership.LOOK_AGAIN_AFTER", (0.0,))
    return PlayedAccount(journal)


def named(number: int) -> str:
    """Return a name of the run."""
    return f"contract-test-{RUN}-{number}"


def shown(persona_id: str) -> dict[str, Any]:
    """Return an answer that names a persona."""
    return {"persona": {"id": persona_id}}


@pytest.mark.parametrize("name", [None, "", "Friendly Customer", "contract-test-deadbeef-1", f"contract-test-{RUN}"])
def test_foreign_persona_that_a_create_is_answered_with_is_not_owned(account: PlayedAccount, name: str | None) -> None:
    """What does not show the name of this run on a read of its own is never this run's."""
    account.items["foreign"]["name"] = name
    account.create({"name": named(1)}, shown("foreign"), {"mine": {"name": named(1)}})
    assert account.created.made == ["mine"]
    assert account.created.unclaimed == []


@pytest.mark.parametrize(
    ("persona_id", "create_time", "is_own"),
    [("foreign", LONG_AGO, False), ("fresh", NOW, True), ("fresh", LONG_AGO, False), ("fresh", "soon", False)],
    ids=["was there", "new", "not shown before and old", "of no known time"],
)
def test_persona_without_a_mark_is_owned_only_if_it_is_proved_to_be_new(
    account: PlayedAccount, persona_id: str, create_time: str, is_own: bool
) -> None:
    """Where a create can carry no name, only what was not there before, and is not older than the run, is taken."""
    account.create({"name": named(1)}, shown("first"), {"first": {"name": named(1)}})
    made = {} if persona_id == "foreign" else {persona_id: {"name": "", "create_time": create_time}}
    account.create(None, shown(persona_id), made)
    assert (persona_id in account.created.made) == is_own
    assert account.created.unclaimed == ([] if is_own else [persona_id])


def test_mark_in_another_field_shows_whose_a_persona_is(account: PlayedAccount) -> None:
    """A create whose name is on trial carries the name of the run elsewhere."""
    body = {"name": "", "prompt": f"of {named(1)}"}
    account.create(body, shown("odd"), {"odd": body})
    assert account.created.made == ["odd"]


@pytest.mark.parametrize("answer", [{}, {"id": "mine"}, "made", None, shown(""), shown("a/b")])
def test_persona_is_found_where_the_answer_does_not_name_it(account: PlayedAccount, answer: Any) -> None:
    """A create that is answered without an id is looked for by its name, and goes on."""
    for number in (1, 2):
        account.create({"name": named(number)}, answer, {f"mine{number}": {"name": named(number)}})
    assert account.created.made == ["mine1", "mine2"]


@pytest.mark.parametrize("answer", [{}, shown("foreign"), shown("nowhere")])
def test_nothing_more_is_made_where_what_was_made_cannot_be_found(account: PlayedAccount, answer: Any) -> None:
    """A create whose persona is not to be found is the last."""
    account.create({"name": named(1)}, answer)
    with pytest.raises(RunEnded, match="not to be found"):
        account.create({"name": named(2)}, shown("second"), {"second": {"name": named(2)}})
    assert account.created.made == []
    assert named(1) in account.created.unsure_names


def test_unanswered_create_takes_nothing_that_an_earlier_one_has_made(account: PlayedAccount) -> None:
    """Two personas may have one name; a second create that fails leaves the first persona in peace."""
    account.create({"name": named(1)}, shown("first"), {"first": {"name": named(1)}})
    request = httpx.Request("POST", "http://127.0.0.1/personas", content=json.dumps({"name": named(1)}))
    creation = account.ownership.prepare(request)
    with account.ownership.pending(creation):
        assert account.ownership.claim_unanswered(creation) == []
        account.add("second", name=named(1))
        assert account.ownership.claim_unanswered(creation) == ["second"]


def test_second_persona_of_one_create_is_found_and_told(account: PlayedAccount) -> None:
    """What bears a name of the run and was never asked for is taken, so that it can be removed, and noted."""
    account.create({"name": named(1)}, shown("one"), {"one": {"name": named(1)}, "twin": {"name": named(1)}})
    account.ownership.look()
    assert (sorted(account.created.alive), account.created.duplicates) == (["one", "twin"], [named(1)])
    assert account.created.evidence is not None


def test_persona_of_a_refused_create_is_found_and_told(account: PlayedAccount) -> None:
    """A refusal makes nothing; what it made all the same is removed and noted."""
    account.create({"name": named(1)}, shown("first"), {"first": {"name": named(1)}})
    account.create({"name": named(2)}, {}, {"left": {"name": named(2)}}, 400)
    account.ownership.look()
    assert (sorted(account.created.alive), account.created.made_by_refusals) == (["first", "left"], [named(2)])


def test_older_persona_that_shows_a_name_of_the_run_is_not_touched(account: PlayedAccount) -> None:
    """An update may reach what it was not sent to: that persona is another's still."""
    account.create({"name": named(1)}, shown("first"), {"first": {"name": named(1)}})
    account.items["foreign"]["name"] = named(1)
    account.ownership.look()
    assert (account.created.made, account.created.foreign) == (["first"], {"foreign"})


def test_persona_that_stays_after_its_removal_is_alive_again(account: PlayedAccount) -> None:
    """The account says whether a persona is gone, not the answer to its removal."""
    for number, persona_id in enumerate(("stays", "goes"), 1):
        account.create({"name": named(number)}, shown(persona_id), {persona_id: {"name": named(number)}})
        account.ownership.note_removed(persona_id)
    del account.items["goes"]
    account.ownership.look()
    assert (list(account.created.alive), account.created.not_removed) == (["stays"], {"stays"})


@pytest.mark.parametrize("each_makes", [1, 2])
def test_no_more_are_alive_than_the_cap_allows_whatever_creates_and_removals_do(
    account: PlayedAccount, each_makes: int
) -> None:
    """MAX_PERSONAS holds where each create makes two, and where no removal removes anything."""
    for number in range(1, 100):
        made: dict[str, Item] = {f"p{number}-{twin}": {"name": named(number)} for twin in range(each_makes)}
        if len(account.created.alive) >= CAP:
            break  # the write guard refuses the next
        try:
            account.create({"name": named(number)}, shown(f"p{number}-0"), made)
        except RunEnded:
            break
        account.ownership.note_removed(f"p{number}-0")
    own = [item for item in account.items.values() if item["id"] != "foreign"]
    assert len(own) <= CAP + 1


def test_unanswered_create_is_kept_until_it_can_no_longer_be_done(
    account: PlayedAccount, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A create that was never answered may be done after the run: its name stays in the journal for a while."""
    request = httpx.Request("POST", "http://127.0.0.1/personas", content=json.dumps({"name": named(1)}))
    creation = account.ownership.prepare(request)
    account.ownership.note_unsure(creation.name)
    account.ownership.look()
    assert [create.name for create in read(journal.path).unanswered] == [named(1)]
    later = time.time() + SURE_SECONDS
    monkeypatch.setattr(time, "time", lambda: later)
    account.is_listed = False
    with pytest.raises(Inconclusive):
        account.ownership.look()
    assert [create.name for create in read(journal.path).unanswered] == [named(1)], "nobody has looked"
    account.is_listed = True
    account.ownership.look()
    assert read(journal.path).unanswered == []


@pytest.mark.parametrize("is_first", [True, False])
def test_persona_that_a_create_has_overwritten_is_never_owned(account: PlayedAccount, is_first: bool) -> None:
    """An API may answer a create with somebody else's persona and show the new name there: it is left alone."""
    if not is_first:
        account.create({"name": named(1)}, shown("first"), {"first": {"name": named(1)}})
    account.items["foreign"]["name"] = named(2)
    account.create({"name": named(2)}, shown("foreign"))
    account.ownership.look()
    assert "foreign" not in account.created.made
    assert account.created.unclaimed == ["foreign"]


def test_persona_that_was_answered_with_is_not_removed_as_unseen(account: PlayedAccount) -> None:
    """A persona that a read missed and the list shows is the test's own: nobody takes it away."""
    account.is_read = False
    found = account.create({"name": named(1)}, shown("mine"), {"mine": {"name": named(1)}})
    assert (account.created.made, found) == (["mine"], [])


@pytest.mark.parametrize("answered", ["", "..", "a/b", "x" * 70_000], ids=["empty", "dots", "slash", "long"])
def test_id_that_no_path_can_hold_is_looked_for_by_name(account: PlayedAccount, answered: str) -> None:
    """An id that could not be removed is not believed."""
    account.create({"name": named(1)}, shown(answered), {"mine": {"name": named(1)}})
    assert account.created.made == ["mine"]


def test_list_that_is_not_seen_to_its_end_says_nothing(account: PlayedAccount) -> None:
    """Where the newest come last, a page of old ones is no end."""
    account.create({"name": named(1)}, shown("first"), {"first": {"name": named(1)}})
    account.has_next = True
    with pytest.raises(Inconclusive, match="not seen to its end"):
        account.ownership.look()


@pytest.mark.parametrize("is_new_each_time", [False, True])
def test_list_without_an_end_is_left(is_new_each_time: bool) -> None:
    """A list that always has a next page costs a bounded number of requests."""
    asked: list[dict[str, str]] = []

    def ask(_path: str, query: dict[str, str]) -> httpx.Response:
        asked.append(query)
        token = str(len(asked)) if is_new_each_time else "again"
        return httpx.Response(200, json={"personas": [], "next_page_token": token})

    listing = Account(RUN, PERSONAS, ask).listed(PAGES_OF_A_LOOK)
    assert not listing.is_complete
    assert len(asked) == (PAGES_OF_A_LOOK if is_new_each_time else 2)
