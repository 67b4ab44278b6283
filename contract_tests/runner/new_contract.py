"""Write a small contract to begin with, for a resource of any name: `make new-contract NAME=agents`."""

import re
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from contract_tests.errors import Refused
from contract_tests.runner.configuration import Configuration

TEMPLATE = Path(__file__).with_name("new_contract.yaml.jinja")
WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*", re.ASCII)
LONGEST_NAME = 50


def write_new_contract(name: str, folder: Path) -> Path:
    """Write a contract for a resource, in the plural, into a folder; Refused where that cannot be done."""
    text = new_contract(name)
    file = folder / f"{name}.yaml"
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise Refused(f"{file.name} exists and was not changed; move it away, or choose another NAME") from None
    except OSError as error:
        raise Refused(f"{file.name} cannot be written: {error.strerror}; go to a folder that you may write") from None
    return file


def new_contract(name: str) -> str:
    """Return the text of a contract for a resource of one word."""
    if not WORD.fullmatch(name) or len(name) > LONGEST_NAME:
        shown = repr(name[:LONGEST_NAME]) if name else "missing"
        form = f"one word of at most {LONGEST_NAME} letters, digits, - and _, such as NAME=agents"
        raise Refused(f"NAME is {shown}; it must be {form}")
    words = re.split("[-_]", name)
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        path=name, file=f"{name}.yaml", plural=" ".join(words), title=" ".join(words).capitalize(),
        many=_in_camel_case(words), one=_in_camel_case([*words[:-1], singular(words[-1])]),
    )  # fmt: skip


def singular(word: str) -> str:
    """Return the singular of a regular English plural; any other word as it is."""
    if re.search("[^aeiou]ies$", word):
        return f"{word[:-3]}y"
    if re.search("(ss|x|ch|sh)es$", word):
        return word[:-2]
    return word[:-1] if re.search("[^su]s$", word) else word


def _in_camel_case(words: list[str]) -> str:
    return "".join(word[0].upper() + word[1:] for word in words)


def new(configuration: Configuration, arguments: list[str]) -> int:
    """Write the contract into the current folder."""
    file = write_new_contract(" ".join(arguments), Path.cwd())
    print(f"{file.name} is written. Change it, then: contract-tests run --contract {file.name}")
    return 0
