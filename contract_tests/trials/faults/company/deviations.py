"""The deviations: what an API does wrong with a field of a body, and a value that shows it."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from .. import seams
from ..fault import Select
from ..scene import Body, first, needed
from ..seams import curried
from ..usual import failed
from ..values.texts import STORED
from . import plants
from .place import Place, is_limit
from .plants import Change, Judge, Plant

Value = Callable[[Place], Any]


@dataclass(frozen=True)
class Deviation:
    """What an API does wrong."""

    name: str
    words: str  # begins the sentence of a fault; `{field}` stands for the field, `{other}` for one beside it
    fields: Select  # the fields on which it can be planted
    value: Value  # a value of the field that shows it; NoPlace where there is none
    plant: Plant
    clause: str = "type"  # what it breaks where that is no promise: a keyword of the field, or TIME
    promise: str = ""  # without it it would break nothing
    in_create: bool = False  # whether a create can do it as well
    beside: bool = False  # whether the body has to bring another valid field
    is_read_apart: bool = False  # whether it is another client that sees it, once it has read the item
    share: int = 3  # with so many conditions it is planted


# -- Values that show it ----------------------------------------------------------------------------------------------


def _step(place: Place) -> float:
    return 0.5 if place.tried in place.scene.fractions else 1


def _beyond(word: str, sign: int) -> tuple[Value, Judge]:
    """Return the value half a step, or one, beyond a limit, and what judges values up to there."""

    def value(place: Place) -> Any:
        found = place.tried.schema[word] + sign * _step(place)
        needed(not place.scene.contract.accepts_value(place.tried, found))
        return found

    def is_meant(place: Place, value: Any) -> bool:
        return seams.is_number(value) and 0 < (value - place.tried.schema[word]) * sign <= _step(place)

    return value, is_meant


def _at(word: str) -> tuple[Value, Judge]:
    return lambda place: place.tried.schema[word], lambda place, value: bool(value == place.tried.schema[word])


def _accepted(place: Place, value: Any) -> Any:
    needed(place.scene.contract.accepts_value(place.tried, value))
    return value


@curried
def _digits(digits: float, place: Place) -> Any:
    low = place.tried.schema.get("minimum", place.tried.schema.get("exclusiveMinimum", 0))
    return _accepted(place, low + digits)


def _most(place: Place) -> int:
    return int(place.tried.schema["maxLength"])


def _upper(place: Place) -> str:
    accepts = place.scene.contract.accepts_value
    words: list[str] = [value.upper() for value in place.tried.schema["enum"]]
    return first(word for word in words if not accepts(place.tried, word))


def _unknown_word(place: Place) -> str:
    return first(v for v in ("mute", "none") if not place.scene.contract.accepts_value(place.tried, v))


def _unlike(place: Place, values: Iterable[Any], *items: Body) -> Any:
    """Return a value that no item has, one at a limit only where there is no other."""
    others = [value for value in values if value not in [item.get(place.name) for item in items]]
    return first(sorted(others, key=lambda value: is_limit(place.tried, value)))


_usual: Value = lambda place: _unlike(place, place.scene.good(place.tried)[::-1], place.scene.item)
_new_to_both: Value = lambda place: _unlike(
    place, place.scene.good(place.tried), place.scene.item, place.scene.bystander
)


# -- What is changed, and where ---------------------------------------------------------------------------------------


def _number(change: Callable[[float], Any]) -> Change:
    return lambda place, value: seams.of_numbers(change)(value)


def _text(change: Callable[[str], str]) -> Change:
    return lambda place, value: seams.of_texts(change)(value)


def _moved(place: Place, value: Any) -> Any:
    low, high = place.tried.schema["minimum"], place.tried.schema["maximum"]
    return min(max(value, low), high) if seams.is_number(value) else value


def _number_of(text: str) -> Any:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text


def _limited(*words: str) -> Select:
    return lambda scene: [tried for tried in scene.numbers if {*words} <= tried.schema.keys()]


_null: Value = lambda place: None
_bad: Value = lambda place: place.scene.bad(place.tried)
_with_length: Select = lambda scene: [tried for tried in scene.texts if "maxLength" in tried.schema]
_changing: Select = lambda scene: [tried for tried in scene.free if scene.change(tried).keys() == {tried.name}]
_clearing: Select = lambda scene: [tried for tried in scene.clearing if tried.name in scene.item]
_refusable: Select = lambda scene: scene.free
_texts: Select = lambda scene: scene.texts

ATOMIC, READ, TEXT, NUMBER, ANY = "atomic", "read_your_writes", "exact_text", "exact_numbers", "any_combination"
TIME = "time"

# By the name: what is done to a text, and a text that shows it; beside every second one of `STORED`.
FURTHER_TEXTS: dict[str, tuple[Callable[[str], str], str, str]] = {
    "hangul_composed": (STORED["jamo_composed"][0], "Composes the letters of Korean.", "\u1112\u1161\u11ab"),
    "selectors_removed": (lambda t: re.sub("[\ufe00-\ufe0f]", "", t), "Removes variation selectors.", "\u2764\ufe0f now"),
    "digits_folded": (
        lambda t: "".join(str(unicodedata.decimal(c, c)) for c in t), "Turns digits of other scripts into ASCII.",
        "room \u0664\u0662"),
    "private_use_removed": (
        lambda t: "".join(c for c in t if unicodedata.category(c) != "Co"), "Removes characters of private use.",
        "logo \ue000"),
    "separators_unified": (
        lambda t: re.sub("[\u2028\u2029\u0085]", "\n", t), "Turns separators of lines into newlines.", "a\u2028b"),
    "marks_reordered": (lambda t: unicodedata.normalize("NFD", t), "Decomposes text to NFD.", "caf\u00e9"),
}  # fmt: skip

_above, _is_above = _beyond("maximum", 1)
_below, _is_below = _beyond("minimum", -1)
_highest, _is_highest = _at("maximum")
_lowest, _is_lowest = _at("minimum")

DEVIATIONS = (
    Deviation("above_accepted", "Accepts half a step beyond the maximum of {field}", _limited("maximum"), _above,
              plants.judging(True, _is_above), "maximum", in_create=True, share=4),
    Deviation("below_accepted", "Accepts half a step below the minimum of {field}", _limited("minimum"), _below,
              plants.judging(True, _is_below), "minimum", in_create=True, share=4),
    Deviation("highest_refused", "Refuses the maximum of {field}", _limited("maximum"), _highest,
              plants.judging(False, _is_highest), "maximum", in_create=True, share=4),
    Deviation("lowest_refused", "Refuses the minimum of {field}", _limited("minimum"), _lowest,
              plants.judging(False, _is_lowest), "minimum", in_create=True),
    Deviation("moved", "Moves {field} to the limit that it is beyond", _limited("minimum", "maximum"), _above,
              plants.reading(_moved), "maximum", in_create=True),
    Deviation("rounded", "Rounds {field} to one decimal", lambda scene: scene.fractions, _digits(0.1239),
              plants.storing(_number(lambda v: round(v, 1))), promise=NUMBER, in_create=True),
    Deviation("of_15_digits", "Stores 15 digits of {field}", lambda scene: scene.fractions,
              _digits(0.12345678901234568), plants.storing(_number(lambda v: float(f"{v:.15g}"))), promise=NUMBER,
              in_create=True),
    Deviation("as_text", "Accepts {field} written as text", lambda scene: scene.numbers,
              lambda place: str(first(place.scene.good(place.tried))), plants.reading(_text(_number_of)), in_create=True),
    Deviation("one_longer_accepted", "Accepts one character too many in {field}", _with_length,
              lambda place: "a" * (_most(place) + 1),
              plants.judging(True, lambda place, v: isinstance(v, str) and len(v) == _most(place) + 1),
              "maxLength", in_create=True, share=4),
    Deviation("longest_refused", "Refuses the greatest length of {field}", _with_length,
              lambda place: "b" * _most(place),
              plants.judging(False, lambda place, v: isinstance(v, str) and len(v) == _most(place)), "maxLength",
              in_create=True),
    Deviation("cut", "Cuts {field} to its greatest length", _with_length, lambda place: "c" * (_most(place) + 1),
              plants.reading(lambda place, v: v[: _most(place)] if isinstance(v, str) else v), "maxLength",
              in_create=True),
    Deviation("any_case_accepted", "Accepts a value of {field} in capitals", lambda scene: scene.enums, _upper,
              plants.judging(True, lambda place, v: isinstance(v, str) and v.lower() in place.tried.schema["enum"]),
              "enum", in_create=True),
    Deviation("any_word_accepted", "Accepts any word as {field}", lambda scene: scene.enums, _unknown_word,
              plants.judging(True, lambda place, v: isinstance(v, str) and v.isalpha() and v.islower()),
              "enum", in_create=True),
    Deviation("last_refused", "Refuses the last value of {field}", lambda scene: scene.enums,
              lambda place: place.tried.schema["enum"][-1],
              plants.judging(False, lambda place, v: bool(v == place.tried.schema["enum"][-1])), "enum", in_create=True),
    Deviation("first_stored", "Stores the first value of {field} instead", lambda scene: scene.enums,
              lambda place: place.tried.schema["enum"][-1],
              plants.storing(lambda place, v: v if v is None else place.tried.schema["enum"][0]), promise=READ,
              in_create=True),
    Deviation("null_ignored", "Leaves {field} on null, which is to clear it", _clearing, _null,
              plants.storing_fields(lambda place, sent: {n: v for n, v in sent.items() if n != place.name or v is not None}),
              "x-on-null", share=4),
    Deviation("null_clears", "Clears {field} on null, which is to leave it", lambda scene: scene.keeping, _null,
              plants.clear_on_null, "x-on-null"),
    Deviation("null_refused", "Refuses null in {field}", lambda scene: scene.nullable, _null,
              plants.judging(False, lambda place, v: v is None), "x-on-null", share=4),
    Deviation("lost", "Forgets an update of {field}", _changing, _usual,
              plants.updating(lambda api, place, before, after: api.resource.store.write(before)), promise=READ, share=4),
    Deviation("not_stored", "Answers a new {field} and does not store it", _changing, _usual, plants.answer_alone,
              promise=READ, share=4),
    Deviation("read_stale", "Reads an item without its new {field}", _changing, _usual, plants.stale(seams.read_item_as),
              promise=READ, share=4),
    Deviation("list_stale", "Lists an item without its new {field}", _changing, _usual, plants.stale(seams.list_item_as),
              promise="list_shows_items", share=4),
    Deviation("time_stays", "Leaves the time of the last change where it was with an update of {field}", _changing, _usual,
              plants.updating(plants.time_stays), TIME, share=4),
    Deviation("cached", "Shows another client the item without its new {field}", _changing, _usual,
              plants.show_readers_the_old, promise=READ, is_read_apart=True),
    Deviation("unlisted_accepted", "Accepts a {field} that nobody lists", lambda scene: scene.listed,
              lambda place: place.scene.values.unknown(place.name), plants.accept_unlisted, "x-values-from",
              in_create=True, share=4),
    Deviation("clears_another", "Clears {other} with an update of {field}", _changing, _usual,
              plants.updating(plants.clear_another), promise=ANY),
    Deviation("reaches_another", "Writes {field} to the newest other item, too", _changing, _new_to_both,
              plants.updating(plants.reach_another), promise="isolation"),
    Deviation("answered_500", "Fails on a valid {field}", _changing, _usual,
              plants.storing_fields(lambda place, sent: failed()), in_create=True),
    Deviation("refused", "Refuses a valid {field}", _changing, _usual, plants.judging(False, lambda place, v: True),
              in_create=True),
    Deviation("part_stored", "Stores the valid part of a body with a wrong {field}", _refusable, _bad,
              plants.salvaging(plants.store_valid_part), promise=ATOMIC, beside=True, share=4),
    Deviation("wrong_moves_time", "Moves the time of the last change with a wrong {field}", _refusable, _bad,
              plants.salvaging(lambda api, place, item, body: seams.move(api, item)), TIME, ATOMIC),
    Deviation("wrong_passed_over", "Answers a wrong {field} with success", _refusable, _bad, plants.refusing(200)),
    Deviation("wrong_answered_500", "Fails on a wrong {field}", _refusable, _bad, plants.refusing(500)),
    Deviation("wrong_not_found", "Answers 404 to a wrong {field}", _refusable, _bad, plants.refusing(404)),
    *(
        Deviation(name, summary.rstrip("."), _texts, partial(_accepted, value=shown), plants.storing(_text(change)),
                  promise=TEXT, in_create=True, share=1)
        for name, (change, summary, shown) in {**dict(islice(STORED.items(), 0, None, 2)), **FURTHER_TEXTS}.items()
    ),
)  # fmt: skip
