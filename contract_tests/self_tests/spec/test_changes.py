"""What changed between two contracts: each single change is rated right for who sends and for who reads."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract_tests.self_tests.spec.test_edits import CONTRACT_TEXT, LOADER, Edit, edited
from contract_tests.spec.change import RATINGS, Change, Rating, least_version, says_enough, worst_of
from contract_tests.spec.changes import compare
from contract_tests.spec.contract import CONTRACT_FILE, ROOT
from contract_tests.spec.document import ContractError, Document, read_document
from contract_tests.spec.operation import read_operations
from contract_tests.spec.resource import read_resources
from contract_tests.spec.schema_view import in_full

FEWEST_CHANGES = 60
REDOCLY = Path(__file__).with_name("redocly_column.yaml")
ORDERS = Path(__file__).with_name("orders.yaml")
CONTRACTS = [CONTRACT_FILE, ORDERS, *sorted(Path(__file__).parents[1].glob("contracts/*.yaml"))]
# The version is what a change is held to; the version of OpenAPI is no caller's business.
SILENT = {("openapi",), ("info", "version")}


@dataclass(frozen=True)
class Rated:
    """One change of openapi.yaml with its right rating."""

    name: str
    sends: str
    reads: str
    before: dict[str, Any] = field(default_factory=dict)
    set: dict[str, Any] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    replace: dict[str, str] = field(default_factory=dict)
    says: str = ""
    changes: int = 1

    @property
    def sides(self) -> tuple[str, str]:
        """The text of the contract before the change, and after it."""
        base = edited(Edit(self.name, **self.before)) if self.before else CONTRACT_TEXT
        change = Edit(self.name, set=self.set, remove=tuple(self.remove), replace=self.replace)
        return base, edited(change, base)


def read_table() -> list[Rated]:
    """Read the table of single changes."""
    rows = yaml.load(Path(__file__).with_name("rated_changes.yaml").read_text("utf-8"), LOADER)
    return [Rated(**row) for row in rows]


TABLE = read_table()


def document(text: str) -> Document:
    return read_document(Path("openapi.yaml"), text)


def documents(rated: Rated) -> tuple[Document, Document]:
    base, new = rated.sides
    return document(base), document(new)


def told(changes: list[Change]) -> str:
    return "\n".join(f"{each.subject}: {each.what} (sends {each.sends}, reads {each.reads})" for each in changes)


@pytest.mark.parametrize("rated", TABLE, ids=lambda rated: rated.name.replace(" ", "-"))
def test_change_is_rated_for_both_kinds_of_callers(rated: Rated) -> None:
    """One change is told as what it is, and rated as the table says."""
    changes = compare(*documents(rated))
    found = worst_of(each.sends for each in changes), worst_of(each.reads for each in changes)
    assert (rated.sends, rated.reads) == found, told(changes)
    assert len(changes) == rated.changes, told(changes)
    assert rated.says in told(changes)


def test_table_is_long_and_knows_every_rating() -> None:
    """At least sixty changes, and each rating on either side."""
    assert len(TABLE) >= FEWEST_CHANGES
    assert {each.sends for each in TABLE} == {each.reads for each in TABLE} == set(RATINGS)


@pytest.mark.parametrize(
    "rated", [each for each in TABLE if each.changes], ids=lambda rated: rated.name.replace(" ", "-")
)
def test_change_is_told_in_both_directions(rated: Rated) -> None:
    """What is seen when it is made is seen when it is taken back."""
    base, new = rated.sides
    assert compare(document(new), document(base))


def backwards(node: Any) -> Any:
    """Return a tree with the keys of each mapping in the other order."""
    if isinstance(node, list):
        return [backwards(item) for item in node]
    return {key: backwards(node[key]) for key in reversed(node)} if isinstance(node, dict) else node


@pytest.mark.parametrize("file", CONTRACTS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_same_contract_in_other_words_is_no_change(file: Path) -> None:
    """Neither the order of keys, nor comments, nor writing out what is referred to, means anything to a caller."""
    known = read_document(file)
    assert compare(known, read_document(file)) == []
    assert compare(known, Document(file, backwards(known.tree))) == []
    written_out = Document(file, in_full(known, known.tree))
    assert "$ref" not in json.dumps(written_out.tree, default=str)
    assert compare(known, written_out) == []
    assert compare(written_out, known) == []


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield each value of a tree that holds no other, and the way to it."""
    if isinstance(node, (dict, list)):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaves(value, (*path, key))
    else:
        yield path, node


@pytest.mark.parametrize("file", [CONTRACT_FILE, CONTRACTS[2]], ids=lambda file: file.stem)
def test_no_value_of_a_contract_changes_in_silence(file: Path) -> None:
    """Whatever single value is edited, something is told, or the edit is refused; but for the version itself."""
    known = read_document(file)
    for path, value in leaves(known.tree):
        tree = copy.deepcopy(known.tree)
        owner: Any = tree
        for step in path[:-1]:
            owner = owner[step]
        owner[path[-1]] = (
            not value if isinstance(value, bool) else (value or 0) + 1 if not isinstance(value, str) else value + "x"
        )
        try:
            changes = compare(known, Document(file, tree))
        except ContractError:
            continue
        assert changes or path in SILENT, "/".join(map(str, path))


def test_change_names_the_line_of_its_keyword() -> None:
    """The line is that of the limit, wherever the schema is used; of what is gone, that of the file before."""
    tightened, dropped = (
        next(each for each in TABLE if each.name == f"maximum {how}") for how in ("tightened", "dropped")
    )
    for rated, side in ((tightened, 1), (dropped, 0)):
        change, *others = compare(*documents(rated))
        assert others == []
        name, _, line = change.line.partition(":")
        assert name == "openapi.yaml"
        assert "maximum" in rated.sides[side].split("\n")[int(line) - 1]


def test_change_names_each_operation() -> None:
    """A limit that several bodies share is one change, with each place at which it shows."""
    change, *_ = compare(*documents(TABLE[0]))
    bodies = ("POST /personas body wait_seconds", "PATCH /personas/{persona_id} body wait_seconds")
    assert change.places == bodies


VENDOR = """
openapi: 3.1.0
info: {title: A vendor's, version: '2026-05-01'}
paths:
  /trees:
    get:
      parameters: [{name: X-Depth, in: header, schema: {type: integer, maximum: 5}}]
      responses:
        default:
          description: A tree.
          content: {application/json; charset=utf-8: {schema: {$ref: '#/components/schemas/Tree'}}}
components:
  schemas:
    Tree:
      type: object
      properties:
        leaf: {type: string, maxLength: 5}
        left: {$ref: '#/components/schemas/Tree'}
        right: {$ref: '#/components/schemas/Tree'}
"""


def test_document_of_others_is_compared() -> None:
    """No operationId, no extension, no resource, and a schema that holds itself."""
    changes = compare(
        document(VENDOR), document(VENDOR.replace("maxLength: 5", "maxLength: 9").replace(": 5}", ": 4}"))
    )
    assert [(each.subject, each.sends, each.reads) for each in changes] == [
        ("header X-Depth", "breaking", "none"),
        ("leaf", "none", "breaking"),
    ]
    assert changes[1].places == ("GET /trees default leaf",)


def test_one_resource_is_compared_alone() -> None:
    """With RESOURCE only its operations count."""
    text = ORDERS.read_text("utf-8")
    resources = list(read_resources(read_document(ORDERS), read_operations(read_document(ORDERS))))
    assert len(resources) == 1
    other = text.replace(
        "paths:\n", "paths:\n  /ping: {get: {operationId: ping, responses: {'200': {description: Up.}}}}\n", 1
    )
    assert len(compare(document(text), document(other))) == 1
    assert compare(document(text), document(other), resources[0]) == []
    with pytest.raises(ContractError, match="has no resource 'nothing'"):
        compare(document(text), document(text), "nothing")


@pytest.mark.parametrize(
    "broken",
    [
        VENDOR.replace("'#/components/schemas/Tree'}}}", "'#/components/schemas/Bush'}}}"),
        VENDOR.replace("responses:", "responses: 5\n      x-was:"),
        VENDOR.replace("{name: X-Depth,", "{"),
    ],
    ids=["reference-to-nowhere", "no-responses", "parameter-without-name"],
)
def test_document_that_cannot_be_followed_is_refused(broken: str) -> None:
    with pytest.raises(ContractError, match=r"openapi\.yaml:\d+ #/"):
        compare(document(VENDOR), document(broken))


@pytest.mark.parametrize(
    ("base", "rating", "least"),
    [
        ("1.0.0", "breaking", "2.0.0"),
        ("1.2.3", "compatible", "1.3.0"),
        ("1.2.3", "documentation", "1.2.3"),
        ("1.2.3", "none", "1.2.3"),
        ("0.2.3", "breaking", "0.3.0"),
        ("0.2.3", "compatible", "0.2.4"),
        ("v1", "breaking", "v1"),
        ("2026-05-01", "breaking", "2026-05-01"),
    ],
)
def test_version_moves_as_far_as_callers_must(base: str, rating: Rating, least: str) -> None:
    """Major for what breaks, minor for what does not, nothing for words; below 1.0 one step less."""
    assert least_version(base, rating) == least
    assert says_enough(base, "3.0.0", rating)
    assert says_enough(base, base, rating) == (rating in ("documentation", "none"))


def test_version_never_moves_back() -> None:
    assert not says_enough("1.2.0", "1.1.9", "none")


def test_page_says_what_another_tool_makes_of_the_table() -> None:
    """docs/contract-changes.md has both columns, as they were measured: `redocly_column.py` measures the other."""
    column = yaml.load(REDOCLY.read_text("utf-8"), LOADER)
    assert list(column) == [rated.name for rated in TABLE]
    breaks = {rated.name: "breaking" in (rated.sends, rated.reads) for rated in TABLE}
    right = sum(breaks[name] == (bump == "major") for name, bump in column.items())
    missed = sum(breaks[name] and bump != "major" for name, bump in column.items())
    false = sum(not breaks[name] and bump == "major" for name, bump in column.items())
    rows = [
        f"| rated right, as breaking or not | {len(TABLE)} of {len(TABLE)} | {right} of {len(TABLE)} |",
        f"| breaking, and not said | 0 of {sum(breaks.values())} | {missed} of {sum(breaks.values())} |",
        f"| said to be breaking, and not | 0 | {false} |",
    ]
    page = (ROOT / "docs" / "contract-changes.md").read_text("utf-8")
    assert [row for row in rows if row not in page] == []


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each part of a tree."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from places(value, (*path, key))


@pytest.mark.parametrize("put", [None, [], "text", {}], ids=repr)
def test_no_part_of_a_document_ends_in_an_error_of_the_suite(put: Any) -> None:
    """Whatever stands where something else belongs: it is told, or refused."""
    known = document(VENDOR)
    for path in places(known.tree):
        tree = copy.deepcopy(known.tree)
        owner: Any = tree
        for step in path[:-1]:
            owner = owner[step]
        owner[path[-1]] = put
        for pair in ((known, Document(known.file, tree)), (Document(known.file, tree), known)):
            with suppress(ContractError):
                compare(*pair)
