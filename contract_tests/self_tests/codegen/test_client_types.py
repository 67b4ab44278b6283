"""What type checkers say of calls: right ones pass under their strict rules, and each of a table of wrong ones is flagged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from contract_tests.self_tests.codegen.test_client_snippet import SNIPPET

ROOT = Path(__file__).parents[3]
NAME = "client_snippets.py"

BEFORE = """
import datetime
from collections.abc import Mapping
from coval_personas import UNSET, AsyncCoval, BadRequestError, Coval, ErrorDetail, Page, RateLimitError, RawResponse
from coval_personas.models import BackgroundSound, Persona, PersonaUpdate, Voice
coval, nobody = Coval(), AsyncCoval()
"""

RIGHT = """
persona: Persona = coval.personas.update("a", wait_seconds=0.8, background_sound="office")
persona = coval.personas.update("a", wait_seconds=None, background_sound=BackgroundSound.OFFICE, name=UNSET)
persona = coval.personas.create(name="Ann", voice_name="aria", language_code="en-US", wait_seconds=1)
names: list[str] = [each.name for each in coval.personas.list(order_by="-create_time", page_size=5)]
page: Page[Persona] = coval.personas.list().page()
voices: list[Voice] = coval.personas.voices.list()
coval.personas.delete("a")
coval.personas.get("a", timeout=5)
coval.with_options(timeout=None, max_retries=0, headers={"a": "b"}, validate=True).personas.get("a")
raw: RawResponse[Persona] = coval.personas.with_raw_response.update("a", name="Ann")
raw_page: RawResponse[Page[Persona]] = coval.personas.with_raw_response.list(page_size=1)
created: datetime.datetime = persona.create_time
text: str = persona.name + (persona.voice_name or "")
unknown: Mapping[str, object] = persona.additional_properties
body = PersonaUpdate(name="Ann", background_sound="office", wait_seconds=None)
with Coval("key", "http://127.0.0.1:8400/v1") as inner:
    inner.personas.get("a")
async def right() -> tuple[Persona, list[str], Page[Persona], RawResponse[Persona]]:
    async with AsyncCoval() as inner:
        persona: Persona = await inner.personas.update("a", wait_seconds=None)
        names: list[str] = [each.name async for each in inner.personas.list()]
        page: Page[Persona] = await inner.personas.list().page()
        raw: RawResponse[Persona] = await inner.personas.with_raw_response.get("a")
        return persona, names, page, raw
try:
    coval.personas.get("a")
except BadRequestError as error:
    details: list[ErrorDetail] = error.details
except RateLimitError as error:
    wait: float | None = error.retry_after_seconds
"""

WRONG = """
coval.personas.update("a", wait=0.8)
coval.personas.update("a", wait_seconds="0.8")
coval.personas.update("a", background_sound="Office")
coval.personas.update("a", background_sound="cafe ")
coval.personas.update("a", conversation_initiation=BackgroundSound.OFFICE)
coval.personas.update("a", "Ann")
coval.personas.update(wait_seconds=0.8)
coval.personas.update(7, wait_seconds=0.8)
coval.personas.update(None)
coval.personas.update("a", PersonaUpdate(name="Ann"))
coval.personas.update("a", name=["Ann"])
coval.personas.update("a", hold_music_timeout_seconds="15")
coval.personas.update("a", id="b")
coval.personas.create(name="Ann", voice_name="aria")
coval.personas.create("Ann", "aria", "en-US")
coval.personas.create(name=None, voice_name="aria", language_code="en-US")
coval.personas.create(name="Ann", voice_name="aria", language_code=None)
coval.personas.list(page_size="5")
coval.personas.list(order="name")
coval.personas.list(5)
coval.personas.lists()
coval.persona.get("a")
coval.personas.voices.get("aria")
coval.personas.get()
coval.personas.get("a", timeout="5")
coval.personas.get("a").nam
coval.personas.get("a").persona
coval.personas.get("a")["name"]
coval.personas.get("a").name = "Ann"
coval.personas.get("a").wait_seconds + 1
coval.personas.get("a").create_time.upper()
coval.personas.list()[0]
coval.personas.list().page().items[0].nam
coval.personas.list().page().token
coval.personas.with_raw_response.get("a").name
coval.personas.with_raw_response.get(7)
coval.personas.with_raw_response.list(page_size="1")
coval.with_options(retries=3)
coval.with_options(api_key="b")
Coval(timeout="5")
Coval("key", 8400)
Coval(validate="yes")
Coval(http_client=nobody)
PersonaUpdate("Ann")
PersonaUpdate(wait_seconds="0.8")
PersonaUpdate(background_sound="Office")
PersonaUpdate(nam="Ann")
BackgroundSound.QUIET
late: str = nobody.personas.get("a")
for each in nobody.personas.list(): print(each)
with AsyncCoval() as inner: print(inner)
async def wrong_1() -> None: await coval.personas.get("a")
async def wrong_2() -> None: print((await nobody.personas.get("a")).nam)
async def wrong_3() -> None: [each async for each in coval.personas.list()]
async def wrong_4() -> None: print(nobody.personas.get("a").name)
async def wrong_5() -> None: [each for each in await nobody.personas.list()]
"""


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_wrong_calls_are_flagged_and_right_ones_pass(checker: str, tmp_path: Path) -> None:
    """Under its strict rules a checker flags each line of the table of wrong calls, and none of the right ones."""
    wrong = WRONG.strip().splitlines()
    assert len(wrong) >= 25
    before = BEFORE + SNIPPET + RIGHT
    (tmp_path / NAME).write_text(before + WRONG.lstrip(), "utf-8")
    lines = {"mypy": _flagged_by_mypy, "pyright": _flagged_by_pyright}[checker](tmp_path)
    first = before.count("\n") + 1
    assert [wrong[number] for number in range(len(wrong)) if first + number not in lines] == []
    assert [message for number, message in lines.items() if number < first] == []


def _flagged_by_mypy(folder: Path) -> dict[int, str]:
    """Return what mypy --strict says of a line, by its number."""
    environment = {"MYPYPATH": str(ROOT / "generated_client"), "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache/client")}
    said = _said_by(folder, environment, "mypy", "--strict", "--config-file=", "--no-error-summary", NAME)
    return {int(line.split(":")[1]): line for line in said.splitlines() if ": error: " in line}


def _flagged_by_pyright(folder: Path) -> dict[int, str]:
    """Return what pyright says of a line in its strict mode, by its number; basedpyright has the same, and brings a node."""
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT / "generated_client")], "include": [NAME]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    said = json.loads(_said_by(folder, {}, "basedpyright", "--outputjson", "--pythonpath", sys.executable))
    found = [each for each in said["generalDiagnostics"] if each["severity"] == "error"]
    return {each["range"]["start"]["line"] + 1: each["message"] for each in found}


def _said_by(folder: Path, environment: Mapping[str, str], *command: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder, env={"PATH": "", **environment}, capture_output=True, text=True,
    )  # fmt: skip
    assert finished.returncode == 1, finished.stderr
    return finished.stdout
