"""An edit of openapi.yaml is followed, or refused with the file, the line, the place and the fix."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract_tests.runner.configuration import Configuration
from contract_tests.self_tests.forked_run import forked_run
from contract_tests.spec.contract import CONTRACT_FILE, ROOT, load_contract
from contract_tests.spec.document import ContractError

# What an edit touches: these promises ask most of a field, of an operation and of a list in few requests.
PROMISES = ("first_look", "errors", "constraints", "field_limits", "isolation")
SEEDS = "x-seeds: contract_tests/"
CONTRACT_TEXT = CONTRACT_FILE.read_text("utf-8").replace(SEEDS, f"x-seeds: {ROOT}/contract_tests/")

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

# openapi.yaml:12 #/paths: what is wrong, or what to do
MESSAGE = re.compile(r"openapi\.yaml:(?P<line>\d+) (?P<pointer>#\S*): (?P<problem>[^\n]+)")


@dataclass(frozen=True)
class Edit:
    """One edit of openapi.yaml."""

    name: str
    set: dict[str, Any] = field(default_factory=dict)
    """What is put where, by JSON pointer; `-` at its end adds to a list."""
    remove: tuple[str, ...] = ()
    replace: dict[str, str] = field(default_factory=dict)
    """Which text becomes which; each stands once in the file."""
    rename: dict[str, str] = field(default_factory=dict)
    """Which word becomes which wherever it stands."""
    text: str | None = None
    """The whole file, where it is no edit of openapi.yaml."""
    line: str = ""
    """What stands in the line that the refusal names."""
    says: str = ""
    """A part of the refusal."""
    resource: str | None = None
    """Which resource of the file is under contract."""
    follows: dict[str, Any] = field(default_factory=dict)
    """What a field then looks like: by `role field keyword`, None where there is no such field or keyword."""
    run: int = 0
    """Which edits are made in one contract for a run; 0 for one of its own."""


def edited(edit: Edit, text: str = CONTRACT_TEXT) -> str:
    """Return the text of openapi.yaml, or of another contract, after an edit."""
    if edit.text is not None:
        return edit.text
    for old, new in edit.replace.items():
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the contract"
        text = text.replace(old, new)
    for old, new in edit.rename.items():
        assert old in text, f"{old!r} does not stand in the contract"
        text = re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", new, text)
    if not edit.set and not edit.remove:
        return text
    tree = yaml.load(text, LOADER)
    for pointer, value in edit.set.items():
        owner, key = _owner(tree, pointer)
        if key == "-":
            owner.append(value)
        else:
            owner[key] = value
    for pointer in edit.remove:
        owner, key = _owner(tree, pointer)
        del owner[key]
    dumped: str = yaml.dump(tree, Dumper=DUMPER, sort_keys=False, allow_unicode=True, width=10_000)
    return dumped


def _owner(tree: Any, pointer: str) -> tuple[Any, Any]:
    *path, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    node = tree
    for step in path:
        node = node[int(step)] if isinstance(node, list) else node[step]
    return node, int(last) if isinstance(node, list) and last != "-" else last


def read_edits(name: str) -> list[Edit]:
    """Read a table of edits."""
    rows = yaml.load(Path(__file__).with_name(name).read_text("utf-8"), LOADER)
    return [Edit(**{**row, "remove": tuple(row.get("remove", ()))}) for row in rows]


REFUSED = read_edits("refused_edits.yaml")
FOLLOWED = read_edits("followed_edits.yaml")


def write(folder: Path, edit: Edit) -> Path:
    file = folder / "openapi.yaml"
    file.write_text(edited(edit), "utf-8")
    return file


@pytest.mark.parametrize("edit", REFUSED, ids=lambda edit: edit.name.replace(" ", "-"))
def test_edit_is_refused_with_its_place(edit: Edit, tmp_path: Path) -> None:
    file = write(tmp_path, edit)
    with pytest.raises(ContractError) as refusal:
        load_contract(file)
    message = str(refusal.value)
    assert edit.says in message
    assert "\n" not in message
    if edit.line:
        found = MESSAGE.fullmatch(message)
        assert found, message
        assert edit.line in file.read_text("utf-8").split("\n")[int(found["line"]) - 1], message


@pytest.mark.parametrize("edit", FOLLOWED, ids=lambda edit: edit.name.replace(" ", "-"))
def test_edit_is_read(edit: Edit, tmp_path: Path) -> None:
    contract = load_contract(write(tmp_path, edit), edit.resource)
    for asked, expected in edit.follows.items():
        role, name, keyword = asked.split()
        found = contract.fields(role).get(name)
        assert (None if found is None else found.schema.get(keyword)) == expected, asked


def test_operation_of_another_resource_names_it(tmp_path: Path) -> None:
    """What a run leaves out of another resource, it says how to try."""
    edit = next(edit for edit in FOLLOWED if edit.resource)
    told = [found.why for found in load_contract(write(tmp_path, edit)).untried]
    assert [why for why in told if why.endswith(f"it is of another resource; RESOURCE={edit.resource} tries it")], told


def run_contract(folder: Path, edit: Edit, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the suite against the mock of an edited contract, in a folder of its own."""
    resource = [] if edit.resource is None else ["--resource", edit.resource]
    options = ["--contract", str(write(folder, edit)), *resource, "--folder", "reports", "--journal", "journal"]
    return subprocess.run(
        [sys.executable, "-m", "contract_tests", "run", *options, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize("edit", REFUSED[::12], ids=lambda edit: edit.name.replace(" ", "-"))
def test_run_of_a_refused_edit_ends_with_4(edit: Edit, tmp_path: Path) -> None:
    """One in twelve, since all are refused by the same call."""
    run = run_contract(tmp_path, edit)
    assert run.returncode == 4, run.stdout + run.stderr
    assert run.stdout.strip().split("\n")[-1].startswith("verdict: refused. openapi.yaml:")
    assert edit.says in run.stdout
    assert "Traceback" not in run.stdout + run.stderr


def run_names() -> list[str]:
    """List the runs of the followed edits: each edit by its name, those of one run by their number."""
    return list(dict.fromkeys(str(edit.run or edit.name) for edit in FOLLOWED))


def together(edits: list[Edit]) -> Edit:
    """Return one edit that does what several do, none of which touches what another does."""
    return Edit(
        " and ".join(edit.name for edit in edits),
        set={pointer: value for edit in edits for pointer, value in edit.set.items()},
        remove=tuple(dict.fromkeys(pointer for edit in edits for pointer in edit.remove)),
        replace={old: new for edit in edits for old, new in edit.replace.items()},
        rename={old: new for edit in edits for old, new in edit.rename.items()},
        resource=edits[0].resource,
    )


@pytest.mark.parametrize("name", run_names(), ids=lambda name: name.replace(" ", "-"))
def test_run_follows_the_edits(name: str, tmp_path: Path) -> None:
    """Edits that differ little share a run; an edit alone is held to the sharpest tests."""
    edits = [edit for edit in FOLLOWED if name == str(edit.run or edit.name)]
    edit = together(edits)
    configuration = Configuration(
        contract=write(tmp_path, edit), resource=edit.resource, key_name="KEY", seed=1, requests_per_second=0
    )
    run = forked_run(configuration, tmp_path, PROMISES, *(["-m", "sharp"] if len(edits) == 1 else []))
    assert "Traceback" not in run.text
    assert run.exit_code == 0, f"{edit.name}\n{run.text[-3000:]}"
    assert run.verdict.startswith("verdict: holds.")


@pytest.mark.parametrize(
    ("name", "value", "says"), [("--resource", "people", "people"), ("--contract", "no.yaml", "no.yaml")]
)
def test_run_of_what_is_not_there_is_refused(name: str, value: str, says: str, tmp_path: Path) -> None:
    run = run_contract(tmp_path, Edit("none"), name, value)
    assert run.returncode == 4, run.stdout + run.stderr
    last = run.stdout.strip().split("\n")[-1]
    assert last.startswith("verdict: refused.")
    assert says in last
    assert "Traceback" not in run.stdout + run.stderr
