"""
Write the typed client of a contract, or say where a client is not what its contract gives.

It exists because the generator alone overwrites in place, leaves files of an earlier run behind, takes whatever
ruff the PATH offers, and forgets servers and keys. Here it writes into a temporary folder, with the ruff of
this environment, and only a complete client takes the place of the old one.

    contract-tests client                                     write generated_client from openapi.yaml
    contract-tests client --contract tools.yaml --out tools   write the client of another contract
    contract-tests client -- --check                          compare; exit 1 and name the files that differ
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from codegen.contract_file import read_client_facts
from codegen.trees import differences, replace_tree
from contract_tests.errors import HOLDS, VIOLATED, Refused
from contract_tests.runner.configuration import Configuration
from contract_tests.spec.document import read_document

HERE = Path(__file__).parent
# The contract for which config.yaml has names and README has examples.
OWN_CONTRACT = HERE.parent / "openapi.yaml"
OWN_CLIENT = Path("generated_client")
CONFIG_FILE = HERE / "config.yaml"
TEMPLATES = HERE / "templates"

# What the modules of a client import beside its models; a schema of such a name gives a class of another.
TAKEN = frozenset({
    "Annotated", "Answer", "Any", "ApiModel", "AsyncPages", "ClassVar", "File", "IntEnum", "Limits", "List", "Literal",
    "Mapping", "Operation", "Pages", "StrEnum", "Turning", "TypeAlias", "Unset", "UNSET", "UUID",
})  # fmt: skip


class GeneratorError(Refused):
    """openapi-python-client could not write the whole client."""


def client(configuration: Configuration, arguments: Sequence[str]) -> int:
    """Write a client, or with `--check` only compare it; return the exit code, 1 where the client differs."""
    if list(arguments) not in ([], ["--check"]):
        raise Refused(f"{' '.join(arguments)}: --check is all that can be said")
    contract = configuration.contract
    folder = configuration.out or (OWN_CLIENT if is_own(contract) else None)
    if folder is None:
        raise Refused(f"OUT is not set; name the folder into which the client of {contract.name} is written")
    return check_client(contract, folder) if arguments else write_client(contract, folder)


def is_own(contract: Path) -> bool:
    """Whether a contract is the one of this repository."""
    return contract.resolve() == OWN_CONTRACT.resolve()


def write_client(contract: Path, client: Path) -> int:
    """Write a client; a run that fails leaves the old one as it was."""
    client, parent = client.absolute(), client.absolute().parent
    is_client = (client / "pyproject.toml").is_file() and any(client.glob("*/wire.py"))
    if client.exists() and not is_client and (client.is_file() or any(client.iterdir())):
        advice = "name a folder that is new, empty or an earlier client"
        raise Refused(f"OUT: {client} is there and is no client, so it would be lost; {advice}")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        place = tempfile.TemporaryDirectory(prefix=f".{client.name}-", dir=parent)
    except OSError as error:
        raise Refused(f"OUT: {client} cannot be written: {error.strerror}; name another folder") from None
    with place as folder:
        fresh = Path(folder) / "new"
        generate(contract, fresh, client.name)
        changed = differences(fresh, client)
        replace_tree(client, fresh, Path(folder) / "old")
    print(f"{client.name} is written; files that changed: {len(changed)}")
    return HOLDS


def check_client(contract: Path, client: Path) -> int:
    """Compare a client with what its contract gives, and change neither."""
    with tempfile.TemporaryDirectory(prefix="client-") as folder:
        fresh = Path(folder) / "new"
        generate(contract, fresh, client.name)
        found = differences(fresh, client)
    if not found:
        print(f"{client.name} is what {contract.name} gives")
        return HOLDS
    print(f"{client.name} is not what {contract.name} gives; `make client` writes it anew", file=sys.stderr)
    for difference in found:
        print(f"  {difference.kind:8} {client.name}/{difference.path}", file=sys.stderr)
    return VIOLATED


def generate(contract_file: Path, destination: Path, name: str) -> None:
    """Write the client that belongs to a contract into a folder that does not exist yet, and will be called *name*."""
    read_client_facts(contract_file)  # complains with the place, which the generator does not
    settings = yaml.safe_load(CONFIG_FILE.read_text("utf-8"))
    client_name = settings.pop("client_name")
    names = {key: settings.pop(key) for key in ("project_name_override", "package_name_override")}
    document = read_document(contract_file)
    tree, is_ours = document.tree, is_own(contract_file)
    told = {  # what the generator cannot find in the contract
        "file_name": document.name,
        "folder": name,
        "command": "make client" if is_ours else f"make client CONTRACT={document.name} OUT={name}",
        "client_name": client_name if is_ours else None,
        "sha256": document.digest,
    }
    with tempfile.TemporaryDirectory(prefix="config-") as folder:
        config, contract = Path(folder) / CONFIG_FILE.name, Path(folder) / "contract.json"
        schemas = tree.get("components", {}).get("schemas", {})
        renamed = {each: {"class_name": f"{each}Model"} for each in sorted(TAKEN & schemas.keys())}
        settings |= {
            **(names if is_ours else {}),
            "class_overrides": {**settings.get("class_overrides", {}), **renamed},
        }
        config.write_text(yaml.safe_dump(settings), "utf-8")
        contract.write_text(json.dumps(_completed(tree), default=str), "utf-8")
        _run_generator(contract_file.name, contract, destination, config, told)


def _completed(node: Any, above: str = "") -> Any:
    """Add what the generator refuses to do without: the items of an array, as a mapping, and words of a response."""
    if isinstance(node, list):
        return [_completed(each) for each in node]
    if not isinstance(node, dict):
        return node
    said = {key: _completed(value, key) for key, value in node.items()}
    if above == "responses":
        said = {key: {"description": "", **value} if "$ref" not in value else value for key, value in said.items()}
    kinds, is_tuple = said.get("type"), "prefixItems" in said
    is_array = "array" in (kinds if isinstance(kinds, list) else [kinds])
    if (is_tuple or is_array) and isinstance(said.get("items"), bool):  # it reads no schema that is true or false
        said |= {"items": {}} if said.pop("items") else {}
    return {"items": {}, **said} if is_array and not is_tuple else said


def _run_generator(name: str, contract: Path, destination: Path, config: Path, told: dict[str, object]) -> None:
    command = [sys.executable, "-m", "codegen.generator", "generate", "--fail-on-warning", "--meta", "uv"]
    command += ["--path", str(contract), "--config", str(config)]
    command += ["--custom-template-path", str(TEMPLATES), "--output-path", str(destination.absolute())]
    environment = {**_generator_environment(), "CLIENT_FACTS": json.dumps({**told, "contract": str(contract)})}
    finished = subprocess.run(
        command, env=environment, cwd=config.parent, capture_output=True, text=True, encoding="utf-8"
    )
    if finished.returncode != 0:
        raise GeneratorError(f"{name}: the client was not written: {_first_complaint(finished.stderr)}")


def _generator_environment() -> dict[str, str]:
    """The ruff beside this Python and no other, none of a user's settings for it, one order of sets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RUFF_")}
    fixed = {"PATH": sysconfig.get_path("scripts"), "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
    fixed["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
    return {**kept, **fixed, "TYPER_STANDARD_TRACEBACK": "1"}


def _first_complaint(stderr: str) -> str:
    """Make one line of what the generator says, the cause before its consequences."""
    if "Traceback" in stderr:
        return stderr.strip().splitlines()[-1]
    _, _, complaints = stderr.partition("\n")
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", complaints)]
    paragraphs = [part for part in paragraphs if part and not part.startswith(("{", "If you believe"))]
    causes = [index for index, part in enumerate(paragraphs) if part.startswith("Unable to")]
    first = causes[0] if causes else 0
    # The generator shows names by their repr, which hides them.
    paragraphs = [re.sub(r" ?<[\w.]*UntrustedString object at \w+>", "", part) for part in paragraphs]
    line = ": ".join(part.rstrip(":") for part in paragraphs[first : first + 2])
    return re.sub(r"\.other\b|\[type=.*", "", line).strip() or f"no reason given: {stderr!r}"
