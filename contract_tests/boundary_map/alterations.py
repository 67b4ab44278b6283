"""Names what was done to values that were accepted and read back otherwise: clamped, rounded, truncated, trimmed..."""

import struct
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from functools import partial
from typing import Any, Literal

from contract_tests.generation.candidate import is_number

MOST_DECIMALS = 16
# A greater number has no decimals to lose.
MOST_ROUNDED = 1e20
EXACT = Context(prec=40)

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
FORMS: tuple[Form, ...] = ("NFC", "NFKC", "NFD")


@dataclass(frozen=True)
class Altered:
    """A value as it was sent, and as it reads."""

    sent: Any
    reads: Any


Reading = tuple[str, Callable[[Altered], bool]]


def alteration(cases: Iterable[Altered], limits: Iterable[Any] = ()) -> str | None:
    """Name what was done to values that read otherwise; one that reads as one of the *limits* was moved there."""
    left = list(cases)
    names = []
    for limit in limits:
        moved = [case for case in left if is_number(case.reads) and case.reads == limit and is_number(case.sent)]
        beyond = [case for case in moved if abs(case.sent - case.reads) > abs(case.reads) / 2]
        if beyond:
            names.append(f"clamped to {limit}")
            left = [case for case in left if case not in moved]
    if not left:
        return " and ".join(names) or None
    common = next((name for name, fits in _readings(left) if all(fits(case) for case in left)), None)
    single = (next((name for name, fits in _readings([case]) if fits(case)), "changed") for case in left)
    return " and ".join([*names, *([common] if common else dict.fromkeys(single))])


def _readings(cases: list[Altered]) -> Iterator[Reading]:
    yield "cleared", lambda case: case.reads is None
    if all(is_number(case.sent) and is_number(case.reads) for case in cases):
        yield from _number_readings(cases)
    elif all(isinstance(case.sent, str) and isinstance(case.reads, str) for case in cases):
        yield from _text_readings(cases)
    yield "turned into text", lambda case: isinstance(case.reads, str) and not isinstance(case.sent, str)
    yield "turned into a number", lambda case: is_number(case.reads) and not is_number(case.sent)


def _number_readings(cases: list[Altered]) -> Iterator[Reading]:
    constants = {case.reads for case in cases}
    if len(constants) == 1 and len(cases) > 1:
        yield f"clamped to {constants.pop()}", lambda _case: True
    for decimals in range(MOST_DECIMALS):
        words = "a whole number" if decimals == 0 else "1 decimal" if decimals == 1 else f"{decimals} decimals"
        yield f"rounded to {words}", partial(_rounds, decimals=decimals, modes=(ROUND_HALF_EVEN, ROUND_HALF_UP))
        yield f"cut to {words}", partial(_rounds, decimals=decimals, modes=(ROUND_DOWN,))
    yield "put into single precision and printed long", lambda case: bool(case.reads == _packed("f", case.sent))
    yield "put into half precision", lambda case: bool(case.reads == _packed("e", case.sent))
    yield "made positive", lambda case: bool(case.reads == abs(case.sent))


def _text_readings(cases: list[Altered]) -> Iterator[Reading]:
    sizes: dict[str, Callable[[str], int]] = {
        "characters": len,
        "bytes": lambda text: len(text.encode("utf-8", "surrogatepass")),
        "UTF-16 units": lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
    }
    for unit, size in sizes.items():
        greatest = max(size(case.reads) for case in cases)
        yield f"truncated to {greatest} {unit}", partial(_truncates, size=size, greatest=greatest)
    yield "trimmed", lambda case: bool(case.reads == case.sent.strip())
    yield "case-folded", lambda case: bool(case.reads.casefold() == case.sent.casefold())
    for form in FORMS:
        yield f"normalised to {form}", partial(_normalises, form=form)
    yield "changed in its separators", lambda case: bool(_plain(case.reads) == _plain(case.sent))


def _truncates(case: Altered, size: Callable[[str], int], greatest: int) -> bool:
    """Whether the text lost its end; a character that does not fit in whole leaves up to three units unused."""
    return bool(case.sent.startswith(case.reads)) and 0 < greatest - 4 < size(case.reads) <= greatest


def _normalises(case: Altered, form: Form) -> bool:
    return bool(case.reads == unicodedata.normalize(form, case.sent))


def _rounds(case: Altered, decimals: int, modes: tuple[str, ...]) -> bool:
    """Whether the value reads as it does when rounded, as a double or as the decimal that names it."""
    if abs(case.sent) > MOST_ROUNDED:
        return False
    step = Decimal(1).scaleb(-decimals)
    # The exact double has up to 1,074 digits, of which 40 decide.
    forms = (EXACT.plus(Decimal(case.sent)), Decimal(repr(case.sent)))
    return any(float(form.quantize(step, mode, EXACT)) == case.reads for form in forms for mode in modes)


def _packed(code: str, value: float) -> float | None:
    try:
        return float(struct.unpack(code, struct.pack(code, value))[0])
    except (OverflowError, struct.error):
        return None


def _plain(text: str) -> str:
    return text.casefold().replace("_", "-").replace(" ", "-")
