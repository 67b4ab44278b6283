"""What requests and answers are made of besides the models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from types import UnionType
from typing import IO, Any, BinaryIO, Generic, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs


class Unset:
    """The type of UNSET."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Unset = Unset()
"""In a request: leave the field out. In an answer: the field was left out. null is None."""

# What httpx accepts as a file, copied from that library.
FileContent = IO[bytes] | bytes | str
FileTypes = tuple[str | None, FileContent, str | None] | tuple[str | None, FileContent, str | None, Mapping[str, str]]
RequestFiles = list[tuple[str, FileTypes]]


@attrs.define
class File:
    """A file to upload."""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """Return the form in which httpx takes it."""
        return self.file_name, self.payload, self.mime_type


T = TypeVar("T")


@attrs.define
class Response(Generic[T]):
    """An answer of any status, with its headers. Its repr shows nothing that an API might echo, such as the key."""

    status_code: int
    content: bytes = attrs.field(repr=False)
    headers: MutableMapping[str, str] = attrs.field(repr=False)
    parsed: T | None = attrs.field(repr=False)
    """The model of this status; None where openapi.yaml names none or the body does not fit it."""


class _Shape(NamedTuple):
    """What a value may be."""

    classes: frozenset[type]
    items: _Shape | None
    """What an item of a list may be; None where anything goes."""


_shapes: dict[type, tuple[tuple[str, _Shape | None], ...]] = {}


def check_types(value: Any, where: str = "body") -> None:
    """
    Compare the attributes of a model with their annotations, which from_dict() takes on trust.

    Args:
        value: What from_dict() returned.
        where: How a message names the value.

    Raises:
        TypeError: An attribute is not of its type.
    """
    model = type(value)
    shapes = _shapes.get(model)
    if shapes is None:
        shapes = _shapes[model] = _attribute_shapes(model)
    for name, shape in shapes:
        _check(getattr(value, name), shape, f"{where}.{name}")


def _check(value: Any, shape: _Shape | None, where: str) -> None:
    if shape is None:
        return
    if type(value) not in shape.classes:
        raise TypeError(f"{where} is of type {type(value).__name__}")
    if isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, shape.items, f"{where}[{index}]")
    else:
        check_types(value, where)


def _attribute_shapes(model: type) -> tuple[tuple[str, _Shape | None], ...]:
    if not attrs.has(model):
        return ()
    from . import models  # the models import this module

    hints = get_type_hints(model, localns=vars(models))
    return tuple((field.name, _shape(hints[field.name])) for field in attrs.fields(model) if field.init)


def _shape(hint: object) -> _Shape | None:
    alternatives = tuple(_alternatives(hint))
    if Any in alternatives:
        return None
    items = [get_args(one) for one in alternatives if get_origin(one) is list]
    classes = frozenset(cls for one in alternatives for cls in _classes(one))
    return _Shape(classes, _shape(items[0][0]) if len(items) == 1 else None)


def _alternatives(hint: object) -> Iterator[object]:
    if get_origin(hint) in (Union, UnionType):
        yield from get_args(hint)
    else:
        yield hint


def _classes(hint: Any) -> tuple[type, ...]:
    if get_origin(hint) is Literal:
        return tuple({type(value) for value in get_args(hint)})
    if hint is float:
        return float, int
    return (get_origin(hint) or hint,)
