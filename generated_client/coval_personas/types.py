"""What requests and answers are made of: how models are read from JSON and written to it."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    BinaryIO,
    ClassVar,
    Literal,
    NamedTuple,
    Self,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from uuid import UUID


class Unset:
    """The type of UNSET."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Unset = Unset()
"""In a request: leave the field out. In an answer: the field was left out. null is None."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the contract says of a value besides its type."""

    minimum: float | None = None
    exclusive_minimum: float | None = None
    maximum: float | None = None
    exclusive_maximum: float | None = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool = False
    items: Limits | None = None


@dataclass(frozen=True)
class File:
    """A file to upload."""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None


class Misfit(ValueError):
    """A value is not what the contract says of it; `field` is where it stands."""

    def __init__(self, problem: str, *way: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.way = way

    @property
    def field(self) -> str:
        """Where the value stands: names with dots, and numbers of items in brackets."""
        return "".join(self.way).lstrip(".")

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}" if self.way else self.problem

    def below(self, step: str) -> Misfit:
        """Return the same misfit, seen from what holds the value."""
        return Misfit(self.problem, step, *self.way)


@dataclass(frozen=True, kw_only=True, repr=False)
class ApiModel:
    """An object of the API. Fields that this version does not know are kept in `additional_properties`."""

    additional_properties: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    _wire_names: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """
        Read a model from decoded JSON.

        Raises:
            Misfit: A field is missing, or not of its type.
        """
        model: Self = _read_model(cls, _copied(data))
        return model

    def to_dict(self) -> dict[str, Any]:
        """Return what from_dict() was given; of a model made otherwise, what is set, ready for JSON."""
        source = self.__dict__.get("_source")
        if source is not None:
            return _copied(source)  # type: ignore[no-any-return]
        values = {wire: getattr(self, name) for wire, name, *_ in _shape(type(self)).fields}
        return to_json({**self.additional_properties, **values})  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        shown = [f"{name}={value!r}" for name, value in values.items() if value is not UNSET and value != {}]
        return f"{type(self).__name__}({', '.join(shown)})"


def to_json(value: Any) -> Any:
    """
    Return a value as JSON holds it; what is UNSET is left out of objects.

    Raises:
        ValueError: A time has no zone, so it is no moment.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return {name: to_json(one) for name, one in value.items() if one is not UNSET}
    if isinstance(value, list | tuple):
        return [to_json(one) for one in value]
    if isinstance(value, ApiModel):
        return value.to_dict()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime.datetime):
        if value.utcoffset() is None:
            raise ValueError(f"{value!r} has no zone; write datetime(..., tzinfo=UTC)")
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def misfits(model: type[ApiModel], data: Mapping[str, Any]) -> Iterator[Misfit]:
    """Yield where decoded JSON departs from a model or from its limits, each field once."""
    for wire, _, is_required, read, limits in _shape(model).fields:
        if wire not in data:
            if is_required:
                yield Misfit("is missing", f".{wire}")
            continue
        try:
            value = read(data[wire])
        except Misfit as misfit:
            yield misfit.below(f".{wire}")
        else:
            yield from (misfit.below(f".{wire}") for misfit in beyond(value, limits))


def beyond(value: Any, limits: Limits | None) -> Iterator[Misfit]:
    """Yield where a value departs from its limits, and what it holds from theirs."""
    if limits is not None:
        yield from _beyond(value, limits)
    if isinstance(value, list):
        inner = limits.items if limits is not None else None
        for index, item in enumerate(value):
            yield from (misfit.below(f"[{index}]") for misfit in beyond(item, inner))
    if isinstance(value, ApiModel):
        for each in _shape(type(value)).fields:
            held = getattr(value, each.name)
            yield from (misfit.below(f".{each.wire}") for misfit in beyond(held, each.limits))


def _beyond(value: Any, limits: Limits) -> Iterator[Misfit]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if limits.minimum is not None and value < limits.minimum:
            yield Misfit(f"{value} is less than the minimum of {limits.minimum}")
        if limits.maximum is not None and value > limits.maximum:
            yield Misfit(f"{value} is more than the maximum of {limits.maximum}")
        if limits.exclusive_minimum is not None and value <= limits.exclusive_minimum:
            yield Misfit(f"{value} is not more than {limits.exclusive_minimum}")
        if limits.exclusive_maximum is not None and value >= limits.exclusive_maximum:
            yield Misfit(f"{value} is not less than {limits.exclusive_maximum}")
        if limits.multiple_of is not None and Decimal(str(value)) % Decimal(str(limits.multiple_of)):
            yield Misfit(f"{value} is not a multiple of {limits.multiple_of}")
    if isinstance(value, str):
        yield from _sized(value, limits.min_length, limits.max_length, "characters")
        if limits.pattern is not None and re.search(limits.pattern, value) is None:
            yield Misfit(f"does not match {limits.pattern}")
    if isinstance(value, list):
        yield from _sized(value, limits.min_items, limits.max_items, "items")
        if limits.unique_items and any(item in value[:index] for index, item in enumerate(value)):
            yield Misfit("holds an item twice")


def _sized(value: Sized, least: int | None, most: int | None, unit: str) -> Iterator[Misfit]:
    if least is not None and len(value) < least:
        yield Misfit(f"has {len(value)} {unit}, the minimum is {least}")
    if most is not None and len(value) > most:
        yield Misfit(f"has {len(value)} {unit}, the maximum is {most}")


# Reading

_PLAIN = frozenset({str, int, float, bool, NoneType})
_Read = Callable[[Any], Any]


class _Field(NamedTuple):
    """How a field of a model is read."""

    wire: str
    name: str
    is_required: bool
    reader: _Reader
    limits: Limits | None


@dataclass(frozen=True, slots=True)
class _Reader:
    """How a value is read: a plain type is taken as it is, then each way is tried."""

    plain: frozenset[type]
    ways: tuple[_Read, ...]

    def __call__(self, value: Any) -> Any:
        if type(value) in self.plain:
            return value
        misfit = None
        for read in self.ways:
            try:
                return read(value)
            except Misfit as found:
                # The one that came furthest says most.
                misfit = found if misfit is None or len(found.way) > len(misfit.way) else misfit
        raise misfit or Misfit(f"is of type {type(value).__name__}")


def reader(hint: Any) -> _Reader:
    """Return how values of a type are read from decoded JSON."""
    plain: set[type] = set()
    found: list[tuple[int, _Read]] = []
    for one in _alternatives(hint):
        if one is Any:
            return _Reader(frozenset(), (lambda value: value,))
        if one is float:
            plain |= {float, int}
        elif one in _PLAIN:
            plain.add(one)
        elif one is not Unset:
            found.append(_way(one))
    if str in plain and any(order < 3 for order, _ in found):  # a text may be a time or an enum's, so try these first
        plain.remove(str)
        found.append((9, _text))
    return _Reader(frozenset(plain), tuple(read for _, read in sorted(found, key=lambda pair: pair[0])))


def _way(hint: Any) -> tuple[int, _Read]:
    """Return how a value that is not plain is read, and its place in the order in which ways are tried."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return 2, lambda value: _one_of(inner, value)
    if origin in (list, dict):
        read = reader(inner[-1])
        return (
            (3, lambda value: _read_list(read, value))
            if origin is list
            else (5, lambda value: _read_mapping(read, value))
        )
    if issubclass(hint, ApiModel):
        return 4, lambda value: _read_model(hint, value)
    if issubclass(hint, Enum):
        members = {member.value: member for member in hint}
        return 0, lambda value: members[_one_of(members, value)]
    parse = _PARSERS.get(hint, hint)
    return 1, lambda value: _parsed(parse, hint.__name__, value)


def _alternatives(hint: Any) -> Iterator[Any]:
    if get_origin(hint) is Annotated:
        yield from _alternatives(get_args(hint)[0])
    elif get_origin(hint) in (Union, UnionType):
        for one in get_args(hint):
            yield from _alternatives(one)
    else:
        yield NoneType if hint is None else hint


class _Shape(NamedTuple):
    """How the fields of a model are read, and what they are called."""

    fields: tuple[_Field, ...]
    names: frozenset[str]


_shapes: dict[type, _Shape] = {}


def _shape(model: Any) -> _Shape:
    known = _shapes.get(model)
    if known is None:
        fields = tuple(_fields(model))
        known = _shapes[model] = _Shape(fields, frozenset(each.wire for each in fields))
    return known


def _fields(model: Any) -> Iterator[_Field]:
    hints = get_type_hints(model, include_extras=True)
    for each in dataclasses.fields(model):
        if each.name == "additional_properties":
            continue
        wire = model._wire_names.get(each.name, each.name)
        said = next((one for one in get_args(hints[each.name]) if isinstance(one, Limits)), None)
        is_required = each.default is dataclasses.MISSING
        yield _Field(wire, each.name, is_required, reader(hints[each.name]), said)


def _read_model(model: type[Any], data: Any) -> Any:
    if not isinstance(data, Mapping):
        raise Misfit(f"is of type {type(data).__name__}")
    values: dict[str, Any] = {"_source": data}
    known = 0
    fields, names = _shape(model)
    for wire, name, is_required, read, _ in fields:
        value = data.get(wire, UNSET)
        if value is UNSET:
            if is_required:
                raise Misfit("is missing", f".{wire}")
            values[name] = value
            continue
        known += 1
        if type(value) not in read.plain:
            try:
                value = read(value)
            except Misfit as misfit:
                raise misfit.below(f".{wire}") from None
        values[name] = value
    values["additional_properties"] = (
        {} if known == len(data) else {wire: value for wire, value in data.items() if wire not in names}
    )
    made = object.__new__(model)
    made.__dict__.update(values)
    return made


def _read_list(read: _Reader, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Misfit(f"is of type {type(value).__name__}")
    items = []
    for index, item in enumerate(value):
        try:
            items.append(read(item))
        except Misfit as misfit:
            raise misfit.below(f"[{index}]") from None
    return items


def _read_mapping(read: _Reader, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Misfit(f"is of type {type(value).__name__}")
    found = {}
    for name, one in value.items():
        try:
            found[name] = read(one)
        except Misfit as misfit:
            raise misfit.below(f".{name}") from None
    return found


def _one_of(allowed: Any, value: Any) -> Any:
    if type(value) not in _PLAIN or not any(
        value is one or (value == one and type(value) is type(one)) for one in allowed
    ):
        raise Misfit(f"{value!r:.100} is none of {', '.join(map(repr, allowed))}"[:300])
    return value


def _parsed(parse: _Read, name: str, value: Any) -> Any:
    try:
        if isinstance(value, str):
            return parse(value)
    except ValueError:
        pass
    raise Misfit(f"{value!r:.100} is no {name}")


def _time(text: str) -> datetime.datetime:
    # RFC 3339, section 5.6: t and z may be lower case, which fromisoformat() does not read.
    time = datetime.datetime.fromisoformat(text.upper())
    if time.tzinfo is None:
        raise ValueError("a time without a zone is no moment")
    return time


_PARSERS: Mapping[Any, _Read] = {datetime.datetime: _time, datetime.date: datetime.date.fromisoformat, UUID: UUID}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise Misfit(f"is of type {type(value).__name__}")


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copied(one) for name, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value
