"""What becomes of an answer: a model, or an ApiError that says what came instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from .client import API_KEY_HEADER
from .types import check_types

T = TypeVar("T")

SHOWN_CHARACTERS = 300
"""How much of a body that is not the documented one a message shows."""

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
        """The fields at fault, where the API names them: objects with `field` and `description`."""
        super().__init__(status, code, message, self.details)

    def __str__(self) -> str:
        head = f"{self.status} {self.code}" if self.code else str(self.status)
        details = "; ".join(f"{detail.get('field')}: {detail.get('description')}" for detail in self.details)
        return f"{head}: {self.message}" + (f" ({details})" if details else "")

    @classmethod
    def from_response(cls, response: httpx.Response) -> ApiError:
        """Read an answer that is not the success. The key is masked, also where the API echoes it."""
        error = _mask_key(_error_object(response), response)
        code, message, details = error.get("code"), error.get("message"), error.get("details")
        return cls(
            response.status_code,
            code if isinstance(code, str) else None,
            message if isinstance(message, str) else _describe(response),
            [item for item in details if isinstance(item, dict)] if isinstance(details, list) else [],
        )

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


def _error_object(response: httpx.Response) -> dict[str, Any]:
    try:
        error = response.json()["error"]
    except _MISFITS:
        return {}
    return error if isinstance(error, dict) else {}


def _describe(response: httpx.Response) -> str:
    if response.has_redirect_location:
        return _mask_key(f"redirects are not followed, this one leads to {response.headers['location']}", response)
    text = " ".join(_mask_key(response.text, response).split())
    if not text:
        return "the body is empty"
    shown = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
    return f"the body is not the documented one, it is {response.headers.get('content-type', 'of no type')}: {shown}"


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
