"""Makes rows of the map from values that are tried one by one: enums, types, null, voices, languages and formats."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from contract_tests.boundaries import good_values, to_json
from contract_tests.contract import LANGUAGE_FIELD, Contract
from contract_tests.edge_search.alterations import Altered, alteration
from contract_tests.edge_search.cases import (
    MOST_NAMED,
    NO_INTEGERS,
    NO_TIMES,
    PERHAPS_INTEGERS,
    RFC_3339,
    TIMES,
    Case,
    Tried,
    case_of,
    declared_type,
    near_misses,
    spellings,
    tried_as,
    type_of,
)
from contract_tests.edge_search.probes import CREATE, NAME_FIELD, Outcome, Prober
from contract_tests.edge_search.row import Row, Verdict
from contract_tests.errors import Inconclusive


def enum_row(prober: Prober, contract: Contract) -> Row:
    """Try each value of an enum and what resembles one."""
    declared = [value for value in prober.tried.schema["enum"] if value is not None]
    return values_row(prober, "enum", declared, [case_of(each) for each in tried_as(contract, prober.tried, "enum")])


def voice_row(prober: Prober) -> Row:
    """Try each voice that the API lists, with a language that it speaks, and names that are none."""
    voices = prober.run.voices
    cases = [Case(name, True, others={LANGUAGE_FIELD: languages[0]}) for name, languages in voices.items()]
    return values_row(prober, "enum", list(voices), cases + [Case(miss, False) for miss in near_misses(list(voices))])


def language_row(prober: Prober) -> Row:
    """Try each language that a voice speaks, those of other voices, and texts that are none."""
    voice, _ = prober.run.spoken
    spoken = prober.run.voices[voice]
    others = sorted({code for codes in prober.run.voices.values() for code in codes} - set(spoken))
    cases = [Case(code, True) for code in spoken] + [Case(code, False) for code in others]
    # Whether case counts in a language code is left open: BCP 47 says that it does not.
    cases += [Case(code, None) for code in dict.fromkeys([spoken[0].lower(), spoken[0].upper()])]
    known = {str(case.value) for case in cases}
    misses = [miss for miss in near_misses(spoken) if miss.lower() not in {each.lower() for each in known}]
    further = [spoken[0].partition("-")[0], "xx-XX", "english", f"{spoken[0]}-x-test"]
    cases += [Case(miss, False) for miss in dict.fromkeys([*misses, *further]) if miss not in known]
    return values_row(prober, "format", f"BCP-47, spoken by {voice}", cases)


def time_row(prober: Prober, example: str) -> Row:
    """
    Try times in a filter, and texts that are none.

    Args:
        prober: Tries values of the parameter.
        example: A filter that holds a time, from the contract.
    """
    cases = [Case(RFC_3339.sub(time, example), True) for time in TIMES]
    cases += [Case(RFC_3339.sub(text, example), None) for text in NO_TIMES]
    return values_row(prober, "format", "date-time", cases)


def integer_text_row(prober: Prober) -> Row:
    """Try texts that are no whole number in a query parameter."""
    cases = [Case(text, False, text) for text in NO_INTEGERS] + [Case(text, None, text) for text in PERHAPS_INTEGERS]
    return types_row(prober, "type", prober.tried.json_type, [Case(good_values(prober.tried)[1], True), *cases])


def type_row(prober: Prober, contract: Contract) -> Row:
    """Try each JSON type, and spellings of numbers."""
    tried = prober.tried
    prober.control()
    found = [own(case_of(each), prober) for each in tried_as(contract, tried, "type")]
    return types_row(prober, "type", declared_type(tried), [Case(prober.good, True), *found, *spellings(tried)])


def own(case: Case, prober: Prober) -> Case:
    """Put a name of this run where a new persona's name could be made of it, so that the persona can be told by it."""
    tried = prober.tried
    if (tried.operation, tried.name) != (CREATE, NAME_FIELD):
        return case
    text = to_json(case.value)
    for good in good_values(tried):
        text = text.replace(to_json(good), to_json(prober.good))
    return replace(case, value=json.loads(text), token=text)


def null_row(prober: Prober) -> Row:
    """Try null on a field that has a value."""
    tried = prober.tried
    return types_row(prober, "nullable", tried.is_nullable, [Case(None, tried.is_nullable)])


def values_row(prober: Prober, constraint: str, declared: Any, cases: Iterable[Case]) -> Row:
    """Try values one by one and make a row of them."""
    found = try_all(prober, cases)
    listed = [{"value": each.case.value, **each.as_json()} for each in found]
    return replace(row_of(prober, constraint, declared, found), values=listed)


def types_row(prober: Prober, constraint: str, declared: Any, cases: Iterable[Case]) -> Row:
    """Try JSON types one by one and make a row of them."""
    found = try_all(prober, cases)
    listed = [
        {"type": type_of(each.case), "sent": each.case.token or to_json(each.case.value), **each.as_json()}
        for each in found
    ]
    return replace(row_of(prober, constraint, declared, found), types=listed)


def try_all(prober: Prober, cases: Iterable[Case]) -> list[Tried]:
    """
    Try each value once, those that depart from the contract twice.

    Raises:
        Inconclusive: A value is treated otherwise the second time.
    """
    prober.control()
    found = [Tried(case, prober.send(case.value, token=case.token, others=case.others)) for case in cases]
    prober.control()
    for each in [each for each in found if each.departs][:MOST_NAMED]:
        again = prober.send(each.case.value, token=each.case.token, others=each.case.others)
        if again.outcome is not each.answer.outcome:
            raise Inconclusive(
                f"{prober.tried.name} {each.shown} was {each.answer.outcome} first and {again.outcome} later"
            )
    return found


def row_of(prober: Prober, constraint: str, declared: Any, found: list[Tried]) -> Row:
    """Make a row of values that were tried."""
    changed = [Altered(each.case.value, each.answer.reads) for each in found if each.is_changed]
    name = (
        null_alteration(prober, found)
        if constraint == "nullable"
        else "ignored"
        if prober.ignores
        else alteration(changed)
    )
    departing = [each for each in found if each.departs]
    accepted = first_with(departing, found, is_refused=False)
    refused = first_with(departing, found, is_refused=True)
    return Row(
        prober.tried.operation, prober.tried.name, constraint, judge(found), sentence(found, name),
        declared=declared, altered=name,
        curl_accepted=None if accepted is None else accepted.answer.exchange.curl(),
        curl_rejected=None if refused is None else refused.answer.exchange.curl(),
    ).counting(prober.counts)  # fmt: skip


def judge(found: list[Tried]) -> Verdict:
    """Hold what became of values to what the contract says of them."""
    if any(each.is_missing for each in found):
        return "tighter"
    if any(each.is_changed and each.case.is_declared is not False for each in found):
        return "altered"
    if any(each.is_added and not each.is_changed for each in found):
        return "looser"
    return "altered" if any(each.is_added for each in found) else "holds"


def sentence(found: list[Tried], altered: str | None) -> str:
    """Say what was found, in a sentence or two."""
    if [each.case.value for each in found] == [None]:
        return null_sentence(found[0], altered)
    accepted = sum(each.answer.outcome is Outcome.ACCEPTED and each.case.is_declared is True for each in found)
    refused = sum(each.answer.outcome is Outcome.REFUSED and each.case.is_declared is False for each in found)
    said = [f"Accepted as declared: {accepted}. Refused as declared: {refused}"]
    free = sum(each.case.is_declared is None and each.answer.outcome is Outcome.REFUSED for each in found)
    said += [f"Refused where either is right: {free}"] if free else []
    groups = {
        "Refused, though declared": [each for each in found if each.is_missing],
        "Accepted, though not declared": [each for each in found if each.is_added],
        f"Reads back {altered}": [each for each in found if each.is_changed],
    }
    said += [f"{words}: {named(group)}" for words, group in groups.items() if group]
    return f"{'. '.join(said)}."


def null_sentence(null: Tried, altered: str | None) -> str:
    """Say what null does."""
    if null.answer.outcome is Outcome.REFUSED:
        return f"null is refused{', though declared' if null.is_missing else ''}."
    if altered is not None:
        return f"null is accepted, and the field is {altered}."
    effect = "the field is cleared" if null.answer.reads is None else "the field stays as it is"
    return f"null is accepted{', though not declared' if null.is_added else ''}, and {effect}."


def named(group: list[Tried]) -> str:
    """List values for a sentence, not more than a few."""
    more = f" and {len(group) - MOST_NAMED} more" if len(group) > MOST_NAMED else ""
    return ", ".join(each.shown for each in group[:MOST_NAMED]) + more


def first_with(departing: list[Tried], found: list[Tried], *, is_refused: bool) -> Tried | None:
    """Return a value that was refused, or one that was not; one that departs from the contract if there is one."""
    return next((each for each in [*departing, *found] if (each.answer.outcome is Outcome.REFUSED) == is_refused), None)


def null_alteration(prober: Prober, found: list[Tried]) -> str | None:
    """Say what null did, where it did not do what x-on-null says."""
    if not any(each.is_changed for each in found):
        return None
    reads = found[0].answer.reads
    return "cleared, where null is to leave it" if reads is None else f"{to_json(reads)}, where null is to clear it"
