"""The pytest plugin: loaded for every test suite of an environment, it does nothing before it is asked."""

from contextlib import suppress
from typing import Any

import pytest

# Also the name of its entry point, so that it is never registered twice.
NAME = "contract_tests.runner.plugin"
HOOKS = "contract_tests.runner.hooks"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the options; one that another plugin offers under the same name is read as well as our own."""
    group = parser.getgroup("contract", "holding an API to its contract (pytest --pyargs contract_tests.promises)")
    for option, meaning in (
        ("--contract", "the contract: an OpenAPI 3.1 file"),
        ("--resource", "one resource of the contract; the first without it"),
        ("--overlay", "an OpenAPI Overlay that adds what the contract does not say"),
        ("--base-url", "the API that is there already; a mock of the contract without it"),
    ):
        _offer(group, option, metavar="VALUE", help=meaning)
    _offer(group, "--shuffle", action="store_true", help="run the tests of each file in an order that SEED decides")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Turn the suite on where it is asked for."""
    if config.getoption("contract", None) or "configuration" in getattr(config, "workerinput", {}):
        activate(config)


def activate(config: pytest.Config) -> None:
    """Hold an API to its contract in this process; a second call changes nothing."""
    config.pluginmanager.import_plugin(HOOKS)


def _offer(group: pytest.OptionGroup, option: str, **attributes: Any) -> None:
    with suppress(ValueError):  # another plugin has taken the name
        group.addoption(option, default=None, **attributes)
