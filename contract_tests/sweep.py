"""
Puts right what a killed run has left, as `make sweep` and the beginning and the end of every run do.

    python -m contract_tests.sweep

By id, and by the exact name of a create that was never answered, both from the journals in `.journal/`; never anything
else. A run that is alive is left alone. With ALL=1 every persona goes whose name is of the form that runs give, from
whatever machine they were started. Takes BASE_URL, COVAL_API_KEY, RATE and MAX_REQUESTS from the environment.
"""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from contract_tests import item_lock, journal
from contract_tests.account import PAGES_OF_A_SEARCH, Account, Creation, was_made_since
from contract_tests.contract import ContractError, load_contract
from contract_tests.errors import Inconclusive, Refused, TargetError
from contract_tests.fence import NAME_PREFIX
from contract_tests.interruption import interruptible
from contract_tests.journal import SURE_SECONDS, Remains, Unanswered
from contract_tests.loan import advice, restored
from contract_tests.probe import probe
from contract_tests.secrecy import cleared_output
from contract_tests.settings import Settings, opened, read_key, read_settings
from contract_tests.target import Api
from contract_tests.transport import GONE
from contract_tests.written_values import WrittenValues

OWN_NAME = re.compile(NAME_PREFIX + r"[0-9a-f]{8}-\d+")
LARGEST_PAGE = "100"


@dataclass
class Swept:
    """What was put right, and what was not."""

    removed: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    awaited: list[Unanswered] = field(default_factory=list)
    """Creates that were never answered, and may yet be done."""
    requests: Counter[str] = field(default_factory=Counter)

    def lines(self) -> Iterator[str]:
        """Yield what a person reads; nothing where there was nothing to do."""
        if self.removed:
            yield f"removed {_count(self.removed)} that an earlier run had left: {', '.join(self.removed)}"
        if self.restored:
            yield f"restored {_count(self.restored)} as lent to an earlier run: {', '.join(self.restored)}"
        for sentence in self.left:
            yield f"LEFT BEHIND: {sentence}"
        for create in self.awaited:
            until = datetime.fromtimestamp(create.sent_at + SURE_SECONDS).strftime("%H:%M:%S")
            yield f"{create.name} was never answered: the next run, or make sweep, looks for it again until {until}"


def sweep(settings: Settings) -> Swept:
    """
    Put right what dead runs against the same API with the same key have left.

    Raises:
        Refused: COVAL_API_KEY cannot be used.
    """
    swept = Swept()
    key = read_key(os.environ)
    for remains in journal.of_dead_runs():
        if remains.is_settled:
            remains.path.unlink(missing_ok=True)
        elif remains.belongs_to(settings.base_url, key):
            _put_right(settings, remains, swept)
            if journal.read(remains.path).is_settled:
                remains.path.unlink()
    item_lock.remove_stale(journal.folder())
    return swept


def sweep_all(settings: Settings) -> Swept:
    """
    Remove every persona whose name is of the form that runs give, but for those of runs that are alive here.

    Raises:
        Inconclusive: The list was not answered.
    """
    swept = Swept()
    living = {path.stem for path in journal.of_living_runs()}
    with opened(settings, secrets.token_hex(4)) as api:
        found = [item for item in _all_personas(api) if _is_left_over(item.get("name"), living)]
        print(f"ALL=1: removing {len(found)} personas whose names begin with {NAME_PREFIX}<run>-<number>", flush=True)
        for item in found:
            _remove_named(api, item["id"], item["name"], swept)
        swept.requests += api.ledger.requests
    return swept


def _put_right(settings: Settings, remains: Remains, swept: Swept) -> None:
    """Remove what one run has left, and restore what it has borrowed, noting each step in its journal."""
    lent_id = remains.lent["id"] if remains.lent else None
    with opened(dataclasses.replace(settings, lent_id=lent_id), secrets.token_hex(4)) as api:
        for persona_id in list(remains.alive):
            api.transport.ownership.claim(persona_id, remains.alive[persona_id])
            if _remove(api, persona_id, swept):
                journal.note(remains.path, removed=persona_id)
        try:
            _remove_found(api, remains, swept)
        except Inconclusive as error:
            swept.left.append(f"whatever else run {remains.run} has made ({error})")
        if remains.lent is not None:
            written = None if remains.wrote is None else WrittenValues(remains.wrote)
            problem = restored(api, remains.lent, load_contract(), written)
            if problem:
                swept.left.append(f"{problem}; {advice(remains.path)}")
            else:
                swept.restored.append(remains.lent["id"])
                journal.note(remains.path, restored=remains.lent["id"])
        swept.requests += api.ledger.requests


def _remove_found(api: Api, remains: Remains, swept: Swept) -> None:
    """Remove what the account shows of one run: what was never answered, and what was made without being asked for."""
    account = Account(remains.run, api.transport.get)
    waiting = {create.name: create for create in remains.unanswered if account.marks(create.name)}
    found = {item["id"]: item for name in waiting for item in account.made_by(Creation(name, account.marks(name)))}
    found |= {item["id"]: item for item in account.listed(PAGES_OF_A_SEARCH).items if account.marks_of(item)}
    for persona_id, item in found.items():
        name = next((name for name in waiting if account.marks(name) & account.marks_of(item)), None)
        if name is None and not was_made_since(item, remains.began_at):
            swept.left.append(f"persona {persona_id} (it shows a name of run {remains.run}, and is older than the run)")
        elif _remove_named(api, persona_id, str(item.get("name")), swept, remains, noted=name):
            waiting.pop(name or "", None)
    for create in waiting.values():
        if create.is_over:
            journal.note(remains.path, settled=create.name)
        else:
            swept.awaited.append(create)


def _remove_named(
    api: Api, persona_id: str, name: str, swept: Swept, remains: Remains | None = None, noted: str | None = None
) -> bool:
    """
    Remove a persona if a read of its own shows that it has this name.

    Args:
        api: The API, whose fence lets through what is claimed.
        persona_id: Its id.
        name: The name that it has to show.
        swept: Takes what was done, and what could not be done.
        remains: The run that has made it, where its journal knows.
        noted: The name by which that journal knows its create.
    """
    try:
        exchange = api.get(persona_id)
    except Inconclusive as error:
        swept.left.append(f"persona {persona_id} ({error})")
        return False
    if exchange.status == 404 or (exchange.status == 200 and exchange.persona.get("name") not in (name, None)):
        return True  # it is gone, or another's
    if exchange.persona.get("name") != name:
        swept.left.append(f"persona {persona_id} (GET answered {exchange.status}, so nobody knows whose it is)")
        return False
    api.transport.ownership.claim(persona_id, name)
    if remains is not None:
        journal.note(remains.path, created=persona_id, name=noted)
    is_gone = _remove(api, persona_id, swept)
    if remains is not None and is_gone:
        journal.note(remains.path, removed=persona_id)
    return is_gone


def _remove(api: Api, persona_id: str, swept: Swept) -> bool:
    try:
        status = api.delete(persona_id).status
    except Inconclusive as error:
        swept.left.append(f"persona {persona_id} ({error})")
        return persona_id in api.ledger.removed
    if status not in GONE:
        swept.left.append(f"persona {persona_id} (DELETE answered {status})")
        return False
    if status != 404:
        swept.removed.append(persona_id)
    return True


def _all_personas(api: Api) -> Iterator[dict[str, str]]:
    token = None
    while True:
        exchange = api.list_personas(page_size=LARGEST_PAGE, **({"page_token": token} if token else {}))
        if not exchange.was_accepted or not isinstance(exchange.json, dict):
            raise Inconclusive(f"GET /personas answered {exchange.status}")
        yield from exchange.json["personas"]
        before, token = token, exchange.json.get("next_page_token")
        if not token or token == before:
            return


def _is_left_over(name: object, living: set[str]) -> bool:
    return isinstance(name, str) and OWN_NAME.match(name) is not None and name.split("-")[2] not in living


def _count(ids: list[str]) -> str:
    return f"{len(ids)} persona{'' if len(ids) == 1 else 's'}"


def main() -> int:
    """
    Sweep, and say what was done.

    Returns:
        0 when nothing is left, 2 when something is, 4 for wrong usage.
    """
    try:
        settings = read_settings(os.environ)
        if settings is None:
            raise Refused("BASE_URL is not set; name the API that the killed run was aimed at")
        read_key(os.environ)
        with opened(settings, secrets.token_hex(4)) as api:
            probe(api, dataclasses.replace(settings, lent_id=None))
        swept = sweep(settings)
        if os.environ.get("ALL") == "1":
            everything = sweep_all(settings)
            swept.removed += everything.removed
            swept.left += everything.left
    except Inconclusive as error:
        print(f"sweep: inconclusive. {error}")
        return 2
    except (Refused, ContractError, TargetError) as error:
        print(f"sweep: refused. {error}")
        return 4
    for line in swept.lines():
        print(line)
    for remains in journal.of_dead_runs():
        print(f"left elsewhere: run {remains.run} at {remains.base_url}, with another key or at another address")
    print(f"sweep: {'something is left' if swept.left else 'nothing is left'} at {settings.base_url}")
    return 2 if swept.left else 0


if __name__ == "__main__":
    with cleared_output(os.environ.get("COVAL_API_KEY", "")), interruptible():
        sys.exit(main())
