"""
The mock alone: on PORT, and with FAULT planted where one is named.

The mock itself knows nothing of this suite, so it is told by arguments what the configuration says. The catalogue of
faults takes longer to load than the mock, and is loaded where a fault is named.
"""

from contract_tests.errors import Refused
from contract_tests.mock_api import __main__ as mock_api
from contract_tests.mock_api.errors import StartError
from contract_tests.runner.configuration import Configuration
from contract_tests.runner.mock_contract import mock_contract


def mock(configuration: Configuration, arguments: list[str]) -> int:
    """Run the mock until a signal; *arguments* are handed on to it."""
    with mock_contract(configuration.load_contract(), configuration.resource) as file:
        given = ["--port", str(configuration.port), "--contract", str(file), *arguments]
        if configuration.fault is None:
            mock_api.main(given)
        else:
            from contract_tests.trials.faults import __main__ as faulty_mock

            faulty_mock.main(["--fault", configuration.fault, *given])
    return 0


def require_fault(configuration: Configuration) -> None:
    """Refuse a fault that is not in the catalogue, and name those that are close to it."""
    if configuration.fault is not None:
        from contract_tests.trials.faults.__main__ import chosen_fault

        try:
            chosen_fault(configuration.fault, configuration.load_contract())
        except StartError as error:
            raise Refused(f"FAULT: {error}") from None
