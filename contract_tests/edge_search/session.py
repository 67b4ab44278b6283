"""Opens the API that a map is made of: the one that BASE_URL names, or a mock, with a fault if one is asked for."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from contract_tests.__main__ import Refused, _probe
from contract_tests.mock_api.process import MockStartError, running_mock
from contract_tests.target import Api, Target

FAULTY_MOCK = "contract_tests.mock_api.faults"


def target_name(fault: str | None) -> str:
    """Return how a person calls the API that is searched."""
    return os.environ.get("BASE_URL") or ("the mock" if fault is None else f"the mock with the fault {fault}")


@contextmanager
def opened_api(fault: str | None) -> Iterator[Api]:
    """
    Lend a connection to the API.

    Args:
        fault: The fault that is planted in the mock.

    Raises:
        Refused: The address, the key or the fault is wrong.
        Inconclusive: Nothing answers.
    """
    _probe()
    run_id = secrets.token_hex(4)
    if base_url := os.environ.get("BASE_URL"):
        if fault is not None:
            raise Refused("FAULT is for the mock; leave BASE_URL or FAULT out")
        with Api(Target(base_url, base_url.rstrip("/"), os.environ["COVAL_API_KEY"]), run_id) as api:
            yield api
        return
    arguments = ("--fault", fault) if fault is not None else ()
    try:
        with (
            running_mock(*arguments, module=FAULTY_MOCK) as mock,
            Api(Target("the mock", mock.url, mock.api_key), run_id) as api,
        ):
            yield api
    except MockStartError as error:
        raise Refused(str(error)) from None
