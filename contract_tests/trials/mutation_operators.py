"""The ways in which the code of the mock is changed: those of cosmic-ray that are worth a run, and four more."""

from collections.abc import Iterator
from typing import Any

from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator
from parso.python.tree import Keyword, PythonNode

# Of cosmic-ray's operators those that a person could have meant: a limit one off or from the other side, a condition
# turned around or dropped, an exception that is not caught, a loop that does nothing. Its other replacements of an
# operator (`+` by `>>`) end in a TypeError that every test sees, and those with a name for an argument need one.
CHOSEN = (
    "NumberReplacer", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue",
    "ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_Delete_USub",
    *(f"ReplaceComparisonOperator_{pair}" for pair in (
        "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt",
        "Is_IsNot", "IsNot_Is",
    )),
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("Add_Sub", "Sub_Add", "Mul_FloorDiv", "Mod_Mul")),
    "ExceptionReplacer", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ZeroIterationForLoop",
    "RemoveDecorator",
    "AddNot",  # last: where it says the same as another, that one reads better
)  # fmt: skip


class OwnOperator(Operator):  # type: ignore[misc]
    """An operator that cosmic-ray does not have; its examples are the tests of this repository."""

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


class ReplaceInWithNotIn(OwnOperator):
    """Turns a test of membership around, which cosmic-ray leaves alone."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        if isinstance(node, Keyword) and node.value == "in" and _is_compared(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        node.value = "not in"
        return node


class ReplaceNotInWithIn(OwnOperator):
    """The other way around."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        is_comparison = isinstance(node, PythonNode) and node.type == "comp_op"
        if is_comparison and [leaf.value for leaf in node.children] == ["not", "in"]:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        return Keyword("in", node.start_pos, prefix=" ")


class DeleteStatement(OwnOperator):
    """
    Leaves a statement out that is there for its effect.

    Those that give a name to a value stay: without them, the next line fails, which every test sees.
    """

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        if node.parent is not None and node.parent.type == "simple_stmt" and _has_an_effect(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        return Keyword("pass", node.start_pos, prefix=node.get_first_leaf().prefix)


class DropMethodCall(OwnOperator):
    """Leaves the last call of a method out, such as `.strip()`, and keeps what it was called on."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        if node.type == "atom_expr" and _ends_in_a_method_call(node) and node.parent.type != "simple_stmt":
            yield node.children[-2].start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        node.children = node.children[:-2]
        return node


OWN = {each.__name__: each for each in (ReplaceInWithNotIn, ReplaceNotInWithIn, DeleteStatement, DropMethodCall)}


def operators() -> dict[str, Operator]:
    """List the operators by name."""
    return {**{name: each() for name, each in OWN.items()}, **{name: get_operator(f"core/{name}")() for name in CHOSEN}}


def _is_compared(node: Any) -> bool:
    return bool(node.parent.type == "comparison")


def _has_an_effect(node: Any) -> bool:
    if node.type == "expr_stmt":
        is_augmented = getattr(node.children[1], "type", "") == "operator" and node.children[1].value != "="
        return bool(is_augmented or node.children[0].type == "atom_expr")
    is_call = node.type == "atom_expr" and node.children[-1].type == "trailer"
    return bool(is_call or node.type in ("raise_stmt", "del_stmt"))


def _ends_in_a_method_call(node: Any) -> bool:
    *before, name, call = node.children
    if not before or (name.type, call.type) != ("trailer", "trailer"):
        return False
    is_call = (name.children[0].value, call.children[0].value) == (".", "(")
    owners = [before[0].get_code().strip(), before[-1].get_code().strip()]
    return is_call and "await" not in owners and owners[-1] != "self"
