"""Makes a row of the map from the search for a limit of a number."""

from __future__ import annotations

import math
import random
import sys
from decimal import Decimal
from typing import Any

from contract_tests.boundaries import good_values
from contract_tests.contract import Field
from contract_tests.edge_search.alterations import alteration
from contract_tests.edge_search.crossing import crossed
from contract_tests.edge_search.line import LOWER, UPPER, Edge, Line, as_hole, confirm, find_edge, points_of, unit_of
from contract_tests.edge_search.probes import BODIES, Outcome, Prober
from contract_tests.edge_search.row import JsonObject, Row, Verdict
from contract_tests.edge_search.search import holes, width_found
from contract_tests.edge_search.spaces import Doubles, Integers, Number, Side, Space
from contract_tests.errors import Inconclusive

# Values inside the limits, from the middle to the limit: equal steps, and further ones that the seed draws.
REGULAR = 20

RANDOM = 6

# Values beyond the limit, as shares of the distance from the middle to the limit.
BEYOND = (0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 10, 100, 1e4, 1e9)

RANDOM_BEYOND = 4


def number_row(prober: Prober, constraint: str, chance: random.Random) -> Row:
    """
    Search for one limit of a number.

    Args:
        prober: Tries values of the field.
        constraint: minimum, maximum or their exclusive forms.
        chance: Draws the values that no pattern of the API can avoid.

    Raises:
        Inconclusive: The API gave no answer from which anything follows.
    """
    tried = prober.tried
    side: Side = 1 if constraint in UPPER else -1
    is_whole = tried.json_type == "integer"
    space: Space = Integers(side) if is_whole else Doubles(side)
    line = Line(space, lambda value: prober.send(value))
    declared = tried.schema.get(constraint)
    core = core_of(tried)
    samples = sample_values(tried, declared, side, chance)
    prober.control()
    edge = find_edge(
        line, (space.ordinal(value) for value in samples), space.ordinal(core if declared is None else declared)
    )
    if not line.of(Outcome.ACCEPTED) and not line.of(Outcome.ALTERED):
        raise Inconclusive(f"none of {len(line.answers)} values of {tried.name} was accepted, but good ones are")
    prober.control()
    row = describe(prober, constraint, line, edge, confidence(core, declared, is_whole=is_whole))
    pair = [value for value in (row.last_accepted, row.first_rejected) if value is not None]
    is_crossed = tried.operation in BODIES and row.verdict != "no_limit"
    return crossed(prober, row, {value: value for value in pair}) if is_crossed else row


def describe(prober: Prober, constraint: str, line: Line, edge: Edge, sureness: str | None) -> Row:
    """Turn what was found along a line into a row."""
    declared = prober.tried.schema.get(constraint)
    value, space = line.space.value, line.space
    limits = [prober.tried.schema[name] for name in (*LOWER, *UPPER) if name in prober.tried.schema]
    name = None if not line.cases() else "ignored" if prober.ignores else alteration(line.cases(), limits)
    found = [as_hole(line, each.first, each.last, is_accepted=each.is_accepted, edge=edge)
             for each in holes(edge.flips, edge.limit, edge.first, edge.last)]  # fmt: skip
    ideal = None if declared is None else space.ordinal(declared) - constraint.startswith("exclusive")
    if declared is not None and edge.limit is not None and line.is_in_single_precision(edge.limit.inner, declared):
        ideal = edge.limit.inner
    verdict = judge(edge, ideal, found, altered=name)
    if verdict not in ("holds", "no_limit"):
        confirm(line, prober, edge)
    last = edge.last_kept if edge.last_kept is not None else max(line.of(Outcome.ACCEPTED), default=None)
    outer = edge.limit.outer if edge.limit is not None else None
    turned = edge.altered_from.outer if edge.altered_from is not None else None
    telling = telling_pair(space, found, last, turned if outer is None else outer)
    return Row(
        prober.tried.operation, prober.tried.name, constraint, verdict,
        sentence(space, ideal, declared, constraint, edge, last, found, name),
        declared=declared,
        last_accepted=None if last is None else value(last),
        first_rejected=None if outer is None else value(outer),
        first_altered=None if turned is None else value(turned),
        unit=unit_of(space, edge),
        altered=name,
        holes=found,
        confidence=sureness,
        points=points_of(line),
        curl_accepted=curl(line, telling[0]),
        curl_rejected=curl(line, telling[1]),
    ).counting(prober.counts)  # fmt: skip


def telling_pair(
    space: Space, found: list[JsonObject], last: int | None, beyond: int | None
) -> tuple[int | None, int | None]:
    """Return an accepted and a refused value that a person repeats: those at a hole, if there is one, else the limit."""
    if not found or found[0]["before"] is None:
        return last, beyond
    inside, outside = space.ordinal(found[0]["first"]), space.ordinal(found[0]["before"])
    return (outside, inside) if found[0]["outcome"] == Outcome.REFUSED else (inside, outside)


def curl(line: Line, ordinal: int | None) -> str | None:
    """Return the shell line that sends a value."""
    return None if ordinal is None else line.answer(ordinal).exchange.curl()


def judge(edge: Edge, ideal: int | None, found: list[JsonObject], *, altered: str | None) -> Verdict:
    """
    Hold an edge to the declared limit.

    Args:
        edge: What was found.
        ideal: The outermost value that is to be accepted; None where no limit is declared.
        found: The holes.
        altered: What is done to values, if anything.
    """
    if altered is not None:
        return "altered"
    last = edge.limit.inner if edge.limit is not None else None
    if not edge.is_start_accepted and last is None:
        return "tighter"
    if any(hole["outcome"] == Outcome.REFUSED for hole in found):
        return "tighter"
    if ideal is None:
        return "no_limit" if last is None else "tighter"
    if last is None or last > ideal:
        return "looser"
    if last < ideal:
        return "tighter"
    return "looser" if found else "holds"


def sentence(
    space: Space, ideal: int | None, declared: Any, constraint: str, edge: Edge, last: int | None,
    found: list[JsonObject], altered: str | None,
) -> str:  # fmt: skip
    """Say what was found, in a sentence or two."""
    said = []
    outer = edge.limit.outer if edge.limit is not None else None
    if edge.limit is not None:
        shown = f"{space.value(edge.limit.inner)} is accepted, {space.value(edge.limit.outer)} is refused"
    elif last is not None:
        shown = f"nothing {'up' if space.value(1) > 0 else 'down'} to {space.value(edge.last)} is refused"
    else:
        shown = f"no value near {declared} is accepted"
    said.append(f"{shown[0].upper()}{shown[1:]}")
    if ideal is None:
        said[0] += (
            ", and no limit is declared" if outer is not None else f": no {constraint} is declared, none is found"
        )
    elif edge.limit is None or edge.limit.inner > ideal:
        said[0] += f": beyond the declared {constraint} of {declared}"
    elif edge.limit.inner < ideal:
        is_open = outer == ideal
        said[0] += ": the limit itself is refused" if is_open else f": short of the declared {constraint} of {declared}"
    if isinstance(space, Doubles) and unit_of(space, edge) == "single":
        said.append("The flip lies where single precision rounds to another number")
    if edge.altered_from is not None:
        said.append(f"From {space.value(edge.altered_from.outer)} on values are {altered}")
    elif altered is not None:
        said.append(f"Values are {altered}" if altered != "ignored" else "Values are accepted and ignored")
    said += [
        f"A hole: {hole['first']} to {hole['last']} {'are' if hole['first'] != hole['last'] else 'is'} {hole['outcome']}"
        for hole in found
    ]
    return f"{'. '.join(said)}."


def core_of(tried: Field) -> Number:
    """Return a value in the middle of what a number may be."""
    good = good_values(tried)
    limits = [tried.schema[name] for name in (*LOWER, *UPPER) if name in tried.schema]
    middle = sum(limits) / 2 if len(limits) == 2 else good[len(good) // 2]
    return int(middle) if tried.json_type == "integer" else float(middle)


def sample_values(tried: Field, declared: Number | None, side: Side, chance: random.Random) -> list[Number]:
    """List the values to begin with: from the middle to the limit, around it, and far beyond it."""
    core = core_of(tried)
    limit = declared if declared is not None else core + side * max(abs(core), 1) * 10
    reach = abs(limit - core) or 1
    inside = [core + (limit - core) * step / REGULAR for step in range(REGULAR)]
    inside += [core + (limit - core) * chance.random() for _ in range(RANDOM)]
    outside = [float(Decimal(repr(limit)) + side * Decimal(repr(reach)) * Decimal(repr(share))) for share in BEYOND]
    outside += [limit + side * reach * 10 ** chance.uniform(-2, 4) for _ in range(RANDOM_BEYOND)]
    outside += [side * sys.float_info.max, *((0, -core, -limit) if side < 0 else ())]
    is_whole = tried.json_type == "integer"
    near = [limit + step for step in (-1, 0, 1)] if is_whole else neighbours(limit)
    values = [*inside, *near, *outside]
    return sorted({int(value) for value in values if abs(value) < 2**63}) if is_whole else values


def neighbours(limit: Number) -> list[Number]:
    """Return a double between its two neighbours."""
    return [math.nextafter(limit, -math.inf), float(limit), math.nextafter(limit, math.inf)]


def confidence(core: Number, declared: Number | None, *, is_whole: bool) -> str | None:
    """Say how wide a hole between the middle and the limit must be for this search to have hit it."""
    if declared is None:
        return None
    certain, likely = width_found(abs(declared - core), REGULAR, RANDOM)
    if is_whole and certain <= 1:
        return f"Every value from {min(core, declared)} to {max(core, declared)} was tried."
    low, high = min(core, declared), max(core, declared)
    return f"From {low:g} to {high:g}, a hole wider than {certain:.3g} would have been hit, one wider than {likely:.3g} with 95 %."
