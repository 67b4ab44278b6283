"""
Lists the mutations of the mock: each changes one place of its code in one way.

The catalogue of faults holds what a person thought of; this holds what nobody did. cosmic-ray finds the places and
changes the code.
"""

import ast
import difflib
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from parso.python.tree import Class, Function, Lambda

from contract_tests.trials.mutation_operators import operators

MOCK = Path(__file__).parents[1] / "mock_api"

# What answers requests. Left out: the start (__main__, process, seeds, documents, server) and the
# pages (docs), of which the contract says nothing, and the faults.
MODULES = (
    "app", "choices", "contract", "error_bodies", "errors", "layout", "listing", "resource", "rules", "server_fields",
    "store", "wire/bodies", "wire/keys", "wire/protocol", "wire/routes",
)  # fmt: skip

NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Is: ast.IsNot, ast.In: ast.NotIn, ast.Eq: ast.NotEq, ast.Lt: ast.GtE, ast.LtE: ast.Gt,
}  # fmt: skip
NEGATED |= {opposite: operator for operator, opposite in NEGATED.items()}

# Names that differ between two mutations, and stay the same when lines move.
KEY_FIELDS = ("module", "function", "operator", "before", "after")


@dataclass(frozen=True)
class Mutation:
    """One change of one place; no line number tells it apart, so that it outlives changes around it."""

    module: str  # such as `store`
    function: str  # such as `Store.merge`; empty outside of all
    operator: str
    before: str  # the lines that change, without indentation
    after: str
    nth: int  # 1, and more only where the function holds the very same change again
    line: int = field(compare=False)
    source: str = field(compare=False, repr=False)  # the whole module with the change

    @property
    def id(self) -> str:
        """Eight characters that name the mutation, as long as the change itself stays what it is."""
        key = "\0".join([*(getattr(self, name) for name in KEY_FIELDS), str(self.nth)])
        return hashlib.sha256(key.encode()).hexdigest()[:8]

    def __str__(self) -> str:
        place = f"{self.module}.{self.function or '(module)'}:{self.line}"
        return f"{place}  {self.before}  ->  {self.after or '(nothing)'}"


def mutations(folder: Path = MOCK, modules: tuple[str, ...] = MODULES) -> Iterator[Mutation]:
    """List the mutations of the modules of a package, which are named without `.py`."""
    for module in modules:
        yield from module_mutations(module, (folder / f"{module}.py").read_text("utf-8"))


def module_mutations(module: str, source: str) -> Iterator[Mutation]:
    """List those that are Python and change what is run; of two that come to the same, the first."""
    nodes = list(ast_nodes(get_ast(source)))
    behaviours = {_behaviour(source), None}
    seen: Counter[Mutation] = Counter()
    for name, operator in operators().items():
        places = [(node, start) for node in nodes for start, _ in operator.mutation_positions(node)]
        for occurrence, (node, (line, _)) in enumerate(places):
            mutated = mutate_code(source, operator, occurrence)
            if mutated is None or (behaviour := _behaviour(mutated)) in behaviours:
                continue
            behaviours.add(behaviour)
            change = (module, _function(node), name, *_changed_lines(source, mutated))
            first = Mutation(*change, nth=1, line=line, source=mutated)
            seen[first] += 1
            yield Mutation(*change, nth=seen[first], line=line, source=mutated)


def _function(node: Any) -> str:
    names: list[str] = []
    child = None
    while node is not None:
        if isinstance(node, (Function, Class)) and not isinstance(node, Lambda):
            names.insert(0, node.name.value)
        elif node.type == "decorated" and child is node.children[0]:  # a decorator belongs to what it decorates
            names.insert(0, node.children[-1].get_code(include_prefix=False).split("(")[0].split(":")[0].split()[-1])
        node, child = node.parent, node
    return ".".join(names)


def _changed_lines(before: str, after: str) -> tuple[str, str]:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0))[2:]
    removed, added = ([line[1:] for line in lines if line.startswith(sign)] for sign in "-+")
    return " ".join(" ".join(removed).split()), " ".join(" ".join(added).split())


class _Negations(ast.NodeTransformer):
    """Writes `not a is b` as `a is not b`, and `not not a` as `a`: the same condition, reached by two operators."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        inner = node.operand
        if not isinstance(node.op, ast.Not):
            return node
        if isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.Not):
            return inner.operand
        if isinstance(inner, ast.Compare) and type(inner.ops[0]) in NEGATED and len(inner.ops) == 1:
            return ast.Compare(inner.left, [NEGATED[type(inner.ops[0])]()], inner.comparators)
        return node


def _behaviour(source: str) -> str | None:
    """Return what is run of *source*, without its types; None where it is not Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(_Negations().visit(tree))
