"""
The API under test, mock or live: where it is, the key, and a request in one line of Python.

Every request goes through the run's transport, which holds it against the fence. Knows nothing of pytest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import httpx

from contract_tests.connection import FLAW
from contract_tests.errors import Inconclusive, NotAllowed, TargetError
from contract_tests.exchange import Exchange
from contract_tests.fence import MOST_PERSONAS, NAME_PREFIX, Fence, decoded_segments, path_of
from contract_tests.ledger import Ledger
from contract_tests.secrecy import OWN_KEY, SECRET_HEADERS, SHORTEST_SECRET
from contract_tests.transport import CLEANING, GONE, FencedTransport, Means

USER_AGENT = "coval-personas-contract/0.1"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
TIMEOUT_SECONDS = 20.0
# Longer than a server looks for the rest of what has begun to arrive.
BETWEEN_HALVES_SECONDS = 0.05


@dataclass(frozen=True)
class Target:
    """An API under test."""

    name: str
    """What a person reads: the mock, or the live API's address."""
    base_url: str
    api_key: str = field(repr=False)

    @property
    def is_loopback(self) -> bool:
        """Whether the API runs on this machine."""
        return httpx.URL(self.base_url).host in LOOPBACK_HOSTS


def _query(params: Mapping[str, str]) -> str:
    """Encode the parameters of a query; a token of an API may hold half a surrogate."""
    return urlencode(params, quote_via=quote, errors="surrogatepass")


class _Halves(httpx.SyncByteStream):
    """A body that is written in two halves, so that no server finds it whole when it looks first."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        middle = len(self._body) // 2
        yield self._body[:middle]
        time.sleep(BETWEEN_HALVES_SECONDS)
        yield self._body[middle:]


class Api:
    """Sends requests to the API under test, and keeps to the personas of this run."""

    def __init__(
        self,
        target: Target,
        run: str,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        means: Means | None = None,
        most_personas: int = MOST_PERSONAS,
        lent_id: str | None = None,
        is_name: Callable[[str], bool] = bool,
    ) -> None:
        """
        Open a connection to an API.

        Args:
            target: The API.
            run: What the names of the run's personas begin with, after `contract-test-`.
            timeout_seconds: How long an exchange may take, from the connection to the last byte.
            means: The budget, the pace, the journal; without them there are no limits, and nothing is written down.
            most_personas: How many personas of the run may be alive at once.
            lent_id: The one persona that may be changed, where the account may make none.
            is_name: Whether a new persona may have a name by the contract.
        """
        self.target = target
        self.run = run
        self.lent_id = lent_id
        self.ledger = Ledger()
        url = httpx.URL(target.base_url)
        fence = Fence(
            url.netloc, url.path.rstrip("/"), target.is_loopback, run, self.ledger, is_name, most_personas, lent_id
        )
        self.transport = FencedTransport(target.base_url, target.api_key, fence, means or Means(), timeout_seconds)
        self._client = httpx.Client(transport=self.transport, timeout=timeout_seconds, headers={})
        self._client.headers.clear()
        self._names = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._client.close()

    def new_name(self) -> str:
        """Return a name that no other persona has, by which a person can tell where the persona comes from."""
        with self.ledger.lock:
            self._names += 1
            # Not the form of a run's own personas, which a sweep of all removes.
            lent = "lent-" if self.lent_id is not None else ""
            return f"{NAME_PREFIX}{lent}{self.run}-{self._names}"

    def absent_id(self) -> str:
        """Return an id that no persona can have: the API's own ids are never of this form."""
        return self.new_name()

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | str | None = None,
        params: Mapping[str, str] | None = None,
        headers: Iterable[tuple[str, str]] = (),
        content_type: str | None = "application/json",
        key: str | None = OWN_KEY,
        puts_right: bool = False,
        in_parts: bool = False,
    ) -> Exchange:
        """
        Send one request.

        Args:
            method: The HTTP method.
            path: Below the base URL, percent-encoded.
            body: The body as it goes over the wire; text is encoded as UTF-8. None sends no body.
            params: Query parameters, not yet encoded.
            headers: Further headers.
            content_type: Sent along with a body; None leaves it out.
            key: Another key than the target's; None sends no key.
            puts_right: Whether it undoes what the run has done, and so may spend what the budget holds back.
            in_parts: Whether the body is sent in two halves, the second a moment after the first.

        Returns:
            The exchange, the key nowhere in it.

        Raises:
            TargetError: The request would touch what the run may not touch.
            NotAllowed: The account may not make or remove a persona.
            Inconclusive: No answer came, or only a gateway's.
        """
        sent_key = self.target.api_key if key == OWN_KEY else key
        own_headers: list[tuple[str, str | bytes]] = [
            ("accept", "application/json"),
            ("user-agent", USER_AGENT),
            *headers,
        ]
        if body is not None and content_type is not None:
            own_headers.append(("content-type", content_type))
        if sent_key is not None:
            own_headers.append(("x-api-key", sent_key.encode("utf-8")))
        content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        request = self._client.build_request(
            method,
            self.target.base_url + path + (f"?{_query(params)}" if params else ""),
            content=content,
            headers=httpx.Headers(own_headers),  # type: ignore[arg-type]  # a value may be bytes
            extensions={CLEANING: True} if puts_right else None,
        )
        if in_parts:
            request.stream = _Halves(request.content)
        # Not by the client's own send, which reads a Location that no parser takes, and keeps cookies.
        response = self.transport.handle_request(request)
        response.request = request
        return self.exchange(response)

    def exchange(self, response: httpx.Response) -> Exchange:
        """Return the exchange that ended in *response*."""
        request = response.request
        target_path = request.url.raw_path.decode("ascii").removeprefix(httpx.URL(self.target.base_url).path)
        last = decoded_segments(target_path.partition("?")[0])[-1]
        sent_key = request.headers.get("x-api-key", "")
        secrets = [self.target.api_key, *([sent_key] if len(sent_key) >= SHORTEST_SECRET else [])]
        return Exchange(
            request.method,
            target_path.replace(quote(self.target.api_key, safe=""), OWN_KEY),
            tuple((name.lower(), self._shown_value(name, value)) for name, value in request.headers.multi_items()),
            request.content,
            response.status_code,
            response.headers,
            response.content,
            last if last in self.ledger.made else None,
            tuple(sorted(secrets, key=len, reverse=True)),
            response,
            response.extensions.get(FLAW, ""),
        )

    def get(self, persona_id: str) -> Exchange:
        """Read a persona."""
        return self.send("GET", path_of(persona_id))

    def update(self, persona_id: str, body: bytes | str) -> Exchange:
        """Update a persona with a body given as JSON text."""
        return self.send("PATCH", path_of(persona_id), body=body)

    def create(self, body: bytes | str) -> Exchange:
        """Create a persona from a body given as JSON text."""
        return self.send("POST", "/personas", body=body)

    def delete(self, persona_id: str) -> Exchange:
        """Remove a persona of this run."""
        return self.send("DELETE", path_of(persona_id))

    def list_personas(self, **params: str) -> Exchange:
        """List personas."""
        return self.send("GET", "/personas", params=params)

    def voices(self) -> Exchange:
        """List the voices."""
        return self.send("GET", "/personas/voices")

    def remove_all(self) -> list[str]:
        """
        Remove every persona that this run has made, and look at the account to see that none is left.

        Returns:
            What could not be removed, in words; empty when the account shows nothing of this run any more.
        """
        problems = self._remove_each(self.ledger.alive)
        ownership = self.transport.ownership
        try:
            ownership.look()
            if self.ledger.alive:  # removed in vain, or made by nobody knows what
                problems |= self._remove_each(self.ledger.alive)
                ownership.look()
        except Inconclusive as error:
            problems["whatever else the account shows"] = str(error)
        ownership.release()
        stays = dict.fromkeys(self.ledger.alive, "its removal was answered with success, and it is still there")
        unclear = dict.fromkeys(self.ledger.unclaimed, "a create was answered with it, and it shows something else")
        strange = dict.fromkeys(self.ledger.foreign, "it shows a name of this run and is older, so it was not touched")
        left = {**stays, **problems, **unclear, **strange}
        return [f"{what} ({why})" for what, why in left.items() if what not in self.ledger.removed]

    def _remove_each(self, persona_ids: Iterable[str]) -> dict[str, str]:
        """Remove some personas; why it failed, by id."""
        problems = {}
        for persona_id in persona_ids:
            try:
                status = self.delete(persona_id).status
            except (Inconclusive, NotAllowed, TargetError, httpx.InvalidURL) as error:  # the others are removed
                problems[persona_id] = str(error)
            else:
                if status not in GONE:
                    problems[persona_id] = f"DELETE answered {status}"
        return problems

    def _shown_value(self, name: str, value: str) -> str:
        """Return a header's value as a report may show it: a part of the key is as secret as the whole."""
        if value == self.target.api_key:
            return OWN_KEY
        return "another key" if name.lower() in SECRET_HEADERS else value
