"""
Makes a row of the map from the search for a limit of a text's length, and finds out in which unit it is counted.

A length is searched in several alphabets. Where they flip at different lengths in code points, the unit in which all
of them flip at one length is the one that the API counts.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from contract_tests.contract import Field
from contract_tests.edge_search.alphabets import ASCII, NAMES, WORDS, Alphabet, Found, count
from contract_tests.edge_search.alterations import alteration
from contract_tests.edge_search.crossing import crossed
from contract_tests.edge_search.line import Line, confirm, find_edge, points_of
from contract_tests.edge_search.probes import CREATE, NAME_FIELD, Answer, Outcome, Prober
from contract_tests.edge_search.row import JsonObject, Row, Verdict
from contract_tests.edge_search.spaces import Integers, Number, Side

# Long enough for a name that tells who made it.
LENGTH_OF_A_NAME = 40

INSIDE = 8

RANDOM = 4

BEYOND = (1.02, 1.1, 1.5, 2, 3, 5, 10, 50)


def length_row(prober: Prober, constraint: str, chance: random.Random, longest: int) -> Row:
    """
    Search for one limit of a length.

    Args:
        prober: Tries values of the field.
        constraint: minLength or maxLength.
        chance: Draws the lengths that no pattern of the API can avoid.
        longest: How many code points are tried at most where no limit is declared.

    Raises:
        Inconclusive: The API gave no answer from which anything follows.
    """
    tried = prober.tried
    declared = tried.schema.get(constraint)
    is_own_name = tried.operation == CREATE and tried.name == NAME_FIELD
    if constraint == "minLength" and is_own_name:
        return shortest_name_row(prober)
    side: Side = 1 if constraint == "maxLength" else -1
    prefix = prober.run.api.new_name() if is_own_name else ""
    lengths = sample_lengths(tried, side, chance, longest, len(prefix))
    prober.control()
    first = search(prober, Alphabet(ASCII, prefix), side, lengths, declared)
    others = other_lengths(first, lengths, declared, side)
    found = [
        first,
        *(search(prober, Alphabet(name, prefix), side, others, declared) for name in NAMES if name != ASCII),
    ]
    prober.control()
    row = describe(prober, constraint, found, longest)
    pair = {row.last_accepted: first.last, row.first_rejected: first.beyond}
    sent = {
        shown: first.alphabet.text(length) for shown, length in pair.items() if shown is not None and length is not None
    }
    return crossed(prober, row, sent)


def search(
    prober: Prober, alphabet: Alphabet, side: Side, lengths: Iterable[int], declared: int | None, known: Found | None = None
) -> Found:  # fmt: skip
    """Search the lengths of one alphabet; the empty text is the same in all, so it is tried once."""
    space = Integers(side, "code_points")

    def send(length: Number) -> Answer:
        return prober.send(alphabet.text(int(length)))

    line = Line(space, send)
    if known is not None and 0 in known.line.answers:
        line.answers[0] = known.line.answers[0]
    ordinals = sorted({space.ordinal(length) for length in lengths})
    return Found(
        alphabet, line, find_edge(line, ordinals, ordinals[0] if declared is None else space.ordinal(declared))
    )


def sample_lengths(tried: Field, side: Side, chance: random.Random, longest: int, shortest: int) -> list[int]:
    """List the lengths to begin with; without a declared limit, powers of two up to *longest*."""
    least = max(tried.schema.get("minLength", 0), shortest, 0)
    if side < 0:
        return sorted({0, max(least - 1, 0), least, least + 1, least + 8})
    declared = tried.schema.get("maxLength")
    if declared is None:
        return sorted({1, longest, *(2**power for power in range(longest.bit_length()) if 2**power <= longest)})
    start = max(least + 1, 1)  # a single space is a case of its own, which the least length tries
    inside = [start + (declared - start) * step // INSIDE for step in range(INSIDE)]
    inside += [chance.randint(start, declared) for _ in range(RANDOM)]
    outside = [int(declared * factor) for factor in BEYOND]
    return sorted({*inside, max(declared - 1, start), declared, declared + 1, *outside})


def other_lengths(first: Found, lengths: list[int], declared: int | None, side: Side) -> list[int]:
    """List the lengths to begin with in another alphabet: the ends, and around what is declared and what was found."""
    if side < 0:
        near = {0, max((declared or 0) - 1, 0), max(declared or 0, 1), *((first.last,) if first.last else ())}
        return sorted(near)
    ends = [length for length in (first.last, first.beyond) if length is not None]
    if declared is None:
        # A text of four-byte characters has room for any limit that counts otherwise.
        return [lengths[0], *(ends or [lengths[-1]])]
    return sorted({lengths[0], declared, declared + 1, *ends, int(declared * 1.1) + 1, 3 * declared})


def describe(prober: Prober, constraint: str, found: list[Found], longest: int) -> Row:
    """Turn what was found in all alphabets into a row."""
    tried = prober.tried
    declared = tried.schema.get(constraint)
    side: Side = 1 if constraint == "maxLength" else -1
    cases = [case for each in found for case in each.cases()]
    name = None if not cases else "ignored" if prober.ignores else alteration(cases)
    unit, last, beyond = count(found, side)
    verdict = judge(found, declared, side, altered=name)
    if verdict not in ("holds", "no_limit"):
        for each in found:
            confirm(each.line, prober, each.edge)
    witness = next((each for each in found if each.last != declared), found[0]) if declared is not None else found[0]
    is_altering = any(each.edge.altered_from is not None for each in found)
    return Row(
        tried.operation, tried.name, constraint, verdict,
        sentence(constraint, found, declared, unit, last, beyond, name, longest),
        declared=declared, last_accepted=last, first_rejected=None if is_altering else beyond,
        first_altered=beyond if is_altering else None, unit=unit, altered=name, points=all_points(found),
        curl_accepted=curl(witness, witness.last), curl_rejected=curl(witness, witness.beyond),
    ).counting(prober.counts)  # fmt: skip


def judge(found: list[Found], declared: int | None, side: Side, *, altered: str | None) -> Verdict:
    """Hold the flips of all alphabets to the declared limit."""
    if altered is not None:
        return "altered"
    if declared is None:
        return "no_limit" if all(each.beyond is None for each in found) else "tighter"
    if any(each.last is not None and side * each.last < side * declared for each in found):
        return "tighter"
    if any(not each.edge.is_start_accepted for each in found) or any(holes_of(each) for each in found):
        return "tighter"
    return "looser" if any(each.last is None or side * each.last > side * declared for each in found) else "holds"


def holes_of(found: Found) -> bool:
    """Whether acceptance changes more than once."""
    return len(found.edge.flips) > 1


def sentence(
    constraint: str, found: list[Found], declared: int | None, unit: str, last: int | None, beyond: int | None,
    altered: str | None, longest: int,
) -> str:  # fmt: skip
    """Say what was found, in a sentence or two."""
    words = WORDS[unit]
    if beyond is None:
        shown = (
            f"nothing up to {longest:,} {words} is refused"
            if constraint == "maxLength"
            else "an empty text is accepted"
        )
        said = [f"No {constraint} is declared, and {shown}" if declared is None else shown.capitalize()]
    else:
        became = altered if altered is not None and any(each.edge.altered_from for each in found) else "refused"
        said = [f"{sized(last, words)} accepted, {beyond:,} {'is' if beyond == 1 else 'are'} {became}"]
        said[0] += ", and no limit is declared" if declared is None else ""
    if unit != "code_points":
        said.append(f"It counts {words}, where the contract counts code points")
    elif found[0].last is not None and any(each.last != found[0].last for each in found):
        said.append(
            f"By kind of character the last is {', '.join(f'{each.alphabet.name} {each.last}' for each in found)}"
        )
    elif beyond is not None:
        said.append(f"The same in {len(found)} kinds of characters")
    if altered is not None and not any(each.edge.altered_from for each in found):
        said.append(f"Texts are {altered}")
    return f"{'. '.join(said)}."


def sized(length: int | None, words: str) -> str:
    """Return a length and its unit, with the verb."""
    if length is None:
        return "No length is"
    return f"1 {words.removesuffix('s')} is" if length == 1 else f"{length:,} {words} are"


def all_points(found: list[Found]) -> list[JsonObject]:
    """List the lengths that were tried; what an altered text reads as is told by its length."""
    listed = []
    for each in found:
        for point in points_of(each.line):
            reads = (
                {"reads": len(point["reads"]) if isinstance(point["reads"], str) else None} if "reads" in point else {}
            )
            listed.append({**point, **reads, "alphabet": each.alphabet.name})
    return listed


def curl(found: Found, length: int | None) -> str | None:
    """Return the shell line that sends the text of a length, where one was sent."""
    if length is None:
        return None
    answer = found.line.answers.get(found.line.space.ordinal(length))
    return None if answer is None else answer.exchange.curl()


def shortest_name_row(prober: Prober) -> Row:
    """
    Try the least length of a new persona's name, as far as one may.

    A name that is accepted makes a persona, and the persona's name must tell that this run has made it.
    """
    tried = prober.tried
    prober.control()
    shortest = prober.run.api.new_name().ljust(LENGTH_OF_A_NAME, "x")
    answers = {length: prober.send(text) for length, text in ((0, ""), (len(shortest), shortest))}
    prober.control()
    is_empty_right = (answers[0].outcome is Outcome.REFUSED) == (tried.schema.get("minLength", 0) > 0)
    is_kept = answers[len(shortest)].outcome is Outcome.ACCEPTED
    verdict: Verdict = "holds" if is_empty_right and is_kept else "looser" if is_kept else "altered"
    said = f"An empty name is {answers[0].outcome}, one of {len(shortest)} is {answers[len(shortest)].outcome}"
    return Row(
        tried.operation, tried.name, "minLength", verdict,
        f"{said}. Lengths between were not tried: a new persona's name must tell who made it.",
        declared=tried.schema.get("minLength"), last_accepted=len(shortest), unit="code_points",
        first_rejected=0 if answers[0].outcome is Outcome.REFUSED else None,
        altered=None if is_kept else "changed",
        points=[{"value": length, "outcome": str(answer.outcome), "alphabet": ASCII} for length, answer in answers.items()],
        curl_accepted=answers[len(shortest)].exchange.curl(), curl_rejected=answers[0].exchange.curl(),
    ).counting(prober.counts)  # fmt: skip
