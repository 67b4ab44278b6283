"""The environment: what each variable may be, what is refused, and that one module alone reads it."""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from contract_tests.errors import Refused
from contract_tests.runner.command_line import parsed
from contract_tests.runner.configuration import (
    FIELDS,
    Configuration,
    aliases,
    foreign_environment,
    read_configuration,
)
from contract_tests.runner.parsing import close_name
from contract_tests.spec.contract import ROOT, load_contract

CONTRACT = load_contract()
KEY = CONTRACT.key.env
# Each variable, with the field that it sets.
VARIABLES = {variable.name: field for field, variable in FIELDS.items() if not variable.is_option_only}
VARIABLES |= {alias: VARIABLES[name] for alias, name in aliases(CONTRACT).items()} | {KEY: "api_key"}

DIGITS = "9" * 5_000
FLAGS = {"DRY_RUN": "is_dry_run", "ALL": "sweeps_all", "YES": "is_agreed", "FRESH": "is_fresh"}
MOCK = "http://127.0.0.1:8400/v1"

# What a few of them set, by their own documentation.
CI_NAMES = [
    "CI",
    "HOME",
    "PATH",
    "PWD",
    "OLDPWD",
    "SHELL",
    "SHLVL",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TERM",
    "TMPDIR",
    "TZ",
    "HOSTNAME",
    "DEBIAN_FRONTEND",
    "EDITOR",
    "PAGER",
    "_",
    "MAIL",
    "TMOUT",
    "TIMEFORMAT",
    "COLUMNS",
    "LINES",
    "PS1",
    "IFS",
    "RANDOM",
    "SECONDS",
    "UID",
    "DISPLAY",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
    "JOURNAL_STREAM",
    "INVOCATION_ID",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "MAKEOVERRIDES",
    "MAKE_TERMOUT",
    "GNUMAKEFLAGS",
    "ARGS",
    "VENV",
    "RUN",
    "GITHUB_ACTION",
    "GITHUB_ACTIONS",
    "GITHUB_ACTOR",
    "GITHUB_API_URL",
    "GITHUB_BASE_REF",
    "GITHUB_ENV",
    "GITHUB_EVENT_NAME",
    "GITHUB_JOB",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_REF",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ID",
    "GITHUB_SERVER_URL",
    "GITHUB_SHA",
    "GITHUB_TOKEN",
    "GITHUB_WORKSPACE",
    "GITHUB_STEP_SUMMARY",
    "RUNNER_ARCH",
    "RUNNER_NAME",
    "RUNNER_OS",
    "RUNNER_TEMP",
    "RUNNER_DEBUG",
    "INPUT_NAME",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_RUNTIME_URL",
    "ACTIONS_CACHE_URL",
    "CI_API_V4_URL",
    "CI_COMMIT_SHA",
    "CI_JOB_ID",
    "CI_JOB_TIMEOUT",
    "CI_JOB_TOKEN",
    "CI_PAGES_URL",
    "CI_PIPELINE_URL",
    "CI_PROJECT_URL",
    "CI_REGISTRY",
    "CI_RUNNER_ID",
    "CI_SERVER_URL",
    "GITLAB_CI",
    "GITLAB_USER_ID",
    "FF_TIMESTAMPS",
    "BUILD_ID",
    "BUILD_NUMBER",
    "BUILD_URL",
    "JOB_NAME",
    "JOB_URL",
    "JOB_BASE_NAME",
    "JENKINS_URL",
    "NODE_NAME",
    "WORKSPACE",
    "EXECUTOR_NUMBER",
    "CIRCLECI",
    "CIRCLE_BRANCH",
    "TRAVIS",
    "TRAVIS_BUILD_ID",
    "BITBUCKET_COMMIT",
    "TF_BUILD",
    "SYSTEM_TEAMPROJECT",
    "AGENT_ID",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "COMPOSE_PROJECT_NAME",
    "COMPOSE_FILE",
    "KUBERNETES_PORT",
    "KUBERNETES_SERVICE_HOST",
    "REDIS_PORT",
    "POSTGRES_PORT",
    "DATABASE_URL",
    "API_URL",
    "API_KEY",
    "API_BASE_URL",
    "APP_URL",
    "URL",
    "HOST",
    "SECRET_KEY",
    "DEBUG",
    "TEST_SEED",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "AWS_PROFILE",
    "AWS_REGION",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "NODE_ENV",
    "NPM_TOKEN",
    "npm_config_cache",
    "JAVA_HOME",
    "GOPATH",
    "PROFILE",
    "PYTHONPATH",
    "PYTHONHASHSEED",
    "PYTHONUNBUFFERED",
    "VIRTUAL_ENV",
    "PIP_INDEX_URL",
    "PIP_DEFAULT_TIMEOUT",
    "UV_INDEX_URL",
    "UV_HTTP_TIMEOUT",
    "PYTEST_CURRENT_TEST",
    "PYTEST_ADDOPTS",
    "PYTEST_XDIST_WORKER",
    "HYPOTHESIS_PROFILE",
    "COVAL_BASE_URL",
    "COVAL_API_URL",
    "MOCK_API_KEY",
    "REQUIRE_BROWSER",
    "TIMEOUT_SECONDS",
    "REQUEST_TIMEOUT",
    "MAX_RETRIES",
    "RATE_LIMIT",
    "SAMPLE_RATE",
    "SHARED",
    "FIELDS",
    "REPORT",
    "VERBOSE",
]


@pytest.mark.parametrize("text", ["1", "true", "yes", "on", "TRUE", "Yes", "1 ", " on\n", "True"])
@pytest.mark.parametrize("name", FLAGS)
def test_flag_is_set_by_any_word_for_it(name: str, text: str) -> None:
    """Every flag means the same by 1, true, yes and on, in any case and with spaces around it."""
    assert getattr(read_configuration({name: text}), FLAGS[name]) is True


@pytest.mark.parametrize("text", ["0", "false", "no", "off", "", " ", "OFF", " No "])
@pytest.mark.parametrize("name", FLAGS)
def test_flag_is_unset_by_any_word_for_it(name: str, text: str) -> None:
    """Every flag means the same by 0, false, no, off and nothing."""
    assert getattr(read_configuration({name: text}), FLAGS[name]) is False


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("SEED", "0", 0),
        ("SEED", " 7 ", 7),
        ("SEED", "007", 7),
        ("MAX_REQUESTS", "0", 0),
        ("MAX_REQUESTS", "10", 10),
        ("RATE", "0", 0),
        ("RATE", "0.0", 0),
        ("RATE", "0.01", 0.01),
        ("RATE", "2.5e1", 25),
        ("RATE", ".5", 0.5),
        ("TIMEOUT", "0.25", 0.25),
        ("MINUTES", "0.5", 0.5),
        ("SHARE", "1", 1),
        ("PORT", "0", 0),
        ("PORT", "65535", 65_535),
        ("BUDGET", "300", 300),
        ("BASE_URL", "https://api.example.com/v1/", "https://api.example.com/v1"),
        ("BASE_URL", "http://127.0.0.1:65535", "http://127.0.0.1:65535"),
        ("COVAL_API_KEY", "", ""),
        ("ITEM_ID", "3zfmuDbVQsi4GaseDtiVcS", "3zfmuDbVQsi4GaseDtiVcS"),
        ("PERSONA_ID", "3zfmuDbVQsi4GaseDtiVcS", "3zfmuDbVQsi4GaseDtiVcS"),
        ("MAX_PERSONAS", "12", 12),
        ("CONTRACT", str(ROOT / "openapi.yaml"), ROOT / "openapi.yaml"),
        ("RESOURCE", "personas", "personas"),
        ("PEER", "schemathesis", "schemathesis"),
        ("COMPARE", "old.json new.json", ("old.json", "new.json")),
        ("FAULT", "always_fails", "always_fails"),
    ],
)
def test_value_is_understood(name: str, text: str, value: Any) -> None:
    """What a variable may be is read into its field."""
    assert getattr(read_configuration({name: text}), VARIABLES[name]) == value


REFUSED = [
    *[(name, text, f"{name} must be 1, true, yes or on, or 0") for name in FLAGS for text in ("2", "maybe", "y", "-1")],
    *[(name, DIGITS, f"{name} must be a whole number") for name in ("SEED", "MAX_REQUESTS", "MAX_ITEMS", "PORT")],
    *[(name, DIGITS, f"{name} must be a whole number") for name in ("SEEDS", "BUDGET", "LONGEST")],
    *[(name, DIGITS, f"{name} must be a number") for name in ("RATE", "TIMEOUT", "MINUTES", "SHARE")],
    *[(name, "nan", f"{name} must be a number") for name in ("RATE", "TIMEOUT", "MINUTES", "SHARE")],
    *[(name, "inf", f"{name} must be a number") for name in ("RATE", "TIMEOUT", "MINUTES", "SHARE")],
    *[(name, "1e-400", f"{name} must be a number") for name in ("RATE", "TIMEOUT", "MINUTES", "SHARE")],
    *[("RATE", text, "RATE must be a number") for text in ("1e-300", "1e300", "-0.1", "1_000", "0x10", "٣", "1e9999999999")],
    *[("SEED", text, "SEED must be a whole number") for text in ("-1", "1.0", "1e3", "2,000", "٣", "1_0", "0x1", "+1")],
    ("MAX_REQUESTS", "9", "MAX_REQUESTS=9 ends before anything is tried"),
    ("BUDGET", "1", "BUDGET=1 ends before anything is tried"),
    ("MAX_ITEMS", "0", "MAX_ITEMS=0 is fewer than the tests need"),
    ("SEEDS", "0", "SEEDS must be a whole number, at least 1"),
    ("MINUTES", "0", "MINUTES must be a number, more than 0"),
    ("TIMEOUT", "1e-300", "TIMEOUT must be a number"),
    ("TIMEOUT", "0", "TIMEOUT must be a number, at least 0.01"),
    ("SHARE", "2", "SHARE must be a number, more than 0 and at most 1, not '2'"),
    ("PORT", "84111", "PORT must be a whole number, at least 0 and at most 65,535, not '84111'"),
    ("BASE_URL", "http://127.0.0.1:84111/v1", "names port 84111; ports go from 1 to 65535"),
    ("BASE_URL", "http://127.0.0.1:0/v1", "names port 0; ports go from 1 to 65535"),
    ("BASE_URL", " http://127.0.0.1/v1", "holds a space or a line break"),
    ("BASE_URL", "https://x.example/v1\n", "holds a space or a line break"),
    ("BASE_URL", "ftp://127.0.0.1/v1", "must begin with http:// or https://"),
    ("BASE_URL", "https://x.example/v1?a=b", "must end with its path"),
    ("BASE_URL", "http://x.example/v1", "unencrypted; use https"),
    ("BASE_URL", f"x{'y' * 5_000}", "must begin with http:// or https://"),
    ("COVAL_API_KEY", "short", "fewer than 8 characters"),
    ("COVAL_API_KEY", "long-enough\n", "a space or a line break"),
    ("ITEM_ID", "a/b", "is no id of an item"),
    ("PERSONA_ID", "../a", "is no id of an item"),
    ("PEER", "prism", "PEER must be schemathesis or schemathesis-with-hooks, not 'prism'"),
    ("FIELD", "two words", "FIELD must be one name"),
    *[("SHARD", text, "SHARD must be such as 2/8") for text in ("9/8", "0/8", "2", "2/8/9", "/", "2/0", "٣/8")],
    ("HYPOTHESIS_DATABASE_URL", "http://:pass-word@x", "HYPOTHESIS_DATABASE_URL must begin with redis://"),
    ("MERGE", "no-such-folder", "MERGE: 'no-such-folder' is no folder"),
    ("COMPARE", "a b c", "COMPARE must be one map or two"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "words"), REFUSED, ids=lambda value: str(value)[:24])
def test_value_that_is_not_understood_is_refused(name: str, text: str, words: str) -> None:
    """One short line names the variable, what it holds and what it may be."""
    with pytest.raises(Refused) as refused:
        read_configuration({name: text})
    said = str(refused.value)
    assert name in said or aliases(CONTRACT).get(name, name) in said
    assert words in said
    assert len(said) < 300
    assert said.isprintable()


@pytest.mark.parametrize("name", sorted(VARIABLES.keys() - FLAGS.keys() - {KEY}))
def test_variable_that_is_set_and_empty_is_refused(name: str) -> None:
    """An empty secret of CI is no wish for the default, least of all for another API."""
    usual = aliases(CONTRACT).get(name, name)
    with pytest.raises(Refused, match=f"{usual} is set and empty"):
        read_configuration({name: ""})


def test_nothing_set_is_the_default() -> None:
    """Without a variable the mock is tested."""
    asked = read_configuration({})
    assert asked == Configuration(key_name=KEY)
    assert (Configuration().target, Configuration().is_live) == ("the mock", False)


def test_password_in_an_address_is_not_repeated() -> None:
    """Whatever else is wrong with an address, a password in it stays unsaid."""
    for text in ("https://me:pass-word@h:99999/v1", "ftp://me:pass-word@h", "https://me:pass-word@[::1/v1"):
        with pytest.raises(Refused) as refused:
            read_configuration({"BASE_URL": text})
        assert "pass-word" not in str(refused.value)


def test_two_names_of_one_variable_must_agree() -> None:
    """The contract's own names stand for ours; where both are set and differ, nobody knows which is meant."""
    assert read_configuration({"PERSONA_ID": "abc", "ITEM_ID": "abc"}).borrowed_id == "abc"
    with pytest.raises(Refused, match="PERSONA_ID and ITEM_ID are the same thing"):
        read_configuration({"PERSONA_ID": "abc", "ITEM_ID": "abd"})


def test_command_line_comes_before_the_environment() -> None:
    """An option says more than a variable that was set for many commands; an unknown value of it is refused alike."""
    assert read_configuration({"SEED": "1", "RATE": "2"}, {"SEED": "7"}).seed == 7
    with pytest.raises(Refused, match="SEED must be"):
        read_configuration({"SEED": "1"}, {"SEED": "x"})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"CONTRACT": "nowhere.yaml"}, "CONTRACT: 'nowhere.yaml' is no file"),
        ({"OVERLAY": "nowhere.yaml"}, "OVERLAY: 'nowhere.yaml' is no file"),
        ({"RESOURCE": "nothing"}, "nothing"),
        ({"CONTRACT": ""}, "CONTRACT is set and empty"),
    ],
)
def test_contract_that_is_not_there_is_refused(given: dict[str, str], words: str) -> None:
    """It is read before all other variables, since it names some of them."""
    with pytest.raises(Refused, match=words):
        read_configuration(given)


def test_folder_without_a_contract_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package is installed there is no contract but the one that is named, or stands in the folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("contract_tests.runner.configuration.OWN_CONTRACT", tmp_path / "none.yaml")
    with pytest.raises(Refused, match=r"has no openapi\.yaml; name a contract with --contract, or write one"):
        read_configuration({})


def test_key_and_other_names_come_from_the_contract() -> None:
    """Another contract names another variable for its key."""
    contract = ROOT / "contract_tests" / "self_tests" / "contracts" / "bookings.yaml"
    key = load_contract(contract).key.env
    assert key != KEY
    asked = read_configuration({"CONTRACT": str(contract), key: "Self-Test-Key-4711", KEY: "of another API"})
    assert (asked.api_key, asked.key_name) == ("Self-Test-Key-4711", key)


def test_login_without_a_colon_is_refused_and_not_shown(tmp_path: Path) -> None:
    """HTTP basic takes user:password; the refusal names the variable and never its value."""
    text = (ROOT / "openapi.yaml").read_text("utf-8")
    text = text.replace("type: apiKey\n      in: header\n      name: X-API-Key", "type: http\n      scheme: basic")
    text = text.replace("x-seeds: ", f"x-seeds: {ROOT}/")
    (tmp_path / "basic.yaml").write_text(text, "utf-8")
    asked = {"CONTRACT": str(tmp_path / "basic.yaml"), KEY: "user:Self-Test-Key"}
    assert read_configuration(asked).api_key == "user:Self-Test-Key"
    with pytest.raises(Refused, match=f"{KEY} has no colon; .*between user and secret") as refusal:
        read_configuration({**asked, KEY: "Self-Test-Key-4711"})
    assert "4711" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "close"),
    [("name_cut_to_lenght", "name_cut_to_length"), ("zz", "none; docs/faults.md lists them")],
)
def test_misspelt_fault_is_refused_before_anything_is_sent(name: str, close: str) -> None:
    """The refusal names the closest; a fault of another spelling would leave the mock as it should be."""
    asked = parsed(["run", "--fault", name])
    assert asked is not None
    with pytest.raises(Refused, match=f"FAULT: no fault is called {name}; close to it: {close}"):
        asked.run()


def test_fault_together_with_an_address_is_refused() -> None:
    """A fault is planted in the mock; no other API takes one."""
    with pytest.raises(Refused, match="FAULT is for the mock"):
        read_configuration({"FAULT": "name_cut_to_length", "BASE_URL": MOCK})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BASEURL", "BASE_URL"),
        ("BASE_URI", "BASE_URL"),
        ("BASE_URLS", "BASE_URL"),
        ("base_url", "BASE_URL"),
        ("MAX_REQUEST", "MAX_REQUESTS"),
        ("MAXREQUESTS", "MAX_REQUESTS"),
        ("MAX_REQEUSTS", "MAX_REQUESTS"),
        ("DRYRUN", "DRY_RUN"),
        ("DRY_RUNS", "DRY_RUN"),
        ("dry_run", "DRY_RUN"),
        ("COVAL_APIKEY", "COVAL_API_KEY"),
        ("COVALAPI_KEY", "COVAL_API_KEY"),
        ("COVAL_API_KEYS", "COVAL_API_KEY"),
        ("PERSONAS_ID", "PERSONA_ID"),
        ("PERSONAID", "PERSONA_ID"),
        ("MAX_PERSONA", "MAX_PERSONAS"),
        ("MINUTE", "MINUTES"),
        ("TIME_OUT", "TIMEOUT"),
        ("KNOWN_DIVERGENCE", "KNOWN_DIVERGENCES"),
        ("fault", "FAULT"),
    ],
)
def test_close_name_is_refused(name: str, meant: str) -> None:
    """A name that is one of ours but for case, underscores or one slip is not passed over in silence."""
    assert close_name(name, VARIABLES) == meant
    with pytest.raises(Refused, match=f"{name} is not a variable of this suite; perhaps {meant} was meant"):
        read_configuration({name: "1"})


def test_variables_of_other_programs_are_left_alone() -> None:
    """What CI, a shell, make, docker and python set is no misspelling."""
    assert [name for name in CI_NAMES if close_name(name, VARIABLES)] == []


def test_names_of_our_own_are_not_close_to_each_other() -> None:
    """SEED and SEEDS, MUTANT and FAULT: each is itself."""
    assert [name for name in VARIABLES if close_name(name, VARIABLES)] == []


def test_configuration_goes_to_another_process_and_never_shows_the_key() -> None:
    """What a worker of xdist is told makes the same configuration; its repr has no key."""
    asked = read_configuration({"BASE_URL": MOCK, "COVAL_API_KEY": "Self-Test-Key-4711", "COMPARE": "a b", "SEED": "3"})
    assert pickle.loads(pickle.dumps(asked)) == asked
    assert "Self-Test-Key-4711" not in repr(asked)


def test_other_processes_get_none_of_the_variables() -> None:
    """A process that is told by its arguments is not told by the environment as well."""
    assert foreign_environment({"PATH": "/bin", "BASE_URL": MOCK, "FAULT": "x", "COVAL_API_KEY": "k"}) == {
        "PATH": "/bin"
    }


# Each has its reason: the one reader; the mock, which is a stranger with a key of its own, and its process.
READERS = {"runner/configuration.py", "mock_api/__main__.py", "mock_api/process.py"}


def test_one_module_reads_the_environment() -> None:
    """No module looks a variable up for itself, or leaves one as a message to another."""
    folder = ROOT / "contract_tests"
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
            if name in ("environ", "environb", "getenv", "putenv"):
                found.add(path.relative_to(folder).as_posix())
    assert {name for name in found if not name.startswith("self_tests/")} == READERS


def test_makefile_says_each_variable_once_and_exports_none() -> None:
    """make hands on what is set; an export of its own would make unset and empty look alike."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert not re.search(r"^export", makefile, re.MULTILINE)
    named = set(re.findall(r"\b([A-Z_]{3,})=", makefile))
    assert {name for name in named if close_name(name, VARIABLES)} == set()
