"""An OpenAPI Overlay 1.0: what is said of a contract that is left as its owner wrote it."""

import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from contract_tests.spec.document import ContractError, Document

# $.paths['/things'].post, $.components.schemas.Thing.properties.*, $['x-promises']
STEP = re.compile(
    r"""\.(?P<name>[\w$-]+)|\[(?P<quote>['"])(?P<text>.*?)(?P=quote)\]|\[(?P<index>\d+)\]|(?P<all>\.\*|\[\*\])"""
)


def overlaid(document: Document, file: Path, text: str | None = None) -> Document:
    """
    Return a document with an overlay applied, as it stands in its file or as its *text* says; refuse one that cannot be
    read, and a target that matches nothing. Source: OpenAPI Overlay Specification 1.0.0, section 4.4.
    """
    try:
        overlay = yaml.safe_load(file.read_text("utf-8") if text is None else text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ContractError(f"{file.name} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(overlay, dict) or not isinstance(overlay.get("actions"), list):
        raise ContractError(f"{file.name}: is no overlay; write overlay: 1.0.0 and a list of actions")
    tree: Any = copy.deepcopy(dict(document.tree))
    for index, action in enumerate(overlay["actions"]):
        place = f"{file.name} #/actions/{index}"
        found = list(_find(tree, str(action.get("target", "")), place))
        if not found:
            raise ContractError(f"{place}/target: matches nothing in {document.name}; correct the path")
        for owner, key in found:
            if action.get("remove") is True:
                del owner[key]
            elif owner is None:
                _merge(tree, action.get("update", {}))
            elif isinstance(owner[key], list):
                owner[key].append(action.get("update"))
            else:
                _merge(owner[key], action.get("update", {}))
    return replace(document, tree=tree, overlay=file)


def _find(tree: Any, target: str, place: str) -> Iterator[tuple[Any, Any]]:
    """Yield what a path of names, indices and stars leads to, as the owner and the key; owner None for the root."""
    if not target.startswith("$"):
        raise ContractError(f"{place}/target: is {target!r}; write a path that begins with $")
    rest, found = target[1:], [(None, None)]
    while rest:
        match = STEP.match(rest)
        if match is None:
            raise ContractError(f"{place}/target: {rest!r} cannot be followed; write names, indices and stars only")
        rest = rest[match.end() :]
        found = [pair for owner, key in found for pair in _step(tree if owner is None else owner[key], match)]
    yield from found


def _step(node: Any, match: re.Match[str]) -> Iterator[tuple[Any, Any]]:
    if match["all"]:
        yield from ((node, key) for key in (list(node) if isinstance(node, dict) else range(len(node))))
    elif match["index"] and isinstance(node, list) and int(match["index"]) < len(node):
        yield node, int(match["index"])
    elif isinstance(node, dict) and (name := match["name"] or match["text"]) in node:
        yield node, name


def _merge(node: Any, update: Any) -> None:
    for key, value in update.items():
        if isinstance(value, dict) and isinstance(node.get(key), dict):
            _merge(node[key], value)
        elif isinstance(value, list) and isinstance(node.get(key), list):
            node[key] += value
        else:
            node[key] = copy.deepcopy(value)
