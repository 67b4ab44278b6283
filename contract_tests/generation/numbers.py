"""The numbers at, just inside and just outside each limit, and the multiples."""

import math
import sys
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import jsonschema_rs

from contract_tests.generation.candidate import NOT_JSON, Candidate, is_number
from contract_tests.generation.places import View
from contract_tests.singles import nearest_single, next_single
from contract_tests.spec.document import Schema

# How far outside a limit a value is tried, in the field's own unit: whole units find an off-by-one,
# the small steps a tolerance, the halves a rounding before the check.
OUTER_STEPS = (1, 0.5, 0.4, 0.1, 0.01, 0.001, 1e-6, 1e-9)
INNER_STEPS = (0.1, 1e-6)

# How much greater a limit is in a smaller unit: seconds in a minute, hundredths, thousandths.
SMALLER_UNITS = (60, 100, 1000)

LIMITS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")

FAR_AWAY = {
    "zero": 0, "negative-zero": -0.0, "minus-one": -1, "billion": 1e9, "huge": 1e308, "minus-huge": -1e308,
    "smallest-double": 5e-324, "400-digits": 10**400 - 1,
}  # fmt: skip

# Integers beyond this are changed by every parser that reads a number as a double.
EXACT_IN_DOUBLES = 2**53

# The greatest number that a format promises to hold. JSON Schema reads such a format as a note, so a number beyond it
# that no limit forbids is not judged.
GREATEST: dict[str, float] = {"int32": 2**31 - 1, "int64": 2**63 - 1, "float": 3.4028234663852886e38}

# Two numbers are taken for one where they differ by less than this share: libraries divide with such a tolerance.
NOISE = Fraction(1, 10**9)


def limits(schema: Schema) -> dict[str, Any]:
    """Return the limits of a number, by keyword."""
    return {keyword: schema[keyword] for keyword in LIMITS if keyword in schema}


def span(schema: Schema) -> tuple[Any, Any]:
    """Return the lower and the upper limit of a number, whether or not the limit itself is valid; None without one."""
    found = limits(schema)
    low = max((found[word] for word in LIMITS[:2] if word in found), default=None)
    return low, min((found[word] for word in LIMITS[2:] if word in found), default=None)


def is_judged(view: View, value: object) -> bool:
    """
    Whether the contract is clear about a number.

    It is not where a number beyond what its format or its parser holds is valid only for want of a limit, and
    where a number is a multiple, or none, only by the noise of division.
    """
    if not is_number(value):
        return True
    step = view.schema.get("multipleOf")
    if step is not None and not _is_clear_multiple(view, value, step):
        return False
    is_whole = "number" not in view.types
    usual = EXACT_IN_DOUBLES if is_whole else sys.float_info.max
    greatest = GREATEST.get(view.schema.get("format", ""), usual)
    is_denormal = view.schema.get("format") == "float" and 0 < abs(value) < 1e-37
    return not (is_denormal or abs(value) > greatest) or not view.place.is_valid(value)


def _is_clear_multiple(view: View, value: float, step: float) -> bool:
    """Whether decimals, doubles and the JSON Schema library agree on a multiple, and none calls it a near one."""
    ratio = Fraction(Decimal(repr(value))) / Fraction(Decimal(repr(step)))
    distance = abs(ratio - round(ratio))
    if distance:
        return bool(distance > NOISE * max(Fraction(1), abs(ratio)))
    is_whole_in_doubles = not isinstance(step, float) or abs(value) > 1e300 or (value / step).is_integer()
    return is_whole_in_doubles and jsonschema_rs.is_valid({"multipleOf": step}, value)


def number_candidates(view: View) -> Iterator[Candidate]:
    """Yield numbers around each limit, then spellings of the limits, then numbers far away."""
    found = limits(view.schema)
    for keyword, limit in found.items():
        yield Candidate("number", f"at-{keyword}", limit, keyword)
        yield from _neighbours(keyword, float(limit))
        yield from _spellings(keyword, limit)
        yield Candidate("number", f"negated-{keyword}", -limit, keyword)
    low, high = found.get("minimum"), found.get("maximum")
    if low is not None and high is not None:
        yield Candidate("number", "between", (low + high) / 2, "minimum")
        yield Candidate("number", "between-odd", low + (high - low) / 3, "minimum")
    yield from _multiples(view)
    yield from _in_smaller_units(found)
    keyword = next(iter(found), "type")
    for reason, value in FAR_AWAY.items():
        yield Candidate("number", reason, value, keyword)
    spelled = (
        ("5000-digits", 10**400, "9" * 5_000),
        ("beyond-double", 10**400, "1e400"),
        ("beyond-negative-double", -(10**400), "-1e400"),
        *((f"token-{token}", None, token) for token in NOT_JSON),
    )
    for reason, number, token in spelled:
        yield Candidate("number", reason, number, "type" if number is None else keyword, token)


def integer_candidates(view: View) -> Iterator[Candidate]:
    """Yield whole numbers around each limit, their spellings, and numbers that are not whole."""
    found = limits(view.schema)
    for keyword, limit in found.items():
        # What is rounded before it is checked lies within the limit then.
        outwards = -1 if "inimum" in keyword else 1
        for step in (0.5, 0.4, 0.1):
            yield Candidate("number", f"{step:g}-beyond-{keyword}", limit + outwards * step, keyword)
        for step in (-2, -1, 0, 1, 2):
            yield Candidate("number", f"{keyword}{step:+d}", int(limit) + step, keyword)
        yield Candidate("number", f"negated-{keyword}", -int(limit), keyword)
        if float(limit).is_integer():
            # The same integer in JSON, though a parser may call it a float.
            yield Candidate("number", f"{keyword}-spelled-with-point", int(limit), keyword, f"{int(limit)}.0")
            yield Candidate("number", f"{keyword}-spelled-with-exponent", int(limit), keyword, f"{int(limit)}e0")
    yield from _multiples(view)
    yield from _in_smaller_units(found)
    for value in (0, -1, 2**31, 2**63, 10**400):
        yield Candidate("number", f"integer-{value:.3g}" if value < 1e300 else "401-digits", value, "type")
    for bits in (31, 53, 63) if len(found) < 2 else ():
        yield Candidate("number", f"greatest-of-{bits}-bits", 2**bits - 1, "type")
        yield Candidate("number", f"least-of-{bits}-bits", 1 - 2**bits, "type")
    yield Candidate("number", "fraction", float(next(iter(found.values()), 1)) + 0.5, "type")
    for token in NOT_JSON:
        yield Candidate("number", f"token-{token}", None, "type", token)


def _in_smaller_units(found: Schema) -> Iterator[Candidate]:
    """Yield the limits in smaller units, after the limits themselves: one may be the other."""
    for keyword, limit in found.items():
        for times in SMALLER_UNITS:
            yield Candidate("number", f"{times}-times-{keyword}", limit * times, keyword)


def _multiples(view: View) -> Iterator[Candidate]:
    """Yield multiples of a step inside the limits, and numbers between two multiples."""
    found = multiples(view.schema)
    if not found:
        return
    step = Decimal(repr(view.schema["multipleOf"]))
    for keyword in limits(view.schema):
        is_least = "inimum" in keyword
        beyond = Decimal(repr(found[0])) - step if is_least else Decimal(repr(found[-1])) + step
        yield Candidate("number", f"next-multiple-beyond-{keyword}", _plain(beyond), keyword)
    for index, value in enumerate(found):
        yield Candidate("number", f"multiple-{index}", value, "multipleOf")
        for reason, share in (("half", "0.5"), ("tenth", "0.1"), ("hundredth", "0.01")):
            between = _plain(Decimal(repr(value)) + step * Decimal(share))
            yield Candidate("number", f"{reason}-a-step-above-multiple-{index}", between, "multipleOf")


def multiples(schema: Schema) -> list[Any]:
    """Return multiples of the step of a schema: the first and the last inside its limits, and some between."""
    if "multipleOf" not in schema:
        return []
    step = Decimal(repr(schema["multipleOf"]))
    low, high = (None if limit is None else Decimal(repr(limit)) for limit in span(schema))
    low = low if low is not None else Decimal(0) if high is None else high - 100 * step
    high = high if high is not None else low + 100 * step
    first, last = math.ceil(low / step), math.floor(high / step)
    middle = (first + last) // 2
    wanted = dict.fromkeys([first, first + 1, middle, middle + 1, last - 1, last])
    return [_plain(step * count) for count in wanted if first <= count <= last]


def _plain(value: Decimal) -> Any:
    return int(value) if value == value.to_integral_value() else float(value)


def _neighbours(keyword: str, limit: float) -> Iterator[Candidate]:
    """Yield the numbers closest to a limit, on both sides, then further and further away."""
    for side, direction in (("below", -math.inf), ("above", math.inf)):
        sign = math.copysign(1, direction)
        name = f"{side}-{keyword}"
        yield Candidate("number", f"one-double-{name}", math.nextafter(limit, direction), keyword)
        yield Candidate("number", f"one-single-{name}", next_single(limit, direction), keyword)
        is_outside = ("inimum" in keyword) == (sign < 0)
        own_step = float(Decimal(1).scaleb(int(Decimal(repr(limit)).normalize().as_tuple().exponent)))
        for step in sorted({own_step, *(OUTER_STEPS if is_outside else INNER_STEPS)}, reverse=True):
            value = float(Decimal(repr(limit)) + Decimal(repr(step)) * int(sign))
            yield Candidate("number", f"{step:g}-{name}", value, keyword)
    yield Candidate("number", f"double-{keyword}", limit * 2, keyword)
    yield Candidate("number", f"half-{keyword}", limit / 2, keyword)


def _spellings(keyword: str, limit: float) -> Iterator[Candidate]:
    """Yield other spellings of the limit itself: they are the same JSON number."""
    decimal = Decimal(repr(limit))
    tokens = [f"{decimal:f}", f"{decimal:f}0" if "." in f"{decimal:f}" else f"{decimal:f}.0", f"{decimal * 10:f}e-1"]
    for token in [*tokens, f"{decimal / 10:f}E+1", f"{decimal:f}e0"]:
        yield Candidate("number", f"{keyword}-spelled-{token}", limit, keyword, token)
    # More digits than Python's int() reads, though none of them counts.
    yield Candidate("number", f"{keyword}-with-zeros", limit, keyword, tokens[1] + "0" * 5_000)


def good_numbers(view: View) -> list[Any]:
    """Return plain numbers inside the limits, exact in single precision so that they read back unchanged."""
    schema = view.schema
    if "multipleOf" in schema:
        return [value for value in _from_the_middle(multiples(schema)) if is_judged(view, value)]
    low, high = span(schema)
    low = low if low is not None else 0 if high is None else high - 100
    high = high if high is not None else low + 100
    return [nearest_single(low + (high - low) * share) for share in (0.25, 0.5, 0.75)]


def good_integers(view: View) -> list[Any]:
    """Return whole numbers inside the limits."""
    schema = view.schema
    if "multipleOf" in schema:
        return [int(value) for value in _from_the_middle(multiples(schema)) if float(value).is_integer()]
    found = limits(schema)
    if "minimum" not in found and "exclusiveMinimum" not in found and found:
        high = math.floor(min(found.values()))
        return [high - 2, high - 1, high]
    low = math.ceil(max(found.get("minimum", 0), found.get("exclusiveMinimum", -1) + 1)) if found else 1
    return [low, low + 1, low + 2]


def _from_the_middle(values: list[Any]) -> list[Any]:
    return values[len(values) // 3 :] + values[: len(values) // 3]
