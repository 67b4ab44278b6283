"""The clients of other contracts, from the same templates: how they spell operations, their types, errors and READMEs."""

from __future__ import annotations

import contextlib
import datetime
import importlib
import io
import json
import logging
import operator
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from codegen.generate import write_client
from contract_tests.mock_api.app import Answer, Request
from contract_tests.mock_api.process import running_mock
from contract_tests.mock_api.resource import Resource
from contract_tests.mock_api.store import Store
from contract_tests.runner.configuration import Configuration
from contract_tests.self_tests.forked_run import forked_run
from contract_tests.spec.contract import ROOT

FILES = {
    "coval": ROOT / "openapi.yaml",
    "library": Path(__file__).with_name("library.yaml"),
    **{name: ROOT / f"contract_tests/self_tests/contracts/{name}.yaml" for name in ("bookings", "devices", "tickets")},
    **{name: ROOT / f"contract_tests/trials/field_servers/{name}/contract.yaml" for name in ("ara", "prefect")},
}
KEY = "Self-Test-Key-4711"

CLIENTS = {
    "ara": "ARAPlaybooks",
    "bookings": "Bookings",
    "coval": "Coval",
    "devices": "Devices",
    "library": "Library",
    "prefect": "PrefectGlobalConcurrencyLimits",
    "tickets": "Tickets",
}
PACKAGES = {
    "ara": "ara_playbooks_client",
    "coval": "coval_personas",
    "prefect": "prefect_global_concurrency_limits_client",
    **{name: f"{name}_api_client" for name in ("bookings", "devices", "library", "tickets")},
}

# The mock does not serve paths that end with a slash.
SERVED = [name for name in FILES if name != "prefect"]

METHODS = {
    "ara": {
        "listPlaybooks": "playbooks.list", "createPlaybook": "playbooks.create", "getPlaybook": "playbooks.get",
        "replacePlaybook": "playbooks.replace", "deletePlaybook": "playbooks.delete",
        "updatePlaybook": "playbooks.update",
    },
    "prefect": {
        "createLimit": "concurrency_limits.create", "readLimit": "concurrency_limits.get",
        "updateLimit": "concurrency_limits.update", "deleteLimit": "concurrency_limits.delete",
    },
    "bookings": {
        "listRooms": "rooms.list", "listBookings": "bookings.list", "createBooking": "bookings.create",
        "getBooking": "bookings.get", "changeBooking": "bookings.update", "cancelBooking": "bookings.delete",
    },
    "devices": {"registerDevice": "devices.create", "readDevice": "devices.get", "configureDevice": "devices.update"},
    "library": {
        "listShelves": "shelves.list", "addShelf": "shelves.create", "readShelf": "shelves.get",
        "changeShelf": "shelves.update", "replaceShelf": "shelves.replace", "removeShelf": "shelves.delete",
        "listBooks": "shelves.books.list", "addBook": "shelves.books.create", "readBook": "shelves.books.get",
        "lendBook": "shelves.books.lend_book", "getOpeningHours": "opening_hours.get",
    },
    "tickets": {
        "getStatus": "status.get", "listTickets": "tickets.list", "createTicket": "tickets.create",
        "getTicket": "tickets.get", "updateTicket": "tickets.update", "deleteTicket": "tickets.delete",
    },
}  # fmt: skip

RIGHT = """
import datetime
from uuid import UUID
from bookings_api_client import Bookings
from bookings_api_client.models import Address, Booking, Guest, Payment, Room
from devices_api_client import Devices
from devices_api_client.models import Device, Wifi
from library_api_client import AsyncLibrary, Library
from library_api_client.models import Author, Book, Place, Shelf
from tickets_api_client import Tickets
from tickets_api_client.models import Ticket
hotel, fleet, library, desk = Bookings(), Devices(), Library(), Tickets()
day, room = datetime.date(2026, 7, 1), UUID(int=1)
booking: Booking = hotel.bookings.create(
    reference="a", room_id=room, bed_type="twin", check_in=day, nights=2, guests=[Guest(name="Ada", age=41)],
    payment=Payment(method="cash"), address=Address(street="a", city="b", country="NG"), extras=["cot", "dog"],
)
hotel.bookings.update(booking.id, nights=3)
rooms: list[Room] = hotel.rooms.list()
device: Device = fleet.devices.update(
    "a", name="b", connection=Wifi(kind="wifi", ssid="c"), report_every="auto", log_level=20, labels={"floor": "1"}
)
ticket: Ticket | None = desk.tickets.update(7, priority="high", assignee_id=None, due_date=day)
up: bool = desk.status.get().is_up
titles: list[str] = [each.title for each in desk.tickets.list(sort="-createdAt", per_page=5)]
shelf: Shelf = library.shelves.create(topic="a", place=Place(floor=2, room="b"))
library.shelves.update(shelf.shelf_id, lit=None)
book: Book = library.shelves.books.create(shelf.shelf_id, title="a", authors=[Author(name="b")], binding="hard", class_="c")
book = library.shelves.books.lend_book(shelf.shelf_id, book.book_id, timeout=14)
books: list[Book] = library.shelves.books.list(shelf.shelf_id)
hours: dict[str, str] = library.opening_hours.get()
"""

WRONG = """
hotel.bookings.update(booking.id, nights="3")
hotel.bookings.update(booking.id, payment={"method": "cash"})
hotel.bookings.update(booking.id, payment=Payment(method="coins"))
hotel.bookings.update(booking.id, guests=[Guest(name="Ada")])
hotel.bookings.update(booking.id, extras=["pool"])
hotel.bookings.update(booking.id, check_in="2026-07-01")
hotel.bookings.update(booking.id, nights=None)
fleet.devices.update("a", name="b", connection=Wifi(kind="wire", ssid="c"), report_every="auto", log_level=20)
fleet.devices.update("a", name="b", connection=Wifi(kind="wifi", ssid="c"), report_every="hourly", log_level=20)
fleet.devices.update("a", name="b", connection=Wifi(kind="wifi", ssid="c"), report_every=60, log_level=25)
fleet.devices.update("a", labels={"floor": 1})
desk.tickets.update("7", priority="high")
desk.tickets.update(7, dueDate=day)
desk.tickets.list(sort="-created")
library.shelves.create(topic="a", place=Place(floor="2", room="b"))
library.shelves.update(shelf.shelf_id, topic=None)
library.shelves.replace(shelf.shelf_id, topic="a")
library.shelves.books.get(shelf.shelf_id)
library.shelves.books.lend_book(shelf.shelf_id, book.book_id)
library.shelves.books.get(shelf.shelf_id, 7).lent_to.name
"""

TICKET = {
    "type": "https://tickets.example.com/problems/invalid-body",
    "title": "The body is not valid.",
    "status": 422,
    "detail": "The title is too short.",
    "errors": [{"pointer": "/title", "detail": "has 2 characters"}, {"pointer": "/tags"}],
}
BOOKING = {"code": "invalid_request", "message": f"31 nights are too many for {KEY}.", "fields": ["nights"]}

# By the contract: its media type, an error, and the code, message, fields at fault and text of what is raised.
ERRORS: dict[str, tuple[Any, ...]] = {
    "tickets": (
        "application/problem+json", TICKET, TICKET["type"], "The title is too short.",
        [("/title", "has 2 characters"), ("/tags", None)],
        f"422 {TICKET['type']}: The title is too short. (/title: has 2 characters; /tags)",
    ),
    "bookings": (
        "application/json", BOOKING, "invalid_request", "31 nights are too many for [key].", [("nights", None)],
        "422 invalid_request: 31 nights are too many for [key]. (nights)",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """The folder of each client, beside a copy of its contract."""
    folder = tmp_path_factory.mktemp("clients")
    folders = {name: folder / name / "generated_client" for name in METHODS}
    for name, written_to in folders.items():
        written_to.parent.mkdir()
        shutil.copy(FILES[name], written_to.parent / FILES[name].name)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: write_client(FILES[name], folders[name]), METHODS))
    for each in folders.values():
        sys.path.append(str(each))
    yield {"coval": ROOT / "generated_client", **folders}
    for each in folders.values():
        sys.path.remove(str(each))
    for name in [name for name in sys.modules if name.split(".")[0] in {PACKAGES[each] for each in METHODS}]:
        del sys.modules[name]


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each client has a key."""
    for name in ("BOOKINGS_KEY", "DEVICES_LOGIN", "TICKETS_TOKEN", "COVAL_API_KEY"):
        monkeypatch.setenv(name, KEY)


def package(name: str) -> ModuleType:
    return importlib.import_module(PACKAGES[name])


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("name", METHODS)
def test_methods_are_found_from_paths_and_links(name: str) -> None:
    """create, get, update, list and delete of each resource, also of one below another; else the operationId."""
    found = package(name)
    assert METHODS[name] == dict(found.METHODS)
    assert CLIENTS[name] == found.CLIENT.__name__


def test_wrong_calls_of_other_clients_are_flagged(written: dict[str, Path], tmp_path: Path) -> None:
    """Nested objects, lists, unions, dates and enums are typed in every client, and the clients pass mypy --strict."""
    wrong = WRONG.strip().splitlines()
    snippets = tmp_path / "other_snippets.py"
    snippets.write_text(RIGHT + WRONG.lstrip(), "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", snippets.name]
    environment = {
        "MYPYPATH": ":".join(map(str, written.values())),
        "PATH": "",
        "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache/client"),
    }
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True).stdout
    errors = [line for line in said.splitlines() if ": error: " in line]
    assert [line for line in errors if not line.startswith(snippets.name)] == []
    lines = {int(line.split(":")[1]) for line in errors}
    first = RIGHT.count("\n") + 1
    assert [wrong[number] for number in range(len(wrong)) if first + number not in lines] == []
    assert sorted(number for number in lines if number < first) == [], said


def test_no_text_of_a_contract_becomes_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotes, backslashes, template marks and reserved names give a client that passes mypy and says what the contract says."""
    write_client(Path(__file__).with_name("hostile.yaml"), tmp_path / "hostile")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "nasty_api_7_things_client"]
    environment = {"PATH": "", "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache/client")}
    said = subprocess.run(command, cwd=tmp_path / "hostile", env=environment, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout
    monkeypatch.syspath_prepend(tmp_path / "hostile")
    found = importlib.import_module("nasty_api_7_things_client")
    models = importlib.import_module("nasty_api_7_things_client.models")
    assert {"list": "list.list", "create it!": "list.create", "close": "list.close_"}.items() <= found.METHODS.items()
    assert 'Nasty "API" \\ {{ 7 }} """ things' in found.CLIENT.__doc__
    assert ['a"b', "c\\d", "e'f", "", " "] == [str(each) for each in models.ListClassItem]
    read = {
        "id": "a",
        "to_dict": "b",
        "additional_properties": 1,
        "createdAt": "2025-01-24T10:00:00Z",
        "created_at": "c",
    }
    assert read == models.AnyModel.from_dict(read).to_dict()
    assert ("b", 1, "c") == operator.attrgetter("to_dict_", "additional_properties_", "created_at")(
        models.AnyModel.from_dict(read)
    )
    _call_what_few_contracts_have(found.CLIENT, importlib.import_module("nasty_api_7_things_client.types").File)
    for name in [name for name in sys.modules if name.startswith("nasty_api")]:
        monkeypatch.delitem(sys.modules, name)


def _call_what_few_contracts_have(client: Any, file: Any) -> None:
    """Parameters in headers and cookies, files both ways, a body of two kinds, text, a number, and a default answer."""
    sent: list[httpx.Request] = []
    answers: dict[str, dict[str, Any]] = {
        "picture": {"content": b"png"}, "close": {"text": "done"}, "with_options": {"json": 7}, "list": {"json": []},
        "a": {"json": "x"},
    }  # fmt: skip

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        sent.append(request)
        status = 204 if request.method == "PATCH" else 200
        return httpx.Response(status, **answers[request.url.path.rpartition("/")[2]])

    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        api = client(http_client=http)
        assert [] == api.list.list(self_="a", timeout=2, class_=['a"b', ""], x_trace="t", sess="s")
        assert api.list.update("a", file=file(io.BytesIO(b"abc"), "f.txt", "text/plain"), note="n") is None
        assert ("x", "done", 7) == (api.list.replace("a", body="x"), api.list.close_("a"), api.with_options_.get())
        assert b"png" == api.list.picture.get("a").payload.read()
    listed, updated, replaced, *_ = sent
    assert ("self=a&timeout=2&class=a%22b&class=", "t", "sess=s") == (
        listed.url.query.decode(), listed.headers["x-trace"], listed.headers["cookie"],
    )  # fmt: skip
    assert b'name="note"' in updated.content and b'filename="f.txt"' in updated.content
    assert b'"x"' == replaced.content


@pytest.mark.usefixtures("written", "keyed")
@pytest.mark.parametrize("name", ERRORS)
def test_client_raises_the_error_of_its_contract(name: str) -> None:
    """Code, message and fields at fault stand where the contract says."""
    kind, body, *expected = ERRORS[name]
    headers = {"content-type": kind}
    transport = httpx.MockTransport(lambda _: httpx.Response(422, content=json.dumps(body), headers=headers))
    with httpx.Client(transport=transport) as http, pytest.raises(package(name).BadRequestError) as caught:
        getattr(package(name).CLIENT(http_client=http), name).get(7)
    error = caught.value
    told = [(detail.field, detail.description) for detail in error.details]
    assert [error.code, error.message, told, str(error)] == expected


@pytest.mark.parametrize("name", SERVED)
@pytest.mark.usefixtures("keyed")
def test_readme_examples_run(
    name: str, written: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every example of a client's README runs, one after the other, against a mock of its contract, and logs no key."""
    caplog.set_level(logging.DEBUG)
    readme = (written[name] / "README.md").read_text("utf-8")
    assert "pip install ./generated_client\n" in readme and f"from `{FILES[name].name}`" in readme
    examples = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(examples) >= (20 if name == "coval" else 12)
    with running_mock("--contract", str(FILES[name])) as mock, contextlib.redirect_stdout(io.StringIO()) as said:
        monkeypatch.setenv(importlib.import_module(f"{PACKAGES[name]}.client").BASE_URL_VARIABLE, mock.url)
        for variable in ("BOOKINGS_KEY", "DEVICES_LOGIN", "TICKETS_TOKEN", "COVAL_API_KEY"):
            monkeypatch.setenv(variable, mock.api_key)
        namespace: dict[str, Any] = {}
        for example in examples:
            try:
                exec(compile(example, f"README of {name}", "exec"), namespace)
            except Exception as error:
                error.add_note(example)
                raise
            if "httpx.Client(" not in example:  # which logs whole URLs
                assert not mock.api_key or mock.api_key not in caplog.text
            caplog.clear()
    assert "404 " in said.getvalue()


DRIVEN = """
import os
from contract_tests.checks.typed_client import ClientPackage
found = ClientPackage.method
def method(self, client, name):
    with open(os.environ["DRIVEN"], "a") as kept:
        print(self.operation_ids[name], file=kept)
    return found(self, client, name)
ClientPackage.method = method
"""
# They need an id that nothing gives, or may do more than change an item of the run.
NOT_CALLED = {"library": {"addBook", "readBook", "lendBook"}}


@pytest.mark.parametrize("name", [name for name in SERVED if name != "coval"])
def test_contract_suite_drives_the_client_of_each_contract(name: str, written: dict[str, Path], tmp_path: Path) -> None:
    """The promise of the typed client is tried for each contract, and holds; an operation that is not called is named."""
    (tmp_path / "driven_plugin.py").write_text(DRIVEN, "utf-8")
    contract = written[name].parent / FILES[name].name
    tests = (
        "typed_client and (lives or every_field or async or other)" if name == "ara" else "typed_client"
    )  # ara has many fields
    command = [sys.executable, "-m", "contract_tests", "run", "--contract", str(contract)]
    finished = subprocess.run(
        [*command, "--", "-k", tests, "-n0", "-p", "driven_plugin"], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "DRIVEN": str(tmp_path / "driven")},
    )  # fmt: skip
    assert "verdict: holds" in finished.stdout, finished.stdout
    assert "make client" not in finished.stdout
    not_called = NOT_CALLED.get(name, set())
    assert METHODS[name].keys() - not_called == set((tmp_path / "driven").read_text("utf-8").split())
    assert not_called == set(re.findall(r"(\w+) is not called: ", finished.stdout))


async def _books_in_an_envelope(resource: Resource, request: Request) -> Answer:
    return resource.succeed(request.role, {"books": []})


# By what is wrong with it: a mock's behaviour, another one, and what is said of that.
BESIDE: dict[str, tuple[type, str, Any, str]] = {
    "nothing": (Store, "replace", Store.replace, "verdict: holds"),
    "replacement-forgotten": (Store, "replace", lambda store, item_id, _: store.find(item_id), "broken: topic was sent as"),
    "replacement-shown-only": (
        Store, "replace", lambda store, item_id, body: store.find(item_id)._replace(fields=body), "broken: topic was sent as",
    ),
    "other-shape-below": (Resource, "read_below", _books_in_an_envelope, "listBooks"),
}  # fmt: skip


@pytest.mark.parametrize("name", BESIDE)
def test_wrong_operation_beside_the_five_is_found(
    name: str, written: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replacement that is not stored, or only shown, and a read below an item of another shape turn the run red."""
    owner, method, behaviour, said = BESIDE[name]
    monkeypatch.setattr(owner, method, behaviour)
    contract = written["library"].parent / FILES["library"].name
    ended = forked_run(Configuration(contract=contract, seed=1), tmp_path, ("typed_client",), "-k", "other_operations")
    assert said in ended.text and ended.exit_code == (0 if name == "nothing" else 1), ended.text


@pytest.mark.usefixtures("written", "keyed")
def test_bodies_are_sent_as_their_contract_writes_them() -> None:
    """Names in camelCase, dates, ids, nested objects and unions go over the wire as JSON, and come back with their types."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        answers = {
            "tickets": (204, None),
            "devices": (200, DEVICE),
            "books": (200, [{"bookId": 7, "title": "a", "authors": []}]),
        }
        status, body = answers[next(name for name in answers if name in request.url.path)]
        return httpx.Response(status, json=body) if body is not None else httpx.Response(status)

    http = httpx.Client(transport=httpx.MockTransport(answer))
    tickets, devices, library = package("tickets"), package("devices"), package("library")
    models = importlib.import_module("devices_api_client.models")
    due = datetime.date(2026, 3, 1)
    assert (
        tickets.CLIENT(http_client=http).tickets.update(7, assignee_id=None, due_date=due, estimate_hours=1.25) is None
    )
    wifi = models.Wifi(kind="wifi", ssid="plant")
    device = devices.CLIENT(http_client=http).devices.update(
        "a b", name="x", connection=wifi, report_every="auto", log_level=models.LogLevel.VALUE_20, labels={"floor": "1"}
    )
    (book,) = library.CLIENT(http_client=http).shelves.books.list("a/b")
    assert ("PATCH", "/api/tickets/7") == (sent[0].method, sent[0].url.path)
    assert {"assigneeId": None, "dueDate": "2026-03-01", "estimateHours": 1.25} == json.loads(sent[0].content)
    assert {
        "name": "x", "connection": {"kind": "wifi", "ssid": "plant"}, "report_every": "auto", "log_level": 20,
        "labels": {"floor": "1"},
    } == json.loads(sent[1].content)  # fmt: skip
    assert (60, 2**63 - 1) == (device.report_every, device.serial)
    assert DEVICE == device.to_dict()
    assert (b"/devices/a%20b", b"/api/v1/shelves/a%2Fb/books", 7) == (
        sent[1].url.raw_path,
        sent[2].url.raw_path,
        book.book_id,
    )


DEVICE = {
    "device_id": "a b", "revision": 4, "registered_at": "2026-01-12T08:00:00Z", "name": "x", "format_version": 2,
    "serial": 2**63 - 1, "connection": {"kind": "wifi", "ssid": "plant", "new": True}, "report_every": 60, "log_level": 20,
    "labels": {"floor": "1"},
}  # fmt: skip
