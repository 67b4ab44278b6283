"""How a configuration reaches the tests: from a command, from the process that started this one, or by hand."""

from __future__ import annotations

import pytest

from contract_tests.configuration import Configuration, read_configuration
from contract_tests.errors import Refused

CONFIGURATION = pytest.StashKey[Configuration]()


def handed_configuration(config: pytest.Config) -> Configuration:
    """
    Return what the tests of this process are asked to do.

    Returns:
        What a command gave to pytest as a plugin; in a worker of xdist, what the process that reports was given; where
        pytest was called by hand, what the environment says.

    Raises:
        pytest.UsageError: The environment cannot be followed.
    """
    given = [plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, Configuration)]
    if given:
        return given[0]
    if hasattr(config, "workerinput"):
        return Configuration(**config.workerinput["configuration"])
    try:
        configuration = read_configuration()
    except Refused as error:
        raise pytest.UsageError(str(error)) from None
    if configuration.is_dry_run:
        raise pytest.UsageError('DRY_RUN: pytest by itself has no plan to show; make contract DRY_RUN=1 ARGS="..." has')
    return configuration
