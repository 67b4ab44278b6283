"""The pages as text: written from whatever lies in reports/, and safe with whatever it holds."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.boundary_map.limit_result import LimitResult, MapRun, run_of
from contract_tests.report import pages, records, wording
from contract_tests.report.folder import Reports, write_whole
from contract_tests.report.html import number_line, page, run_page
from contract_tests.report.html.boundary_page import read_map
from contract_tests.report.html.number_line import Point
from contract_tests.report.records import read_all, read_as
from contract_tests.report.run_record import ClauseCount, RunRecord, Start, bare_record
from contract_tests.runner.configuration import named_run
from contract_tests.self_tests.report import sample_reports
from contract_tests.self_tests.report.sample_reports import (
    HOSTILE,
    sample_map,
    sample_run,
    sample_trial,
    write_pages,
    write_samples,
)

ALL = ["boundaries.html", "faults.html", "index.html", "spec-diff.html"]
# What no page may hold as a character: controls, and what turns text around or takes no room.
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class _Tags(HTMLParser):
    """Gathers the tags of a page, and fails on nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


def _tags(page: Path) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(page.read_text("utf-8"))
    return parser.found


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every page, written from samples."""
    folder = tmp_path_factory.mktemp("reports")
    write_samples(folder)
    write_pages(folder)
    assert sorted(path.name for path in folder.glob("*.html")) == ALL
    return folder


@pytest.mark.parametrize("name", ALL)
def test_hostile_text_stays_text(written: Path, name: str) -> None:
    """A value brings no tag, no script and no unseen character into a page."""
    text = (written / name).read_text("utf-8")
    assert UNSEEN.search(text) is None
    assert "&lt;script&gt;document.title" in text
    assert text.count("<script>") == 1
    assert "{{ 7*7 }}" in text


@pytest.mark.parametrize("name", ALL)
def test_page_names_nothing_outside_of_itself(written: Path, name: str) -> None:
    """A page loads nothing: its links lead to pages beside it or to places in it."""
    for tag, attributes in _tags(written / name):
        for attribute in ("src", "href", "action", "poster", "data", "srcset"):
            target = attributes.get(attribute)
            assert target is None or target.startswith("#") or target in (*ALL, "data:,"), f"{tag} {attribute} {target}"
        assert not any(attribute.startswith("on") or attribute == "style" for attribute in attributes)


@pytest.mark.parametrize("name", ALL)
def test_places_that_links_lead_to_are_there_once(written: Path, name: str) -> None:
    """Each id is given once, and each link inside a page leads to one."""
    tags = _tags(written / name)
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in tags:
        for wanted in [
            attributes.get("href") or "",
            *(f"#{i}" for i in (attributes.get("aria-labelledby") or "").split()),
        ]:
            assert not wanted.startswith("#") or wanted[1:] in ids, wanted


def test_copied_text_is_the_text(written: Path) -> None:
    """What a button copies is the very text of run.json, characters that HTML cannot carry included."""
    copied = [json.loads(a["data-copy"] or "") for tag, a in _tags(written / "index.html") if a.get("data-copy")]
    wanted = [found[key] for found in sample_run()["violations"] for key in ("curl", "snippet") if found[key]]
    assert set(wanted) <= set(copied)
    assert any(HOSTILE in text for text in copied)


def _mutations(node: Any, change: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the way to each value, and what stands there instead."""
    for other in change:
        yield path, other
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _mutations(value, change, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node[:2]):
            yield from _mutations(value, change, (*path, index))


def _with(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    if not path:
        return value
    node = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return changed


STRANGE: tuple[Any, ...] = (None, "", "text", -1, 1e308, math.inf, 10**400, True, [], {}, [[]], [None], [{}], {"a": {}})


@pytest.mark.parametrize(
    ("name", "sample"),
    [("run.json", sample_run()), ("boundaries.json", sample_map()[:8]), ("faults.json", sample_trial()[2:5])],
    ids=["run", "boundaries", "faults"],
)
def test_whatever_a_file_holds_pages_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, sample: Any
) -> None:
    """Any value of a report may be missing or of another kind, and the rest is still shown."""
    monkeypatch.setattr(page, "write_whole", lambda path, text: text.encode())  # no disk: it is many
    found: dict[str, Any] = {}
    for module in (sample_reports, run_page):
        monkeypatch.setattr(module, "read_json", lambda path: records.Stored(found.get(path.name)))
    for count, (path, value) in enumerate(_mutations(sample, STRANGE)):
        if count % 5 == 0 or len(path) < 2:  # each place several times, not each with everything
            found[name] = _with(sample, path, value)
            write_pages(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "{", "[1, 2", "\x00", "9" * 5000, "[" * 100_000, '"\\ud800"', "null", "7", "[]"]
)
@pytest.mark.parametrize("name", ["run.json", "boundaries.json", "faults.json", "history.jsonl"])
def test_unreadable_file_is_named(tmp_path: Path, name: str, content: str) -> None:
    """A file that is no JSON is named on the page, and one that says nothing leaves its part out."""
    (tmp_path / name).write_text(content, "utf-8")
    write_pages(tmp_path)
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        if name != "history.jsonl" or content:
            assert name in (tmp_path / "index.html").read_text("utf-8")


def test_empty_folder_says_how_to_begin(tmp_path: Path) -> None:
    """Without any report the index says which command writes one."""
    write_pages(tmp_path)
    assert "make contract" in (tmp_path / "index.html").read_text("utf-8")
    assert not (tmp_path / "faults.html").exists()


def _section(text: str, name: str) -> str:
    """Return the section of a page whose heading has an id."""
    (found,) = re.findall(
        rf'<section aria-labelledby="{name}">.*?(?=<section aria-labelledby|</main>)', text, re.DOTALL
    )
    return str(found)


def test_what_others_left_is_labelled_and_has_no_colour(tmp_path: Path) -> None:
    """A clean run's page shows a map and a trial of other targets as theirs, and green and red are for the run alone."""
    write_samples(tmp_path)
    clean = sample_run() | {"verdict": "holds", "violations": [], "seed": 77}
    clean |= {"tests": {"passed": 5}, "clauses": [], "promises": [], "known": []}
    pages.report_run(Reports(tmp_path), read_as(RunRecord, clean))
    text = (tmp_path / "index.html").read_text("utf-8")
    others = _section(text, "others")
    for told in ("https://other.example.com/v1", "2026-11-19 08:00 UTC", "4711", "with planted faults", "2026-11-20"):
        assert told in others
    assert not re.search("tone-(good|bad|doubt)|#mark-", others)
    assert 'class="stacked flowing past"' in _section(text, "history")
    assert '<div class="outcome good">' in text
    before = text[text.index("<main") : text.index('<section aria-labelledby="others">')]
    assert not re.search("tone-bad|other.example.com|planted", before)
    assert _section(text, "history").count("this run") == 1


def _refused(reason: str = "COVAL_API_KEY is not set") -> RunRecord:
    start = Start("https://api.example.com/v1", None, "whole", "2026-11-25T15:00:00+00:00", 0)
    return bare_record(start, f"verdict: refused. {reason}", 4)


def test_refused_run_says_so_above_the_run_before(tmp_path: Path) -> None:
    """The page's top is the refusal, its reason and when; the run before is labelled as such and shows no colour."""
    write_samples(tmp_path)
    reports = Reports(tmp_path)
    for reason in ("COVAL_API_KEY is not set", "RATE must be a number"):
        pages.report_run(reports, _refused(reason))
    text = (tmp_path / "index.html").read_text("utf-8")
    head = text[text.index('<div class="outcome') : text.index("<section")]
    for told in ("refused", "RATE must be a number", "https://api.example.com/v1", "2026-11-25 15:00 UTC", "doubt"):
        assert told in head
    assert "staging.example.com" not in head
    assert "1,570 passed" not in head
    earlier = _section(text, "earlier")
    assert re.search(r"Earlier run.*violated.*staging\.example\.com.*2026-11-23 04:30 UTC, seed 7", earlier, re.DOTALL)
    assert '<details class="fold past">' in earlier
    told = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert (told["verdict"], told["exit_code"], told["earlier"]["seed"]) == ("refused", 4, 7)
    assert told["earlier"]["earlier"] is None
    write_pages(tmp_path)
    assert "RATE must be a number" in (tmp_path / "index.html").read_text("utf-8")
    pages.report_run(reports, read_as(RunRecord, sample_run()))
    assert json.loads((tmp_path / "run.json").read_text("utf-8"))["earlier"] is None


def test_refused_search_says_so_above_the_map_before(tmp_path: Path) -> None:
    """The map of the search before is kept, labelled with its target, date and seed, and shows no green or red."""
    reports = Reports(tmp_path)
    pages.report_no_map(reports, _refused())
    assert "Earlier map" not in (tmp_path / "boundaries.html").read_text("utf-8")
    write_samples(tmp_path)
    before = (tmp_path / "boundaries.json").read_bytes()
    pages.report_no_map(reports, _refused())
    text = (tmp_path / "boundaries.html").read_text("utf-8")
    head = text[text.index('<div class="outcome') : text.index("<section")]
    assert "The search was refused" in head
    assert "COVAL_API_KEY is not set" in head
    assert "other.example.com" not in head
    assert "https://other.example.com/v1, 2026-11-19 08:00 UTC, seed 4711" in _section(text, "earlier")
    assert text.index('<div class="past">') < text.index('id="map"')
    assert (tmp_path / "boundaries.json").read_bytes() == before


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://me:pass@word@api.example.com/v1?key=pass#pass", "https://api.example.com/v1"),
        ("me:pass@api.example.com/v1", "api.example.com/v1"),
        ("https://api.example.com/v1", "https://api.example.com/v1"),
        ("", "the mock"),
    ],
)
def test_address_is_told_without_what_it_may_hide(monkeypatch: pytest.MonkeyPatch, given: str, shown: str) -> None:
    """A run that is refused for a password in BASE_URL is reported, and its password is not."""
    monkeypatch.setenv("BASE_URL", given)
    assert named_run({})[0] == shown


def test_first_run_may_be_refused(tmp_path: Path) -> None:
    """Without a run before there is nothing to label."""
    pages.report_run(Reports(tmp_path), _refused())
    text = (tmp_path / "index.html").read_text("utf-8")
    assert "COVAL_API_KEY is not set" in text
    assert 'id="earlier"' not in text


def test_page_is_of_the_run_that_draws_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever another run puts into run.json meanwhile, a page shows the record of its own run."""

    def overtaken(path: Path, text: str) -> None:
        write_whole(path, text)
        if path.name == "run.json":
            write_whole(path, json.dumps(sample_run() | {"target": "https://overtaking.example.com", "seed": 99}))

    monkeypatch.setattr("contract_tests.report.folder.write_whole", overtaken)
    pages.report_run(Reports(tmp_path), read_as(RunRecord, sample_run()))
    text = (tmp_path / "index.html").read_text("utf-8")
    assert "overtaking" not in text
    assert "<dt>Seed</dt><dd>7</dd>" in text


def test_state_of_another_map_is_not_believed() -> None:
    """Rows say of which run they are; a boundaries.run.json of another adds nothing to them."""
    rows = sample_map()[:2]
    state = {name: rows[0][name] for name in ("target", "started", "seed")} | {"seconds": 4}
    results = read_all(LimitResult, rows)
    assert run_of(results, read_as(MapRun, state)).seconds == 4
    other = run_of(results, read_as(MapRun, state | {"seed": 1}))
    assert (other.seed, other.seconds) == (4711, None)
    bare = [{name: value for name, value in row.items() if name not in state} for row in rows]
    assert run_of(read_all(LimitResult, bare), read_as(MapRun, state)).seed == 4711


def test_line_that_makes_a_persona_stands_before_those_that_need_one(written: Path) -> None:
    """Each page with lines about a persona says once how to get one."""
    for name in ("index.html", "boundaries.html"):
        copied = [json.loads(a["data-copy"] or "") for _, a in _tags(written / name) if a.get("data-copy")]
        (place,) = [number for number, line in enumerate(copied) if line == sample_reports.MAKING]
        assert place < min(number for number, line in enumerate(copied) if "$ITEM_ID" in line)


def test_gap_is_shown(written: Path) -> None:
    """A clause without a test on both sides is a gap, and stands first; so does what is broken."""
    text = (written / "index.html").read_text("utf-8")
    clauses = _section(text, "clauses")
    assert "Gaps: 1 of 2 clauses" in clauses
    assert re.findall(r'data-label="Field"><code>(.*?)</code>', clauses) == ["name<wbr>", "wait_<wbr>seconds<wbr>"]
    assert re.findall(r"</svg>(Broken|Looser)<", _section(text, "violations")) == ["Broken", "Looser"]


@pytest.mark.parametrize(
    ("accepted", "refused", "is_gap"),
    [
        (3, 2, False),
        (0, 2, True),
        (3, 0, True),
        (3, None, False),
        (None, 2, False),
        (0, None, True),
        (None, None, True),
    ],
)
def test_side_that_a_clause_lacks_is_no_gap(accepted: int | None, refused: int | None, *, is_gap: bool) -> None:
    """Null is allowed or it is not, so its clause has one side; a side that it has must be tried."""
    assert ClauseCount("#/x", "name", accepted, refused).is_gap == is_gap


def _map(rows: Any) -> Any:
    return read_map(read_all(LimitResult, rows))


def test_differences_come_first() -> None:
    """A reader meets the findings before what holds."""
    verdicts = [limit.result.verdict for limit in _map(sample_map()).limits]
    assert verdicts == sorted(verdicts, key=["looser", "tighter", "altered", "inconclusive", "no_limit", "holds"].index)


def test_each_flip_is_magnified_at_full_precision() -> None:
    """Both neighbours of a flip are written with every digit, those of a hole too."""
    drawing = next(
        d for d in _map(sample_map()).drawings if (d.operation, d.field) == ("updatePersona", "wait_seconds")
    )
    flips = {flip.letter: (flip.left, flip.right) for _, flips in drawing.limits for flip in flips}
    values = {letter: (left.value, right.value) for letter, (left, right) in flips.items()}
    assert values == {
        "A": ("0.1", "0.10000000000000002"),
        "B": ("0.7", "0.7000000000000001"),
        "C": ("0.7499999999999999", "0.75"),
        "D": ("2.5", "2.5000000000000004"),
    }
    assert (
        [flip.x for flip in drawing.line.flips] == sorted(flip.x for flip in drawing.line.flips)
        if drawing.line
        else False
    )


def test_allowed_values_speak_for_their_type() -> None:
    """A number beyond a limit is refused as declared, and does not make its type look refused."""
    types = [
        {"type": "number", "sent": "0.8", "declared": True, "outcome": "accepted"},
        {"type": "number", "sent": "1e400", "declared": False, "outcome": "refused"},
    ]
    row = {
        "operation": "updatePersona",
        "field": "wait_seconds",
        "constraint": "type",
        "verdict": "holds",
        "types": types,
    }
    cell = _map([row]).matrices[0].rows[0][1][0]
    assert cell is not None
    assert (cell.outcomes, cell.is_departure) == (("accepted",), False)
    types[1]["outcome"] = "accepted"
    cell = _map([row]).matrices[0].rows[0][1][0]
    assert cell is not None
    assert (cell.sent, cell.is_departure) == ("1e400", True)


def test_stretch_that_was_not_tried_is_drawn_as_such() -> None:
    """Between two values of unlike outcomes that stand far apart nothing is claimed."""
    line = number_line.draw(
        [Point(0, "refused"), Point(40, "accepted"), Point(200, "accepted"), Point(201, "refused")],
        minimum=1, maximum=200, flips=[20, 200.5], is_length=True, grain=1, has_open_end=False, by_alphabet=False,
    )  # fmt: skip
    assert line is not None
    outcomes = [part.outcome for part in line.lanes[0].stretches]
    assert outcomes == ["unknown", "accepted", "refused"]


def test_length_in_bytes_has_a_bar_for_each_alphabet() -> None:
    """A limit that lies elsewhere in each alphabet is drawn for each."""
    drawing = next(d for d in _map(sample_map()).drawings if (d.operation, d.field) == ("updatePersona", "name"))
    assert drawing.line is not None
    assert [lane.label for lane in drawing.line.lanes] == list(sample_reports.ALPHABETS)
    assert [bool(lane.departures) for lane in drawing.line.lanes] == [False, True, True, True]


@given(
    values=st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["accepted", "refused"]))
    ),
    limits=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=2).map(sorted),
    is_length=st.booleans(),
    has_open_end=st.booleans(),
)
def test_number_line_stays_inside_its_drawing(
    values: list[tuple[float, str]], limits: list[float], *, is_length: bool, has_open_end: bool
) -> None:
    """Whatever was found, every part of a drawing lies between 0 and 100 percent."""
    minimum, maximum = limits[0] if limits else None, limits[1] if len(limits) > 1 else None
    line = number_line.draw(
        [Point(*value) for value in values],
        minimum=minimum,
        maximum=maximum,
        flips=[value for value, _ in values[:3]],
        is_length=is_length,
        grain=int(is_length),
        has_open_end=has_open_end,
        by_alphabet=False,
    )
    assert (line is None) == (not values)
    if line is not None:
        parts = [part for lane in line.lanes for part in (*lane.stretches, *lane.departures)]
        assert all(0 <= part.x <= part.x + part.width <= 100.01 for part in parts)
        assert all(0 <= place <= 100 for lane in line.lanes for place in lane.ticks)
        assert all(0 <= marker.x <= 100 for marker in (*line.declared, *line.flips))


@given(st.text())
def test_visible_text_can_be_written(text: str) -> None:
    """What a page shows is UTF-8 without controls, and plain text stays as it is."""
    shown = wording.visible(text)
    shown.encode("utf-8")
    assert UNSEEN.search(shown) is None
    assert json.loads(wording.for_copying(text)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-22T23:30:00-05:00", "2026-11-23 04:30 UTC"),
        ("2026-11-22T18:05:00Z", "2026-11-22 18:05 UTC"),
        ("2026-11-22T18:05:00.123456", "2026-11-22 18:05 UTC"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("yesterday", "yesterday"),
        ("", ""),
    ],
)
def test_times_are_told_in_utc(text: str, shown: str) -> None:
    """A time reads the same wherever the page is opened."""
    assert wording.moment(text) == shown


def test_long_text_is_shown_short_and_says_so() -> None:
    """The middle of a long text is left out, and its length is told."""
    shown = wording.shortened("a" * 1000)
    assert len(shown) < 200
    assert "840 characters" in shown
