"""
What commands leave in reports/, made up: a run, a boundary map and a trial, each with findings and hostile text.

Kept apart from the tests, so that the pages can be looked at: python -m contract_tests.self_tests.report.sample_reports FOLDER
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract_tests.boundary_map.limit_result import LimitResult, MapRun
from contract_tests.report.folder import Reports
from contract_tests.report.html.boundary_page import write_boundaries
from contract_tests.report.html.diff_page import write_diff
from contract_tests.report.html.fault_page import write_faults
from contract_tests.report.html.run_page import write_index
from contract_tests.report.records import read_all, read_as, read_json
from contract_tests.report.run_record import TrialRun
from contract_tests.report.spec_diff import SpecDiff
from contract_tests.spec.change import Change
from contract_tests.spec.contract import load_contract
from contract_tests.trials import faults

Row = dict[str, Any]

# A closing tag, a script, what turns text around, controls, half a character, both quotes, an entity.
HOSTILE = "</pre><script>document.title='run'</script>\u202egnp\u2066\x00\x07\x9b\ud800\"'&lt;\u200b\u2028{{ 7*7 }}"

CURL = (
    'curl -sS -X PATCH "$BASE_URL"/personas/"$ITEM_ID" -H "content-type: application/json" '
    '-H "x-api-key: $COVAL_API_KEY" --data-binary '
)

# Another API than that of the run, another day, another seed.
OF_THE_MAP = {"target": "https://other.example.com/v1", "started": "2026-11-19T08:00:00+00:00", "seed": 4711}
OF_THE_TRIAL = {"target": "the mock, with planted faults", "started": "2026-11-20T09:30:00+00:00"}

MAKING = """export ITEM_ID=$(curl -sS -X POST "$BASE_URL"/personas -H "content-type: application/json" \
-H "x-api-key: $COVAL_API_KEY" --data-binary '{"name": "x"}' | python3 -c 'import json, sys; print(1)')"""

ALPHABETS = {"ascii": 1, "two-byte": 2, "three-byte": 3, "four-byte": 4}


def curl(field: str, value: object) -> str:
    """Return a shell line that sends one value."""
    return CURL + "'" + json.dumps({field: value}) + "'"


def limit(field: str, constraint: str, declared: Any, accepted: Any, beyond: Any, verdict: str, **more: Any) -> Row:
    """
    Return one row of boundaries.json.

    Args:
        field: The body field.
        constraint: The keyword on trial.
        declared: What the contract says.
        accepted: The last value that is accepted.
        beyond: The first that is refused.
        verdict: What it comes to.
        more: What differs from a number of updatePersona.
    """
    points = more.pop("points", None)
    if points is None and accepted is not None:
        points = [{"value": accepted, "outcome": "accepted"}, {"value": beyond, "outcome": "refused"}]
    return {
        "operation": "updatePersona", "field": field, "constraint": constraint, "declared": declared,
        "last_accepted": accepted, "first_rejected": beyond, "first_altered": None, "unit": "double",
        "verdict": verdict, "altered": None, "requests": 62, "controls": 2, "read_backs": 20, "holes": [],
        "text": f"{accepted} is accepted, {beyond} is refused.", "problem": None, "confidence": None,
        "points": points or [], "values": [], "types": [], "cross_field": [],
        "curl_accepted": curl(field, accepted), "curl_rejected": curl(field, beyond), **more,
    }  # fmt: skip


def spread(low: float, high: float, inside: Sequence[tuple[float, float]], count: int = 25) -> list[Row]:
    """Return evenly spread points, accepted inside of the given stretches."""
    values = [low + (high - low) * step / count for step in range(count + 1)]
    return [{"value": v, "outcome": "accepted" if any(a <= v <= b for a, b in inside) else "refused"} for v in values]


def in_bytes(most: int) -> list[Row]:
    """Return the points of a text whose length is counted in bytes."""
    lengths = (1, most // 4, most // 4 + 1, most // 3, most // 3 + 1, most // 2, most // 2 + 1, most, most + 1)
    return [
        {"value": n, "outcome": "accepted" if n * width <= most else "refused", "alphabet": alphabet}
        for alphabet, width in ALPHABETS.items()
        for n in lengths
    ]


def sample_map() -> list[Row]:
    """Return the rows of a boundary map in which each kind of finding occurs, and most is as declared."""
    hole = {"outcome": "refused", "first": math.nextafter(0.7, 1), "last": math.nextafter(0.75, 0)}
    sounds: list[str] = load_contract().fields("updatePersona")["background_sound"].schema["enum"]
    tried: list[Row] = [{"value": sound, "declared": True, "outcome": "accepted"} for sound in sounds]
    tried += [{"value": sound.upper(), "declared": False, "outcome": "refused"} for sound in sounds]
    tried += [
        {"value": "backchanneling", "declared": False, "outcome": "accepted"},
        {"value": "Office", "declared": False, "outcome": "altered", "reads": "office"},
        {"value": f" {HOSTILE}", "declared": False, "outcome": "accepted"},
        {"value": "ö" * 101, "declared": False, "outcome": "refused"},
    ]
    types = [("string", '"1.5"', False), ("number", "0.8", True), ("boolean", "true", False), ("array", "[]", False)]
    types += [("integer", "2", True), ("object", "{}", False), ("null", "null", True)]
    short = {"unit": "code_points"}
    rows = [
        limit("wait_seconds", "minimum", 0.1, math.nextafter(0.1, 1), 0.1, "tighter",
              points=spread(-1, 3, [(0.11, 0.7), (0.75, 2.5)]),
              holes=[hole | {"before": 0.7, "after": 0.75}], confidence="A hole wider than 0.0475 would have been hit."),
        limit("wait_seconds", "maximum", 2, 2.5, math.nextafter(2.5, 3), "looser",
              cross_field=[{"others": "at their greatest", "value": 2.5, "alone": "accepted", "together": "refused"}]),
        limit("hold_music_timeout_seconds", "minimum", 5, 5.0, math.nextafter(5, 0), "holds"),
        limit("hold_music_timeout_seconds", "maximum", 300, 300.0, None, "altered", first_altered=300.00000000000006,
              altered="clamped to 300", points=[{"value": 1e9, "outcome": "altered", "reads": 300}]),
        limit("name", "maxLength", 200, 200, 201, "tighter", unit="bytes", points=in_bytes(200)),
        limit("name", "minLength", 1, 1, 0, "holds", **short),
        limit("persona_prompt", "maxLength", None, None, None, "no_limit", **short, curl_accepted=None, curl_rejected=None,
              points=[{"value": 2**n, "outcome": "accepted", "alphabet": "ascii"} for n in range(21)],
              text="No limit is declared, and none was found up to 1,048,576."),
        limit("background_sound", "enum", sounds, None, None, "looser", values=tried, altered=HOSTILE,
              text=HOSTILE, curl_accepted=CURL + HOSTILE, curl_rejected=None),
        limit("filter", "format", "date-time", None, None, "holds", operation="listPersonas", points=[],
              values=[{"value": "2025-02-30T00:00:00Z", "declared": None, "outcome": "refused"}]),
        limit("voice_name", "nullable", True, None, None, "inconclusive", problem="503, after 4 attempts", text="Not known."),
    ]  # fmt: skip
    for field in ("name", "wait_seconds", "hold_music_timeout_seconds"):
        outcomes: list[Row] = [
            {"type": name, "sent": sent, "declared": allowed, "outcome": "accepted" if allowed else "refused"}
            for name, sent, allowed in types
        ]
        if field == "wait_seconds":
            outcomes[0] |= {"outcome": "altered", "reads": 1.5}
        verdict = "looser" if field == "wait_seconds" else "holds"
        rows.append(limit(field, "type", "number or null", None, None, verdict, types=outcomes, text="By type."))
    copies = [row | {"operation": "createPersona", "verdict": "holds"} for row in rows if row["verdict"] == "holds"]
    return [row | OF_THE_MAP for row in rows + copies]


def sample_trial() -> list[Row]:
    """Return the rows of a trial with a part of the real catalogue: most caught, one survivor, one false alarm."""
    planted = list(faults.catalogue(load_contract()).values())[::6]
    rows: list[Row] = [
        {
            "name": fault.name, "kind": "fault", "seed": 1, "exit_code": 1, "verdict": "verdict: violated. 1 broken.",
            "caught_by": f"test_field_limits.py::test_value_is_treated_as_the_contract_says[{fault.name}-refused]",
            "seconds": 0.2 + (index * 37 % 100) ** 2 / 1500, "requests": 17 * index + 2, "group": fault.group,
            "summary": fault.summary, "clause": fault.clause, "is_right": True,
            "baseline": "caught" if index % 2 else "missed", "baseline_by": "PATCH /personas/{persona_id}: a check",
        }
        for index, fault in enumerate(planted)
    ]  # fmt: skip
    rows[3] |= {"is_right": False, "exit_code": 0, "caught_by": "", "summary": HOSTILE}
    rows += [
        {"name": name, "kind": "variant", "seed": 1, "exit_code": 0, "verdict": "verdict: holds.", "caught_by": "",
         "seconds": 16.25, "requests": 6596, "summary": variant.summary, "is_right": True}
        for name, variant in faults.variants(load_contract()).items()
    ]  # fmt: skip
    rows[-1] |= {"is_right": False, "caught_by": "test_voices.py::test_a_voice_speaks_its_languages[aria]"}
    rows += [rows[-2] | {"name": "", "kind": "clean"}, rows[0] | {"name": "always_fails", "kind": "forced"}]
    return [row | OF_THE_TRIAL for row in rows]


def sample_run() -> Row:
    """Return a violated run, in which everything that a page shows occurs."""
    pointer = "#/components/schemas/WaitSeconds/maximum"
    looser = {
        "kind": "looser", "headline": "wait_seconds beyond maximum 2 was accepted: 9 values tried, up to 2.5",
        "promise": "wait_seconds is a number or null, minimum 0.1, maximum 2", "clause": pointer, "count": 9,
        "sent": 'PATCH /personas/RxuHutnPgy1syqEozhZNBO  {"wait_seconds": 2.5}', "curl": curl("wait_seconds", 2.5),
        "received": '200  {"persona":{"resource_name":"personas/RxuHutnPgy1syqEozhZNBO","wait_seconds":2.5}}',
        "snippet": "WaitSeconds:\n  maximum: 2.5\n", "examples": ["2.5", "2.1"],
        "test": "test_field_limits.py::test_value_is_treated_as_the_contract_says[wait_seconds-above-maximum-refused]",
    }  # fmt: skip
    hostile = looser | {"kind": "broken", "headline": HOSTILE, "sent": HOSTILE * 40, "received": HOSTILE}
    hostile |= {"curl": f"curl '{HOSTILE}'", "test": f"test_x.py::test_y[{HOSTILE}]", "snippet": ""}
    drift = {
        "kind": "drift",
        "headline": "Persona has a further field, tags",
        "clause": "#/components/schemas/Persona/properties/tags",
    }
    promises = [("update_rules", 120, 0), ("field_limits", 480, 9), ("concurrency", 0, 0)]
    tried = [
        ("name", "accepted", 103),
        ("name", "refused", 23),
        ("name", "length", 38),
        ("schemathesis", "generated", 9),
    ]
    return {
        "target": "https://staging.example.com/v1", "seed": 7, "selection": "all", "verdict": "violated",
        "contract": {"title": "Coval Personas API", "version": "1.0.0", "sha256": "9f2c7c1a" * 8, "resource": "personas"},
        "started": "2026-11-22T23:30:00-05:00", "seconds": 142.5, "exit_code": 1,
        "repeating": MAKING, "sentence": "1 broken, 1 looser, after 6,412 requests.",
        "requests": {"GET /personas/{persona_id}": 2957, "PATCH /personas/{persona_id}": 1724, "PUT /personas": 1},
        "tests": {"passed": 1570, "violated": 12, "inconclusive": 3, "skipped": 0, "not_tried": 40, "errors": 0},
        "items": {"made": 554, "removed": 553, "left": ["RxuHutnPgy1syqEozhZNBO"]},
        "tried": [{"what": what, "kind": kind, "count": count} for what, kind, count in tried],
        "clauses": [{"clause": pointer, "field": "wait_seconds", "accepted": 12, "refused": 11},
                    {"clause": "#/components/schemas/PersonaName/minLength", "field": "name", "accepted": 3, "refused": 0}],
        "promises": [{"promise": f"test_{name}.py", "title": f"What {name} says", "tests": passed + violated,
                      "passed": passed, "violated": violated} for name, passed, violated in promises],
        "violations": [looser, hostile],
        "known": [looser | {"date": "2026-11-01", "reason": "The release of July allows it; the page is behind."}],
        "drift": [drift | {"types": ["array of string"], "examples": ['["vip"]'], "count": 2957, "snippet": "tags: {}"}],
        "inconclusive": ["test_pages.py::test_pages[2]: GET /personas: 503, after 4 attempts"],
        "untried": {"promises": ["exact_ids", "newest_first"], "operations": ["list"],
                    "clauses": [{"pointer": "#/components/schemas/Tags/contains", "why": "the keyword contains is not known"}]},
        "not_tried": [f"test_concurrency.py::test_{n}: the budget of 2,000 requests was used up" for n in range(40)],
    }  # fmt: skip


def sample_history() -> list[Row]:
    """Return the lines of a history."""
    return [
        {"started": f"2026-11-{day:02}T18:05:00Z", "target": "the mock", "seed": day, "requests": 6590 + day,
         "verdict": "violated" if day % 5 == 0 else "holds", "seconds": 21.5, "violations": int(day % 5 == 0)}
        for day in range(1, 29)
    ]  # fmt: skip


def sample_diff() -> SpecDiff:
    """Return a comparison with a change of each rating, long paths and hostile text."""
    places = tuple(f"PATCH /personas/{{persona_id}} body owner.address{n}.lines[].street_and_number" for n in range(9))
    changes = [
        Change(
            "wait_seconds", "maximum tightened from 2 to 1.5", "breaking", "compatible", places, (), "openapi.yaml:342"
        ),
        Change(HOSTILE, HOSTILE, "compatible", "none", (HOSTILE,), (), f"{HOSTILE}:1"),
        Change(
            "street_and_number" * 5, "values added: " + "office, " * 80, "compatible", "breaking", places[:1], (), "a:1"
        ),
        Change("info", "title changed", "documentation", "documentation", ("the whole API",), (), "openapi.yaml:40"),
    ]
    return SpecDiff(
        HOSTILE, "1.0.0", "openapi.yaml", "1.1.0", changes, [HOSTILE, "package.models.Thing.name: " + "removed " * 90]
    )


def write_samples(folder: Path) -> None:
    """Write every file that the pages are made of."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, Any] = {"run.json": sample_run(), "boundaries.json": sample_map(), "faults.json": sample_trial()}
    files["boundaries.run.json"] = OF_THE_MAP | {"finished": False, "seconds": 41.5, "repeating": MAKING}
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), "utf-8")
    lines = [json.dumps(line) for line in sample_history()]
    (folder / "history.jsonl").write_text("\n".join([*lines, '{"started": "2026-1']), "utf-8")
    write_diff(sample_diff(), Reports(folder))


def write_pages(folder: Path) -> None:
    """Write every page that there is something for; the index last, so that it knows the others."""
    reports = Reports(folder)
    names = ("boundaries.run.json", "boundaries.json", "faults.json")
    state, limits, trial = (read_json(folder / name).value for name in names)
    if isinstance(limits, list):
        write_boundaries(read_all(LimitResult, limits), reports, read_as(MapRun, state))
    if isinstance(trial, list):
        write_faults(read_all(TrialRun, trial), reports)
    write_index(reports)
    assert not reports.unwritten


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]))
    write_pages(Path(sys.argv[1]))
