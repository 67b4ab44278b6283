"""
How a page says things: numbers, times, long and hostile texts.

A value under test may hold anything, so nothing reaches a page that could turn its text around, hide a part of it or
break its encoding.
"""

import json
import re
from contextlib import suppress
from datetime import UTC, datetime

from contract_tests.foreign_text import LAYOUT, shown

# Characters of a text that a page shows before it leaves out the middle.
LONGEST_VALUE = 160
LONG_ENOUGH_TO_SAY = 24


def visible(text: str) -> str:
    """Spell out the characters that cannot be seen, so that UTF-8 carries the text; lines stay lines."""
    return shown(text, len(text), keep=LAYOUT)


def shortened(text: str, longest: int = LONGEST_VALUE) -> str:
    """Leave out the middle of a long text, and say how much of it; not where saying so would take the room again."""
    if len(text) <= longest + LONG_ENOUGH_TO_SAY:
        return text
    head, tail = longest * 3 // 4, longest // 4
    return f"{text[:head]} … {len(text) - head - tail:,} characters … {text[-tail:]}"


for_copying = json.dumps
"""Writes a text so that an attribute carries every character of it: JSON in ASCII."""


def whole(number: float) -> str:
    """Write a count with its thousands apart."""
    return f"{int(number):,}"


def duration(seconds: float | None) -> str:
    """Write how long something took, as precisely as a reader wants it."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02} s"


def moment(text: str) -> str:
    """Write a time in UTC, which is the same for every reader; anything but a time stays as it is."""
    with suppress(OverflowError, ValueError):
        read = datetime.fromisoformat(text)
        zoned = read if read.tzinfo else read.replace(tzinfo=UTC)
        return zoned.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return text


def counted(number: float, noun: str, plural: str = "") -> str:
    """Write a count with its noun."""
    return f"{whole(number)} {noun if number == 1 else plural or noun + 's'}"


def some_of(number: int, plural: str) -> str:
    """Write a count of what only its plural is known of."""
    return f"1 of the {plural}" if number == 1 else f"{number} {plural}"


def breakable(name: str) -> list[str]:
    """Split a name after the characters where a line may break."""
    return re.findall(r"[^_/.:\[\]-]*[_/.:\[\]-]+|[^_/.:\[\]-]+", name)
