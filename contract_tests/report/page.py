"""
What every page shares: its head, its look, and how a template becomes one file that needs no other.

Each page carries its style and its script in itself and forbids everything else by its own policy, so that no value
that it shows can run or load anything.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from contract_tests.report import wording
from contract_tests.report.folder import write_whole

TEMPLATES = Path(__file__).parent / "templates"

Tone = Literal["good", "bad", "doubt", "none"]

# The pages in the order in which a reader meets them.
INDEX = "index.html"
PAGES = {INDEX: "Contract run", "boundaries.html": "Boundaries", "faults.html": "Faults"}

# What every template may call, from parts.html.
MACROS = ("mark", "badge", "outcome_mark", "outcome", "name", "copied", "facts", "before_repeating")

# Characters that fit beside another fact.
LONG_FACT = 24

FOOTER = "Written from openapi.yaml and the answers to this suite. The file needs no network."


@dataclass(frozen=True)
class Fact:
    """One line of a page's head."""

    label: str
    value: str

    @property
    def is_long(self) -> bool:
        """Whether it takes the room of two."""
        return len(self.value) > LONG_FACT


@dataclass(frozen=True)
class Link:
    """A way to another page."""

    label: str
    href: str
    is_current: bool = False


@dataclass(frozen=True)
class Page:
    """The head of a page."""

    name: str
    """Its file in the folder of reports."""
    headline: str
    """What came out, in a few words."""
    tone: Tone
    sentence: str = ""
    facts: tuple[Fact, ...] = ()
    problems: tuple[str, ...] = ()
    """What could not be read."""
    links: tuple[Link, ...] = ()
    footer: str = FOOTER
    earlier: str = ""
    """Of which run before it shows the results, where it has none of its own."""

    @property
    def title(self) -> str:
        """What the page is about."""
        return PAGES[self.name]


def links(folder: Path, current: str) -> tuple[Link, ...]:
    """List the pages that are in a folder, and the two that are about to be written: this one and the index."""
    found = [name for name in PAGES if name in (current, INDEX) or (folder / name).exists()]
    return tuple(Link(PAGES[name], name, name == current) for name in found)


def write_page(folder: Path, page: Page, **parts: Any) -> Path:
    """
    Write one page.

    Args:
        folder: Where reports are kept; made if it is not there.
        page: The head; its name is also that of the template.
        parts: What the template shows besides.

    Returns:
        The file. Until it is whole, the one before it stays.
    """
    path = folder / page.name
    write_whole(path, _environment().get_template(page.name).render(page=page, **parts))
    return path


@cache
def _environment() -> Environment:
    """Return the templates, with all that they may call."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_finalized,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "breakable": wording.breakable,
        "for_copying": wording.for_copying,
        "shortened": wording.shortened,
    }
    style, script = ((TEMPLATES / name).read_text("utf-8") for name in ("page.css", "page.js"))
    policy = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    environment.globals |= {"style": Markup(style), "script": Markup(script), "policy": policy}
    parts: Any = environment.get_template("parts.html").module
    environment.globals |= {name: getattr(parts, name) for name in MACROS}
    return environment


def _finalized(value: object) -> object:
    """Spell out what cannot be seen in each text that a template shows, before it is escaped."""
    return wording.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
