"""The classes of a client's resources: what each method takes, sends and returns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty, Property

from codegen.client_types import Argument, Types, wire_name
from codegen.field_words import parameter
from codegen.resource_layout import Spelling, Turning
from contract_tests.spec.operation import is_json_type

# Options of a single call; one whose name the contract takes is left out there.
OPTIONS = ("extra_body", "timeout")


class AnswerType(NamedTuple):
    """What a success is read as."""

    first_status: int
    last_status: int
    kind: str
    """The type of the body."""
    result_at: tuple[str, ...]
    """The attributes on the way to what is returned."""
    source: str
    """What of the answer is read: its json, its text or its content."""


@dataclass(frozen=True)
class Call:
    """One method of a resource."""

    spelling: Spelling
    endpoint: Endpoint
    path_arguments: list[Argument]
    query: list[Argument]
    headers: list[Argument]
    cookies: list[Argument]
    body: list[Argument]
    """The fields of the body; empty where it is given whole, or there is none."""
    whole_body: Argument | None
    body_model: str
    body_type: str
    answers: list[AnswerType]
    result: str
    item: str
    """What a list holds."""
    turning: Turning | None
    token_at: tuple[str, ...]
    options: list[str]

    @property
    def name(self) -> str:
        """The name of the method."""
        return self.spelling.name

    @property
    def constant(self) -> str:
        """What the operation is called in the module."""
        return "_" + re.sub(r"\W", "_", str(self.endpoint.name)).upper()

    @property
    def path(self) -> str:
        """The path, with {} where a path parameter goes."""
        return _plain_path(self.spelling.operation.path)

    @property
    def is_patch(self) -> bool:
        """Whether what is left out stays as it is."""
        return self.spelling.operation.method == "PATCH"

    @property
    def keywords(self) -> list[Argument]:
        """What is given by name: first what must be given."""
        given = [*self.body, *([self.whole_body] if self.whole_body else []), *self.query, *self.headers, *self.cookies]
        return sorted(given, key=lambda argument: not argument.is_required)


@dataclass(frozen=True)
class ResourceClass:
    """The class of a resource."""

    name: str
    attribute: str
    way: tuple[str, ...]
    calls: list[Call]
    inner: list[ResourceClass]

    @property
    def spelled(self) -> str:
        """How a caller writes it, after the name of the client."""
        return ".".join(self.way)


def read_calls(types: Types, spellings: Iterable[Spelling], endpoints: Iterable[Endpoint]) -> Iterator[Call]:
    """Yield the methods of a client, each operation as it is spelled with what the generator read of it."""
    # The generator gives path parameters the names of Python.
    read = {(each.method.upper(), _plain_path(each.path.get_untrusted_value())): each for each in endpoints}
    for spelling in spellings:
        place = spelling.operation.method, _plain_path(spelling.operation.path)
        if place in read:
            yield _call(types, spelling, read[place])


def _call(types: Types, spelling: Spelling, endpoint: Endpoint) -> Call:
    document = types.document
    nodes = {key: document.at(pointer) for key, pointer in spelling.operation.parameters.items()}

    def arguments(place: str, properties: Sequence[Property]) -> list[Argument]:
        return [types.argument(each, parameter(nodes, place, wire_name(each))) for each in properties]

    bodies = [body for body in endpoint.bodies if is_json_type(body.content_type.get_untrusted_value())]
    body = next(iter(bodies or endpoint.bodies), None)
    path, query = arguments("path", endpoint.path_parameters), arguments("query", endpoint.query_parameters)
    headers, cookies = arguments("header", endpoint.header_parameters), arguments("cookie", endpoint.cookie_parameters)
    named = {each.name for each in (*path, *query, *headers, *cookies)}
    fields = types.fields(body.prop) if body is not None and isinstance(body.prop, ModelProperty) else []
    if {each.name for each in fields} & {*named, "self"}:
        fields = []
    whole = None
    if body is not None and not fields:
        whole = Argument("body", "body", types.of(body.prop), bool(body.prop.required), "The body.", "")
    taken = {*named, *(each.name for each in fields), *(("body",) if whole else ())}
    answers = list(_answers(types, spelling, endpoint))
    results = sorted({types.result(each.kind, each.result_at) for each in answers}) or ["None"]
    item = next((_item_of(result) for result in results if result.startswith("list[")), "")
    turning = spelling.turning if item else None
    return Call(
        spelling,
        endpoint,
        path,
        query,
        headers,
        cookies,
        fields,
        whole,
        body_model=str(body.prop.class_info.name) if fields and isinstance(body.prop, ModelProperty) else "",  # type: ignore[union-attr]
        body_type=str(body.content_type.get_untrusted_value()) if body is not None else "",
        answers=answers,
        result=" | ".join(results),
        item=item,
        turning=turning,
        token_at=types.attributes(answers[0].kind, turning.token_at) if turning else (),
        options=[option for option in OPTIONS if option not in taken and (fields or option != "extra_body")],
    )


def _answers(types: Types, spelling: Spelling, endpoint: Endpoint) -> Iterator[AnswerType]:
    named = [(each.status_code.range, each) for each in endpoint.responses.patterns]
    successes = [(statuses, each) for statuses, each in named if statuses is not None and statuses[0] // 100 == 2]
    if not successes and endpoint.responses.default is not None:
        successes = [((200, 299), endpoint.responses.default)]
    for (first, last), response in successes:
        source = response.source["attribute"].removeprefix("response.").removesuffix("()")
        kind = "None" if source == "None" else types.of(response.prop)
        if kind == "dict[str, Any]":  # of an object no field of which is promised, nothing can be wanted
            kind = "None"
        yield AnswerType(first, last, kind, types.attributes(kind, spelling.envelope), source)


def arranged(calls: Sequence[Call]) -> list[ResourceClass]:
    """Arrange calls by the ways to their resources."""
    ways = {call.spelling.resource[:end] for call in calls for end in range(1, len(call.spelling.resource) + 1)}

    def below(way: tuple[str, ...]) -> list[ResourceClass]:
        inner = sorted(each for each in ways if each[:-1] == way)
        return [
            ResourceClass(
                "".join(word.capitalize() for part in each for word in part.split("_")) + "Resource",
                each[-1],
                each,
                [call for call in calls if call.spelling.resource == each],
                below(each),
            )
            for each in inner
        ]

    return below(())


def all_classes(roots: Iterable[ResourceClass]) -> Iterator[ResourceClass]:
    """Yield each resource, those below another first."""
    for root in roots:
        yield from all_classes(root.inner)
        yield root


def _plain_path(path: str) -> str:
    return re.sub(r"\{[^{}]*\}", "{}", path)


def _item_of(result: str) -> str:
    return result.removesuffix(" | Unset").removesuffix(" | None").removeprefix("list[").removesuffix("]")
