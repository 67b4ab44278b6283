"""
Makes a result of the map from the search for a limit of a text's length, and finds out in which unit it is counted.

A length is searched in several alphabets. Where they flip at different lengths in code points, the unit in which all
of them flip at one length is the one that the API counts.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace

from contract_tests.boundary_map import alphabets
from contract_tests.boundary_map.alphabets import ASCII, FOUR_BYTE, Alphabet, Found
from contract_tests.boundary_map.axis import Integers, Side
from contract_tests.boundary_map.axis_search import AxisSearch, find_edge
from contract_tests.boundary_map.crossing import crossed
from contract_tests.boundary_map.limit_result import LimitResult, Point, Verdict
from contract_tests.boundary_map.probes import Answer, Outcome, Prober
from contract_tests.boundary_map.slots import Slot
from contract_tests.errors import Inconclusive
from contract_tests.generation.boundaries import to_json

# Long enough for a name that tells who made it.
LENGTH_OF_A_NAME = 40

INSIDE = 8
RANDOM = 4
BEYOND = (1.02, 1.1, 1.5, 2, 3, 5, 10, 50)


def length_result(prober: Prober, constraint: str, chance: random.Random, longest: int) -> LimitResult:
    """
    Search for one limit of a length; *chance* draws the lengths that no pattern of the API can avoid, and at most
    *longest* code points are tried where no limit is declared. Inconclusive where nothing follows from the answers.
    """
    slot, contract = prober.slot, prober.run.contract
    declared = slot.schema.get(constraint)
    if constraint == "minLength" and prober.is_run_name:
        return _shortest_name_result(prober)
    side: Side = 1 if constraint == "maxLength" else -1
    prefix = prober.run.api.new_name() if prober.is_run_name else ""
    lengths = _sample_lengths(slot, side, chance, longest, len(prefix))
    prober.control()
    first = search_alphabet(prober, Alphabet(ASCII, prefix), side, lengths, declared)
    others = _other_lengths(first, lengths, declared, side)
    # How texts are counted and kept is judged as far as the contract promises it.
    names = [name for name in alphabets.NAMES if name != ASCII and contract.promises_that("lengths_in_code_points")]
    if not contract.promises_that("exact_text"):
        names = [name for name in names if name not in (alphabets.COMBINING, alphabets.SPACED)]
    found = [first, *(search_alphabet(prober, Alphabet(name, prefix), side, others, declared) for name in names)]
    prober.control()
    result = _describe(prober, constraint, found, longest, side)
    pair = ((result.last_accepted, first.last), (result.first_rejected, first.beyond))
    sent = {shown: first.alphabet.text(length) for shown, length in pair if shown is not None and length is not None}
    return result if slot.path else crossed(prober, result, sent)


def search_alphabet(
    prober: Prober, alphabet: Alphabet, side: Side, lengths: Iterable[int], declared: int | None
) -> Found:
    """Search the lengths of one alphabet."""
    axis = Integers(side, "code_points")
    search = AxisSearch(axis, lambda length: prober.put(alphabet.text(int(length))))
    ordinals = sorted({axis.ordinal(length) for length in lengths})
    start = ordinals[0] if declared is None else axis.ordinal(declared)
    return Found(alphabet, find_edge(search, ordinals, start))


def _sample_lengths(slot: Slot, side: Side, chance: random.Random, longest: int, shortest: int) -> list[int]:
    """List the lengths to begin with; without a declared limit, powers of two up to *longest*."""
    least, declared = max(slot.schema.get("minLength", 0), shortest, 0), slot.schema.get("maxLength")
    if side < 0:
        most = max(least, least + 8 if declared is None else declared)
        return sorted({0, max(least - 1, 0), least, min(least + 1, most), min(least + 8, most)})
    if declared is None:
        return sorted({1, longest, *(2**power for power in range(longest.bit_length()) if 2**power <= longest)})
    start = min(least + 1, declared)  # a single space is a case of its own, which the least length tries
    inside = [start + (declared - start) * step // INSIDE for step in range(INSIDE)]
    inside += [chance.randint(start, declared) for _ in range(RANDOM)]
    outside = [int(declared * factor) for factor in BEYOND]
    return sorted({*inside, max(declared - 1, start), declared, declared + 1, *outside})


def _other_lengths(first: Found, lengths: list[int], declared: int | None, side: Side) -> list[int]:
    """List the lengths to begin with in another alphabet: the ends, and around what is declared and what was found."""
    if side < 0:
        return sorted({0, max((declared or 0) - 1, 0), max(declared or 0, 1), *((first.last,) if first.last else ())})
    ends = [length for length in (first.last, first.beyond) if length is not None]
    if declared is None:
        # A text of four-byte characters has room for any limit that counts otherwise.
        return [lengths[0], *(ends or [lengths[-1]])]
    return sorted({lengths[0], declared, declared + 1, *ends, int(declared * 1.1) + 1, 3 * declared})


def _describe(prober: Prober, constraint: str, found: list[Found], longest: int, side: Side) -> LimitResult:
    declared = prober.slot.schema.get(constraint)
    altered = prober.alteration([case for each in found for case in each.cases()])
    is_altering = any(each.edge.altered_from is not None for each in found)
    unit, last, beyond = alphabets.count(found, side)
    verdict = _judge(found, declared, side, altered=altered)
    if verdict not in ("holds", "no_limit"):
        for each in found:
            each.edge.confirm(prober)
    witness = next((each for each in found if declared is not None and each.last != declared), found[0])
    # What an altered text reads as is told by its length.
    points = [
        replace(point, alphabet=each.alphabet.name, reads=len(point.reads) if isinstance(point.reads, str) else None)
        for each in found
        for point in each.edge.search.points()
    ]
    result = prober.result(
        constraint, verdict, declared=declared, last_accepted=last,
        first_rejected=None if is_altering else beyond, first_altered=beyond if is_altering else None, unit=unit,
        altered=altered, points=tuple(points), curl_accepted=witness.curl(witness.last),
        curl_rejected=witness.curl(witness.beyond),
    )  # fmt: skip
    return replace(result, text=_sentence(result, found, longest, is_altering=is_altering))


def _judge(found: list[Found], declared: int | None, side: Side, *, altered: str | None) -> Verdict:
    if altered is not None:
        return "altered"
    if declared is None:
        return "no_limit" if all(each.beyond is None for each in found) else "tighter"
    if any(each.last is not None and side * each.last < side * declared for each in found):
        return "tighter"
    if any(not each.edge.is_start_accepted or len(each.edge.flips) > 1 for each in found):
        return "tighter"
    return "looser" if any(each.last is None or side * each.last > side * declared for each in found) else "holds"


def _sentence(result: LimitResult, found: list[Found], longest: int, *, is_altering: bool) -> str:
    declared, altered, last = result.declared, result.altered, result.last_accepted
    beyond = result.first_altered if is_altering else result.first_rejected
    unit = result.unit or "code_points"
    words = alphabets.WORDS[unit]
    if beyond is not None:
        size = "No length is" if last is None else f"{last:,} {words} are"
        if last == 1:
            size = f"1 {words.removesuffix('s')} is"
        became = altered if is_altering else "refused"
        said = [f"{size} accepted, {beyond:,} {'is' if beyond == 1 else 'are'} {became}"]
        said[0] += ", and no limit is declared" if declared is None else ""
    else:
        nothing = f"nothing up to {longest:,} {words} is refused"
        none = nothing if result.constraint == "maxLength" else "an empty text is accepted"
        said = [f"No {result.constraint} is declared, and {none}" if declared is None else none.capitalize()]
    if unit != "code_points":
        said.append(f"It counts {words}, where the contract counts code points")
    elif found[0].last is not None and any(each.last != found[0].last for each in found):
        lasts = ", ".join(f"{each.alphabet.name} {each.last}" for each in found)
        said.append(f"By kind of character the last is {lasts}")
    elif beyond is not None:
        said.append(f"The same in {len(found)} kinds of characters")
    if altered is not None and not is_altering:
        said.append(f"Texts are {altered}")
    return f"{'. '.join(said)}."


def _shortest_name_result(prober: Prober) -> LimitResult:
    """
    Try the least length of the run name of a new item, as far as one may. A name that is accepted makes an item, and on an
    account the item's name must tell that this run has made it. A name that is too short must make none; should it make
    one, another field tells whose it is.
    """
    schema, api = prober.slot.schema, prober.run.api
    least, own = schema.get("minLength", 0), api.new_name()
    shortest = Alphabet(ASCII, own if len(own) <= least else "").text(least)
    is_tried = api.may_carry(shortest)
    long_enough = own.ljust(max(least, min(LENGTH_OF_A_NAME, schema.get("maxLength", LENGTH_OF_A_NAME))), "x")
    names = [Alphabet(ASCII, "").text(length) for length in sorted({0, least - 1}) if 0 <= length < least]
    if least > 1 and prober.run.contract.promises_that("lengths_in_code_points"):
        names.append(Alphabet(FOUR_BYTE, "").text(least - 1))
    names += [*([shortest] if is_tried else []), long_enough]
    prober.control()
    answers = {name: prober.send(name) for name in names}
    prober.control()
    accepted = [name for name in names if answers[name].outcome is not Outcome.REFUSED]
    refused = [name for name in names if answers[name].outcome is Outcome.REFUSED]
    verdict = _judge_names(answers, least, is_tried=is_tried, is_declared="minLength" in schema)
    departing = [name for name in names if (len(name) < least) == (answers[name].outcome is not Outcome.REFUSED)]
    for name in departing:
        if prober.send(name).outcome is not answers[name].outcome:
            raise Inconclusive(
                f"{prober.tried.name} {to_json(name)} was {answers[name].outcome} once, and not a second time"
            )
    last, beyond = min(accepted, key=len, default=None), max(refused, key=len, default=None)
    told = {name: str(len(name)) if name.isascii() else f"{len(name)} ({FOUR_BYTE})" for name in names}
    said = f"By length, {', '.join(f'{told[name]} is {answers[name].outcome}' for name in names)}"
    problem = f"a name of {least} was not tried, as the name of a new item must tell who made it"
    return prober.result(
        "minLength", verdict, f"{said}." if is_tried else f"{said}; {problem}.", declared=schema.get("minLength"),
        last_accepted=None if last is None else len(last), unit="code_points",
        first_rejected=None if beyond is None else len(beyond), altered="changed" if verdict == "altered" else None,
        problem=problem if verdict == "not_tried" else None,
        points=tuple(Point(len(name), str(answer.outcome), alphabet=ASCII if name.isascii() else FOUR_BYTE) for name, answer in answers.items()),
        curl_accepted=None if last is None else answers[last].exchange.curl(),
        curl_rejected=None if beyond is None else answers[beyond].exchange.curl(),
    )  # fmt: skip


def _judge_names(answers: Mapping[str, Answer], least: int, *, is_tried: bool, is_declared: bool) -> Verdict:
    """Hold what became of names to the least length; one that could not be tried leaves it open."""
    right = [answer.outcome for name, answer in answers.items() if len(name) >= least]
    wrong = [answer.outcome for name, answer in answers.items() if len(name) < least]
    if any(outcome is Outcome.REFUSED for outcome in right):
        return "tighter"
    if any(outcome is Outcome.ALTERED for outcome in right):
        return "altered"
    if any(outcome is not Outcome.REFUSED for outcome in wrong):
        return "looser"
    if not is_tried:
        return "not_tried"
    return "holds" if is_declared else "no_limit"
