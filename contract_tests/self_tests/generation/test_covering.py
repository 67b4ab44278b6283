"""The covering plan covers what it says it covers: its pairs are counted here in another way than there."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from itertools import combinations, count
from pathlib import Path
from typing import Any

import pytest

from contract_tests.generation.contexts import WHILE_UNSET, Contexts
from contract_tests.generation.covering import VALUE, Cover, Draft, Row
from contract_tests.mock_api.__main__ import build_api
from contract_tests.mock_api.wire.server import forked_mock
from contract_tests.report.recording import PLANS
from contract_tests.runner.configuration import Configuration
from contract_tests.self_tests.forked_run import forked_run
from contract_tests.self_tests.generation.test_strategies import FILES
from contract_tests.spec.contract import CONTRACT_FILE, load_contract
from contract_tests.trials.faults import seams
from contract_tests.trials.faults.seams import Answer, Operation, Request
from contract_tests.trials.faults.usual import failed

Pair = frozenset[tuple[str, str]]


def everything_fits(_factor: str, _level: str, _other: str, _its: str) -> bool:
    return True


def pairs_of(rows: list[Row]) -> set[Pair]:
    return {frozenset(pair) for row in rows for pair in combinations(row.items(), 2)}


def possible_pairs(cover: Cover, fits: Any) -> set[Pair]:
    levels = [(factor, level) for factor, some in cover.factors.items() for level in some]
    pairs = [(one, two) for one, two in combinations(levels, 2) if one[0] != two[0]]
    return {frozenset(pair) for pair in pairs if fits(*pair[0], *pair[1]) and fits(*pair[1], *pair[0])}


def covering(cover: Cover, *others: str) -> list[Row]:
    """Make rows until none covers a pair first."""
    rows: list[Row] = []
    while True:
        drafts = [Draft(cover, {VALUE: value}) for value in cover.factors[VALUE]]
        for draft in drafts:
            for factor in others:
                draft.choose(factor)
        best = max(drafts, key=lambda draft: draft.worth)
        if not best.worth:
            return rows
        cover.take(best.row)
        rows.append(best.row)


@pytest.mark.parametrize(
    ("sizes", "most"), [((3, 3, 3, 3), 14), ((4, 3, 2), 14), ((10, 4, 4, 3, 2, 2), 52), ((2, 2, 2), 6)]
)
def test_every_pair_is_covered_in_few_rows(sizes: tuple[int, ...], most: int) -> None:
    """The least number of rows is the product of the two largest factors; a greedy array needs a few more."""
    names = [VALUE, *(f"factor {index}" for index in range(1, len(sizes)))]
    factors = {name: [f"level {level}" for level in range(size)] for name, size in zip(names, sizes, strict=True)}
    cover = Cover(factors, everything_fits, random.Random(1))
    rows = covering(cover, *names[1:])
    assert pairs_of(rows) == possible_pairs(cover, everything_fits)
    assert cover.covered == cover.possible == len(pairs_of(rows))
    assert len(rows) <= most


def test_pair_that_is_not_possible_is_never_sent() -> None:
    def fits(factor: str, level: str, other: str, its: str) -> bool:
        return (factor, level, other, its) != ("size", "large", "age", "new")

    cover = Cover({VALUE: ["a", "b"], "size": ["small", "large"], "age": ["new", "old"]}, fits, random.Random(1))
    rows = covering(cover, "size", "age")
    assert pairs_of(rows) == possible_pairs(cover, fits)
    assert cover.covered == cover.possible == 11


def test_pair_is_counted_once_by_two_processes() -> None:
    factors = {VALUE: ["a", "b"], "age": ["new", "old"]}
    one, two = (Cover(factors, everything_fits, random.Random(1)) for _ in range(2))
    one.take({VALUE: "a", "age": "new"})
    two.take({VALUE: "a", "age": "new"})
    two.take({VALUE: "b", "age": "old"})
    one.join(two.masks)
    assert (one.covered, one.possible, one.lacking((VALUE, "a"))) == (2, 4, 1)


def test_row_that_comes_to_nothing_is_not_counted() -> None:
    cover = Cover({VALUE: ["a"], "age": ["new"]}, everything_fits, random.Random(1))
    cover.give_up({VALUE: "a", "age": "new"})
    assert (cover.covered, cover.opens((VALUE, "a")), cover.possible) == (0, 0, 1)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("role", ["update", "create"])
def test_contract_gives_levels_that_can_meet(file: Path, role: Any) -> None:
    """Each value on trial has a context, each level of a context a value, and each field a value of either side."""
    contexts = Contexts(load_contract(file), role)
    cover = contexts.cover
    for factor, some in cover.factors.items():
        for level in some:
            assert cover.opens((factor, level)), f"{factor} {level} meets nothing"
    for name in contexts.fields:
        sides = {bool(trial.faults) for trial in contexts.trials.values() if trial.field.name == name}
        assert True in sides, name
    # What a body brings is read back as the level that was asked for.
    for unit in contexts.units.values():
        for level, sets in unit.values.items():
            for values in sets if unit.fields[0].is_free else ():
                assert unit.level_of({name: value for name, (value, _) in values.items()}) == level, values


def plan_of(folder: Path) -> dict[str, dict[str, Any]]:
    record = json.loads((folder / "reports" / "run.json").read_text("utf-8"))
    return {each["operation"]: each for each in record["pairs"]}


def test_budget_covers_the_telling_pairs_first_and_says_what_it_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few requests: what is covered is what the rows that were sent hold, counted again, and values come before the rest."""
    taken = Cover.take

    def take(self: Cover, row: Row) -> int:
        if VALUE in row:
            with (tmp_path / "rows.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        return taken(self, row)

    monkeypatch.setattr(Cover, "take", take)
    ended = forked_run(Configuration(seed=1), tmp_path, ("covering_plan",), "-k", "update")
    assert ended.verdict.startswith("verdict: holds"), ended.text[-3000:]
    told, contexts = plan_of(tmp_path), Contexts(load_contract(), "update")
    assert set(told) == {"update"}
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text("utf-8").splitlines()]
    possible = possible_pairs(contexts.cover, contexts._fits)
    covered = pairs_of(rows) & possible
    assert (told["update"]["covered"], told["update"]["possible"]) == (len(covered), len(possible))
    of_values = [pair for pair in possible if any(factor == VALUE for factor, _ in pair)]
    left = len([pair for pair in of_values if pair not in covered])
    assert sum(told["update"]["left_out"].values()) == left > 0
    assert f"update: {len(covered):,} of {len(possible):,} pairs of contexts tried" in ended.text
    assert 0.4 * len(possible) < len(covered) < len(possible)


def test_each_value_of_a_body_counts_in_its_context() -> None:
    """An accepted body tries each value that it brings beside the others; one that is refused only the value at fault."""
    contexts = Contexts(load_contract(), "update")
    item = {"name": "a name", "wait_seconds": None, "background_sound": "office"}
    body = {"wait_seconds": 2, "persona_prompt": None, "language_code": None}
    rows = {row[VALUE]: row for row in contexts.of_each(item, body)}
    assert rows.keys() == {"wait_seconds highest", "persona_prompt null", "language_code null"}
    assert (
        rows["wait_seconds highest"]["persona_prompt sent"]
        == rows["language_code null"]["persona_prompt sent"]
        == "null"
    )
    assert {row["wait_seconds held"] for row in rows.values()} == {"unset"}
    above = "wait_seconds against maximum"
    for held, classes in ((None, {above, above + WHILE_UNSET}), (1, {above})):
        wrong = contexts.of_fault("wait_seconds", {**item, "wait_seconds": held}, {"wait_seconds": 2.01})
        assert {row[VALUE] for row in wrong} == classes


def test_item_that_cannot_be_made_is_no_item_that_is_gone(tmp_path: Path) -> None:
    """Where a create fails, nothing more is sent to the item that it was to take the place of, which is removed by then."""
    api, numbers = build_api(CONTRACT_FILE), count(1)

    async def create(request: Request, handle: Operation) -> Answer:
        return await handle(request) if next(numbers) % 5 else failed()

    seams.around(api, "create", create)
    with forked_mock(api) as url:
        asked = Configuration(base_url=url, api_key=api.api_key.decode(), seed=1, requests_per_second=0)
        ended = forked_run(asked, tmp_path, ("covering_plan",), "-k", "update")
    assert "createPersona answered 500 instead of 201" in ended.text
    assert "answered 404" not in ended.text, ended.text[-3000:]


def test_whole_run_covers_every_pair(tmp_path: Path) -> None:
    """Without a limit every pair is covered, of an update and of a create."""
    files = (Path(__file__).parents[2] / "promises").glob(f"{PLANS}*.py")
    command = [sys.executable, "-m", "contract_tests", "run", "--seed", "3", "--folder", str(tmp_path / "reports")]
    done = subprocess.run([*command, "--", *map(str, files), "-q"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    told = plan_of(tmp_path)
    assert {name: (each["covered"], each["left_out"]) for name, each in told.items()} == {
        name: (each["possible"], {}) for name, each in told.items()
    }
    assert set(told) == {"update", "create"}
