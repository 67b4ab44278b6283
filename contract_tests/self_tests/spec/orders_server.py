"""A shop's orders, written by hand from orders.yaml with the standard library and an ASGI server: no mock, no JSON Schema."""

from __future__ import annotations

import json
import re
import socket
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

KEY = "Shop-Token-1"
STATUSES = ("draft", "placed", "express")
TAGS = ("fragile", "cold", "heavy", "tall")
MEDIA = {"POST": ("application/json",), "PATCH": ("application/merge-patch+json",)}
PREFIX = "/shop/orders"

# What each fault of the server is, in the words of its contract.
FAULTS = {
    "quantity-of-1000": "quantity is accepted above its maximum of 999",
    "reference-of-2": "reference is accepted with 2 characters",
    "note-in-bytes": "the length of note counts bytes",
    "price-of-10000": "price is accepted at its exclusive maximum",
    "tags-repeated": "tags may hold the same tag twice",
    "zip-not-anchored": "zip may go on after five digits",
    "city-left-out": "ship_to is accepted without its city",
    "status-any-case": "status is accepted in capitals",
    "day-that-is-none": "deliver_on may be the 31st of a month that has 30 days",
    "express-without-day": "an order becomes express without its day",
    "null-keeps-note": "null leaves the note as it is",
    "not-atomic": "a body that is refused changes the fields before the wrong one",
    "gift-forgotten": "is_gift is answered and not stored",
    "text-trimmed": "spaces at the ends of a note are lost",
    "page-repeats": "the last order of a page comes again on the next",
    "gone-reads": "an order that was removed can still be read",
    "token-by-prefix": "a longer token that begins with the right one is right",
    "wrong-code": "an order that is not there is answered with another error code",
    "price-in-cents": "price is rounded to cents",
    "touches-other": "an update moves another order's updated_at",
    "create-drops-tags": "a create forgets its tags",
    "plain-json-patch": "an error names its field without the slash, and the wrong one",
}


class Problem(Exception):
    """What is answered instead."""

    def __init__(self, status: int, code: str, path: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.path = status, code, path


def is_integer(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1


class Shop:
    """All orders, and one fault at most."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.orders: dict[str, dict[str, Any]] = {}
        self.removed: dict[str, dict[str, Any]] = {}
        self.rules: dict[str, Callable[[Any], bool]] = {
            "reference": lambda v: isinstance(v, str) and (2 if fault == "reference-of-2" else 3) <= len(v) <= 60,
            "note": lambda v: v is None or (isinstance(v, str) and self.length(v) <= 200),
            "quantity": lambda v: is_integer(v) and 1 <= v <= (1000 if fault == "quantity-of-1000" else 999),
            "price": self.is_price,
            "status": lambda v: isinstance(v, str) and (v.lower() if fault == "status-any-case" else v) in STATUSES,
            "is_gift": lambda v: isinstance(v, bool),
            "deliver_on": lambda v: v is None or (isinstance(v, str) and self.is_day(v)),
            "tags": self.are_tags,
            "ship_to": self.is_address,
        }

    def length(self, text: str) -> int:
        return len(text.encode()) if self.fault == "note-in-bytes" else len(text)

    def is_price(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return 0 <= value < 10_000 or (value == 10_000 and self.fault == "price-of-10000")

    def is_day(self, text: str) -> bool:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return False
        try:
            date.fromisoformat(text)
        except ValueError:
            return self.fault == "day-that-is-none" and 1 <= int(text[8:]) <= 31 and 1 <= int(text[5:7]) <= 12
        return True

    def are_tags(self, value: Any) -> bool:
        if not isinstance(value, list) or len(value) > 3 or not all(isinstance(v, str) and v in TAGS for v in value):
            return False
        return len(set(value)) == len(value) or self.fault == "tags-repeated"

    def is_address(self, value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        city, code = value.get("city", "x" if self.fault == "city-left-out" else None), value.get("zip")
        match = re.match if self.fault == "zip-not-anchored" else re.fullmatch
        return (
            isinstance(city, str) and 1 <= len(city) <= 40 and isinstance(code, str) and bool(match("[0-9]{5}", code))
        )

    def checked(self, body: dict[str, Any], order: dict[str, Any]) -> dict[str, Any]:
        """Return the order that a body makes of another."""
        changed = order if self.fault == "not-atomic" else dict(order)
        for name, value in body.items():
            if name in self.rules:
                if not self.rules[name](value):
                    named = "reference" if self.fault == "plain-json-patch" else f"/{name}"
                    raise Problem(422, "invalid", named)
                self.store(changed, name, value)
        if changed.get("status") == "express" and "deliver_on" not in changed and self.fault != "express-without-day":
            raise Problem(422, "invalid", "/deliver_on")
        return changed

    def store(self, order: dict[str, Any], name: str, value: Any) -> None:
        if value is None:
            if not (self.fault == "null-keeps-note" and name == "note"):
                order.pop(name, None)
            return
        if self.fault == "text-trimmed" and name == "note":
            value = value.strip(" ")
        if self.fault == "price-in-cents" and name == "price":
            value = round(value, 2)
        order[name] = int(value) if name == "quantity" else value

    def found(self, order_id: str) -> dict[str, Any]:
        if order_id not in self.orders:
            raise Problem(404, "missing" if self.fault == "wrong-code" else "not_found", "")
        return self.orders[order_id]

    def list(self, query: dict[str, list[str]]) -> dict[str, Any]:
        limit, cursor = query.get("limit", ["20"])[-1], query.get("cursor", [None])[-1]
        if not re.fullmatch("[0-9]{1,3}", limit) or not 1 <= int(limit) <= 50:
            raise Problem(422, "invalid", "limit")
        orders = list(reversed(self.orders.values()))
        if "status" in query:
            if query["status"][-1] not in STATUSES:
                raise Problem(422, "invalid", "status")
            orders = [order for order in orders if order.get("status") == query["status"][-1]]
        if cursor is not None:
            ids = [order["id"] for order in orders]
            if cursor not in ids:
                raise Problem(422, "invalid", "cursor")
            orders = orders[ids.index(cursor) + (self.fault != "page-repeats") :]
        page = orders[: int(limit)]
        more = len(orders) > len(page) > (self.fault == "page-repeats" and cursor is not None)
        return {"data": page, "meta": {"next": page[-1]["id"] if more else None}}

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        for name in ("reference", "quantity", "ship_to"):
            if name not in body:
                raise Problem(422, "invalid", f"/{name}")
        order = self.checked(body, {})
        if self.fault == "create-drops-tags":
            order.pop("tags", None)
        now = datetime.now(UTC).isoformat()
        order = {"id": str(uuid.uuid4()), "created_at": now, "updated_at": now, **order}
        self.orders[order["id"]] = order
        return order

    def change(self, order_id: str, body: dict[str, Any]) -> dict[str, Any]:
        order = self.checked(body, self.found(order_id))
        order["updated_at"] = datetime.now(UTC).isoformat()
        self.orders[order_id] = order
        if self.fault == "touches-other":
            next(iter(self.orders.values()))["updated_at"] = order["updated_at"]
        if self.fault == "gift-forgotten" and "is_gift" in body:
            self.orders[order_id] = {name: value for name, value in order.items() if name != "is_gift"}
        return order

    def answer(self, method: str, path: str, query: str, headers: dict[str, str], sent: bytes) -> tuple[int, Any]:
        """Answer a request."""
        token = headers.get("x-shop-token", "")
        if not (token.startswith(KEY) if self.fault == "token-by-prefix" else token == KEY):
            raise Problem(401, "unauthorized")
        order_id = unquote(path.removeprefix(PREFIX).removeprefix("/"))
        allowed = ("GET", "PATCH", "DELETE") if path.startswith(PREFIX + "/") else ("GET", "POST")
        if (path != PREFIX and not path.startswith(PREFIX + "/")) or "/" in order_id or path == PREFIX + "/":
            raise Problem(404, "not_found")
        if method not in allowed:
            raise Problem(405, "method")
        if method == "GET":
            if order_id in self.removed and self.fault == "gone-reads":
                return 200, self.removed[order_id]
            return 200, self.found(order_id) if order_id else self.list(parse_qs(query, keep_blank_values=True))
        if method == "DELETE":
            self.removed[order_id] = self.found(order_id)
            del self.orders[order_id]
            return 204, None
        body = body_of(headers.get("content-type", ""), MEDIA[method], sent)
        return (200, self.change(order_id, body)) if order_id else (201, self.create(body))


def body_of(media_type: str, media_types: tuple[str, ...], sent: bytes) -> dict[str, Any]:
    """Read a body; strictly, since a number that is no number is no JSON."""
    if media_type.partition(";")[0].strip().lower() not in media_types:
        raise Problem(415, "media_type")
    try:
        body = json.loads(sent.decode(), parse_constant=lambda text: 1 / 0)
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()  # no lone surrogates, no numbers beyond a double
    except (ValueError, ZeroDivisionError, RecursionError):
        raise Problem(422, "invalid", "") from None
    if not isinstance(body, dict):
        raise Problem(422, "invalid", "")
    return body


def serve(listener: socket.socket, fault: str = "") -> None:
    """Answer requests until this process is ended."""
    import uvicorn

    shop = Shop(fault)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        sent, more = b"", True
        while more:
            message = await receive()
            sent, more = sent + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope["raw_path"].decode("latin-1")
        try:
            status, body = shop.answer(scope["method"], path, scope["query_string"].decode("latin-1"), headers, sent)
        except Problem as problem:
            status, body = problem.status, {"errors": [{"code": problem.code, "path": problem.path}]}
        content = b"" if body is None else json.dumps(body).encode()
        kind = [] if body is None else [(b"content-type", b"application/json")]
        length = [] if body is None else [(b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": status, "headers": kind + length})
        await send({"type": "http.response.body", "body": content})

    config = uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False)
    uvicorn.Server(config).run([listener])
