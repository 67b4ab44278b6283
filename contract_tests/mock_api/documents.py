"""
Reads the YAML and JSON files that a person hands to the mock.

PyYAML reads YAML 1.1, where `off` is false; OpenAPI 3.1 means YAML 1.2, where it is a word.
"""

import re
from pathlib import Path
from typing import Any, ClassVar

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
    """
    Read *file* as YAML, of which JSON is a part.

    Args:
        file: A file of UTF-8 text.

    Returns:
        Nothing but what JSON knows; a YAML time is its RFC 3339 text.

    Raises:
        StartError: The file cannot be read, is not YAML, or holds what JSON cannot say.
    """
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
