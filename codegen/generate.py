"""
Write the typed client from openapi.yaml, or say where generated_client is not what openapi.yaml gives.

It exists because the generator alone overwrites in place, leaves files of an earlier run behind, takes whatever
ruff the PATH offers, and forgets servers and API keys. Here it writes into a temporary folder, with the ruff of
this environment, and only a complete client takes the place of the old one.

    python -m codegen.generate            write generated_client
    python -m codegen.generate --check    compare; exit 1 and name the files that differ
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from codegen.contract_file import ClientFacts, ContractFileError, read_client_facts
from codegen.trees import differences, replace_tree

ROOT = Path(__file__).parent.parent
CONTRACT_FILE = ROOT / "openapi.yaml"
CLIENT = ROOT / "generated_client"
CONFIG_FILE = Path(__file__).parent / "config.yaml"
TEMPLATES = Path(__file__).parent / "templates"

HOLDS, DIFFERS, REFUSED = 0, 1, 4


class GeneratorError(Exception):
    """openapi-python-client could not write the whole client."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0, 1 where the client differs, 4 where openapi.yaml cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m codegen.generate", description="Write the typed client.")
    parser.add_argument("--check", action="store_true", help="compare with generated_client and change nothing")
    is_check = parser.parse_args(arguments).check
    try:
        return check_client() if is_check else write_client()
    except (ContractFileError, GeneratorError) as error:
        print(f"{error}", file=sys.stderr)
        return REFUSED


def write_client() -> int:
    """Write generated_client; a run that fails leaves the old one as it was."""
    with tempfile.TemporaryDirectory(prefix=".generated_client-", dir=ROOT) as folder:
        fresh = Path(folder) / "new"
        generate(CONTRACT_FILE, fresh)
        changed = differences(fresh, CLIENT)
        replace_tree(CLIENT, fresh, Path(folder) / "old")
    print(f"{CLIENT.name} is written; files that changed: {len(changed)}")
    return HOLDS


def check_client() -> int:
    """Compare generated_client with what openapi.yaml gives, and change neither."""
    with tempfile.TemporaryDirectory(prefix="generated_client-") as folder:
        fresh = Path(folder) / "new"
        generate(CONTRACT_FILE, fresh)
        found = differences(fresh, CLIENT)
    if not found:
        print(f"{CLIENT.name} is what openapi.yaml gives")
        return HOLDS
    print(f"{CLIENT.name} is not what openapi.yaml gives; `make client` writes it anew", file=sys.stderr)
    for difference in found:
        print(f"  {difference.kind:8} {CLIENT.name}/{difference.path}", file=sys.stderr)
    return DIFFERS


def generate(contract_file: Path, destination: Path) -> None:
    """
    Write the client that belongs to a contract.

    Args:
        contract_file: The OpenAPI document.
        destination: A folder that does not exist yet.

    Raises:
        ContractFileError: The document cannot be read, or is no OpenAPI 3.1.
        GeneratorError: The generator failed, or would have skipped a part of the document.
    """
    facts = read_client_facts(contract_file)
    with tempfile.TemporaryDirectory(prefix="templates-") as folder:
        templates = Path(folder) / "templates"
        shutil.copytree(TEMPLATES, templates)
        (templates / "contract.jinja").write_text(_as_jinja(facts), "utf-8")
        _run_generator(contract_file, destination, templates)


def _as_jinja(facts: ClientFacts) -> str:
    """The generator shows its templates neither servers nor security schemes; this file does."""
    return f'{{% set base_url = "{facts.base_url}" %}}\n{{% set api_key_header = "{facts.api_key_header}" %}}\n'


def _run_generator(contract_file: Path, destination: Path, templates: Path) -> None:
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "uv"]
    command += ["--path", str(contract_file), "--config", str(CONFIG_FILE)]
    command += ["--custom-template-path", str(templates), "--output-path", str(destination)]
    finished = subprocess.run(
        command, env=_generator_environment(), cwd=templates, capture_output=True, text=True, encoding="utf-8"
    )
    if finished.returncode != 0:
        raise GeneratorError(f"{contract_file.name}: the client was not written: {_first_complaint(finished.stderr)}")


def _generator_environment() -> dict[str, str]:
    """The ruff beside this Python and no other, none of a user's settings for it, one order of sets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RUFF_")}
    fixed = {"PATH": sysconfig.get_path("scripts"), "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
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
    line = ": ".join(part.rstrip(":") for part in paragraphs[first : first + 2])
    return re.sub(r"\.other\b|\[type=.*", "", line).strip() or f"no reason given: {stderr!r}"


if __name__ == "__main__":
    sys.exit(main())
