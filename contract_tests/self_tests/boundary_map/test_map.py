"""The boundary map over HTTP: every limit of the clean mock holds, and each planted limit is named exactly."""

from __future__ import annotations

import json
import math
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from rich.console import Console

from contract_tests.boundary_map import inputs
from contract_tests.boundary_map.inputs import Input, decimals_beside_a_multiple
from contract_tests.boundary_map.limit_result import LimitResult, TriedTogether, TriedValue
from contract_tests.boundary_map.slots import Slot
from contract_tests.boundary_map.survey import Survey, Task, tasks
from contract_tests.boundary_map.text import print_map, verdict
from contract_tests.checks.judge import Judge
from contract_tests.checks.run import Run
from contract_tests.checks.shape import shape_of
from contract_tests.errors import Refused
from contract_tests.mock_api.process import RunningMock, running_mock
from contract_tests.runner.boundaries.map_file import read_map
from contract_tests.runner.command_line import parsed
from contract_tests.runner.process.ending import concluded
from contract_tests.self_tests.planted_mock import planted_mock
from contract_tests.singles import nearest_single
from contract_tests.spec.contract import CONTRACT_FILE, ROOT, Contract, load_contract
from contract_tests.transport.exchange import Exchange
from contract_tests.transport.redaction import Redactor
from contract_tests.transport.target import Api, Target

CONTRACT = load_contract()
UPDATE = "updatePersona"
CONTRACTS = ROOT / "contract_tests" / "self_tests" / "contracts"
LONGEST = 16_384
MOST_REQUESTS = 80
NUMBER_LIMITS = ("minimum", "maximum")
KEYS = {
    "operation", "field", "constraint", "declared", "last_accepted", "first_rejected", "unit", "verdict", "altered",
    "requests", "holes",
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Make a map in this process."""
    try:
        asked = parsed(["boundaries", *arguments])
    except Refused as error:
        print(f"verdict: refused. {error}")
        return 4
    assert asked is not None
    return concluded(asked.run, asked.tell, Redactor([]))


VARIABLES = ("BASE_URL", "COVAL_API_KEY", "SEED", "FAULT", "FIELD", "FRESH", "COMPARE", "LONGEST")


def target_of(mock: RunningMock) -> Target:
    return Target("the mock", mock.url, mock.api_key)


@contextmanager
def survey_of(
    *planted: str, contract: Contract = CONTRACT, is_name: Callable[[str], bool] = lambda _name: False
) -> Iterator[Survey]:
    with (
        planted_mock(contract, *planted) as mock,
        Api(target_of(mock), secrets.token_hex(4), shape_of(contract), is_name=is_name) as api,
        ExitStack() as stack,
    ):
        yield Survey(Run(api, Judge(contract, (mock.api_key,)), 7), LONGEST, stack)


def limits_of(field: str, contract: Contract = CONTRACT, role: str = "update") -> list[Task]:
    return [task for task in tasks(contract) if (task.role, task.slot.name) == (role, field)]


def other(name: str) -> Contract:
    """Return a contract of the self-tests."""
    return load_contract(CONTRACTS / f"{name}.yaml")


def found(fault: str, field: str, constraint: str, contract: Contract = CONTRACT, role: str = "update") -> LimitResult:
    """Map one constraint of the mock with a fault planted."""
    with survey_of("fault", fault, contract=contract) as survey:
        return survey.result(next(task for task in limits_of(field, contract, role) if task.constraint == constraint))


@pytest.fixture(scope="module")
def clean_rows() -> list[LimitResult]:
    """The map of the clean mock."""
    with survey_of() as survey:
        return [survey.result(task) for task in tasks(CONTRACT)]


@pytest.mark.parametrize("field", ["wait_seconds", "hold_music_timeout_seconds"])
def test_limit_may_lie_where_single_precision_rounds(field: str) -> None:
    """#/x-promises/exact_numbers: an API that reads numbers in single precision keeps the limit; the map tells where it flips."""
    with survey_of("variant", "numbers_read_in_single_precision") as survey:
        rows = [survey.result(task) for task in limits_of(field) if task.constraint in NUMBER_LIMITS]
    assert [(row.verdict, row.unit) for row in rows] == [("holds", "single")] * 2
    assert all(nearest_single(row.last_accepted) == row.declared != row.last_accepted for row in rows)


@pytest.fixture(autouse=False)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the environment would ask of a map."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_every_limit_of_the_clean_mock_holds(clean_rows: list[LimitResult]) -> None:
    """A map of an API that keeps the contract has no finding, and nothing that could not be judged."""
    assert {row.key: row.text for row in clean_rows if row.verdict not in ("holds", "no_limit")} == {}
    assert {row.verdict for row in clean_rows if row.declared is None} == {"no_limit"}


@pytest.mark.parametrize("operation", [UPDATE, "createPersona"])
@pytest.mark.parametrize(("limit", "outward"), [(0.1, 0.0), (2.0, 3.0), (5.0, 0.0), (300.0, 301.0)])
def test_neighbouring_doubles_of_each_limit_are_named(
    limit: float, outward: float, operation: str, clean_rows: list[LimitResult]
) -> None:  # fmt: skip
    """The last accepted double is the limit, the first refused the next."""
    (row,) = [
        row for row in clean_rows if row.operation == operation and row.declared == limit and row.unit == "double"
    ]
    assert (row.last_accepted, row.first_rejected) == (limit, math.nextafter(limit, outward))


def test_number_costs_few_requests(clean_rows: list[LimitResult]) -> None:
    """A numeric limit is pinned, and looked over for holes, with at most 80 requests."""
    spent = {row.key: row.requests for row in clean_rows if row.constraint in NUMBER_LIMITS}
    assert len(spent) == 10
    assert max(spent.values()) <= MOST_REQUESTS


def test_lengths_are_counted_in_code_points(clean_rows: list[LimitResult]) -> None:
    """A name has 1 to 200 code points, in every alphabet."""
    rows = {row.constraint: row for row in clean_rows if (row.operation, row.field) == (UPDATE, "name")}
    assert (rows["minLength"].last_accepted, rows["minLength"].first_rejected) == (1, 0)
    assert (rows["maxLength"].last_accepted, rows["maxLength"].first_rejected) == (200, 201)
    assert rows["minLength"].unit == rows["maxLength"].unit == "code_points"


def test_every_field_is_mapped_with_every_constraint(clean_rows: list[LimitResult]) -> None:
    """No field of a body and no limit in openapi.yaml is left out, and each row says as JSON what was agreed."""
    mapped = {(row.operation, row.field, row.constraint) for row in clean_rows}
    for operation in (UPDATE, "createPersona"):
        for name, tried in CONTRACT.fields(operation).items():
            declared = [keyword for keyword in ("minimum", "maximum", "minLength", "enum") if keyword in tried.schema]
            for constraint in (*declared, "type", "nullable"):
                assert (operation, name, constraint) in mapped
    assert all(asdict(row).keys() >= KEYS for row in clean_rows)


# Where the fault wait_seconds_with_a_hole refuses: the same shares of the allowed range.
HOLE = tuple(0.1 + (2 - 0.1) * share for share in (0.316, 0.342))

FAULTS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("wait_seconds_maximum_half_wider", "wait_seconds", "maximum",
     {"verdict": "looser", "last_accepted": 2.5, "first_rejected": math.nextafter(2.5, 3)}),
    ("wait_seconds_maximum_a_thousandth_wider", "wait_seconds", "maximum",
     {"verdict": "looser", "last_accepted": 2.001, "first_rejected": math.nextafter(2.001, 3)}),
    ("wait_seconds_minimum_down_to_zero", "wait_seconds", "minimum",
     {"verdict": "looser", "last_accepted": 0, "first_rejected": -5e-324}),
    ("wait_seconds_minimum_exclusive", "wait_seconds", "minimum",
     {"verdict": "tighter", "last_accepted": 0.10000000000000002, "first_rejected": 0.1}),
    ("wait_seconds_maximum_exclusive", "wait_seconds", "maximum",
     {"verdict": "tighter", "last_accepted": 1.9999999999999998, "first_rejected": 2}),
    ("hold_music_timeout_seconds_minimum_half_wider", "hold_music_timeout_seconds", "minimum",
     {"verdict": "looser", "last_accepted": 4.5, "first_rejected": math.nextafter(4.5, 0)}),
    ("hold_music_timeout_seconds_maximum_one_wider", "hold_music_timeout_seconds", "maximum",
     {"verdict": "looser", "last_accepted": 301, "first_rejected": math.nextafter(301, 302)}),
    ("wait_seconds_moved_to_the_limit", "wait_seconds", "maximum",
     {"verdict": "altered", "altered": "clamped to 2", "last_accepted": 2, "first_altered": math.nextafter(2, 3)}),
    ("numbers_rounded_to_hundredths", "wait_seconds", "maximum", {"verdict": "altered", "altered": "rounded to 2 decimals"}),
    ("wait_seconds_with_a_hole", "wait_seconds", "minimum",
     {"verdict": "tighter", "last_accepted": 0.1, "holes": ({"outcome": "refused", "first": HOLE[0], "last": HOLE[1],
      "before": math.nextafter(HOLE[0], 0), "after": math.nextafter(HOLE[1], 1)},)}),
    ("wait_seconds_without_sign", "wait_seconds", "minimum",
     {"verdict": "looser", "last_accepted": 0.1, "holes": ({"outcome": "accepted", "first": -2, "last": -0.1,
      "before": math.nextafter(-2, -3), "after": math.nextafter(-0.1, 0)},)}),
    ("wait_seconds_maximum_ignored", "wait_seconds", "maximum",
     {"verdict": "looser", "last_accepted": sys.float_info.max, "first_rejected": None}),
    ("name_length_one_more", "name", "maxLength",
     {"verdict": "looser", "last_accepted": 201, "first_rejected": 202, "unit": "code_points"}),
    ("name_length_exclusive", "name", "maxLength",
     {"verdict": "tighter", "last_accepted": 199, "first_rejected": 200, "unit": "code_points"}),
    ("name_length_in_bytes", "name", "maxLength",
     {"verdict": "tighter", "last_accepted": 200, "first_rejected": 201, "unit": "bytes"}),
    ("name_length_in_utf16", "name", "maxLength",
     {"verdict": "tighter", "last_accepted": 200, "first_rejected": 201, "unit": "utf16"}),
    ("name_length_after_trimming", "name", "maxLength",
     {"verdict": "looser", "last_accepted": 200, "first_rejected": 201, "unit": "trimmed"}),
    ("name_cut_to_length", "name", "maxLength",
     {"verdict": "altered", "altered": "truncated to 200 characters", "last_accepted": 200, "first_altered": 201,
      "first_rejected": None}),
    ("text_trimmed", "name", "maxLength",
     {"verdict": "altered", "altered": "trimmed", "last_accepted": 200, "first_rejected": 201}),
    ("persona_prompt_refused_beyond_10000", "persona_prompt", "maxLength",
     {"verdict": "tighter", "declared": None, "last_accepted": 10_000, "first_rejected": 10_001}),
    ("persona_prompt_of_4000_bytes_at_most", "persona_prompt", "maxLength",
     {"verdict": "tighter", "last_accepted": 4_000, "first_rejected": 4_001, "unit": "bytes"}),
    ("background_sound_kept_on_null", "background_sound", "nullable", {"verdict": "altered"}),
    ("name_null_refused", "name", "nullable", {"verdict": "tighter"}),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "field", "constraint", "expected"), FAULTS, ids=[case[0] for case in FAULTS])
def test_planted_limit_is_named_exactly(fault: str, field: str, constraint: str, expected: dict[str, Any]) -> None:
    """Where the mock departs from the contract, the map names the place, to the neighbouring value."""
    row = asdict(found(fault, field, constraint))
    assert {key: row[key] for key in expected} == expected, row["text"]


OTHERS: list[tuple[str, str, str, str, dict[str, Any]]] = [
    ("bookings", "price_maximum_one_wider", "price", "maximum",
     {"verdict": "looser", "last_accepted": 20_001, "first_rejected": 20_001.01}),
    ("bookings", "price_multiple_of_ignored", "price", "multipleOf", {"verdict": "looser"}),
    ("bookings", "guests_age_maximum_one_wider", "guests/1/age", "maximum",
     {"verdict": "looser", "last_accepted": 121, "first_rejected": 122}),
    ("bookings", "guests_name_max_length_too_strict", "guests/1/name", "maxLength",
     {"verdict": "tighter", "last_accepted": 59, "first_rejected": 60}),
    ("bookings", "guests_max_items_one_wider", "guests", "maxItems",
     {"verdict": "looser", "last_accepted": 7, "first_rejected": 8, "unit": "items"}),
    ("bookings", "extras_max_items_too_strict", "extras", "maxItems",
     {"verdict": "tighter", "last_accepted": 3, "first_rejected": 4, "unit": "items"}),
    ("bookings", "address_postcode_pattern_ignored", "address/postcode", "pattern", {"verdict": "looser"}),
    ("bookings", "check_in_format_ignored", "check_in", "format", {"verdict": "looser"}),
    ("bookings", "bed_type_and_what_it_depends_on_unchecked_together", "bed_type", "x-values-from", {"verdict": "looser"}),
    ("bookings", "bed_type_unknown_accepted", "bed_type", "x-values-from", {"verdict": "looser"}),
    ("tickets", "estimateHours_maximum_exclusive", "estimateHours", "maximum",
     {"verdict": "tighter", "last_accepted": 79.75, "first_rejected": 80}),
    ("tickets", "assigneeId_minimum_one_wider", "assigneeId", "minimum",
     {"verdict": "looser", "last_accepted": 0, "first_rejected": -1}),
    ("tickets", "description_length_in_utf16", "description", "maxLength", {"verdict": "tighter", "unit": "utf16"}),
    ("devices", "connection_channel_maximum_one_wider", "connection/channel", "maximum",
     {"verdict": "looser", "last_accepted": 14, "first_rejected": 15}),
    ("devices", "report_every_minimum_one_wider", "report_every", "minimum",
     {"verdict": "looser", "last_accepted": 0, "first_rejected": -1}),
    ("devices", "secret_length_exclusive", "secret", "maxLength",
     {"verdict": "tighter", "last_accepted": 63, "first_rejected": 64}),
    ("devices", "latitude_with_a_hole", "latitude", "minimum", {"verdict": "tighter"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("contract", "fault", "field", "constraint", "expected"), OTHERS, ids=[case[1] for case in OTHERS]
)
def test_planted_limit_of_another_contract_is_named_exactly(
    contract: str, fault: str, field: str, constraint: str, expected: dict[str, Any]
) -> None:  # fmt: skip
    """Values inside arrays and objects, sizes, steps and listed values are searched in any contract."""
    row = asdict(found(fault, field, constraint, other(contract)))
    assert {key: row[key] for key in expected} == expected, row["text"]


def test_decimals_beside_a_multiple_are_tried() -> None:
    """An API that holds a quarter to hundredths is found by numbers that are whole hundredths and no quarters."""
    contract = other("tickets")
    (task,) = [task for task in limits_of("estimateHours", contract) if task.constraint == "multipleOf"]
    tried = [each.value for each in decimals_beside_a_multiple(contract, task.slot)]
    assert {round(value % 0.25, 9) for value in tried} == {0.1, 0.01}
    with survey_of(contract=contract) as survey:
        row = survey.result(task)
    assert row.verdict == "holds"
    assert {each.value: each.outcome for each in row.values}.items() >= dict.fromkeys(tried, "refused").items()


def test_too_short_name_of_a_new_item_is_tried() -> None:
    """One character where the contract asks for three is sent, and what it makes is removed; three are no run's name."""
    contract = other("tickets")
    (task,) = [task for task in limits_of("title", contract, "create") if task.constraint == "minLength"]
    rows: dict[str, LimitResult] = {}
    names: list[tuple[str, Callable[[str], bool]]] = [("own", lambda _name: False), ("account", contract.accepts_name)]
    for name, is_name in names:
        with survey_of(contract=contract, is_name=is_name) as survey:
            rows[name] = survey.result(task)
            assert list(survey.run.api.created.alive) == []
    assert [(row.verdict, row.last_accepted, row.first_rejected) for row in rows.values()] == [
        ("holds", 3, 2), ("not_tried", 40, 2),
    ]  # fmt: skip
    assert rows["account"].problem == "a name of 3 was not tried, as the name of a new item must tell who made it"
    assert verdict(list(rows.values()), 9, "it")[0].endswith("1 could not be tried.")


@pytest.mark.parametrize(("least", "last", "first", "judged"), [(4, 3, 0, "looser"), (2, 40, 2, "tighter")])
def test_misplaced_least_length_of_a_new_name_is_found(
    least: int, last: int, first: int, judged: str, tmp_path: Path
) -> None:  # fmt: skip
    """An API that asks for three characters is held to a contract that asks for more, or for fewer."""
    path = tmp_path / "tickets.yaml"
    document = yaml.safe_load((CONTRACTS / path.name).read_text("utf-8"))
    document["components"]["schemas"]["Title"]["minLength"] = least
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    contract = load_contract(path)
    (task,) = [task for task in limits_of("title", contract, "create") if task.constraint == "minLength"]
    with (
        planted_mock(other("tickets")) as mock,
        Api(target_of(mock), secrets.token_hex(4), shape_of(contract), is_name=lambda _name: False) as api,
        ExitStack() as stack,
    ):
        row = Survey(Run(api, Judge(contract, (mock.api_key,)), 7), LONGEST, stack).result(task)
        assert list(api.created.alive) == []
    assert (row.verdict, row.declared, row.last_accepted, row.first_rejected) == (judged, least, last, first)


def test_new_name_of_a_pattern_is_always_the_name_of_this_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A right name that does not tell who made the item is not sent in a create: the item might not be found again."""
    path, sent = tmp_path / "tickets.yaml", list[Any]()
    document = yaml.safe_load((CONTRACTS / path.name).read_text("utf-8"))
    document["components"]["schemas"]["Title"]["pattern"] = "^[^/%&><]+$"
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    contract = load_contract(path)
    (task,) = [task for task in limits_of("title", contract, "create") if task.constraint == "pattern"]
    with survey_of(contract=contract) as survey:
        create = survey.run.api.create

        def recorded(text: str) -> Exchange:
            sent.append(json.loads(text)["title"])
            return create(text)

        monkeypatch.setattr(survey.run.api, "create", recorded)
        assert survey.result(task).verdict == "holds"
        right = [name for name in sent if contract.accepts_value(contract.fields("create")["title"], name)]
        assert len(right) < len(sent)
        assert all(name.startswith(f"contract-test-{survey.run.api.run}-") for name in right), right


def test_length_of_a_format_is_not_tried_without_a_text_of_that_length(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The row and the terminal say which text is missing; texts on one side of the limit do not say that it holds."""
    contract = other("bookings")
    (task,) = [task for task in limits_of("website", contract) if task.constraint == "maxLength"]
    why = "cannot be mapped: no text of the format uri was made that has 200 characters, or one beyond them"
    usual = inputs.boundary_inputs
    with survey_of(contract=contract) as survey:
        assert survey.result(task).verdict == "holds"
        for kept in (1, 0):

            def few(contract: Contract, slot: Slot, constraint: str, kept: int = kept) -> list[Input]:
                found = usual(contract, slot, constraint)
                return found[:kept] if constraint == "maxLength" else found

            monkeypatch.setattr(inputs, "boundary_inputs", few)
            row = survey.result(task)
            assert (row.verdict, row.problem) == ("not_tried", why)
    print_map(Console(), [row])
    assert f"{row.key}, not tried: {why}" in capsys.readouterr().out


def test_values_are_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A value that was tried, and what it reads as, stand in the terminal as JSON writes them."""
    values = (TriedValue({"a": None}, False, "altered", True), TriedValue("x", False, "altered", ["it's"]))
    print_map(Console(width=200), [LimitResult("update", "extra", "properties", "altered", values=values)])
    assert '{"a": null} reads true' in (said := capsys.readouterr().out)
    assert 'x reads ["it\'s"]' in said


@pytest.mark.parametrize("name", ["bookings", "devices", "tickets"])
def test_another_contract_is_mapped_without_a_finding(name: str) -> None:
    """Every limit of an update and of a list holds on the clean mock; what cannot be tried is named."""
    contract = other(name)
    with survey_of(contract=contract) as survey:
        results = [survey.result(task) for task in tasks(contract) if task.role != "create"]
    assert {each.key: each.text for each in results if each.is_finding or each.verdict == "inconclusive"} == {}
    assert all(each.problem for each in results if each.verdict == "not_tried")
    assert sum(each.verdict == "holds" for each in results) > 25


def test_limits_close_together_are_mapped_without_a_finding(tmp_path: Path) -> None:
    """What is tried of one limit keeps to the other, also where both are the same."""
    narrow = {
        "country": {"type": "string", "minLength": 2, "maxLength": 2},
        "plate": {"type": "string", "minLength": 3, "maxLength": 6},
        "corner": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        "five": {"type": "integer", "minimum": 5, "maximum": 5},
        "sixths": {"type": "number", "minimum": 0.5, "maximum": 0.6},
        "frost": {"type": "integer", "minimum": -10, "maximum": -5},
        "odd": {"type": "number", "exclusiveMinimum": 1, "maximum": 1.5, "multipleOf": 0.5},
    }
    path = tmp_path / "tickets.yaml"
    document = yaml.safe_load((CONTRACTS / path.name).read_text("utf-8"))
    for name in ("TicketFields", "Ticket"):
        document["components"]["schemas"][name]["properties"] |= narrow
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    contract = load_contract(path)
    with survey_of(contract=contract) as survey:
        results = [survey.result(task) for name in narrow for task in limits_of(name, contract)]
    assert {each.key: each.text for each in results if each.verdict not in ("holds", "no_limit")} == {}


def test_limit_in_single_precision_is_told() -> None:
    """Where a number is rounded to single precision before it is compared, the unit says so."""
    row = found("wait_seconds_maximum_in_single_precision", "wait_seconds", "maximum")
    assert (row.verdict, row.unit) == ("looser", "single")
    assert nearest_single(row.last_accepted) == 2 < nearest_single(row.first_rejected)


@pytest.mark.parametrize(
    ("fault", "verdict", "departing"),
    [
        (
            "background_sound_in_any_case",
            "looser",
            {"Off": "accepted", "CONSTRUCTION-WORK": "accepted", "off": "accepted"},
        ),
        ("background_sound_without_its_last_value", "tighter", {"construction-work": "refused", "off": "accepted"}),
        ("background_sound_takes_a_further_value", "looser", {"backchanneling": "accepted"}),
        ("background_sound_with_underscores", "altered", {"construction_work": "altered"}),
    ],
)
def test_planted_value_is_named(fault: str, verdict: str, departing: dict[str, str]) -> None:
    """A value of an enum too many or too few is named."""
    row = found(fault, "background_sound", "enum")
    outcomes = {each.value: each.outcome for each in row.values}
    assert row.verdict == verdict
    assert {value: outcomes[value] for value in departing} == departing


def test_limit_that_moves_with_another_field_is_told() -> None:
    """The pair of a limit is tried again with the other fields at their limits."""
    row = found("two_upper_limits_refused", "wait_seconds", "maximum")
    assert row.verdict == "tighter"
    assert TriedTogether("at their greatest", 2.0, "accepted", "refused") in row.cross_field


@pytest.mark.parametrize("variant", ["numbers_in_single_precision", "details_left_out", "unnamed_fields_refused"])
def test_lawful_api_has_no_finding(variant: str) -> None:
    """What the contract leaves open moves no limit."""
    with survey_of("variant", variant) as survey:
        rows = [survey.result(task) for field in ("wait_seconds", "name") for task in limits_of(field)]
    assert {row.verdict for row in rows} == {"holds"}


@pytest.mark.parametrize("fault", ["every_tenth_update_lost", "twenty_updates_at_most", "update_forgotten"])
def test_api_that_answers_now_this_now_that_is_not_judged(fault: str) -> None:
    """An answer that differs the second time says nothing of a limit."""
    assert found(fault, "wait_seconds", "maximum").verdict == "inconclusive"


def test_bad_weather_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first gateway's answer on, nothing is judged, and what was judged before stays."""
    with survey_of() as survey:
        todo = limits_of("wait_seconds")
        first = survey.result(todo[0])
        transport = survey.run.api.transport
        monkeypatch.setattr(transport._inner, "send", lambda _: httpx.Response(503, headers={"retry-after": "0"}))
        rows = [survey.result(task) for task in todo[1:]]
        survey.stack.pop_all()
    assert first.verdict == "holds"
    assert {row.verdict for row in rows} == {"inconclusive"}
    assert all("503" in str(row.problem) for row in rows)


def test_new_field_brings_its_own_limits(tmp_path: Path) -> None:
    """A field that is added to openapi.yaml is mapped without a line of Python."""
    document = yaml.safe_load(CONTRACT_FILE.read_text("utf-8"))
    speed = {
        "anyOf": [{"type": "number", "exclusiveMinimum": 0.25, "maximum": 4}, {"type": "null"}],
        "x-on-null": "clear",
    }
    document["components"]["schemas"]["PersonaUpdate"]["properties"]["voice_speed"] = speed
    document["x-seeds"] = str(ROOT / document["x-seeds"])
    path = tmp_path / "openapi.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    contract = load_contract(path)
    with survey_of(contract=contract) as survey:
        rows = {task.constraint: survey.result(task) for task in limits_of("voice_speed", contract)}
    assert {row.verdict for row in rows.values()} == {"holds"}
    assert (rows["exclusiveMinimum"].last_accepted, rows["exclusiveMinimum"].first_rejected) == (
        0.25000000000000006,
        0.25,
    )
    assert rows["maximum"].last_accepted == 4


# -- The command ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quiet")
def test_map_that_was_broken_off_is_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rows of an interrupted run are kept, the others are made, and a finished map is made anew."""
    arguments = ["--field", "wait_seconds", "--operation", UPDATE, "--folder", str(tmp_path)]
    made: list[str] = []
    usual = Survey.result

    def row(survey: Survey, task: Task) -> LimitResult:
        if len(made) == 2 and task.constraint == "type":
            made.append("interrupted")
            raise KeyboardInterrupt
        made.append(task.constraint)
        return usual(survey, task)

    monkeypatch.setattr(Survey, "result", row)
    assert main(arguments) == 2
    assert "verdict: inconclusive. Interrupted after 2 limits" in capsys.readouterr().out
    half = (tmp_path / "boundaries.json").read_text("utf-8")
    assert [entry["constraint"] for entry in json.loads(half)] == ["minimum", "maximum"]
    assert main(arguments) == 0
    assert made == ["minimum", "maximum", "interrupted", "type", "nullable"]
    assert "2 limits kept" in capsys.readouterr().out
    assert json.loads((tmp_path / "boundaries.json").read_text("utf-8"))[:2] == json.loads(half)
    assert main(arguments) == 0
    assert made[5:] == ["minimum", "maximum", "type", "nullable"]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("change", [{"FRESH": "1"}, {"FAULT": "wait_seconds_with_a_hole"}])
def test_another_map_is_not_continued(
    change: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A map of another API, or one that is to be made anew, keeps nothing."""
    arguments = ["--field", "conversation_initiation", "--operation", UPDATE, "--folder", str(tmp_path)]
    assert main(arguments) == 0
    state_path = tmp_path / "boundaries.run.json"
    state_path.write_text(state_path.read_text("utf-8").replace('"finished": true', '"finished": false'), "utf-8")
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    assert main(arguments) == 0
    assert "kept" not in capsys.readouterr().out


def test_interrupted_command_removes_its_personas(tmp_path: Path) -> None:
    """Ctrl-C writes what is there, leaves nothing in the account, and exits with 2."""
    with running_mock() as mock:
        before = personas(mock)
        clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        environment = {"BASE_URL": mock.url, "COVAL_API_KEY": mock.api_key, "RATE": "0", "MAX_REQUESTS": "0"}
        with subprocess.Popen(
            [sys.executable, "-m", "contract_tests", "boundaries", "--operation", "createPersona", "--folder", str(tmp_path)],
            cwd=ROOT, env=clean | environment, stdout=subprocess.PIPE, text=True,
        ) as command:  # fmt: skip
            assert command.stdout is not None
            while "createPersona name minLength" not in (line := command.stdout.readline()):
                assert line, "the command ended"
            command.send_signal(signal.SIGINT)
            rest = command.stdout.read()
        assert command.returncode == 2, rest
        assert rest.splitlines()[-1].startswith("verdict: inconclusive. Interrupted after")
        assert personas(mock) == before
    assert len(read_map(tmp_path / "boundaries.json")) >= 1
    assert mock.api_key not in (tmp_path / "boundaries.json").read_text("utf-8") + rest


def personas(mock: RunningMock) -> set[str]:
    answer = httpx.get(f"{mock.url}/personas", params={"page_size": 100}, headers={"x-api-key": mock.api_key})
    return {persona["id"] for persona in answer.json()["personas"]}


@pytest.mark.usefixtures("quiet")
def test_finding_is_drawn_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit that is not where it should be makes the command exit with 1, draws it and tells how to repeat it."""
    monkeypatch.setenv("FAULT", "wait_seconds_maximum_half_wider")
    assert main(["--field", "wait_seconds", "--operation", UPDATE, "--folder", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "verdict: violated. 1 of 4 limits is not where openapi.yaml says: 1 looser."
    text = "\n".join(lines)
    assert "flip        2.5 ● accepted │ 2.5000000000000004 ○ refused   neighbouring doubles" in text
    assert """--data-binary '{"wait_seconds": 2.5}'""" in text
    assert "\x1b[" not in text


@pytest.mark.usefixtures("quiet")
def test_comparison_tells_what_moved(
    tmp_path: Path, clean_rows: list[LimitResult], capsys: pytest.CaptureFixture[str]
) -> None:
    """Two maps of one API have nothing between them; a limit that moved is named with both its places."""
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    entries = [asdict(row) for row in clean_rows]
    old.write_text(json.dumps(entries), "utf-8")
    new.write_text(json.dumps(entries), "utf-8")
    assert main(["--compare", f"{old} {new}"]) == 0
    (moved,) = [entry for entry in entries if entry["operation"] == UPDATE and entry["declared"] == 2]
    moved.update(last_accepted=2.5, first_rejected=2.5000000000000004, verdict="looser", requests=60)
    new.write_text(json.dumps(entries), "utf-8")
    capsys.readouterr()
    assert main(["--compare", f"{old} {new}"]) == 1
    said = capsys.readouterr().out
    assert [line.split() for line in said.splitlines() if "last_accepted" in line] == [
        [UPDATE, "wait_seconds", "maximum", "last_accepted", "2.0", "2.5"]
    ]
    assert said.splitlines()[-1].startswith("verdict: violated. 1 limit moved from ")


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--field", "nothing"], "no field is called nothing; there are name, persona_prompt"),
        (["--operation", "nothing"], "no operation is called nothing"),
        (["--bogus"], "No such option '--bogus'"),
        (["--compare", "absent.json"], "absent.json cannot be read: No such file"),
        (["--compare", "Makefile"], "Makefile is no JSON"),
        (["--compare", "contract_tests/self_tests"], "cannot be read: Is a directory"),
    ],
)
def test_wrong_usage_is_refused_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """What is wrong is said in the verdict, with exit code 4."""
    monkeypatch.chdir(ROOT)
    assert main(arguments) == 4
    assert words in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "holds no list of limits"),
        ("[1]", "entry 0 is no object"),
        ('[{"operation": "updatePersona"}]', "entry 0 has no field"),
        ("[", "is no JSON"),
    ],
)
def test_file_that_is_no_map_is_named(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that holds no map is refused, with its name and what is wrong with it."""
    path = tmp_path / "old.json"
    path.write_text(text, "utf-8")
    assert main(["--compare", str(path)]) == 4
    last = capsys.readouterr().out.splitlines()[-1]
    assert str(path) in last
    assert words in last
