"""
Puts right what killed runs have left, as the beginning and the end of every run do: by id, and by the exact name of a
create that was never answered, both from the journals. A run that is alive is left alone. ALL=1 takes every item whose
name is exactly of the form that runs give, once they are listed and agreed to.
"""

import re
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import httpx

from contract_tests.errors import HOLDS, INCONCLUSIVE, Inconclusive, NotAllowed, Refused, TargetError
from contract_tests.foreign_text import LONGEST_LINE, shown
from contract_tests.report.wording import some_of
from contract_tests.runner import item_lock
from contract_tests.runner.borrowed_resource import advice, restored
from contract_tests.runner.configuration import Configuration
from contract_tests.runner.preflight import probe
from contract_tests.runner.under_test import opened, shared_budget
from contract_tests.transport import journal
from contract_tests.transport.account import PAGES_OF_A_SEARCH, Account, Creation
from contract_tests.transport.leftovers import SURE_SECONDS, Remains, Unanswered, fingerprint, read, same_form
from contract_tests.transport.resource_shape import Item, ItemId
from contract_tests.transport.target import Api
from contract_tests.transport.transport import GONE
from contract_tests.transport.write_guard import NAME_PREFIX
from contract_tests.transport.written_values import WrittenValues

# A look at everything turns so many pages.
PAGES_OF_A_SWEEP = 1_000
OWN_NAME = re.compile(NAME_PREFIX + r"[0-9a-f]{8}-[0-9]+")


@dataclass
class Swept:
    """What was put right, and what was not."""

    removed: list[ItemId] = field(default_factory=list)
    restored: list[ItemId] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    awaited: list[Unanswered] = field(default_factory=list)
    """Creates that were never answered, and may yet be done."""
    damaged: list[str] = field(default_factory=list)
    """What became of the journals that cannot be read to their end."""
    name: str = "items"
    """What the items are called."""

    def lines(self) -> Iterator[str]:
        """Yield what a person reads; nothing where there was nothing to do."""
        for done, ids, how in (("removed", self.removed, "left"), ("restored", self.restored, "borrowed")):
            if ids:
                found = (
                    f"{done} {some_of(len(ids), self.name)} that an earlier run had {how}: {', '.join(map(str, ids))}"
                )
                yield shown(found, LONGEST_LINE)
        for sentence in self.left:
            yield shown(f"LEFT BEHIND: {sentence}", LONGEST_LINE)
        for create in self.awaited:
            until = datetime.fromtimestamp(create.sent_at + SURE_SECONDS).strftime("%H:%M:%S")
            yield f"{create.name} was never answered: the next run, or make sweep, looks for it again until {until}"
        yield from self.damaged


def put_right(settings: Configuration, sent: Counter[str], tell: Callable[[str], None]) -> Swept:
    """Put right what dead runs against the same API with the same key have left, count the requests and tell of it."""
    swept = _settle(settings, sent)
    for line in swept.lines():
        tell(line)
    return swept


def _settle(settings: Configuration, sent: Counter[str]) -> Swept:
    swept = Swept(name=settings.load_contract().resource.name)
    key = settings.require_key()
    for remains in journal.of_dead_runs(settings.journal_folder):
        if remains.belongs_to(settings.base_url, key) and not remains.is_settled:
            sent.update(_put_right(settings, remains, swept))
            remains = read(remains.path)
        if remains.is_settled or not remains.has_account:
            problem = journal.put_away(remains)
            swept.damaged += [problem] if problem else []
    item_lock.remove_stale(settings.journal_folder)
    return swept


def sweep_all(settings: Configuration, found: list[Item], swept: Swept) -> None:
    """Remove the items that were listed and agreed to, if each still has its name when it is read once more."""
    with opened(settings, secrets.token_hex(4), is_noted=False) as api:
        for item in found:
            if (item_id := item[api.shape.id_name]) not in swept.removed:
                is_same = partial(_is_named, api, _name(api, item))
                _remove_if(api, item_id, is_same, swept, is_known=False)


def left_overs(settings: Configuration) -> list[Item]:
    """List every item whose name is exactly of the form that runs give, but for those of runs that are alive here."""
    living = {path.stem for path in journal.of_living_runs(settings.journal_folder)}
    with opened(settings, secrets.token_hex(4), is_noted=False) as api:
        if not (api.shape.can("list") and api.shape.can("remove")) or api.shape.run_name is None:
            raise Refused(f"ALL=1 needs a list, a removal and a field that carries a name; {api.shape.name} lack one")
        account = Account(api.run, api.shape, lambda path, query: api.transport.get(path, query, is_reserved=False))
        listing = account.listed(PAGES_OF_A_SWEEP)
        if not listing.is_complete:
            raise Inconclusive(f"the list of {api.shape.name} was not seen to its end")
        named = [item for item in listing.items if OWN_NAME.fullmatch(_name(api, item))]
        return [item for item in named if _name(api, item).split("-")[2] not in living]


def _put_right(settings: Configuration, remains: Remains, swept: Swept) -> Counter[str]:
    """Remove what one run has left, and restore what it has borrowed, noting each step in its journal."""
    borrowed = remains.borrowed
    borrowed_id = str(borrowed.item_id) if borrowed is not None else None
    with opened(replace(settings, borrowed_id=borrowed_id), secrets.token_hex(4), is_noted=False) as api:
        account = Account(remains.run, api.shape, api.transport.get)
        for item_id in [item_id for item_id in remains.alive if str(item_id) != borrowed_id]:
            if _remove_if(api, item_id, lambda shown: _is_of(remains, account, api, shown), swept):
                journal.note(remains.path, removed=item_id)
        try:
            _remove_found(api, account, remains, swept)
        except Inconclusive as error:
            swept.left.append(f"whatever else run {remains.run} has made ({error})")
        if borrowed is not None:
            written = None if remains.wrote is None else WrittenValues(remains.wrote)
            problem = restored(api, borrowed, settings.load_contract(), written)
            if problem:
                swept.left.append(f"{problem}; {advice(remains.path)}")
            else:
                swept.restored.append(borrowed.item_id)
                journal.note(remains.path, restored=borrowed.item_id)
        return api.created.requests


def _is_of(remains: Remains, account: Account, api: Api, shown: Item) -> bool:
    """Whether an item is one that a run has made; without name or time the id decides, but an integer may be reused."""
    if account.marks_of(shown):
        return True
    made = remains.made.get(shown[api.shape.id_name])
    if made is not None:
        return bool(shown.get(api.shape.created_field or "") == made)
    if api.shape.created_field is None:
        return not api.shape.has_integer_ids
    return account.was_made_since(shown, remains.began_at)


def _remove_found(api: Api, account: Account, remains: Remains, swept: Swept) -> None:
    """Remove what the account shows of one run: what was never answered, and what was made without being asked for."""
    waiting = {create.name: create for create in remains.unanswered if account.marks(create.name)}
    items = [item for name in waiting for item in account.made_by(Creation(name, account.marks(name)))]
    if api.shape.can("list"):
        items += [item for item in account.listed(PAGES_OF_A_SEARCH).items if account.marks_of(item)]
    found = {item[api.shape.id_name]: item for item in items}
    for item_id, item in found.items():
        if item_id in remains.alive:
            continue
        if api.shape.created_field is not None and not account.was_made_since(item, remains.began_at):
            why = f"it shows a name of run {remains.run}, and is older than the run"
            swept.left.append(f"{item_id} of the {swept.name} ({why})")
            continue
        name = next((name for name in waiting if account.marks(name) & account.marks_of(item)), None)
        journal.note(remains.path, created=item_id, name=name, made=item.get(api.shape.created_field or ""))
        if _remove_if(api, item_id, lambda shown: bool(account.marks_of(shown)), swept):
            journal.note(remains.path, removed=item_id)
            waiting.pop(name or "", None)
    for create in waiting.values():
        if time.time() - create.sent_at >= SURE_SECONDS:
            journal.note(remains.path, settled=create.name)
        else:
            swept.awaited.append(create)


def _remove_if(
    api: Api, item_id: ItemId, is_own: Callable[[Item], bool], swept: Swept, *, is_known: bool = True
) -> bool:
    """
    Remove an item if a read of its own shows whose it is, and read that it is gone; whether it is, or was never to be
    removed. *is_known* if a journal says that there is something, so that another's is to be looked at.
    """
    try:
        before = api.send("GET", api.shape.path_of(item_id), puts_right=True)
        if before.status == 404 or (before.status == 200 and not is_known and not is_own(before.item)):
            return True
        if before.status != 200 or not is_own(before.item):
            what = "it is not the one that the run has made" if before.status == 200 else "nobody knows whose it is"
            swept.left.append(f"{item_id} of the {swept.name} (GET answered {before.status}: {what}; look at it)")
            return False
        api.transport.ownership.claim(item_id, before.item.get(api.shape.run_name or ""))
        status = api.remove(item_id).status
        after = api.send("GET", api.shape.path_of(item_id), puts_right=True).status if status in GONE else None
    except (Inconclusive, NotAllowed, TargetError, httpx.InvalidURL) as error:
        swept.left.append(f"{item_id} of the {swept.name} ({error})")
        return False
    if after != 404:
        then = f", and GET {after} after it" if after is not None else ""
        swept.left.append(f"{item_id} of the {swept.name} (DELETE answered {status}{then})")
        return False
    swept.removed.append(item_id)
    return True


def _is_named(api: Api, text: str, shown: Item) -> bool:
    return _name(api, shown) == text


def _name(api: Api, item: Item) -> str:
    return str(item.get(api.shape.run_name or ""))


def sweep_command(asked: Configuration, arguments: list[str]) -> int:
    """Sweep, and say what was done; 2 when something is left."""
    if not asked.is_live:
        raise Refused("BASE_URL is not set; name the API that the killed run was aimed at")
    if asked.is_dry_run and not asked.sweeps_all:
        _show_plan(asked)
        print("DRY_RUN=1: this is the plan; nothing was sent")
        return HOLDS
    asked.require_key()
    with shared_budget(replace(asked, borrowed_id=None)) as settings:
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
        swept = _settle(settings, Counter())
        if found:
            sweep_all(settings, found, swept)
    for line in swept.lines():
        print(line)
    is_left = bool(swept.left)
    for remains in journal.of_dead_runs(settings.journal_folder):
        if not remains.is_settled and (remains.alive or remains.borrowed or not _is_here(remains, settings)):
            print(shown(_elsewhere(remains, settings)))
            is_left = is_left or _is_here(remains, settings)
    came = "inconclusive. Something is left" if is_left else "holds. Nothing is left"
    print(f"verdict: {came} at {settings.base_url}.")
    return INCONCLUSIVE if is_left else HOLDS


def _show_plan(settings: Configuration) -> None:
    print(f"plan for {settings.base_url}: what the journals in {settings.journal_folder} know of")
    for remains in journal.of_dead_runs(settings.journal_folder):
        if remains.is_settled:
            continue
        if not _is_here(remains, settings):
            print(f"  {_elsewhere(remains, settings)}")
            continue
        steps = [f"removes {item_id}, named {name}" for item_id, name in remains.alive.items()]
        steps += [f"looks for {create.name}, and removes it if it exists" for create in remains.unanswered]
        steps += [f"restores {remains.borrowed.item_id}"] if remains.borrowed is not None else []
        for step in steps:
            print(f"  run {remains.run}: {step}")


def _show_left_overs(settings: Configuration, found: list[Item]) -> None:
    resource, name = settings.load_contract().resource, settings.load_contract().run_name or ""
    count = some_of(len(found), resource.name)
    print(f"ALL=1: {count} at {settings.base_url} named exactly {NAME_PREFIX}<run>-<number>", flush=True)
    for item in found:
        print(f"  {item[name]}  {shown(repr(item[resource.id_name]))}", flush=True)


def _require_agreement(settings: Configuration, found: list[Item]) -> None:
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
