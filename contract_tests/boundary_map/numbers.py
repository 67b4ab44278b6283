"""Makes a result of the map from the search for a limit of a number, or of how many items an array may have."""

import math
import random
import sys
from dataclasses import replace
from decimal import Decimal
from functools import partial

from contract_tests.boundary_map.axis import Axis, Doubles, Integers, Number, Side
from contract_tests.boundary_map.axis_search import AxisSearch, Edge, find_edge
from contract_tests.boundary_map.crossing import crossed
from contract_tests.boundary_map.limit_result import UPPER, Hole, LimitResult, Verdict
from contract_tests.boundary_map.operations import LIST
from contract_tests.boundary_map.probes import Answer, Outcome, Prober
from contract_tests.boundary_map.search import width_found
from contract_tests.boundary_map.slots import Slot
from contract_tests.errors import Inconclusive
from contract_tests.generation.arrays import MOST_ITEMS
from contract_tests.generation.instances import items_of

NUMBER_LIMITS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
SIZE_LIMITS = ("minItems", "maxItems")

# Values inside the limits, from the middle to the limit: equal steps, and further ones that the seed draws.
REGULAR = 20
RANDOM = 6

# Values beyond the limit, as shares of the distance from the middle to the limit.
BEYOND = (0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 10, 100, 1e4, 1e9)
RANDOM_BEYOND = 4

# Integers of more bits than these are not promised to fit.
BITS = {"int32": 31}
MOST_BITS = 63
# At which a store may end that has no documented limit.
WIDTHS = (31, 32, 53, 63)


class NotMapped(Exception):
    """What the contract says here cannot be mapped."""


def number_result(prober: Prober, constraint: str, chance: random.Random) -> LimitResult:
    """
    Search for one limit of a number or of the size of an array; *chance* draws the values that no pattern of the API can
    avoid. NotMapped where the contract does not say by this limit which values are valid around it, Inconclusive where
    nothing follows from the answers.
    """
    slot, contract = prober.slot, prober.run.contract
    axis, declared = _axis(slot, constraint), slot.schema.get(constraint)
    is_size = constraint in SIZE_LIMITS
    send = partial(_put_sized, prober) if is_size else prober.put
    search = AxisSearch(axis, send, is_exact=contract.promises_that("exact_numbers"))
    core = _core(slot, axis, is_size=is_size)
    samples = _sample_sizes(slot, constraint) if is_size else _sample_values(slot, core, declared, axis, chance)
    ideal = None
    if declared is not None:
        # The outermost value that the declared limit allows, and its neighbour.
        ideal = axis.ordinal(declared)
        ideal -= constraint.startswith("exclusive") and axis.value(ideal) == declared

        def is_valid(value: Number) -> bool:
            return slot.accepts(contract, items_of(slot.view, int(value)) if is_size else value)

        if not is_valid(axis.value(ideal)) or is_valid(axis.value(ideal + 1)):
            raise NotMapped("another part of its schema decides which values are valid around this limit")
        samples = [value for value in samples if axis.ordinal(value) > ideal or is_valid(value)]
    prober.control()
    start = axis.ordinal(core if declared is None else declared)
    edge = find_edge(search, (axis.ordinal(value) for value in samples), start)
    if not search.of(Outcome.ACCEPTED) and not search.of(Outcome.ALTERED):
        raise Inconclusive(f"none of {len(search.answers)} values of {slot.name} was accepted, but good ones are")
    prober.control()
    sureness = None if is_size or declared is None else _confidence(core, declared, axis)
    result = _describe(prober, constraint, edge, ideal, sureness)
    if prober.role == LIST or result.verdict == "no_limit" or slot.path or is_size:
        return result
    pair = (result.last_accepted, result.first_rejected)
    return crossed(prober, result, {value: value for value in pair if value is not None})


def _axis(slot: Slot, constraint: str) -> Axis:
    side: Side = 1 if constraint in UPPER else -1
    if constraint in SIZE_LIMITS:
        return Integers(side, "items")
    step = slot.schema.get("multipleOf")
    if step is not None:
        return Integers(side, "integer" if slot.json_type == "integer" else "step", Decimal(repr(step)))
    return Integers(side) if slot.json_type == "integer" else Doubles(side)


def _put_sized(prober: Prober, size: Number) -> Answer:
    """Try an array of so many good items; it reads as its length."""
    items = items_of(prober.slot.view, int(size))
    if items is None:
        raise Inconclusive(f"no good array of {size} items is known")
    answer = prober.put(items)
    return replace(answer, reads=len(answer.reads)) if isinstance(answer.reads, list) else answer


def _describe(prober: Prober, constraint: str, edge: Edge, ideal: int | None, sureness: str | None) -> LimitResult:
    schema, search, limit = prober.slot.schema, edge.search, edge.limit
    declared, value = schema.get(constraint), edge.search.axis.value
    family = SIZE_LIMITS if constraint in SIZE_LIMITS else NUMBER_LIMITS
    altered = prober.alteration(search.cases(), [schema[name] for name in family if name in schema])
    holes = edge.holes()
    if declared is not None and limit is not None and search.is_in_single_precision(limit.inner, declared):
        ideal = limit.inner
    verdict = _judge(edge, ideal, holes, altered=altered)
    if verdict not in ("holds", "no_limit"):
        edge.confirm(prober)
    last = edge.flip.inner if edge.flip is not None else max(search.of(Outcome.ACCEPTED), default=None)
    beyond = None if edge.flip is None else (limit or edge.flip).outer
    accepted, refused = _telling_pair(search.axis, holes, last, beyond)
    result = prober.result(
        constraint, verdict, declared=declared,
        last_accepted=None if last is None else value(last),
        first_rejected=None if limit is None else value(limit.outer),
        first_altered=None if edge.altered_from is None else value(edge.altered_from.outer), unit=edge.unit,
        altered=altered, holes=tuple(holes), confidence=sureness, points=tuple(search.points()),
        curl_accepted=search.curl(accepted), curl_rejected=search.curl(refused),
    )  # fmt: skip
    return replace(result, text=_sentence(result, edge, ideal))


def _telling_pair(axis: Axis, holes: list[Hole], last: int | None, beyond: int | None) -> tuple[int | None, int | None]:
    """Return an accepted and a refused value that a person repeats: those at a hole, if there is one, else the limit."""
    if not holes or holes[0].before is None or holes[0].first is None:
        return last, beyond
    inside, outside = axis.ordinal(holes[0].first), axis.ordinal(holes[0].before)
    return (outside, inside) if holes[0].outcome == Outcome.REFUSED else (inside, outside)


def _judge(edge: Edge, ideal: int | None, holes: list[Hole], *, altered: str | None) -> Verdict:
    """Hold an edge to the outermost value that is to be accepted; without one, no limit is declared."""
    if altered is not None:
        return "altered"
    last = edge.limit.inner if edge.limit is not None else None
    if not edge.is_start_accepted and last is None:
        return "tighter"
    if any(hole.outcome == Outcome.REFUSED for hole in holes):
        return "tighter"
    if ideal is None:
        return "no_limit" if last is None else "tighter"
    if last is None or last > ideal:
        return "looser"
    if last < ideal:
        return "tighter"
    return "looser" if holes else "holds"


def _sentence(result: LimitResult, edge: Edge, ideal: int | None) -> str:
    axis, limit, altered = edge.search.axis, edge.limit, result.altered
    declared, constraint = result.declared, result.constraint
    if limit is not None:
        found = f"{axis.value(limit.inner)} is accepted, {axis.value(limit.outer)} is refused"
    elif result.last_accepted is not None:
        found = f"Nothing {'up' if axis.value(1) > 0 else 'down'} to {axis.value(edge.last)} is refused"
    else:
        found = f"No value near {declared} is accepted"
    if ideal is None:
        found += f": no {constraint} is declared, none is found" if limit is None else ", and no limit is declared"
    elif limit is None or limit.inner > ideal:
        found += f": beyond the declared {constraint} of {declared}"
    elif limit.inner < ideal:
        short = f": short of the declared {constraint} of {declared}"
        found += ": the limit itself is refused" if limit.outer == ideal else short
    said = [found]
    if edge.unit == "single":
        said.append("The flip lies where single precision rounds to another number")
    if edge.altered_from is not None:
        said.append(f"From {axis.value(edge.altered_from.outer)} on values are {altered}")
    elif altered is not None:
        said.append("Values are accepted and ignored" if altered == "ignored" else f"Values are {altered}")
    for hole in result.holes:
        said.append(f"A hole: {hole.first} to {hole.last} {'are' if hole.first != hole.last else 'is'} {hole.outcome}")
    return f"{'. '.join(said)}."


def _core(slot: Slot, axis: Axis, *, is_size: bool) -> Number:
    """Return a value in the middle of what a number may be, or how many items a good array has."""
    good = slot.good_values
    if is_size:
        return len(good[0]) if good else 1
    limits = [slot.schema[name] for name in NUMBER_LIMITS if name in slot.schema]
    middle = sum(limits) / 2 if len(limits) == 2 else good[len(good) // 2] if good else 1
    if isinstance(axis, Integers) and axis.step == 1:
        return int(middle)
    return axis.value(axis.ordinal(float(middle)))


def _sample_sizes(slot: Slot, constraint: str) -> list[Number]:
    """List the sizes to begin with: around the limit, inside and beyond it, as far as good arrays are known."""
    limit, other = slot.schema[constraint], slot.schema.get(SIZE_LIMITS[constraint == SIZE_LIMITS[0]])
    if constraint == "minItems":
        wanted = {0, limit // 2, limit - 1, limit, limit + 1, *((other,) if other else ())}
    else:
        least = slot.schema.get("minItems", 0)
        wanted = {least, (least + limit) // 2, limit - 1, limit, limit + 1, limit + 2, 2 * limit, 5 * limit, 10 * limit}
    allowed = (size for size in sorted(wanted) if 0 <= size <= MOST_ITEMS)
    return [size for size in allowed if items_of(slot.view, size) is not None]


def _sample_values(
    slot: Slot, core: Number, declared: Number | None, axis: Axis, chance: random.Random
) -> list[Number]:
    """List the values to begin with: from the middle to the limit, around it, and far beyond it."""
    side = axis.side
    limit = declared if declared is not None else core + side * max(abs(core), 1) * 10
    reach = abs(limit - core) or 1
    inside = [core + (limit - core) * step / REGULAR for step in range(REGULAR)]
    inside += [core + (limit - core) * chance.random() for _ in range(RANDOM)]
    outside = [float(Decimal(repr(limit)) + side * Decimal(repr(reach)) * Decimal(repr(share))) for share in BEYOND]
    outside += [limit + side * reach * 10 ** chance.uniform(-2, 4) for _ in range(RANDOM_BEYOND)]
    outside += [side * sys.float_info.max, *((0, -core, -limit) if side < 0 else ())]
    if isinstance(axis, Doubles):
        return [*inside, math.nextafter(limit, -math.inf), float(limit), math.nextafter(limit, math.inf), *outside]
    most = 2 ** BITS.get(slot.schema.get("format", ""), MOST_BITS)
    if axis.step == 1:
        near = [limit + step for step in (-1, 0, 1)]
        if declared is None:
            outside += [side * (2**bits - 1) for bits in WIDTHS]
        return sorted({int(value) for value in [*inside, *near, *outside] if abs(value) < most})
    edge = axis.ordinal(limit)
    ordinals = {axis.ordinal(float(value)) for value in [*inside, *outside] if abs(value) < 1e12} | {edge, edge + 1}
    return [axis.value(ordinal) for ordinal in sorted(ordinals)]


def _confidence(core: Number, declared: Number, axis: Axis) -> str:
    """Say how wide a hole between the middle and the limit must be for this search to have hit it."""
    certain, likely = width_found(abs(declared - core), REGULAR, RANDOM)
    low, high = min(core, declared), max(core, declared)
    if isinstance(axis, Integers) and certain <= abs(axis.value(1)):
        return f"Every value from {low} to {high} was tried."
    return f"From {low:g} to {high:g}, a hole wider than {certain:.3g} would have been hit, one wider than {likely:.3g} with 95 %."
