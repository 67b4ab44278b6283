"""Valid instances of any schema, made by the generator that schemathesis brings along; seeded, so always the same."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from contract_tests.generation.places import Place
from contract_tests.spec.document import Document, Schema

# The draft of JSON Schema that OpenAPI 3.1 speaks.
DRAFT = 20

MOST_EXAMPLES = 300


def library_values(document: Document, schema: Schema, count: int) -> list[Any]:
    """Return the simplest instances of a schema, at most *count*; fewer where no more are found."""
    return list(document.once(("instances", repr(schema), count), lambda: _find(dict(schema), count)))


def place_values(place: Place, count: int) -> list[Any]:
    """Return the simplest values of a place, at most *count*; fewer where no more are found."""
    types = list(dict.fromkeys(name for view in place.views for name in view.types))
    joined = place.joined(**({"type": types} if types else {}))
    return list(place.document.once(("instances", place, count), lambda: _find(joined, count, place.is_valid)))


def matching_texts(pattern: str, count: int) -> list[str]:
    """
    Return printable texts that match a pattern; fewer where no more are found.

    Most patterns need nothing but hypothesis, which takes a tenth of the time to load that the library here takes.
    """
    from hypothesis import Phase, strategies

    try:
        matching = strategies.from_regex(pattern).filter(str.isprintable)
        return _distinct(matching, count, lambda _text: True, [Phase.generate])
    except (re.error, ValueError, OverflowError):
        return []  # ECMAScript has patterns that Python cannot read


def _find(schema: dict[str, Any], count: int, is_valid: Callable[[Any], bool] = lambda _value: True) -> list[Any]:
    # It loads slowly, and most contracts need none of it.
    from hypothesis import Phase
    from schemathesis.core.errors import SchemathesisError
    from schemathesis.generation.jsonschema.builder import build
    from schemathesis.specs.openapi.formats import get_default_format_strategies

    try:
        strategy = build(schema, draft=DRAFT, formats=get_default_format_strategies())
    except SchemathesisError:  # the library does not know how to make them
        return []
    return _distinct(strategy, count, is_valid, [Phase.generate, Phase.shrink])


def _distinct(strategy: Any, count: int, is_valid: Callable[[Any], bool], phases: list[Any]) -> list[Any]:
    from hypothesis import HealthCheck, currently_in_test_context, find, settings
    from hypothesis.errors import HypothesisException

    if currently_in_test_context():  # there hypothesis searches for nothing; another thread is in no test
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(_distinct, strategy, count, is_valid, phases).result()
    found: list[Any] = []
    quiet = settings(
        database=None, derandomize=True, deadline=None, max_examples=MOST_EXAMPLES, phases=phases,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    try:
        while len(found) < count:
            found.append(find(strategy, lambda value: value not in found and is_valid(value), settings=quiet))
    except HypothesisException:
        return found
    return found
