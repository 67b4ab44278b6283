"""What a type checker says of calls: right ones pass under mypy --strict, and each of a table of wrong ones is flagged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

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


def test_wrong_calls_are_flagged_and_right_ones_pass(tmp_path: Path) -> None:
    """mypy --strict flags each line of the table of wrong calls, and none of the right ones."""
    wrong = WRONG.strip().splitlines()
    assert len(wrong) >= 25
    snippets = tmp_path / "client_snippets.py"
    before = BEFORE + RIGHT
    snippets.write_text(before + WRONG.lstrip(), "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", snippets.name]
    environment = {
        "MYPYPATH": str(ROOT / "generated_client"),
        "PATH": "",
        "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache/client"),
    }
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True).stdout
    lines = {int(line.split(":")[1]) for line in said.splitlines() if ": error: " in line}
    first = before.count("\n") + 1
    assert [wrong[number] for number in range(len(wrong)) if first + number not in lines] == []
    assert sorted(number for number in lines if number < first) == [], said
