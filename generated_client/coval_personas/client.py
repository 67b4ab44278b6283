"""The connection to the API: where it is, the key, and the settings of httpx."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

DEFAULT_BASE_URL = "https://api.coval.dev/v1"
API_KEY_VARIABLE = "COVAL_API_KEY"
API_KEY_HEADER = "x-api-key"
"""In lower case: the live gateway is documented to refuse the other spelling."""

Http = TypeVar("Http", httpx.Client, httpx.AsyncClient)
_PER_REQUEST = {"base_url", "cookies", "headers", "params", "timeout"}  # set on each request, see Client._request


class Client:
    """
    A connection to the API, for sync and for async calls.

    Args:
        api_key: The key of the account; without one, the environment variable COVAL_API_KEY.
        base_url: Where the API is.
        timeout: Seconds that connecting, sending and each wait for the answer may take, or an httpx.Timeout;
            None waits for ever.
        verify: False trusts any certificate; a path or an ssl.SSLContext says which ones to trust.
        proxy: The URL of a proxy. Without one, httpx reads HTTPS_PROXY and its like.
        headers: Sent with every request.
        httpx_args: Further arguments of httpx.Client and httpx.AsyncClient, such as `transport` or `limits`.
            Redirects are never followed, whatever it says: the key belongs to one host.

    Raises:
        ValueError: There is no key, the key cannot be a header, base_url is no plain URL, or httpx_args holds
            what is an argument of its own.

    Connections are opened by the first call and stay open for the next ones. `with` and `async with` close them,
    as do close() and aclose(); a call after that opens new ones. An event loop needs a client of its own, or `async with`.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str = DEFAULT_BASE_URL,
        *,
        timeout: float | httpx.Timeout | None = 30.0,
        verify: ssl.SSLContext | str | bool = True,
        proxy: str | httpx.Proxy | None = None,
        headers: Mapping[str, str] | None = None,
        httpx_args: Mapping[str, Any] | None = None,
    ) -> None:
        self.base_url = _checked_url(base_url)
        own_headers = {
            "accept": "application/json",
            "user-agent": "coval-personas/1.0.0",
            **{name.lower(): value for name, value in (headers or {}).items()},
            API_KEY_HEADER: _checked_key(os.environ.get(API_KEY_VARIABLE) if api_key is None else api_key),
        }
        self._headers = list(own_headers.items())
        if misplaced := _PER_REQUEST & set(httpx_args or {}):
            raise ValueError(f"httpx_args has no effect on {', '.join(sorted(misplaced))}")
        self._extensions = {"timeout": httpx.Timeout(timeout).as_dict()}
        trusted = ssl.create_default_context(cafile=verify) if isinstance(verify, str) else verify
        self._httpx_args = {"verify": trusted, "proxy": proxy, **(httpx_args or {})}
        self._lock = threading.Lock()
        self._sync_http: httpx.Client | None = None
        self._async_http: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"Client({httpx.URL(self.base_url)!r})"  # httpx masks a password

    def send(self, request: Mapping[str, Any]) -> httpx.Response:
        """Send what an operation's _get_kwargs() returned."""
        http = self._sync_http or self._open_sync()
        return http.send(self._request(**request), follow_redirects=False)

    async def asend(self, request: Mapping[str, Any]) -> httpx.Response:
        """Send what an operation's _get_kwargs() returned."""
        http = self._async_http or self._open_async()
        return await http.send(self._request(**request), follow_redirects=False)

    def close(self) -> None:
        """Close the connections of sync calls."""
        http, self._sync_http = self._sync_http, None
        if http is not None:
            http.close()

    async def aclose(self) -> None:
        """Close the connections of async calls, and those of sync calls."""
        self.close()
        http, self._async_http = self._async_http, None
        if http is not None:
            await http.aclose()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _open_sync(self) -> httpx.Client:
        with self._lock:
            if self._sync_http is None:
                self._sync_http = _without_cookies(httpx.Client(**self._httpx_args))
            return self._sync_http

    def _open_async(self) -> httpx.AsyncClient:
        with self._lock:
            if self._async_http is None:
                self._async_http = _without_cookies(httpx.AsyncClient(**self._httpx_args))
            return self._async_http

    def _request(
        self, *, method: str, url: str, headers: Mapping[str, str] | None = None, **content: Any
    ) -> httpx.Request:
        # Built here and not by httpx.Client, which would merge URL, headers and cookies anew for each call.
        return httpx.Request(
            method,
            _parse_url(self.base_url + url),
            headers=[*self._headers, *(headers or {}).items()],
            extensions=self._extensions,
            **content,
        )


def path_segment(value: object) -> str:
    """
    Write a path parameter into a URL.

    Raises:
        ValueError: The value would lead to another resource.
    """
    text = str(value)
    if text in ("", ".", ".."):
        raise ValueError(f"{text!r} cannot be part of a path")
    return quote(text, safe="")


def _without_cookies(http: Http) -> Http:
    """Keep no cookies: the key says who calls, and looking for cookies takes httpx a tenth of the time of a call."""
    http.cookies.extract_cookies = lambda response: None  # type: ignore[method-assign]
    return http


@lru_cache(maxsize=256)
def _parse_url(url: str) -> httpx.URL:
    return httpx.URL(url)


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
