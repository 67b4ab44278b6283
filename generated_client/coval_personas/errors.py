"""What becomes of an answer: a model, or an ApiError that says what came instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx

from .client import API_KEY_HEADER
from .types import check_types

T = TypeVar("T")

SHOWN_CHARACTERS = 300
"""How much of a body that is not the documented one a message shows."""

# Where an error says its parts: the names on the way, a star for each element of an array.
_CODES: tuple[tuple[str, ...], ...] = (("error", "code"),)
_MESSAGES: tuple[tuple[str, ...], ...] = (("error", "message"),)
# Where it lists the fields at fault, and where in each element the name and the description stand.
_FIELDS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (("error", "details", "*"), ("field",), ("description",)),
)

# What response.json(), from_dict() and check_types() raise for a body of another shape.
_MISFITS = (AttributeError, KeyError, TypeError, ValueError, RecursionError)


class ApiError(Exception):
    """The API answered, but not with what was asked for."""

    def __init__(
        self, status: int, code: str | None, message: str, details: list[dict[str, Any]] | None = None
    ) -> None:
        self.status = status
        """The HTTP status."""
        self.code = code
        """What went wrong, for a program, such as NOT_FOUND; None where the body does not say."""
        self.message = message
        """What went wrong, for a person; where the body does not say, what came instead, shortened."""
        self.details = details or []
        """The fields at fault, where the API names them: objects with `field` and, where it says more, `description`."""
        super().__init__(status, code, message, self.details)

    def __str__(self) -> str:
        head = f"{self.status} {self.code}" if self.code else str(self.status)
        parts = [[detail.get("field"), detail.get("description")] for detail in self.details]
        details = "; ".join(": ".join(str(part) for part in pair if part is not None) for pair in parts)
        return f"{head}: {self.message}" + (f" ({details})" if details else "")

    @classmethod
    def from_response(cls, response: httpx.Response) -> ApiError:
        """Read an answer that is not the success. The key is masked, also where the API echoes it."""
        body = _body_of(response)
        found: list[Any] = [_first_text(body, _CODES), _first_text(body, _MESSAGES), list(_details(body))]
        code, message, details = _mask_key(found, response)
        return cls(response.status_code, code, _describe(response) if message is None else message, details)

    @classmethod
    def from_misfit(cls, response: httpx.Response, misfit: Exception) -> ApiError:
        """Read an answer whose status promises another body."""
        reason = f"{misfit} is missing" if isinstance(misfit, KeyError) else str(misfit)
        return cls(response.status_code, None, _mask_key(f"{reason}: ", response) + _describe(response))


def read_success(response: httpx.Response, parse: Callable[[httpx.Response], T]) -> T:
    """
    Return the model of a success.

    Raises:
        ApiError: The answer is an error, or is not what openapi.yaml says of its status.
    """
    try:
        parsed = parse(response)
        check_types(parsed)
    except _MISFITS as misfit:
        raise ApiError.from_misfit(response, misfit) from None
    return parsed


def read_documented(response: httpx.Response, parse: Callable[[httpx.Response], T]) -> T | None:
    """Return the model that openapi.yaml names for a status; None where it names none or the body does not fit."""
    try:
        parsed = parse(response)
        check_types(parsed)
    except _MISFITS:
        return None
    return parsed


def _body_of(response: httpx.Response) -> Any:
    try:
        return response.json()
    except _MISFITS:
        return None


def _at(node: Any, way: tuple[str, ...]) -> Iterator[Any]:
    if not way:
        yield node
    elif way[0] == "*":
        for item in node if isinstance(node, list) else ():
            yield from _at(item, way[1:])
    elif isinstance(node, dict) and way[0] in node:
        yield from _at(node[way[0]], way[1:])


def _first_text(node: Any, ways: tuple[tuple[str, ...], ...]) -> str | None:
    return next((text for way in ways for text in _at(node, way) if isinstance(text, str)), None)


def _details(body: Any) -> Iterator[dict[str, Any]]:
    for elements, name, description in _FIELDS:
        for element in _at(body, elements):
            if isinstance(element, dict | str):
                parts = {"field": _first_text(element, (name,)), "description": _first_text(element, (description,))}
                known = {part: text for part, text in parts.items() if text is not None}
                yield {**(element if isinstance(element, dict) else {}), **known}


def _describe(response: httpx.Response) -> str:
    if response.has_redirect_location:
        return _mask_key(f"redirects are not followed, this one leads to {response.headers['location']}", response)
    text = " ".join(_mask_key(response.text, response).split())
    if not text:
        return "the body is empty"
    shown = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
    return f"what came is {response.headers.get('content-type', 'of no type')}: {shown}"


def _mask_key(value: T, response: httpx.Response) -> T:
    """Replace the key that the request carried, wherever *value* holds it."""
    key = response.request.headers[API_KEY_HEADER]

    def mask(part: Any) -> Any:
        if isinstance(part, str):
            return part.replace(key, "[key]")
        if isinstance(part, list):
            return [mask(item) for item in part]
        if isinstance(part, dict):
            return {mask(name): mask(item) for name, item in part.items()}
        return part

    masked: T = mask(value)
    return masked
