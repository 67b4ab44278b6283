"""The generated client of a contract with another shape of error: what it raises, and that its README runs."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from codegen.generate import write_client

CONTRACTS = Path(__file__).parents[1] / "contracts"
KEY = "Self-Test-Key-4711"

TICKET = {
    "type": "https://tickets.example.com/problems/invalid-body",
    "title": "The body is not valid.",
    "status": 422,
    "detail": "The title is too short.",
    "errors": [{"pointer": "/title", "detail": "has 2 characters"}, {"pointer": "/tags"}],
}
BOOKING = {"code": "invalid_request", "message": f"31 nights are too many for {KEY}.", "fields": ["nights"]}

# By the contract: its media type, an error, and the code, message, details and text of what is raised.
ERRORS: dict[str, tuple[Any, ...]] = {
    "tickets": (
        "application/problem+json", TICKET, TICKET["type"], "The title is too short.",
        [{"pointer": "/title", "detail": "has 2 characters", "field": "/title", "description": "has 2 characters"},
         {"pointer": "/tags", "field": "/tags"}],
        f"422 {TICKET['type']}: The title is too short. (/title: has 2 characters; /tags)",
    ),
    "bookings": (
        "application/json", BOOKING, "invalid_request", "31 nights are too many for [key].", [{"field": "nights"}],
        "422 invalid_request: 31 nights are too many for [key]. (nights)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_client_raises_the_error_of_its_contract(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Code, message and fields at fault stand where the contract says; the README names the files, and its code runs."""
    kind, body, *expected = ERRORS[name]
    write_client(CONTRACTS / f"{name}.yaml", tmp_path / f"client_of_{name}")
    readme = (tmp_path / f"client_of_{name}/README.md").read_text("utf-8")
    assert f"pip install ./client_of_{name}\n" in readme and f"from `{name}.yaml`" in readme
    package = next(path.parent for path in (tmp_path / f"client_of_{name}").glob("*/errors.py"))
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", _refused(body, kind))
    monkeypatch.setenv(importlib.import_module(f"{package.name}.client").API_KEY_VARIABLE, KEY)
    use, fault, _ = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    namespace: dict[str, Any] = {}
    with pytest.raises(importlib.import_module(package.name).ApiError) as caught:
        exec(use, namespace)
    error = caught.value
    assert [error.code, error.message, error.details, str(error)] == expected
    capsys.readouterr()
    exec(fault, namespace)
    assert capsys.readouterr().out.startswith(f"422 {error.code}")
    for module in [module for module in sys.modules if module.split(".")[0] == package.name]:
        monkeypatch.delitem(sys.modules, module)


def _refused(body: Any, kind: str) -> Any:
    """A transport that refuses everything."""

    def answer(_: object, request: httpx.Request) -> httpx.Response:
        return httpx.Response(422, content=json.dumps(body), headers={"content-type": kind})

    return answer
