"""How a configuration reaches the tests: from a command, from the process that started this one, or by hand."""

import pickle
from dataclasses import replace

import pytest

from contract_tests.errors import Refused
from contract_tests.runner.configuration import LIVE, Configuration, read_configuration

CONFIGURATION = pytest.StashKey[Configuration]()
# The options of pytest that mirror variables.
OPTIONS = ("CONTRACT", "RESOURCE", "OVERLAY", "BASE_URL")
# With a smaller budget only a share of the tests is run.
WHOLE_RUN_REQUESTS = 8_000


def handed_configuration(config: pytest.Config) -> Configuration:
    """Return what the tests of this process are asked: by a command, by xdist's main process, or by hand."""
    given = [plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, Configuration)]
    if given:
        return given[0]
    if hasattr(config, "workerinput"):
        configuration: Configuration = pickle.loads(config.workerinput["configuration"])
        return configuration
    options = {name: config.getoption(name.lower(), None) for name in OPTIONS}
    try:
        configuration = read_configuration(given={name: str(text) for name, text in options.items() if text})
    except Refused as error:
        raise pytest.UsageError(str(error)) from None
    if configuration.is_dry_run:
        raise pytest.UsageError("DRY_RUN: pytest by itself has no plan to show; contract-tests run --dry-run has")
    return with_selection(configuration)


def with_selection(configuration: Configuration) -> Configuration:
    """Decide whether all tests are run, or a share: a live budget rarely takes all."""
    is_small = configuration.is_live and 0 < configuration.max_requests < WHOLE_RUN_REQUESTS
    return replace(configuration, selection=LIVE) if is_small else configuration
