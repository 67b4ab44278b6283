"""
Puts right what a killed run has left, as `make sweep` and the beginning and the end of every run do.

    python -m contract_tests.sweep

By id, and by the exact name of a create that was never answered, both from the journals in `.journal/`; never anything
else. A run that is alive is left alone. With ALL=1 every persona goes whose name is exactly of the form that runs
give, from whatever machine they were started: they are listed first, and removed after a yes on the terminal, or with
YES=1. With DRY_RUN=1 nothing is sent, with ALL=1 beside it nothing but reads. Takes BASE_URL and COVAL_API_KEY from the
environment, and MAX_REQUESTS and RATE, which bound the whole of it.
"""

from __future__ import annotations

from contract_tests.entry import enter

if __name__ == "__main__":
    enter("contract_tests.sweep", "sweep")  # imports this file by its name, signals and output taken care of

import dataclasses
import functools
import re
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from contract_tests import item_lock, journal
from contract_tests.account import PAGES_OF_A_SEARCH, Account, Creation, was_made_since
from contract_tests.conclusion import HOLDS, INCONCLUSIVE, concluded
from contract_tests.configuration import Configuration, read_configuration
from contract_tests.contract import load_contract
from contract_tests.errors import Inconclusive, NotAllowed, Refused, TargetError
from contract_tests.fence import NAME_PREFIX, path_of
from contract_tests.foreign_text import LONGEST_LINE, shown
from contract_tests.loan import advice, restored
from contract_tests.probe import probe
from contract_tests.remains import SURE_SECONDS, Persona, Remains, Unanswered, fingerprint, read, same_form
from contract_tests.target import Api
from contract_tests.transport import GONE
from contract_tests.under_test import opened, shared_allowance
from contract_tests.written_values import WrittenValues

OWN_NAME = re.compile(NAME_PREFIX + r"[0-9a-f]{8}-[0-9]+")
LARGEST_PAGE = "100"


@dataclass
class Swept:
    """What was put right, and what was not."""

    removed: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    awaited: list[Unanswered] = field(default_factory=list)
    """Creates that were never answered, and may yet be done."""
    damaged: list[str] = field(default_factory=list)
    """What became of the journals that cannot be read to their end."""
    requests: Counter[str] = field(default_factory=Counter)

    def lines(self) -> Iterator[str]:
        """Yield what a person reads; nothing where there was nothing to do."""
        if self.removed:
            removed = f"removed {_count(self.removed)} that an earlier run had left: {', '.join(self.removed)}"
            yield shown(removed, LONGEST_LINE)
        if self.restored:
            restored = f"restored {_count(self.restored)} as lent to an earlier run: {', '.join(self.restored)}"
            yield shown(restored, LONGEST_LINE)
        for sentence in self.left:
            yield shown(f"LEFT BEHIND: {sentence}", LONGEST_LINE)
        for create in self.awaited:
            until = datetime.fromtimestamp(create.sent_at + SURE_SECONDS).strftime("%H:%M:%S")
            yield f"{create.name} was never answered: the next run, or make sweep, looks for it again until {until}"
        yield from self.damaged


def sweep(settings: Configuration) -> Swept:
    """
    Put right what dead runs against the same API with the same key have left.

    Raises:
        Refused: COVAL_API_KEY cannot be used.
    """
    swept = Swept()
    key = settings.require_key()
    for remains in journal.of_dead_runs(settings.journal_folder):
        if remains.belongs_to(settings.base_url, key) and not remains.is_settled:
            _put_right(settings, remains, swept)
            remains = read(remains.path)
        if remains.is_settled or not remains.has_account:
            problem = journal.put_away(remains)
            swept.damaged += [problem] if problem else []
    item_lock.remove_stale(settings.journal_folder)
    return swept


def sweep_all(settings: Configuration, found: list[dict[str, str]], swept: Swept) -> None:
    """
    Remove the personas that were listed and agreed to, if each still has its name when it is read once more.

    Args:
        settings: What is asked for.
        found: What `left_overs` listed.
        swept: What was put right already; takes what is removed here.
    """
    with opened(settings, secrets.token_hex(4), is_noted=False) as api:
        for item in found:
            if item["id"] in swept.removed:
                continue
            _remove_if(api, item["id"], functools.partial(_bears, item["name"]), swept, is_known=False)
        swept.requests += api.ledger.requests


def left_overs(settings: Configuration) -> list[dict[str, str]]:
    """
    List every persona whose name is exactly of the form that runs give, but for those of runs that are alive here.

    Raises:
        Inconclusive: The list was not answered.
    """
    living = {path.stem for path in journal.of_living_runs(settings.journal_folder)}
    with opened(settings, secrets.token_hex(4), is_noted=False) as api:
        return [item for item in _all_personas(api) if _is_left_over(item, living)]


def _put_right(settings: Configuration, remains: Remains, swept: Swept) -> None:
    """Remove what one run has left, and restore what it has borrowed, noting each step in its journal."""
    lent_id = remains.lent["id"] if remains.lent else None
    with opened(dataclasses.replace(settings, lent_id=lent_id), secrets.token_hex(4), is_noted=False) as api:
        account = Account(remains.run, api.transport.get)
        for persona_id in [persona_id for persona_id in remains.alive if persona_id != lent_id]:
            if _remove_if(api, persona_id, lambda shown: _is_of(remains, account, shown), swept):
                journal.note(remains.path, removed=persona_id)
        try:
            _remove_found(api, account, remains, swept)
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


def _is_of(remains: Remains, account: Account, shown: Persona) -> bool:
    """Whether a persona is one that a run has made: by its name, or by the moment at which it was made."""
    made = remains.made.get(str(shown.get("id")))
    is_same = made is not None and shown.get("create_time") == made
    return bool(account.marks_of(shown)) or is_same or (made is None and was_made_since(shown, remains.began_at))


def _remove_found(api: Api, account: Account, remains: Remains, swept: Swept) -> None:
    """Remove what the account shows of one run: what was never answered, and what was made without being asked for."""
    waiting = {create.name: create for create in remains.unanswered if account.marks(create.name)}
    found = {item["id"]: item for name in waiting for item in account.made_by(Creation(name, account.marks(name)))}
    found |= {item["id"]: item for item in account.listed(PAGES_OF_A_SEARCH).items if account.marks_of(item)}
    for persona_id, item in found.items():
        if persona_id in remains.alive:
            continue
        if not was_made_since(item, remains.began_at):
            swept.left.append(f"persona {persona_id} (it shows a name of run {remains.run}, and is older than the run)")
            continue
        name = next((name for name in waiting if account.marks(name) & account.marks_of(item)), None)
        journal.note(remains.path, created=persona_id, name=name, made=item.get("create_time"))
        if _remove_if(api, persona_id, lambda shown: bool(account.marks_of(shown)), swept):
            journal.note(remains.path, removed=persona_id)
            waiting.pop(name or "", None)
    for create in waiting.values():
        if create.is_over:
            journal.note(remains.path, settled=create.name)
        else:
            swept.awaited.append(create)


def _remove_if(
    api: Api, persona_id: str, is_own: Callable[[Persona], bool], swept: Swept, *, is_known: bool = True
) -> bool:
    """
    Remove a persona if a read of its own shows whose it is, and read that it is gone.

    Args:
        api: The API, whose write guard lets through what is claimed.
        persona_id: Its id.
        is_own: Whether what the read shows is to be removed.
        swept: Takes what was done, and what could not be done.
        is_known: Whether a journal says that there is something to remove, so that another's is to be looked at.

    Returns:
        Whether it is gone, or was never to be removed.
    """
    try:
        before = api.send("GET", path_of(persona_id), puts_right=True)
        if before.status == 404 or (before.status == 200 and not is_known and not is_own(before.persona)):
            return True
        if before.status != 200 or not is_own(before.persona):
            what = "it is not the one that the run has made" if before.status == 200 else "nobody knows whose it is"
            swept.left.append(f"persona {persona_id} (GET answered {before.status}: {what}; look at it)")
            return False
        api.transport.ownership.claim(persona_id, before.persona.get("name"))
        status = api.delete(persona_id).status
        after = api.send("GET", path_of(persona_id), puts_right=True).status if status in GONE else None
    except (Inconclusive, NotAllowed, TargetError, httpx.InvalidURL) as error:
        swept.left.append(f"persona {persona_id} ({error})")
        return False
    if after != 404:
        then = f", and GET {after} after it" if after is not None else ""
        swept.left.append(f"persona {persona_id} (DELETE answered {status}{then})")
        return False
    swept.removed.append(persona_id)
    return True


def _bears(name: str, shown: Persona) -> bool:
    return shown.get("name") == name


def _all_personas(api: Api) -> Iterator[Any]:
    token: Any = None
    seen: set[str] = set()
    while True:
        exchange = api.list_personas(page_size=LARGEST_PAGE, **({"page_token": token} if token else {}))
        page = exchange.json if exchange.was_accepted else None
        if not isinstance(page, dict) or not isinstance(page.get("personas"), list):
            raise Inconclusive(f"GET /personas answered {exchange.status} and no list")
        yield from page["personas"]
        token = page.get("next_page_token")
        if not isinstance(token, str) or not token or token in seen:
            return
        seen.add(token)


def _is_left_over(item: Any, living: set[str]) -> bool:
    name = item.get("name") if isinstance(item, dict) and isinstance(item.get("id"), str) else None
    return isinstance(name, str) and OWN_NAME.fullmatch(name) is not None and name.split("-")[2] not in living


def _count(found: Sized) -> str:
    return f"{len(found)} persona{'' if len(found) == 1 else 's'}"


def main(_arguments: list[str]) -> int:
    """
    Sweep, and say what was done.

    Returns:
        0 when nothing is left, 2 when something is, 4 for wrong usage, and where ALL=1 was not agreed to.
    """
    return concluded(lambda: _command(read_configuration()), word="sweep")


def _command(asked: Configuration) -> int:
    if not asked.is_live:
        raise Refused("BASE_URL is not set; name the API that the killed run was aimed at")
    if asked.is_dry_run and not asked.sweeps_all:
        _show_plan(asked)
        print("DRY_RUN=1: this is the plan; nothing was sent")
        return HOLDS
    asked.require_key()
    with shared_allowance(dataclasses.replace(asked, lent_id=None)) as settings:
        with opened(settings, secrets.token_hex(4), is_noted=False) as api:
            probe(api, settings)
        found = left_overs(settings) if settings.sweeps_all else []
        if settings.is_dry_run:
            _show_plan(settings)
            _show_left_overs(settings, found)
            print("DRY_RUN=1: this is the plan; nothing but reads was sent")
            return HOLDS
        if settings.sweeps_all:
            _show_left_overs(settings, found)
            _require_agreement(settings, found)
        swept = sweep(settings)
        if found:
            sweep_all(settings, found, swept)
    for line in swept.lines():
        print(line)
    is_left = bool(swept.left)
    for remains in journal.of_dead_runs(settings.journal_folder):
        if not remains.is_settled and not (remains.is_waiting and _is_here(remains, settings)):
            print(shown(_elsewhere(remains, settings)))
            is_left = is_left or _is_here(remains, settings)
    print(f"sweep: {'something is left' if is_left else 'nothing is left'} at {settings.base_url}")
    return INCONCLUSIVE if is_left else HOLDS


def _show_plan(settings: Configuration) -> None:
    """Print what the journals say is left of dead runs."""
    print(f"plan for {settings.base_url}: what the journals in {settings.journal_folder} know of")
    for remains in journal.of_dead_runs(settings.journal_folder):
        if remains.is_settled:
            continue
        if not _is_here(remains, settings):
            print(f"  {_elsewhere(remains, settings)}")
            continue
        steps = [f"removes persona {persona_id}, named {name}" for persona_id, name in remains.alive.items()]
        steps += [f"looks for {create.name}, and removes it if it exists" for create in remains.unanswered]
        steps += [f"restores persona {remains.lent['id']}"] if remains.lent else []
        for step in steps:
            print(f"  run {remains.run}: {step}")


def _show_left_overs(settings: Configuration, found: list[dict[str, str]]) -> None:
    """Print what ALL=1 would remove."""
    print(f"ALL=1: {_count(found)} at {settings.base_url} named exactly {NAME_PREFIX}<run>-<number>", flush=True)
    for item in found:
        print(f"  {item['name']}  {shown(repr(item['id']))}", flush=True)


def _require_agreement(settings: Configuration, found: list[dict[str, str]]) -> None:
    """
    Ask whether what was listed may be removed.

    Raises:
        Refused: It may not, or there is nobody to ask.
    """
    if settings.is_agreed or not found:
        return
    if not sys.stdin.isatty():
        raise Refused("nothing was removed; where no terminal can be asked, YES=1 removes what is listed above")
    print("A run that goes on elsewhere loses what it has made. Remove all of these? [yes/no] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Refused("nothing was removed, as the answer was not yes")


def _is_here(remains: Remains, settings: Configuration) -> bool:
    """Whether a run was against this API, and with this key if one is given."""
    if settings.api_key:
        return remains.belongs_to(settings.base_url, settings.api_key)
    return remains.base_url == same_form(settings.base_url)


def _elsewhere(remains: Remains, settings: Configuration) -> str:
    """Say what is left of a run, and what a sweep of it needs: another address, another key, or this sweep again."""
    is_same_key = remains.account == fingerprint(settings.api_key, remains.run)
    if remains.base_url != same_form(settings.base_url):
        key = "with this key" if is_same_key else "with another key"
        return f"left elsewhere: run {remains.run}, at another address, {remains.base_url}, {key}"
    if not is_same_key:
        return f"left with another key: run {remains.run}, at {remains.base_url}"
    return f"left here: run {remains.run}; see {remains.path}"
