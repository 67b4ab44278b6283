"""An OpenAPI document: its tree, where everything stands in the file, and a validator for each schema in it."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote

import jsonschema_rs
import yaml

from contract_tests.errors import Refused

Schema: TypeAlias = Mapping[str, Any]
Made = TypeVar("Made")

_BASE64 = re.compile("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
# What a validator is told of formats: the library does not know byte. Source: RFC 4648, section 4; OpenAPI Format Registry.
ASSERTED: Mapping[str, Any] = {
    "validate_formats": True,
    "formats": {"byte": lambda text: bool(_BASE64.fullmatch(text))},
}
# The formats that the library knows, and those that ask nothing of the characters of a text.
KNOWN_FORMATS = (
    "byte", "date", "date-time", "duration", "email", "hostname", "idn-email", "idn-hostname", "ipv4", "ipv6", "iri",
    "iri-reference", "json-pointer", "regex", "relative-json-pointer", "time", "uri", "uri-reference", "uri-template", "uuid",
)  # fmt: skip
TEXT_FORMATS = ("password", "markdown", "text", "multiline", "textarea")
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# What holds a schema, beside the names of properties; and what holds any value at all.
SCHEMA_HOLDERS = ("schema", "anyOf", "oneOf", "allOf", "prefixItems")
# How YAML reads a key without quotes that looks like something else, by the end of its tag.
NO_TEXTS = ("int", "float", "bool", "null")
VALUE_HOLDERS = ("example", "examples", "value", "default", "enum", "const")


class ContractError(Refused):
    """The contract cannot be read, contradicts itself, or says something that means nothing."""


class Loader(LOADER):  # type: ignore[misc]
    """Reads YAML as JSON has it: a date is a text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in LOADER.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, eq=False)
class Document:
    """An OpenAPI 3.1 document as it was read."""

    file: Path
    tree: Schema = field(repr=False)
    node: Any = field(repr=False, default=None)
    """The YAML nodes of the tree, which know their lines; None for a tree that was not read from a file."""
    overlay: Path | None = None
    """What the tree says besides the file."""

    def __repr__(self) -> str:
        return f"Document({self.name})"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Print as repr does: hypothesis, which prints the arguments of a failing test, would print the whole tree."""
        printer.text(repr(self))

    @property
    def name(self) -> str:
        """How messages name the file."""
        return self.file.name

    @cached_property
    def digest(self) -> str:
        """What a client says of the contract that it was written from: the SHA-256 of the tree."""
        return hashlib.sha256(json.dumps(self.tree, sort_keys=True, default=str).encode()).hexdigest()

    @cached_property
    def asserted(self) -> Mapping[str, Any]:
        """What a validator of bodies is told: of a format that nobody knows, only the texts that the contract shows are valid."""
        shown: dict[str, set[str]] = {}
        for node in _objects(self.tree):
            name = node.get("format")
            if isinstance(name, str) and name not in (*KNOWN_FORMATS, *TEXT_FORMATS):
                examples = node.get("examples", [])
                known = [*(examples if isinstance(examples, list) else ()), node.get("example"), *node.get("enum", ())]
                shown.setdefault(name, set()).update(text for text in known if isinstance(text, str))
        own = {name: texts.__contains__ for name, texts in shown.items() if texts}
        return {**ASSERTED, "formats": {**ASSERTED["formats"], **own}}

    def once(self, key: Any, make: Callable[[], Made]) -> Made:
        """Return what *make* returned the first time that it was asked for *key*."""
        if key not in self._known:
            self._known[key] = make()
        made: Made = self._known[key]
        return made

    @cached_property
    def _known(self) -> dict[Any, Any]:
        return {}

    def at(self, pointer: str) -> Any:
        """Return what stands at a JSON pointer, its reference not followed; raise a LookupError or so where nothing does."""
        node: Any = self.tree
        for step in steps(pointer):
            node = node[int(step)] if isinstance(node, list) else node[step]
        return node

    def has(self, pointer: str) -> bool:
        """Whether anything stands at a JSON pointer."""
        try:
            self.at(pointer)
        except (KeyError, IndexError, TypeError, ValueError):
            return False
        return True

    def resolve(self, pointer: str) -> tuple[str, Any]:
        """Follow references until a definition; return where it stands, and it. Refuse one that leads nowhere, or in a circle."""
        return self.once(("resolved", pointer), lambda: self._follow(pointer))

    def _follow(self, pointer: str) -> tuple[str, Any]:
        seen: list[str] = []
        while True:
            if pointer in seen:
                raise self.error(f"{seen[0]}/$ref", "refers to itself; refer to a definition")
            if seen or not self.has(pointer):
                self.require_target(f"{seen[-1]}/$ref" if seen else pointer, pointer)
            node = self.at(pointer)
            if not isinstance(node, dict) or not isinstance(node.get("$ref"), str):
                return pointer, node
            seen.append(pointer)
            pointer = node["$ref"]

    def require_target(self, place: str, reference: str) -> None:
        """Refuse a reference at *place* that leads into another file, or nowhere."""
        if not reference.startswith("#/"):
            raise self.error(place, f"refers to another file, {reference!r}; copy the definition into this one")
        if not self.has(reference):
            raise self.error(place, f"nothing stands at {reference!r}; correct the reference or add the definition")

    def said(self, pointer: str) -> dict[str, Any]:
        """Return what the schema at *pointer* says: what stands beside a reference counts before what it refers to."""
        nodes = (self.resolve(pointer)[1], self.at(pointer))
        return {key: value for node in nodes if isinstance(node, dict) for key, value in node.items()}

    def parts(self, pointer: str) -> Iterator[tuple[str, Schema]]:
        """Yield what makes the schema at *pointer* and where it stands: by allOf, by $ref, and last itself."""
        pointer, schema = self.resolve(pointer)
        for index in range(len(schema.get("allOf", ()))):
            yield from self.parts(f"{pointer}/allOf/{index}")
        yield pointer, schema

    def properties(self, pointer: str) -> dict[str, str]:
        """List the properties that the schema at *pointer* names in any of its parts, and where each stands."""
        parts = self.parts(pointer)
        return {name: below(place, "properties", name) for place, part in parts for name in part.get("properties", {})}

    def required(self, pointer: str) -> set[str]:
        """List the properties that the schema at *pointer* requires in any of its parts."""
        return {name for _, part in self.parts(pointer) for name in part.get("required", ())}

    def line(self, pointer: str) -> int | None:
        """Return the line at which something stands, from 1; of what is missing, the line of what would hold it."""
        node, line = self.node, None
        for step in ["", *steps(pointer)]:
            if step and isinstance(node, yaml.MappingNode):
                found = next(((key, value) for key, value in node.value if key.value == step), None)
                if found is None:
                    break
                line, node = found[0].start_mark.line + 1, found[1]
            elif step and isinstance(node, yaml.SequenceNode):
                if not step.isdigit() or int(step) >= len(node.value):
                    break
                node = node.value[int(step)]
                line = node.start_mark.line + 1
        return line

    def error(self, pointer: str, problem: str) -> ContractError:
        """Return an error that names the file, the line and the place; *problem* says what is wrong and what to do."""
        pointer = self.origin(pointer)
        line = self.line(pointer)
        return ContractError(f"{self.name}{'' if line is None else f':{line}'} {pointer}: {problem}")

    def origin(self, pointer: str) -> str:
        """Return where something stands that a pointer reaches through references and the branches of a union."""
        place, (*path,) = "#", steps(pointer)
        while path:
            node = self.at(place)
            inner = f"{place}/{escape(path[0])}"
            if not self.has(inner) and isinstance(node, dict):
                branches = [branch for word in ("anyOf", "oneOf") for branch in node.get(word) or ()]
                references = [branch.get("$ref") for branch in (node, *branches) if isinstance(branch, dict)]
                found = (f"{reference}/{escape(path[0])}" for reference in references if isinstance(reference, str))
                inner = next((target for target in found if self.has(target)), inner)
            if not self.has(inner):
                break
            place = inner
            path.pop(0)
        return below(place, *path)

    def validator(self, pointer: str, optional: str = "") -> jsonschema_rs.Draft202012Validator:
        """
        Return the compiled schema at a pointer. Properties that are *optional*, `readOnly` in a body and `writeOnly` in an
        answer, need not be there, even where they are required. Source: OpenAPI 3.1, Schema Object.
        """
        formats = self.asserted if optional == "readOnly" else ASSERTED
        return self.once(("validator", pointer, optional), lambda: self._compiled(pointer, optional, formats))

    def lenient_validator(self, pointer: str) -> jsonschema_rs.Draft202012Validator:
        """Return a validator of bodies that takes any text for a format that nobody knows."""
        return self.once(("lenient", pointer), lambda: self._compiled(pointer, "readOnly", ASSERTED))

    def _compiled(self, pointer: str, optional: str, formats: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
        tree = self.once(("tree", optional), lambda: self._relaxed("#", self.tree, optional)) if optional else self.tree
        try:
            # The whole document goes along, because references point into it.
            return jsonschema_rs.Draft202012Validator({**tree, "$ref": uri(pointer)}, **formats)
        except jsonschema_rs.ValidationError as error:
            place = below("#", *error.instance_path) if error.instance_path else pointer
            raise self.error(place, invalid_schema(error.message)) from None
        except ValueError as error:
            raise self.error(pointer, invalid_schema(str(error))) from None

    def _relaxed(self, pointer: str, node: Any, word: str, marked: frozenset[str] = frozenset()) -> Any:
        if isinstance(node, list):
            return [self._relaxed(f"{pointer}/{index}", part, word, marked) for index, part in enumerate(node)]
        if not isinstance(node, dict):
            return node
        if isinstance(node.get("properties"), dict) or isinstance(node.get("allOf"), list):
            marked |= {name for name, place in self.properties(pointer).items() if self.said(place).get(word) is True}
        found = {}
        for name, part in node.items():
            inner = f"{pointer}/{escape(str(name))}"
            found[name] = self._relaxed(inner, part, word, marked if name == "allOf" else frozenset())
        if isinstance(node.get("required"), list):
            found["required"] = [name for name in node["required"] if name not in marked]
        return found


def read_document(file: Path, text: str | None = None) -> Document:
    """
    Read an OpenAPI 3.1 document in YAML or JSON from its file, or from its *text* where the file only names it; refuse
    what cannot be read, is none, or names a key twice.
    """
    try:
        loader = Loader(file.read_text("utf-8") if text is None else text)
        node = loader.get_single_node()
        wrong = next(_wrong_keys(node, "#"), None)
        tree = _with_mappings(loader.construct_document(node)) if node is not None else None
    except OSError as error:
        raise ContractError(f"{file} cannot be read: {error.strerror}; name a contract with CONTRACT=file") from None
    except UnicodeDecodeError as error:
        raise ContractError(f"{file.name} cannot be read: byte {error.start} is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = file.name if mark is None else f"{file.name}:{mark.line + 1}"
        raise ContractError(f"{where} #: is no valid YAML: {error.problem or error.context}; correct it") from None
    except RecursionError:
        raise ContractError(f"{file.name} cannot be read: an anchor stands inside itself; write it out") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ContractError(f"{file.name} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        what = "is no mapping" if node is not None else "is empty"
        raise ContractError(f"{file.name}:1 #: {what}; write an OpenAPI 3.1 document, or begin with contract-tests new")
    if not str(tree.get("openapi", "")).startswith("3.1"):
        raise ContractError(f"{file.name}:1 #/openapi: must be 3.1.x; write the contract as OpenAPI 3.1")
    if wrong is not None:
        raise ContractError("{}:{} {}: {}".format(file.name, *wrong))
    return Document(file, tree, node)


def _with_mappings(node: Any, above: str = "") -> Any:
    """Write each schema that is true or false as a mapping, so that every schema has keywords."""
    if isinstance(node, bool) and above in SCHEMA_HOLDERS:
        return {} if node else {"not": {}}
    if isinstance(node, list):
        return [_with_mappings(item, above) for item in node]
    if not isinstance(node, dict) or above in VALUE_HOLDERS:
        return node
    if above in ("properties", "patternProperties", "schemas"):
        return {name: _with_mappings(item, "schema") for name, item in node.items()}
    return {name: _with_mappings(item, str(name)) for name, item in node.items()}


def _wrong_keys(node: Any, pointer: str) -> Iterator[tuple[int, str, str]]:
    """
    Find the keys that are no text, which JSON does not have, those that a mapping names twice, and words such as `no`.

    YAML forbids the second, and the parser keeps the last in silence. YAML 1.1 reads the third as a boolean, 1.2 as a text.
    """
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if (kind := str(key.tag).rpartition(":")[2]) in NO_TEXTS:
                yield line, below(pointer, key.value), f"is a key of type {kind}; quote it: {key.value!r}"
            if key.value in seen and key.value != "<<":
                yield line, pointer, f"{key.value!r} stands here twice; keep one of the two"
            seen.add(key.value)
            yield from _wrong_keys(value, below(pointer, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _wrong_keys(item, f"{pointer}/{index}")
    elif str(getattr(node, "tag", "")).endswith(":bool") and node.value.lower() not in ("true", "false"):
        problem = f"is {node.value}, a boolean in YAML 1.1 and a text in 1.2; put it in quotes, or write true or false"
        yield node.start_mark.line + 1, pointer, problem


def _objects(node: Any) -> Iterator[Schema]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _objects(child)


def invalid_schema(message: str) -> str:
    """Say that a schema is invalid, by the words of the JSON Schema library."""
    return f"is no valid JSON Schema: {' '.join(message.split())[:200]}; correct it"


@lru_cache(maxsize=4096)
def steps(pointer: str) -> tuple[str, ...]:
    """Return the steps of a JSON pointer, as a text or as the fragment of a URI. Source: RFC 6901."""
    text = pointer.removeprefix("#")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])


def below(pointer: str, *path: object) -> str:
    """Return the pointer of what stands at a path below what stands at another."""
    return "/".join([pointer, *(escape(str(step)) for step in path)])


def uri(pointer: str) -> str:
    """Write a JSON pointer as a reference."""
    return quote(pointer, safe="#/~")


def escape(step: str) -> str:
    """Write a name as one step of a JSON pointer. Source: RFC 6901, section 3."""
    return step.replace("~", "~0").replace("/", "~1")
