"""A file with two resources, each opened by a key of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from contract_tests.runner.configuration import Configuration
from contract_tests.self_tests.forked_run import forked_run
from contract_tests.self_tests.spec.test_edits import FOLLOWED, edited
from contract_tests.spec.contract import load_contract

SECOND = next(edit for edit in FOLLOWED if edit.name == "second resource picked")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """openapi.yaml with badges, which a bearer token opens."""
    tree = yaml.safe_load(edited(SECOND))
    tree["components"]["securitySchemes"]["Gate"] = {"type": "http", "scheme": "bearer", "x-key-env": "GATE_TOKEN"}
    for place in ("/badges", "/badges/{id}"):
        for name, operation in tree["paths"][place].items():
            if name != "parameters":
                operation["security"] = [{"Gate": []}]
    path = tmp_path_factory.mktemp("two") / "openapi.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), "utf-8")
    return path


@pytest.mark.parametrize(
    ("resource", "kind", "env", "other"),
    [(None, "header", "COVAL_API_KEY", "getBadge"), ("badges", "bearer", "GATE_TOKEN", "listVoices")],
)
def test_operations_of_the_resource_say_which_key_is_sent(
    file: Path, resource: str | None, kind: str, env: str, other: str
) -> None:
    """#/security: an operation that another key opens is not called, and that is told."""
    contract = load_contract(file, resource)
    assert (contract.key.kind, contract.key.env) == (kind, env)
    assert contract.why_uncalled(contract.operation(other)).startswith("it needs the key of ")


def test_each_resource_is_held_to_the_contract_with_its_key(file: Path, tmp_path: Path) -> None:
    """The mock of a resource is opened by the key of that resource."""
    asked = Configuration(contract=file, resource="badges", key_name="GATE_TOKEN", seed=1, requests_per_second=0)
    run = forked_run(asked, tmp_path, ("first_look", "authentication", "typed_client"))
    assert run.exit_code == 0, run.text[-3000:]
