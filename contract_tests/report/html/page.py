"""
What every page shares: its head, its look, and how a template becomes one file that needs no other.

Each page carries its style and its script in itself and forbids everything else by its own policy, so that no value
that it shows can run or load anything.
"""

import base64
import hashlib
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from contract_tests.report import wording
from contract_tests.report.folder import Reports, write_whole
from contract_tests.report.records import as_json
from contract_tests.report.repeating import ADVICE

TEMPLATES = Path(__file__).parent / "templates"

Tone = Literal["good", "bad", "doubt", "none"]

# The pages in the order in which a reader meets them.
INDEX = "index.html"
PAGES = {INDEX: "Contract run", "boundaries.html": "Boundaries", "faults.html": "Faults", "spec-diff.html": "Changes"}


@dataclass(frozen=True)
class Page:
    """The head of a page."""

    name: str
    """Its file in the folder of reports."""
    headline: str
    tone: Tone
    sentence: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    """Those without a value are not shown."""
    problems: Sequence[str] = ()
    """What could not be read; empty ones are not shown."""
    earlier: str = ""
    """Of which run before it shows the results, where it has none of its own."""


def labels(target: str, started: str, seed: int | None) -> dict[str, str]:
    """Return the facts that tell one run of a command from all others."""
    return {"Under test": target, "Started": wording.moment(started), "Seed": "" if seed is None else str(seed)}


def in_a_line(target: str, started: str, seed: int | None) -> str:
    """Tell one run of a command from all others in a line."""
    return ", ".join(filter(None, (target, wording.moment(started), "" if seed is None else f"seed {seed}")))


def write_page(reports: Reports, page: Page, **parts: Any) -> None:
    """Write one page by the template of its name, which shows *parts* besides the head, or note why it cannot be written."""
    with reports.attempt(page.name):
        # The pages that are there, and the two that are about to be written: this one and the index.
        links = [name for name in PAGES if name in (page.name, INDEX) or (reports.path / name).exists()]
        template = _environment().get_template(page.name)
        write_whole(reports.path / page.name, template.render(page=page, links=links, titles=PAGES, **parts))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, finalize=_finalized, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    words = ("breakable", "counted", "duration", "for_copying", "moment", "shortened", "whole")
    environment.filters |= {name: getattr(wording, name) for name in words}
    environment.filters |= {"as_json": as_json, "in_a_line": in_a_line, "median": statistics.median}
    environment.tests["departing"] = lambda tried: tried.departs
    style, script = ((TEMPLATES / name).read_text("utf-8") for name in ("page.css", "page.js"))
    policy = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    environment.globals |= {"style": Markup(style), "script": Markup(script), "policy": policy, "advice": ADVICE}
    parts: Any = environment.get_template("parts.html").module
    macros = ("mark", "badge", "outcome_mark", "outcome", "name", "copied", "facts", "heads", "jump")
    environment.globals |= {name: getattr(parts, name) for name in macros}
    return environment


def _finalized(value: object) -> object:
    """Spell out what cannot be seen in each text that a template shows, before it is escaped."""
    return wording.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
