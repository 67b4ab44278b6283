"""The client, for sync and for async code: where the API is, the key, and how calls are sent."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar

import httpx

from .errors import connection_error
from .resources import (
    AsyncPersonasResource,
    PersonasResource,
)
from .types import UNSET, Unset
from .wire import Operation, Sender, as_timeout

DEFAULT_BASE_URL = "https://api.coval.dev/v1"
BASE_URL_VARIABLE = "COVAL_BASE_URL"
API_KEY_VARIABLE = "COVAL_API_KEY"
API_KEY_HEADER = "x-api-key"
"""In lower case: the live gateway is documented to refuse the other spelling."""

T = TypeVar("T")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Coval:
    """
    A client of the Coval Personas API.

    Args:
        api_key: The key of the account; without one, the environment variable COVAL_API_KEY.
        base_url: Where the API is; without one, the environment variable COVAL_BASE_URL, else
            https://api.coval.dev/v1.
        timeout: Seconds that connecting, sending and each wait for the answer may take, or an httpx.Timeout;
            None waits for ever. The wait for a free connection, where many calls share them, does not count.
        max_retries: How often a call is sent again that may be: GET, DELETE, PATCH and PUT.
            It is after 429 and 503, and where no connection was made.
        headers: Sent with every request.
        validate: Compare arguments with the types and limits of the contract before anything is sent.
        http_client: An httpx.Client of your own, for a proxy, certificates or limits; close() leaves it open.
            Whatever it says, redirects are not followed, because the key belongs to one host.

    Raises:
        ValueError: There is no key, the key cannot be a header, or base_url is no plain URL.

    Threads may share it. `with` and close() close its connections.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout: float | httpx.Timeout | None = 30.0,
        max_retries: int = 2,
        headers: Mapping[str, str] | None = None,
        validate: bool = False,
        http_client: httpx.Client | None = None,
    ) -> None:
        self._sender = sender = _sender(api_key, base_url, timeout, max_retries, headers, validate)
        self._given: dict[str, Any] = {
            "api_key": sender.secrets[0],
            "base_url": sender.base_url,
            "timeout": sender.timeout,
            "max_retries": max_retries,
            "headers": headers,
            "validate": validate,
        }
        self._is_own = http_client is None
        if http_client is None:
            # As httpx does: what connects is imported where a client is made.
            from .connections import OwnHttp

            http_client = OwnHttp()
        self._http: httpx.Client = http_client

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._sender.base_url

    @cached_property
    def personas(self) -> PersonasResource:
        """The operations of `personas`."""
        return PersonasResource(self)

    def with_options(
        self,
        *,
        base_url: str | Unset = UNSET,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
        max_retries: int | Unset = UNSET,
        headers: Mapping[str, str] | Unset = UNSET,
        validate: bool | Unset = UNSET,
    ) -> Coval:
        """Return a client with other options that shares the connections of this one; *headers* are added."""
        if not isinstance(headers, Unset):
            headers = {**(self._given["headers"] or {}), **headers}
        changed = {
            "base_url": base_url,
            "timeout": timeout,
            "max_retries": max_retries,
            "headers": headers,
            "validate": validate,
        }
        given = {name: value for name, value in changed.items() if value is not UNSET}
        return Coval(**{**self._given, **given}, http_client=self._http)

    def call(
        self,
        operation: Operation[T],
        *path: object,
        query: Mapping[str, Any] = _NOTHING,
        headers: Mapping[str, Any] = _NOTHING,
        cookies: Mapping[str, Any] = _NOTHING,
        body: Any = UNSET,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> T:
        """Call an operation; the methods of the resources do."""
        sender = self._sender
        if extra_body is not None:
            body = {**body, **extra_body}
        request = sender.request(operation, path, query, headers, cookies, body, timeout)
        repeated = 0
        while True:
            started = time.perf_counter()
            failure: httpx.RequestError | None = None
            try:
                response = self._http.send(request, follow_redirects=False)
            except httpx.RequestError as error:
                failure = error
            if failure is None:
                sender.log(request, started, response)
                wait = sender.wait_seconds(operation, repeated, response)
                if wait is None:
                    return sender.read(operation, response)
            else:
                sender.log(request, started, None, failure)
                wait = sender.wait_after_failure(operation, repeated, failure)
                if wait is None:
                    raise connection_error(failure, request, sender.secrets)
            time.sleep(wait)
            repeated += 1

    def close(self) -> None:
        """Close the connections."""
        if self._is_own:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Coval({httpx.URL(self.base_url)!r})"  # httpx masks a password


class AsyncCoval:
    """
    A client of the Coval Personas API, for async code.

    Args:
        api_key: The key of the account; without one, the environment variable COVAL_API_KEY.
        base_url: Where the API is; without one, the environment variable COVAL_BASE_URL, else
            https://api.coval.dev/v1.
        timeout: Seconds that connecting, sending and each wait for the answer may take, or an httpx.Timeout;
            None waits for ever. The wait for a free connection, where many calls share them, does not count.
        max_retries: How often a call is sent again that may be: GET, DELETE, PATCH and PUT.
            It is after 429 and 503, and where no connection was made.
        headers: Sent with every request.
        validate: Compare arguments with the types and limits of the contract before anything is sent.
        http_client: An httpx.AsyncClient of your own, for a proxy, certificates or limits; close() leaves it open.
            Whatever it says, redirects are not followed, because the key belongs to one host.

    Raises:
        ValueError: There is no key, the key cannot be a header, or base_url is no plain URL.

    It belongs to one event loop, whose tasks may share it. `async with` and close() close its connections.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout: float | httpx.Timeout | None = 30.0,
        max_retries: int = 2,
        headers: Mapping[str, str] | None = None,
        validate: bool = False,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        self._sender = sender = _sender(api_key, base_url, timeout, max_retries, headers, validate)
        self._given: dict[str, Any] = {
            "api_key": sender.secrets[0],
            "base_url": sender.base_url,
            "timeout": sender.timeout,
            "max_retries": max_retries,
            "headers": headers,
            "validate": validate,
        }
        self._is_own = http_client is None
        if http_client is None:
            # As httpx does: what connects is imported where a client is made.
            from .async_connections import OwnAsyncHttp

            http_client = OwnAsyncHttp()
        self._http: httpx.AsyncClient = http_client

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._sender.base_url

    @cached_property
    def personas(self) -> AsyncPersonasResource:
        """The operations of `personas`."""
        return AsyncPersonasResource(self)

    def with_options(
        self,
        *,
        base_url: str | Unset = UNSET,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
        max_retries: int | Unset = UNSET,
        headers: Mapping[str, str] | Unset = UNSET,
        validate: bool | Unset = UNSET,
    ) -> AsyncCoval:
        """Return a client with other options that shares the connections of this one; *headers* are added."""
        if not isinstance(headers, Unset):
            headers = {**(self._given["headers"] or {}), **headers}
        changed = {
            "base_url": base_url,
            "timeout": timeout,
            "max_retries": max_retries,
            "headers": headers,
            "validate": validate,
        }
        given = {name: value for name, value in changed.items() if value is not UNSET}
        return AsyncCoval(**{**self._given, **given}, http_client=self._http)

    async def call(
        self,
        operation: Operation[T],
        *path: object,
        query: Mapping[str, Any] = _NOTHING,
        headers: Mapping[str, Any] = _NOTHING,
        cookies: Mapping[str, Any] = _NOTHING,
        body: Any = UNSET,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> T:
        """Call an operation; the methods of the resources do."""
        sender = self._sender
        if extra_body is not None:
            body = {**body, **extra_body}
        request = sender.request(operation, path, query, headers, cookies, body, timeout)
        repeated = 0
        while True:
            started = time.perf_counter()
            failure: httpx.RequestError | None = None
            try:
                response = await self._http.send(request, follow_redirects=False)
            except httpx.RequestError as error:
                failure = error
            if failure is None:
                sender.log(request, started, response)
                wait = sender.wait_seconds(operation, repeated, response)
                if wait is None:
                    return sender.read(operation, response)
            else:
                sender.log(request, started, None, failure)
                wait = sender.wait_after_failure(operation, repeated, failure)
                if wait is None:
                    raise connection_error(failure, request, sender.secrets)
            import asyncio  # not above: a sync program does without

            await asyncio.sleep(wait)
            repeated += 1

    async def close(self) -> None:
        """Close the connections."""
        if self._is_own:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncCoval({httpx.URL(self.base_url)!r})"  # httpx masks a password


def _sender(
    api_key: str | None,
    base_url: str | None,
    timeout: float | httpx.Timeout | None,
    max_retries: int,
    headers: Mapping[str, str] | None,
    validate: bool,
) -> Sender:
    url = base_url or os.environ.get(BASE_URL_VARIABLE, "").strip() or DEFAULT_BASE_URL
    own_headers = {
        "accept": "application/json",
        "user-agent": "coval-personas/1.0.0",
        **{name.lower(): value for name, value in (headers or {}).items()},
    }
    key = _checked_key(os.environ.get(API_KEY_VARIABLE) if api_key is None else api_key)
    secrets: tuple[str, ...] = (key,)
    own_headers[API_KEY_HEADER] = key
    return Sender(_checked_url(url), httpx.Headers(own_headers), secrets, as_timeout(timeout), max_retries, validate)


def _checked_url(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"base_url is no URL: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
        raise ValueError(f"base_url must be like {DEFAULT_BASE_URL}, it is {parsed!r}")
    return url.rstrip("/")


def _checked_key(key: str | None) -> str:
    key = (key or "").strip()
    if not key:
        raise ValueError(f"no API key: pass api_key, or set the environment variable {API_KEY_VARIABLE}")
    if not (key.isascii() and key.isprintable()):
        raise ValueError("the API key holds a character that no HTTP header can carry")
    return key
