"""What is raised instead of an answer. The key of the request is masked wherever an API echoes it."""

from __future__ import annotations

import email.utils
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

SHOWN_CHARACTERS = 300
"""How much of a body that is not the documented one a message shows."""

REQUEST_IDS = ("x-request-id", "request-id", "x-amzn-requestid", "x-correlation-id", "x-trace-id")
"""The headers in which APIs name a request, the usual one first."""

# Where an error says its parts: the names on the way, a star for each element of an array.
_CODES: tuple[tuple[str, ...], ...] = (("error", "code"),)
_MESSAGES: tuple[tuple[str, ...], ...] = (("error", "message"),)
# Where it lists the fields at fault, and where in each element the name and the description stand.
_FIELDS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (("error", "details", "*"), ("field",), ("description",)),
)


@dataclass(frozen=True)
class ErrorDetail:
    """One field at fault."""

    field: str | None
    description: str | None = None
    data: Any = None
    """What the API said of it, whole."""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.field, self.description) if part is not None)


class ApiError(Exception):
    """A call did not bring what was asked for."""


class ApiConnectionError(ApiError):
    """There was no answer: no connection, or one that broke."""


class ApiTimeoutError(ApiConnectionError):
    """There was no answer in time."""


class InvalidRequestError(ApiError, ValueError):
    """A client with validate=True found values beyond the limits of the contract, and sent nothing."""

    def __init__(self, details: list[ErrorDetail]) -> None:
        self.details = details
        """The fields at fault, and the limit of each."""
        super().__init__(details)

    def __str__(self) -> str:
        return "not sent: " + "; ".join(map(str, self.details))


class ApiStatusError(ApiError):
    """The API answered, but not with what was asked for."""

    def __init__(
        self,
        status: int,
        code: str | None,
        message: str,
        details: list[ErrorDetail] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> None:
        self.status = status
        """The HTTP status."""
        self.code = code
        """What went wrong, for a program, such as NOT_FOUND; None where the body does not say."""
        self.message = message
        """What went wrong, for a person; where the body does not say, what came instead, shortened."""
        self.details = details or []
        """The fields at fault, where the API names them."""
        self.headers = httpx.Headers(headers)
        """The headers of the answer."""
        self.body = body
        """The decoded JSON of the answer; None where it is not JSON."""
        super().__init__(status, code, message, self.details, dict(self.headers), body)

    @property
    def request_id(self) -> str | None:
        """What the API calls the request; None where it does not say."""
        return request_id(self.headers)

    def __str__(self) -> str:
        head = f"{self.status} {self.code}" if self.code else str(self.status)
        details = "; ".join(map(str, self.details))
        tail = f" [request {self.request_id}]" if self.request_id else ""
        return f"{head}: {self.message}" + (f" ({details})" if details else "") + tail

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"


class ApiResponseError(ApiStatusError):
    """The status is one of success, and the body is not what the contract says of it."""


class BadRequestError(ApiStatusError):
    """400 or 422: the request breaks the contract; `details` may say where."""


class AuthenticationError(ApiStatusError):
    """401: the key is missing or wrong."""


class PermissionDeniedError(ApiStatusError):
    """403: the key may not do this."""


class NotFoundError(ApiStatusError):
    """404: it is not there."""


class ConflictError(ApiStatusError):
    """409: its state does not allow it now."""


class RateLimitError(ApiStatusError):
    """429: too many requests in too short a time."""

    @property
    def retry_after_seconds(self) -> float | None:
        """How long to wait, where the API says so."""
        return retry_after_seconds(self.headers)


class ServerError(ApiStatusError):
    """500 and above: the API failed."""

    @property
    def retry_after_seconds(self) -> float | None:
        """How long to wait, where the API says so."""
        return retry_after_seconds(self.headers)


_OF_STATUS: dict[int, type[ApiStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: BadRequestError,
    429: RateLimitError,
}


def status_error(response: httpx.Response, secrets: tuple[str, ...], misfit: Exception | None = None) -> ApiStatusError:
    """
    Read an answer that is not the success.

    Args:
        response: The answer.
        secrets: What must not show.
        misfit: Why the body of a success is none.
    """
    body = _body_of(response)
    code, message = _first_text(body, _CODES), _first_text(body, _MESSAGES)
    if misfit is not None:
        code, message = None, f"{misfit}: {_described(response)}"
    elif message is None:
        message = _described(response)
    kind = _OF_STATUS.get(response.status_code, ServerError if response.status_code >= 500 else ApiStatusError)
    if response.is_success:
        kind = ApiResponseError
    code, message, headers, body = masked([code, message, dict(response.headers), body], secrets)
    details = list(_details(body)) if misfit is None else []
    return kind(response.status_code, code, _short(message), details, headers, body)


def connection_error(
    failure: httpx.RequestError, request: httpx.Request, secrets: tuple[str, ...]
) -> ApiConnectionError:
    """Return the error for what httpx raised; httpx' own holds the request, and with it the key."""
    kind = ApiTimeoutError if isinstance(failure, httpx.TimeoutException) else ApiConnectionError
    where = f"{request.method} {request.url.host}{request.url.path}"
    return kind(masked(f"{where}: {type(failure).__name__}: {failure}".removesuffix(": "), secrets))


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return what an API calls a request; None where it does not say."""
    return next((headers[name] for name in REQUEST_IDS if name in headers), None)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long an API asks to wait, in seconds or until a date; None where it does not say."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        until = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def masked(value: Any, secrets: tuple[str, ...]) -> Any:
    """Return a value without the key, wherever it holds it."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "[key]")
    elif isinstance(value, list):
        return [masked(item, secrets) for item in value]
    elif isinstance(value, dict):
        return {masked(name, secrets): masked(item, secrets) for name, item in value.items()}
    return value


def _body_of(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
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


def _details(body: Any) -> Iterator[ErrorDetail]:
    for elements, name, description in _FIELDS:
        for element in _at(body, elements):
            if isinstance(element, dict | str):
                yield ErrorDetail(_first_text(element, (name,)), _first_text(element, (description,)), element)


def _described(response: httpx.Response) -> str:
    if response.has_redirect_location:
        return f"redirects are not followed, this one leads to {response.headers['location']}"
    text = " ".join(response.text.split())
    return f"what came is {response.headers.get('content-type', 'of no type')}: {text}" if text else "the body is empty"


def _short(message: str) -> str:
    return message if len(message) <= SHOWN_CHARACTERS else f"{message[:SHOWN_CHARACTERS]}..."
