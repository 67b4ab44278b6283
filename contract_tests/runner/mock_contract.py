"""The file that a mock reads: the contract itself, or a copy that says what the overlay and the choice of a resource say."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contract_tests.spec.contract import Contract
from contract_tests.spec.document import Document


@contextmanager
def mock_contract(contract: Contract, resource: str | None = None) -> Iterator[Path]:
    """Lend the file that a mock reads; with a name by which the resource was chosen, a copy that has it first."""
    document = contract.document
    if document.overlay is None and resource is None:
        yield document.file
        return
    path = contract.resource.create.path
    paths = {path: document.tree["paths"][path], **document.tree["paths"]}
    with written(document, f"{document.file.stem}.json", paths=paths) as copy:
        yield copy


@contextmanager
def written(document: Document, name: str, **parts: Any) -> Iterator[Path]:
    """Lend a file that says what a document says with its overlay, other *parts* in the place of its own."""
    tree = {**document.tree, **parts}
    if isinstance(tree.get("x-seeds"), str):
        tree["x-seeds"] = str(document.file.absolute().parent / tree["x-seeds"])
    with tempfile.TemporaryDirectory(prefix="contract-tests-") as folder:
        copy = Path(folder, name)
        copy.write_text(json.dumps(tree, default=str), "utf-8")
        yield copy
