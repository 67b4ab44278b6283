"""The one reader of the environment: what a person asks for, as one frozen object that is handed down."""

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract_tests.errors import Refused
from contract_tests.runner import parsing
from contract_tests.runner.parsing import close_name, existing_file, flag, number, path, word
from contract_tests.spec.contract import Contract, load_contract
from contract_tests.transport.target import TIMEOUT_SECONDS
from contract_tests.transport.write_guard import MOST_ITEMS

WHOLE, LIVE = "whole", "live"
# The profile of hypothesis that goes on from what earlier runs found.
THOROUGH = "thorough"
# Everything that a command writes lands in the folder in which it is called.
REPORTS = Path("reports")
CONTRACT = Path("openapi.yaml")
# Where this package is not installed, the contract of its repository.
OWN_CONTRACT = Path(__file__).parents[2] / CONTRACT
# A smaller budget would end before a single item was made, tried and removed.
SMALLEST_BUDGET = 10
# So many items does the busiest test need at a time, and one more for one whose removal failed.
SMALLEST_CAP = 12
_BUDGET = number(int, SMALLEST_BUDGET, 1_000_000_000, zero="no limit", too_small="ends before anything is tried")
_CAP = number(int, SMALLEST_CAP, 10_000, too_small="is fewer than the tests need at a time")


@dataclass(frozen=True)
class Variable:
    """One thing that a person may ask for, by a variable of the environment or an option of a command."""

    name: str
    parse: parsing.Parser
    meaning: str
    is_option_only: bool = False
    """Whether the environment is not asked for it: it is a command's business alone."""

    @property
    def option(self) -> str:
        """Its option on the command line."""
        return f"--{self.name.lower().replace('_', '-')}"

    @property
    def is_flag(self) -> bool:
        """Whether it is either set or not."""
        return self.parse is flag


def _variable(name: str, parse: parsing.Parser, meaning: str, *, is_option_only: bool = False) -> dict[str, Variable]:
    return {"variable": Variable(name, parse, meaning, is_option_only)}


@dataclass(frozen=True)
class Configuration:
    """What a command is asked to do; without arguments, what it does when nothing is asked."""

    # fmt: off
    contract: Path = field(default=OWN_CONTRACT, metadata=_variable("CONTRACT", existing_file, "the contract; openapi.yaml in this folder without it"))
    resource: str | None = field(default=None, metadata=_variable("RESOURCE", word, "one resource of the contract; the first without it"))
    overlay: Path | None = field(default=None, metadata=_variable("OVERLAY", existing_file, "an OpenAPI Overlay that adds what the contract does not say"))
    out: Path | None = field(default=None, metadata=_variable("OUT", path, "the folder that is written"))
    base_url: str = field(default="", metadata=_variable("BASE_URL", parsing.address, "the API that is there already; the mock without it"))
    seed: int | None = field(default=None, metadata=_variable("SEED", number(int, 0, 10**18), "repeats a run"))
    shard: tuple[int, int] | None = field(default=None, metadata=_variable("SHARD", parsing.shard, "2/8: the second of eight machines that do a run together"))
    database_url: str = field(default="", repr=False, metadata=_variable("HYPOTHESIS_DATABASE_URL", parsing.redis_address, "the Redis in which several machines keep what broke"))
    merged: tuple[str, ...] = field(default=(), metadata=_variable("MERGE", parsing.folders, "the folders of the reports of shards, which are made one"))
    minutes: float | None = field(default=None, metadata=_variable("MINUTES", number(float, 0, 100_000, is_above=True), "after this time nothing new begins"))
    max_requests: int = field(default=2_000, metadata=_variable("MAX_REQUESTS", _BUDGET, "the most requests that are sent to BASE_URL; 0 for no limit"))
    requests_per_second: float = field(default=5.0, metadata=_variable("RATE", number(float, 0.01, 100_000, zero="no pace"), "requests a second; 0 for no limit"))
    timeout_seconds: float = field(default=TIMEOUT_SECONDS, metadata=_variable("TIMEOUT", number(float, 0.01, 3_600), "seconds that an exchange may take"))
    most_items: int = field(default=MOST_ITEMS, metadata=_variable("MAX_ITEMS", _CAP, "the most items that are there at a time"))
    borrowed_id: str | None = field(default=None, metadata=_variable("ITEM_ID", parsing.item_id, "an item that is borrowed and restored where none may be made"))
    is_dry_run: bool = field(default=False, metadata=_variable("DRY_RUN", flag, "tell what would be done"))
    sweeps_all: bool = field(default=False, metadata=_variable("ALL", flag, "also what other runs than those of this folder have left"))
    is_agreed: bool = field(default=False, metadata=_variable("YES", flag, "answer the question with yes"))
    fault: str | None = field(default=None, metadata=_variable("FAULT", word, "a fault that is planted in the mock"))
    seeds: int = field(default=1, metadata=_variable("SEEDS", number(int, 1, 10_000), "so many seeds"))
    budget: int = field(default=0, metadata=_variable("BUDGET", _BUDGET, "the most requests of each run"))
    peer: str | None = field(default=None, metadata=_variable("PEER", parsing.peer, "another tool that tries the same faults"))
    share: float = field(default=1.0, metadata=_variable("SHARE", number(float, 0, 1, is_above=True), "such a part of all"))
    mutant: str = field(default="", metadata=_variable("MUTANT", word, "one mutant, by its id"))
    is_fresh: bool = field(default=False, metadata=_variable("FRESH", flag, "forget what was found before"))
    only_field: str | None = field(default=None, metadata=_variable("FIELD", word, "only this field"))
    compared: tuple[str, ...] = field(default=(), metadata=_variable("COMPARE", parsing.paths, "what moved since this map, or from one map to another"))
    longest: int | None = field(default=None, metadata=_variable("LONGEST", number(int, 1, 1 << 24), "the longest text where no limit is declared"))
    against: str | None = field(default=None, metadata=_variable("AGAINST", word, "a commit, which is measured beside this checkout"))
    port: int = field(default=8400, metadata=_variable("PORT", number(int, 0, parsing.LAST_PORT), "0 takes a free one"))
    journal_folder: Path = field(default=Path(".journal"), metadata=_variable("JOURNAL", path, "the folder in which a run writes down what it has made"))
    known_divergences: Path | None = field(default=None, metadata=_variable("KNOWN_DIVERGENCES", path, "what is lived with; known_divergences.yaml without it"))
    job_summary: Path | None = field(default=None, metadata=_variable("GITHUB_STEP_SUMMARY", path, "the file to which a job on GitHub adds its summary"))
    base: str | None = field(default=None, metadata=_variable("BASE", parsing.word, "what callers know: a commit or a file; without it the last tag, or main"))
    compared_new: Path | None = field(default=None, metadata=_variable("NEW", existing_file, "the contract that is compared with it; CONTRACT without it"))
    drafts_changelog: bool = field(default=False, metadata=_variable("CHANGELOG", flag, "draft the entry of a changelog", is_option_only=True))
    is_release: bool = field(default=False, metadata=_variable("RELEASE", flag, "info.version must say what changed since a tag", is_option_only=True))
    only_operation: str | None = field(default=None, metadata=_variable("OPERATION", word, "only this operation", is_option_only=True))
    reports: Path = field(default=REPORTS, metadata=_variable("FOLDER", path, "the folder of the reports", is_option_only=True))
    rehearsal_file: Path | None = field(default=None, metadata=_variable("REHEARSAL", path, "the file that takes the counts of a rehearsal", is_option_only=True))
    # fmt: on
    api_key: str = field(default="", repr=False)
    key_name: str = "API_KEY"

    # What a command decides for its run.
    selection: str = WHOLE
    is_fuzz: bool = False
    budget_file: str | None = None
    """In which the parts and the processes of one run count their requests together."""

    @property
    def is_live(self) -> bool:
        """Whether the API is there already; the mock is started for the run, and has no limits."""
        return bool(self.base_url)

    @property
    def profile(self) -> str:
        """The profile of hypothesis, which says how much a generative test tries."""
        return THOROUGH if self.is_fuzz else "live" if self.is_brief else "quick"

    @property
    def is_brief(self) -> bool:
        """Whether few requests may be sent."""
        return self.selection == LIVE

    @property
    def target(self) -> str:
        """What a person calls the API under test."""
        if self.is_live:
            return self.base_url
        return "the mock" if self.fault is None else f"the mock with the fault {self.fault}"

    def load_contract(self) -> Contract:
        """Return the contract that the API is held to, read once; ContractError where it cannot be used."""
        return load_contract(self.contract, self.resource, self.overlay)

    @property
    def contract_arguments(self) -> tuple[str, ...]:
        """What another command, or the mock, is told of the contract."""
        given = (("--contract", self.contract), ("--resource", self.resource), ("--overlay", self.overlay))
        return tuple(str(part) for option, value in given if value is not None for part in (option, value))

    def require_key(self) -> str:
        """Return the key of the account; empty where the contract asks for none. Refused where there is none."""
        if not self.api_key and self.load_contract().key.kind != "none":
            raise Refused(f"{self.key_name} is not set; export the key of the account that BASE_URL belongs to")
        return self.api_key


# Each variable by the field of the configuration that it sets.
FIELDS: dict[str, Variable] = {
    each.name: each.metadata["variable"] for each in dataclasses.fields(Configuration) if each.metadata
}
VARIABLES = {variable.name: variable for variable in FIELDS.values()}


def read_configuration(
    environment: Mapping[str, str] = os.environ, given: Mapping[str, str] | None = None, *, reads_contract: bool = True
) -> Configuration:
    """
    Read what the environment and the command line ask for, which comes first. Refused, in one line that names the
    variable, where it is not understood, contradicts another or is misspelt, or the contract cannot be used, which need
    not be there for a command that does not read it.
    """
    said = _said(environment, given or {})
    if not reads_contract:
        return Configuration(**_values(said))
    contract = _read_contract(said)
    other_names = aliases(contract)
    known = (*VARIABLES, *other_names, contract.key.env)
    for name in environment:
        if meant := close_name(name, known):
            raise Refused(f"{name} is not a variable of this suite; perhaps {meant} was meant")
    for name, usual in other_names.items():
        if name in said and said.setdefault(usual, said[name]) != said[name]:
            raise Refused(f"{name} and {usual} are the same thing and say different things; leave one of them out")
    values = _values(said)
    values["key_name"] = contract.key.env
    if contract.key.env in said:
        values["api_key"] = parsing.key(contract.key.env, said[contract.key.env], is_login=contract.key.kind == "basic")
    configuration = Configuration(**values)
    if configuration.fault is not None and configuration.is_live:
        raise Refused("FAULT is for the mock; leave BASE_URL or FAULT out")
    return configuration


def aliases(contract: Contract) -> dict[str, str]:
    """Return the other names that some variables have for one contract, such as CONTACT_ID for ITEM_ID, as keys."""
    resource = contract.resource
    names = {"ITEM_ID": resource.id_parameter or "", "MAX_ITEMS": f"max_{resource.name}"}
    return {
        name.upper(): variable
        for variable, name in names.items()
        if name.isidentifier() and name.isascii() and len(name) > 2 and name.upper() not in VARIABLES
    }


def named_run(given: Mapping[str, str]) -> tuple[str, int | None]:
    """
    Return what a run was to be aimed at, and the seed that it was to have, also where it is refused: the address without
    what may be secret in it, and None where no seed can be read.
    """
    said = {**os.environ, **given}
    address = re.split("[?#]", said.get("BASE_URL", ""))[0]
    seed = said.get("SEED", "").strip()
    is_seed = seed.isascii() and seed.isdigit() and len(seed) < 20
    return re.sub(r"^(\w+://)?.*@", r"\1", address) or "the mock", int(seed) if is_seed else None


def own_key(given: Mapping[str, str]) -> tuple[str, str]:
    """Return the variable of the key, and the key, good or bad: it must not be shown, even where it is refused."""
    try:
        variable = _read_contract(_said(os.environ, given)).key.env
        return variable, os.environ.get(variable, "")
    except Exception:  # nobody knows which variable it is in; the command says what is wrong with the contract
        return "API_KEY", ""


def foreign_environment(
    environment: Mapping[str, str] = os.environ, contract: Contract | None = None
) -> dict[str, str]:
    """Return the environment without what it asks of this suite, for a process that is told in another way."""
    if contract is None:
        contract = _read_contract({})
    own = {*VARIABLES, *aliases(contract), contract.key.env}
    return {name: value for name, value in environment.items() if name not in own}


def _said(environment: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    hidden = {variable.name for variable in VARIABLES.values() if variable.is_option_only}
    return {**{name: text for name, text in environment.items() if name not in hidden}, **given}


def _values(said: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, variable in FIELDS.items():
        text = said.get(variable.name)
        if text is None:
            continue
        if not text and not variable.is_flag:
            raise Refused(f"{variable.name} is set and empty; give it a value, or unset it")
        values[name] = variable.parse(variable.name, text)
    here = CONTRACT.absolute()
    values.setdefault("contract", here if here.is_file() or not OWN_CONTRACT.is_file() else OWN_CONTRACT)
    return values


def _read_contract(said: Mapping[str, str]) -> Contract:
    """Read the contract before all else: it says what the other variables are called."""
    values = _values({name: said[name] for name in ("CONTRACT", "RESOURCE", "OVERLAY") if name in said})
    if not values["contract"].is_file():
        raise Refused(
            f"{Path.cwd()} has no {CONTRACT}; name a contract with --contract, or write one: contract-tests new"
        )
    return load_contract(values["contract"], values.get("resource"), values.get("overlay"))
