"""
Reads the YAML and JSON files that a person hands to the mock, and refuses a contract that would mislead it.

PyYAML reads YAML 1.1, where `off` is false; OpenAPI 3.1 means YAML 1.2, where it is a word.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import jsonschema_rs
import orjson
import yaml

from .errors import StartError

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader saves 0.1 s of every start


class _Loader(_Base):  # type: ignore[misc]
    """YAML with the booleans of YAML 1.2: true and false, and no other word."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in _Base.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")


def read_document(file: Path) -> Any:
    """Read *file* as YAML, of which JSON is a part; a YAML time becomes its RFC 3339 text. Refuse what JSON cannot say."""
    try:
        return orjson.loads(orjson.dumps(yaml.load(file.read_bytes(), _Loader)))
    except OSError as error:
        raise StartError(f"{file}: {error.strerror}; name a file that can be read") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise StartError(f"{file}: line {line}: {error.problem}; write valid YAML or JSON there") from None
    except (yaml.YAMLError, UnicodeError, ValueError, TypeError, RecursionError) as error:
        problem = " ".join(str(error).split())[:200]
        raise StartError(f"{file}: {problem}; write YAML or JSON in UTF-8, with text as keys") from None


def resolve(document: Any, node: Any) -> Any:
    """Follow `$ref` from *node* until something is said; KeyError or so where none leads to anything in this document."""
    for _ in range(100):
        if not isinstance(node, dict) or "$ref" not in node:
            return node
        node = find(document, node["$ref"])
    raise KeyError("a $ref that leads back to itself")


def find(document: Any, reference: str) -> Any:
    """Look up a reference such as `#/components/schemas/Name`. Source: RFC 6901, section 4."""
    if not reference.startswith("#/"):
        raise KeyError(reference)
    for part in pointer(reference):
        document = document[int(part) if isinstance(document, list) else part]
    return document


@cache
def pointer(text: str) -> tuple[str, ...]:
    """Take a JSON pointer such as `#/item/id` apart."""
    parts = text.partition("#")[2].strip("/").split("/")
    return tuple(unquote(part).replace("~1", "/").replace("~0", "~") for part in parts if part)


def check_document(document: Any) -> None:
    """Refuse what no OpenAPI 3.1 document is; the refusal does not name the file."""
    if not isinstance(document, dict):
        raise StartError("is no mapping; write an OpenAPI 3.1 document")
    for key, kind in {"openapi": str, "paths": dict, "servers": list, "components": dict}.items():
        is_optional = key in ("servers", "components") and key not in document
        if not is_optional and (not isinstance(document.get(key), kind) or not document[key]):
            raise StartError(f"{key}: is missing or of the wrong type; write it as OpenAPI 3.1 asks")
    if not document["openapi"].startswith("3.1"):
        raise StartError("openapi: is not 3.1; schemas are read as JSON Schema 2020-12, so write 3.1.0")
    _check_references(document, document, "")
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        try:
            jsonschema_rs.meta.validate(schema)
        except jsonschema_rs.ValidationError as error:
            place = ".".join(map(str, ["components.schemas", name, *error.instance_path]))
            raise StartError(f"{place}: {error.message}; write a JSON Schema") from None


def _check_references(document: Any, node: Any, place: str) -> None:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in children:
        here = f"{place}.{key}".lstrip(".")
        if key == "$ref" and isinstance(value, str):
            try:
                resolve(document, node)
            except (IndexError, KeyError, TypeError, ValueError):
                raise StartError(f"{here}: {value} leads nowhere; define it or correct the reference") from None
        _check_references(document, value, here)
