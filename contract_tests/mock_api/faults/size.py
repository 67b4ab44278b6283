"""Faults of size and nesting."""

from __future__ import annotations

from typing import Any

from ..app import Api
from ..errors import Refusal
from . import seams
from .fault import fault
from .witness import get, patch

NAME = "#/components/schemas/PersonaName"
PROMPT = "#/components/schemas/PersonaPrompt"


DEEP = '{"name": %s1%s}' % ('{"a":' * 150, "}" * 150)  # noqa: UP031


@fault("size", PROMPT, patch({"persona_prompt": "a" * 65_537}), get())
def body_of_64_kib_at_most(api: Api) -> None:
    """Refuses a body of more than 64 KiB, though a prompt has no limit."""
    _longest(api, 64 * 1024, 400)


@fault("size", f"{NAME}/maxLength", patch({"name": "a" * 300_000}), get())
def great_body_answered_500(api: Api) -> None:
    """Fails on a body of more than 256 KiB."""
    _longest(api, 256 * 1024, 500)


@fault("size", f"{NAME}/type", patch(DEEP), get())
def deep_nesting_answered_500(api: Api) -> None:
    """Fails on values that are nested more than 64 deep."""

    def read(body: Any) -> Any:
        if _depth(body, 70) > 64:
            raise Refusal(500, "Something went wrong.")
        return body

    seams.read_as(api, read)


@fault("size", f"{NAME}/type", patch(DEEP), get())
def deep_nesting_dropped(api: Api) -> None:
    """Drops values that are nested more than 64 deep and accepts the rest."""
    seams.read_as(
        api, lambda body: {n: v for n, v in body.items() if _depth(v, 70) <= 64} if isinstance(body, dict) else body
    )


@fault("size", PROMPT, patch({"persona_prompt": "a" * 5_000}), get())
def prompt_cut_after_4096(api: Api) -> None:
    """Stores the first 4,096 characters of a prompt."""
    seams.store_text_as(api, lambda text: text[:4096], "persona_prompt")


@fault("size", PROMPT, patch({"persona_prompt": "😀" * 1_001}), get())
def prompt_of_4000_bytes_at_most(api: Api) -> None:
    """Refuses a prompt of more than 4,000 bytes."""
    seams.judge(
        api,
        "persona_prompt",
        lambda v: False if isinstance(v, str) and len(v.encode("utf-8", "replace")) > 4000 else None,
    )


@fault("size", PROMPT, patch({"persona_prompt": "a" * 65_537}), get())
def long_prompt_loses_its_end(api: Api) -> None:
    """Stores the first 65,535 bytes of a prompt, the width of its column."""
    seams.store_text_as(
        api,
        lambda text: text if len(text) < 16_000 else text.encode()[:65_535].decode("utf-8", "ignore"),
        "persona_prompt",
    )


def _longest(api: Api, size: int, status: int) -> None:
    read = api.bodies.read

    async def limited(*arguments: Any) -> bytes:
        body = await read(*arguments)
        if len(body) > size:
            raise Refusal(status, "The request body is not valid.")
        return body

    seams.replace(api.bodies, "read", limited)


def _depth(value: Any, most: int) -> int:
    if most == 0 or not isinstance(value, (dict, list)):
        return 0
    return 1 + max(
        (_depth(item, most - 1) for item in (value.values() if isinstance(value, dict) else value)), default=0
    )
