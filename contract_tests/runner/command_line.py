"""The commands: what each is called, which variables it takes as options, and where it is imported from when called."""

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from contract_tests.errors import Refused
from contract_tests.report.folder import Reports
from contract_tests.report.run_record import Start, bare_record
from contract_tests.runner.configuration import REPORTS, VARIABLES, Configuration, named_run, read_configuration

FILES = ("CONTRACT", "RESOURCE", "OVERLAY")
LIVE = ("BASE_URL", "MAX_REQUESTS", "RATE", "TIMEOUT", "MAX_ITEMS", "ITEM_ID", "DRY_RUN", "JOURNAL")
TESTS = (*FILES, *LIVE, "SEED", "SHARD", "FAULT", "KNOWN_DIVERGENCES", "FOLDER", "REHEARSAL")
HIDDEN = frozenset({"REHEARSAL"})
# What the package does not bring along.
FOR_A_CHECKOUT = frozenset({"codegen", "cosmic_ray", "parso"})

# Refuses a fault that is not in the catalogue; the catalogue takes as long as the rest of a command's start.
FAULT_CHECK = ".trials.mock_alone:require_fault"
# What says in the reports of a command that it came to nothing.
REPORTERS = {
    "run": ".report.pages:report_run",
    "fuzz": ".report.pages:report_run",
    "boundaries": ".report.pages:report_no_map",
}


@dataclass(frozen=True)
class Command:
    """One command of the suite."""

    name: str
    meaning: str
    place: str
    """The module and the function, with a colon between."""
    options: tuple[str, ...]
    rest: str = ""
    """What the arguments after the options are; empty where there are none."""

    @property
    def reads_contract(self) -> bool:
        """Whether the contract must be one that the suite can try; what is compared only need be OpenAPI."""
        return "RESOURCE" in self.options and not {"NEW", "MERGE"} & {*self.options}


def imported(place: str) -> Any:
    """Import what stands at `module:name`."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module, "contract_tests"), name)


COMMANDS = (
    Command("run", "Hold the mock, or the API at BASE_URL, to the contract; with BASE first to what callers know of it, side by side.",
            ".runner.contract_run:run", (*TESTS, "BASE"), "for pytest"),
    Command("fuzz", "The generative tests with one seed after the other, until MINUTES are over.",
            ".runner.contract_run:fuzz", (*TESTS, "MINUTES", "HYPOTHESIS_DATABASE_URL"), "for pytest"),
    Command("boundaries", "Find where acceptance really flips, and draw the map of it.",
            ".runner.boundaries.command:boundaries", (*FILES, *LIVE, "SEED", "FAULT", "FIELD", "OPERATION", "FRESH", "COMPARE", "LONGEST", "FOLDER")),
    Command("mock", "Serve the contract on localhost.",
            ".trials.mock_alone:mock", (*FILES, "PORT", "FAULT"), "for the mock"),
    Command("faults", "Put the suite on trial: a run for each planted fault, and each must turn red.",
            ".trials.catch_faults:faults_command", (*FILES, "FAULT", "SEED", "SEEDS", "BUDGET", "PEER", "SHARE", "FRESH", "DRY_RUN"), "the groups of the faults that are tried; none for all but company"),
    Command("mutants", "Try small changes of the mock, and each must turn the suite red.",
            ".trials.mutants:mutants", (*FILES, "SHARE", "MINUTES", "MUTANT", "SEED", "FRESH", "DRY_RUN")),
    Command("sweep", "Put right what a killed run has left at BASE_URL.",
            ".runner.sweep:sweep_command", (*FILES, *LIVE, "ALL", "YES")),
    Command("report", "Print the last run as markdown; on GitHub, show it on the page of the job and at the lines of the contract. MERGE makes the shards of a run one before.",
            ".runner.job_summary:summarise", (*FILES, "MERGE", "GITHUB_STEP_SUMMARY", "FOLDER")),
    Command("new", "Write a small contract to begin with: contract-tests new agents.",
            ".runner.new_contract:new", (), "the name of the resource"),
    Command("client", "Write the typed client of the contract into OUT.",
            "codegen.generate:client", ("CONTRACT", "OUT"), "--check, which compares and writes nothing"),
    Command("bench", "Measure the figures of README, each beside a peer.",
            ".trials.bench:bench", (*FILES, "AGAINST", "FOLDER"), "the groups of figures: suite, quick, boundaries, mock, growth, client, commands, cold, faults, size; none for all but size"),
    Command("spec-diff", "What changed in the contract since BASE, and whether it breaks callers.",
            ".runner.changes.command:spec_diff", (*FILES, "BASE", "NEW", "CHANGELOG", "RELEASE", "GITHUB_STEP_SUMMARY", "FOLDER")),
    Command("field", "Try servers that nobody here wrote, each in an environment of its own.",
            ".trials.field:field_trial", (), "the names of servers; none for all"),
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a command line asks for."""

    command: Command
    given: dict[str, str]
    """What its options say, by the names of the variables."""
    rest: list[str]

    def run(self) -> int:
        """Run the command; Refused where it cannot begin."""
        for argument in self.rest:
            name, is_set, value = argument.partition("=")
            if is_set and name in self.command.options:
                option = VARIABLES[name].option if VARIABLES[name].is_flag else f"{VARIABLES[name].option} {value}"
                hint = f"say {option}, or {argument} before the command"
                raise Refused(f"{argument} is no argument of {self.command.name}; {hint}")
        configuration = read_configuration(given=self.given, reads_contract=self.command.reads_contract)
        if configuration.borrowed_id is not None and "ITEM_ID" in self.command.options and not configuration.is_live:
            raise Refused("ITEM_ID lends an item of the API at BASE_URL; set BASE_URL, too, or leave ITEM_ID out")
        if configuration.fault is not None and self.command.reads_contract:
            imported(FAULT_CHECK)(configuration)
        try:
            function: Callable[[Configuration, list[str]], int] = imported(self.command.place)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing not in FOR_A_CHECKOUT:
                raise
            raise Refused(f"{self.command.name} needs a checkout of the repository and its {missing}") from None
        return function(configuration, self.rest)

    def tell(self, line: str, exit_code: int) -> None:
        """Let the reports of the command say why it came to nothing, where it has any."""
        if self.command.name in REPORTERS and not {"REHEARSAL", "COMPARE"} & self.given.keys():
            told = bare_record(Start.now(*named_run(self.given)), line, exit_code)
            imported(REPORTERS[self.command.name])(Reports(Path(self.given.get("FOLDER", REPORTS))), told)


def parsed(arguments: Sequence[str]) -> Asked | None:
    """Read a command line; None where it asks for help, which is printed. Refused where it cannot be followed."""
    group = click.Group(help="Hold a REST API to its OpenAPI contract.", no_args_is_help=True)
    for command in COMMANDS:
        group.add_command(_as_click(command))
    try:
        asked = group.main(list(arguments), "contract-tests", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message())
        return None
    except click.UsageError as error:
        after = "; what is for another program comes after --" if isinstance(error, click.NoSuchOption) else ""
        name = f"{error.ctx.command_path} " if error.ctx is not None else ""
        raise Refused(f"{error.format_message().rstrip('.')}{after}; {name}--help lists what can be said") from None
    return asked if isinstance(asked, Asked) else None


def _as_click(command: Command) -> click.Command:
    params: list[click.Parameter] = [_option(name) for name in command.options]
    if command.rest:
        params.append(click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGUMENTS]"))

    def callback(rest: tuple[str, ...] = (), **options: str | bool | None) -> Asked:
        given = {name: "1" if v is True else str(v) for name, v in options.items() if v not in (None, False)}
        return Asked(command, {name.upper(): text for name, text in given.items()}, list(rest))

    meaning = f"{command.meaning}\n\nARGUMENTS are {command.rest}." if command.rest else command.meaning
    return click.Command(command.name, params=params, callback=callback, help=inspect.cleandoc(meaning))


def _option(name: str) -> click.Option:
    variable = VARIABLES[name]
    about = variable.meaning if variable.is_option_only else f"{variable.meaning}; {name}"
    names = [variable.option, name.lower()]
    if variable.is_flag:
        return click.Option(names, is_flag=True, help=about)
    return click.Option(names, metavar="VALUE", help=about, hidden=name in HIDDEN)
