"""Every contract of this repository: files, the example of the documentation, those that tests hold, and a new one."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from contract_tests.runner.new_contract import new_contract
from contract_tests.self_tests.generation.things import contract_of
from contract_tests.spec.contract import ROOT
from contract_tests.spec.document import read_document

FOLDERS = ("codegen", "contract_tests", "docs", "generated_client")
# What a contract has, and an edit of one has not.
PARTS = (re.compile(r"^openapi: 3\.1", re.MULTILINE), re.compile("^paths:", re.MULTILINE), re.compile("responses:"))
# A client must know where the API is; some contracts do not say it.
SERVERS = [{"url": "https://api.example/v1"}]


def every_contract() -> dict[str, Mapping[str, Any]]:
    """Return the tree of each contract by a name of its own, each with a server."""
    found = {name: read_document(Path(name), text).tree for name, text in [*_texts(), ("new", new_contract("agents"))]}
    found["things.py"] = contract_of({"type": "string"})[0].document.tree
    return {
        name: tree if str(tree.get("servers", [{}])[0].get("url")).startswith("http") else {**tree, "servers": SERVERS}
        for name, tree in found.items()
    }


def _texts() -> Iterator[tuple[str, str]]:
    for file in [ROOT / "openapi.yaml", *(file for each in FOLDERS for file in sorted((ROOT / each).rglob("*.*")))]:
        if file.suffix in TEXTS_IN:
            held = [
                each for each in TEXTS_IN[file.suffix](file.read_text("utf-8")) if all(p.search(each) for p in PARTS)
            ]
            for number, text in enumerate(held):
                yield "/".join(file.relative_to(ROOT).parts[-2:]) + (f"-{number + 1}" if number else ""), text


def _texts_in_code(code: str) -> list[str]:
    nodes = ast.walk(ast.parse(code)) if "\nopenapi: 3.1" in code else ()
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


TEXTS_IN: Mapping[str, Callable[[str], list[str]]] = {
    ".yaml": lambda text: [text],
    ".yml": lambda text: [text],
    ".json": lambda text: [text],
    ".md": lambda text: re.findall(r"```yaml\n(.*?)```", text, re.DOTALL),
    ".py": _texts_in_code,
}
