"""Clears the texts inside JSON, HTML and XML; the structure, of whose words a key may be made, is never touched."""

import html
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence

# Stands wherever the key stood.
OWN_KEY = "$API_KEY"

Clear = Callable[[str], str]
Places = Sequence[tuple[int, int]]
"""Where something begins and ends, from left to right."""

JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"(?P<is_name>\s*:)?|-?\d[\d.eE+-]*', re.DOTALL)
# A name of this form is one that this suite has given.
OWN_NAME = re.compile(r'"[a-z_]+"\s*:')

# Style and script are this suite's own; a text goes on over a <wbr>.
MARKUP = re.compile(r"<(style|script)\b.*?</\1>|<!--.*?-->|(?P<text>(?:[^<]|<wbr/?>)+)|(?P<tag><[^>]*>)", re.DOTALL)
ATTRIBUTE = re.compile(r'(?<=\s)(?P<name>[\w:-]+)="(?P<value>[^"]*)"')
# The attributes of a page that hold what somebody else wrote.
SHOWN_ATTRIBUTES = frozenset({"data-copy", "data-what", "data-label", "aria-label", "title", "alt"})


def cleared(text: str, places: Places, clear: Clear, *, keeps_own_names: bool = False) -> str:
    """Clear a text that may be JSON of what stands at *places*; names that this suite has given may be kept."""
    if not is_json(text):
        return clear(text)

    def token(found: re.Match[str]) -> str:
        is_kept = keeps_own_names and OWN_NAME.fullmatch(found.group())
        return found.group() if is_kept or not _is_touched(found, places) else _cleared_token(found, clear)

    changed = JSON_TOKEN.sub(token, text)
    return changed if is_json(changed) else clear(text)


def cleared_markup(text: str, places: Places, clear: Clear, attributes: frozenset[str] | None) -> str:
    """Clear the texts of HTML or XML, and those of some attributes; of all of them if None."""

    def piece(found: re.Match[str]) -> str:
        if not _is_touched(found, places):
            return found.group()
        if found["text"] is not None:
            return clear(found["text"])
        return ATTRIBUTE.sub(attribute, found["tag"]) if found["tag"] is not None else found.group()

    def attribute(found: re.Match[str]) -> str:
        is_shown = attributes is None or found["name"] in attributes
        return _cleared_attribute(found, clear) if is_shown else found.group()

    return MARKUP.sub(piece, text)


def _is_touched(found: re.Match[str], places: Places) -> bool:
    at = bisect_right(places, found.start(), key=lambda place: place[1])
    return at < len(places) and places[at][0] < found.end()


def is_json(text: str) -> bool:
    """Whether a text is a JSON value, or one in each of its lines."""
    if not text.lstrip().startswith(("{", "[", '"')):
        return False
    lines = [line for line in text.split("\n") if line.strip()]
    return _is_value(text) or (len(lines) > 1 and all(map(_is_value, lines)))


def _is_value(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _cleared_token(token: re.Match[str], clear: Clear) -> str:
    said = token.group()
    if not said.startswith('"'):
        return said if clear(said) is said else f'"{OWN_KEY}"'
    colon = token["is_name"] or ""
    changed = f'"{clear(said.removesuffix(colon)[1:-1])}"'
    # Where a part of an escape was cleared away nothing of the text can be kept.
    return (changed if _is_value(changed) else f'"{OWN_KEY}"') + colon


def _cleared_attribute(attribute: re.Match[str], clear: Clear) -> str:
    name, value = attribute["name"], attribute["value"]
    changed = clear(value)
    if changed is not value and is_json(html.unescape(value)) and not is_json(html.unescape(changed)):
        changed = f"&#34;{OWN_KEY}&#34;"
    return f'{name}="{changed}"'
