"""Finds the operation that a request asks for, by the paths and methods of the contract."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import unquote

from ..contract import Operation
from ..errors import Refusal


class Route(NamedTuple):
    """Who answers an operation."""

    owner: object  # what has a method for it
    handler: str  # the name of that method, looked up with each request
    role: str  # what the operation does to a resource; its operationId where it belongs to none
    operation: Operation
    id_parameter: str = ""  # the path parameter that takes the id of an item


Methods = dict[str, Route]


class Routes:
    """The paths of the operations that the mock answers, each below *base_path*."""

    def __init__(self, base_path: str, routes: Iterable[Route]) -> None:
        self.paths: dict[str, Methods] = {}
        self.parents: dict[str, Methods] = {}  # of the paths whose one parameter ends them: what stands before it
        self.patterns: dict[re.Pattern[str], Methods] = {}  # of the paths with more parameters
        for route in routes:
            path = base_path + route.operation.path
            parent, _, last = path.rpartition("/")
            if "{" not in path:
                methods = self.paths.setdefault(path, {})
            elif "{" not in parent and re.fullmatch(r"\{[^{}]*\}", last):
                methods = self.parents.setdefault(parent, {})
            else:
                methods = self.patterns.setdefault(pattern(path), {})
            methods[route.operation.method] = route

    def find(self, method: str, path: str) -> tuple[Route, str]:
        """Find the operation and the item's id, "" where the path has none; refuse another path and another method."""
        item_id = ""
        methods = self.paths.get(path)
        if methods is None:
            parent, _, item_id = path.rpartition("/")
            methods = self.parents.get(parent) if item_id else None
        if methods is None:
            return self.find_among_patterns(method, path)
        if method not in methods:
            raise self.wrong_method(methods)
        return methods[method], item_id

    def find_among_patterns(self, method: str, path: str) -> tuple[Route, str]:
        """Find the operation of a path with several parameters."""
        for known, methods in self.patterns.items():
            found = known.fullmatch(path)
            if found and method not in methods:
                raise self.wrong_method(methods)
            if found:
                route = methods[method]
                values = dict(zip(re.findall(r"\{([^{}]*)\}", route.operation.path), found.groups(), strict=True))
                return route, values.get(route.id_parameter, "")
        raise Refusal(404, "Nothing is at this path.")

    def wrong_method(self, methods: Iterable[str]) -> Refusal:
        """Return the refusal that tells which methods there are."""
        allowed = ", ".join(sorted(methods)).encode()
        return Refusal(405, "The path does not have this method.", headers=((b"allow", allowed),))


def pattern(path: str) -> re.Pattern[str]:
    """Compile a path of which each parameter takes one segment, or a part of it."""
    literals = re.split(r"\{[^{}]*\}", path)
    return re.compile("([^/]+?)".join(re.escape(literal) for literal in literals))


def decoded_path(scope: Any) -> str:
    """Return the path without percent-encoding; a slash that was encoded stays so, as it parts nothing."""
    path: str = scope["raw_path"].decode("latin-1")
    if "%" in path:
        return "/".join(unquote(part).replace("/", "%2F") for part in path.split("/"))
    return path
