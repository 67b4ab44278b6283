"""
How a person is shown a text that somebody else wrote: an API, a file, the environment.

Such a text may hold what moves a terminal's cursor, turns a line around, hides a part of it or cannot be encoded.
Every tool shows it through `shown`, so that one line stays one line and every character can be seen.
"""

from __future__ import annotations

import re

# Characters of one text that a line shows before it leaves out the middle.
LONGEST_SHOWN = 700
# Of a line that is made of several texts.
LONGEST_LINE = 4_000
# What breaks or indents the lines of a text of several lines.
LAYOUT = "\n\t"

# Letters and marks by their category, which leave nothing to see: fillers, joiners, variation selectors.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
_IS_BLANK = re.compile(f"[{_BLANK}]")


def shown(text: str, longest: int = LONGEST_SHOWN, *, keep: str = "", left_out: int = 0) -> str:
    r"""
    Return a text as one line that shows each of its characters and does nothing else to whoever reads it.

    Args:
        text: Anything, lone surrogates included.
        longest: How many of its characters are shown; of a longer text the middle is left out, and said to be.
        keep: Characters that stay as they are, such as LAYOUT.
        left_out: How many characters were cut out of it before, which the note of what is left out counts too.

    Returns:
        The very same text where nothing in it is special. Controls, formats, bidirectional marks, invisible letters,
        separators, surrogates, private and unassigned characters are spelled as Python spells them: \x1b, \u202e, \udc80.
    """
    if len(text) > longest:
        text = f"{text[: longest // 2]} ...({len(text) + left_out} characters)... {text[-longest // 4 :]}"
    if text.isprintable() and (text.isascii() or not _IS_BLANK.search(text)):
        return text
    return "".join(_spelled(character, keep) for character in text)


def _spelled(character: str, keep: str) -> str:
    if character in keep or (character.isprintable() and not _IS_BLANK.match(character)):
        return character
    return character.encode("unicode_escape").decode("ascii")
