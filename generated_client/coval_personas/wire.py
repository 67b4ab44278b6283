"""A call on its way: the request that it makes, what its answer is read as, and when it is sent again."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, wraps
from io import BytesIO
from typing import Any, Generic, Literal, ParamSpec, TypeVar, cast
from urllib.parse import quote

import httpx

from .errors import (
    ApiStatusError,
    ErrorDetail,
    InvalidRequestError,
    masked,
    request_id,
    retry_after_seconds,
    status_error,
)
from .types import UNSET, ApiModel, File, Limits, Unset, beyond, misfits, reader, to_json

T = TypeVar("T")
P = ParamSpec("P")

logger = logging.getLogger("coval_personas")

LONGEST_WAIT_SECONDS = 60.0
"""Where an API asks to wait longer, its error is raised at once."""
FIRST_WAIT_SECONDS = 0.5
"""Before the first repetition, where the API does not say how long; twice as long before each further one."""

_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError)


@dataclass(frozen=True)
class Answer:
    """What a success is read as."""

    first_status: int
    last_status: int
    model: Any
    """The type of the body; None where there is none."""
    result_at: tuple[str, ...] = ()
    """The attributes on the way to what is returned: what is taken off is an envelope."""
    source: Literal["json", "text", "content"] = "json"
    """What of the answer is read; what is not JSON is returned as it is."""

    @cached_property
    def read(self) -> Callable[[Any], Any]:
        """Read decoded JSON."""
        read: Callable[[Any], Any] = reader(self.model)
        return read


@dataclass(frozen=True)
class Operation(Generic[T]):
    """An operation of the contract."""

    operation_id: str
    method: str
    path: str
    answers: tuple[Answer, ...]
    may_repeat: bool
    """Whether the contract says that sending it twice does what sending it once does."""
    takes: type[ApiModel] | None = None
    """The model of the body, where its fields are given one by one."""
    body_type: str = "application/json"
    query_limits: Mapping[str, Limits] = field(default_factory=dict)


@dataclass(frozen=True)
class RawResponse(Generic[T]):
    """An answer with its status and headers. Its repr shows nothing that an API might echo, such as the key."""

    status: int
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)
    parsed: T = field(repr=False)
    """What the method returns by itself."""

    @property
    def request_id(self) -> str | None:
        """What the API calls the request; None where it does not say."""
        return request_id(self.headers)


_heard: ContextVar[list[httpx.Response] | None] = ContextVar("heard", default=None)


def raw(method: Callable[P, T]) -> Callable[P, RawResponse[T]]:
    """Return a method that returns the whole answer."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
        token = _heard.set([])
        try:
            return _as_raw(method(*args, **kwargs))
        finally:
            _heard.reset(token)

    return call


def async_raw(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, RawResponse[T]]]:
    """Return an async method that returns the whole answer."""

    @wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
        token = _heard.set([])
        try:
            return _as_raw(await method(*args, **kwargs))
        finally:
            _heard.reset(token)

    return call


def _as_raw(parsed: T) -> RawResponse[T]:
    response = (_heard.get() or [])[-1]
    return RawResponse(response.status_code, response.headers, response.content, parsed)


@dataclass(frozen=True)
class Sender:
    """What the calls of a client have in common."""

    base_url: str
    headers: httpx.Headers = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    """The key, and the forms in which it is sent."""
    timeout: httpx.Timeout
    max_retries: int
    validate: bool
    _typed_headers: dict[str, httpx.Headers] = field(default_factory=dict, repr=False)

    def request(
        self,
        operation: Operation[Any],
        path: tuple[object, ...],
        query: Mapping[str, Any],
        headers: Mapping[str, Any],
        cookies: Mapping[str, Any],
        body: Any,
        timeout: float | httpx.Timeout | None | Unset,
    ) -> httpx.Request:
        """
        Build the request of a call.

        Raises:
            InvalidRequestError: The client validates, and a value is beyond its limits.
            ValueError: A path parameter would lead to another resource, or a number is none of JSON.
        """
        url = self.base_url + operation.path.format(*map(path_segment, path))
        said = to_json(query) if query else {}
        sent_headers = self.headers
        content: dict[str, Any] = {}
        if body is not UNSET:
            plain = to_json(body)
            if self.validate:
                _check(operation, plain, said)
            content = _content(operation.body_type, plain, body)
            if operation.body_type != "multipart/form-data":
                sent_headers = self._headers_of(operation.body_type)
        elif self.validate:
            _check(operation, UNSET, said)
        if headers:
            given = {name: str(value) for name, value in to_json(headers).items() if value is not None}
            sent_headers = httpx.Headers([*sent_headers.raw, *httpx.Headers(given).raw])
        if cookies:
            content["cookies"] = {name: str(value) for name, value in to_json(cookies).items() if value is not None}
        extensions = self._extensions if isinstance(timeout, Unset) else {"timeout": as_timeout(timeout).as_dict()}
        # Built here and not by httpx.Client, which would merge URL, headers and cookies anew for each call.
        return httpx.Request(
            operation.method,
            _parse_url(url),
            params={name: value for name, value in said.items() if value is not None} if said else None,
            headers=sent_headers,
            extensions=extensions,
            **content,
        )

    @cached_property
    def _extensions(self) -> dict[str, Any]:
        return {"timeout": self.timeout.as_dict()}

    def _headers_of(self, body_type: str) -> httpx.Headers:
        """Return the headers of a request with a body; httpx copies what is ready faster than it makes it."""
        known = self._typed_headers.get(body_type)
        if known is None:
            known = self._typed_headers[body_type] = httpx.Headers(self.headers)
            known["content-type"] = body_type
        return known

    def read(self, operation: Operation[T], response: httpx.Response) -> T:
        """
        Return what the answer to a call holds.

        Raises:
            ApiStatusError: The answer is an error, or not what the contract says of its status.
        """
        if (heard := _heard.get()) is not None:
            heard.append(response)
        for answer in operation.answers:
            if answer.first_status <= response.status_code <= answer.last_status:
                if answer.model is None:
                    return cast(T, None)
                if answer.source == "text":
                    return cast(T, response.text)
                if answer.source == "content":
                    return cast(T, File(BytesIO(response.content), mime_type=response.headers.get("content-type")))
                error: ApiStatusError
                try:
                    found = answer.read(json.loads(response.content))
                    for name in answer.result_at:
                        found = getattr(found, name)
                    return cast(T, found)
                except (ValueError, RecursionError) as misfit:
                    error = status_error(response, self.secrets, misfit)
                raise error
        raise status_error(response, self.secrets)

    def wait_seconds(self, operation: Operation[Any], repeated: int, response: httpx.Response) -> float | None:
        """Return how long to wait before a call is sent again; None where its answer stands."""
        if response.status_code not in (429, 503) or not operation.may_repeat or repeated >= self.max_retries:
            return None
        asked = retry_after_seconds(response.headers)
        if asked is not None and asked > LONGEST_WAIT_SECONDS:
            return None
        return _back_off(repeated) if asked is None else asked

    def wait_after_failure(self, operation: Operation[Any], repeated: int, failure: Exception) -> float | None:
        """Return how long to wait before a call is sent again that got no answer; None where its failure stands."""
        if not operation.may_repeat or repeated >= self.max_retries:
            return None
        # What broke off may have been done; only reading it twice changes nothing.
        may_repeat = isinstance(failure, _NOTHING_SENT) or (isinstance(failure, _BROKEN) and operation.method == "GET")
        return _back_off(repeated) if may_repeat else None

    def log(
        self, request: httpx.Request, started: float, response: httpx.Response | None, failure: object = ""
    ) -> None:
        """Tell what became of a request: never the key, and a body only at the level DEBUG."""
        if logger.isEnabledFor(logging.INFO):
            told = f"{response.status_code}" if response is not None else type(failure).__name__
            path = masked(request.url.path, self.secrets)
            logger.info("%s %s %s %.1f ms", request.method, path, told, (time.perf_counter() - started) * 1000)
            if response is not None and logger.isEnabledFor(logging.DEBUG):
                logger.debug("sent %s", masked(_text_of(request), self.secrets))
                logger.debug("received %s", masked(response.text, self.secrets))


def as_timeout(timeout: float | httpx.Timeout | None) -> httpx.Timeout:
    """Return a time-out as httpx takes it: waiting for a connection that other calls use is no failure of the API."""
    return timeout if isinstance(timeout, httpx.Timeout) else httpx.Timeout(timeout, pool=None)


def path_segment(value: object) -> str:
    """
    Write a path parameter into a URL.

    Raises:
        ValueError: The value would lead to another resource.
    """
    text = str(to_json(value))
    if text in ("", ".", ".."):
        raise ValueError(f"{text!r} cannot be part of a path")
    return quote(text, safe="")


def _check(operation: Operation[Any], body: Any, query: Mapping[str, Any]) -> None:
    """Compare what is about to be sent with the types and limits of the contract."""
    found = [] if operation.takes is None or body is UNSET else [*misfits(operation.takes, body)]
    for name, limits in operation.query_limits.items():
        found += [misfit.below(f".{name}") for misfit in beyond(query.get(name), limits)]
    if found:
        raise InvalidRequestError([ErrorDetail(misfit.field, misfit.problem) for misfit in found])


def _content(body_type: str, plain: Any, body: Any) -> dict[str, Any]:
    if body_type == "application/x-www-form-urlencoded":
        return {"data": plain}
    if body_type == "multipart/form-data":
        parts = body if isinstance(body, Mapping) else vars(body)
        files = {
            name: (part.file_name, part.payload, part.mime_type)
            for name, part in parts.items()
            if isinstance(part, File)
        }
        return {"files": files, "data": {name: value for name, value in plain.items() if name not in files}}
    if isinstance(body, File):
        return {"content": body.payload.read()}
    # As httpx would write it; here NaN and its like are refused too.
    return {"content": json.dumps(plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()}


def _text_of(request: httpx.Request) -> str:
    try:
        return request.content.decode(errors="replace")
    except httpx.RequestNotRead:
        return "a stream"


def _back_off(repeated: int) -> float:
    """Wait half as long to once as long, so that many clients do not come back at one moment."""
    return FIRST_WAIT_SECONDS * float(2**repeated) * random.uniform(0.5, 1)


@lru_cache(maxsize=256)
def _parse_url(url: str) -> httpx.URL:
    return httpx.URL(url)
