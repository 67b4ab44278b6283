"""
The mock alone, as `make mock` runs it: on PORT, and with FAULT planted where one is named.

    python -m contract_tests.mock [arguments of the mock]

The mock itself knows nothing of this suite, so it is this module that reads the environment, as every command does.
Exits with 4 and one line for what it does not understand.
"""

from __future__ import annotations

import sys

from contract_tests.conclusion import REFUSED
from contract_tests.configuration import read_configuration
from contract_tests.errors import Refused
from contract_tests.mock_api import __main__ as mock_api


def main(arguments: list[str]) -> int:
    """
    Run the mock until a signal.

    Args:
        arguments: For the mock; PORT and FAULT come before them.

    Returns:
        The exit code.
    """
    try:
        configuration = read_configuration()
    except Refused as error:
        print(f"mock: {error}", file=sys.stderr)
        return REFUSED
    port = ["--port", str(configuration.port)]
    if configuration.fault is None:
        mock_api.main([*port, *arguments])
    else:
        from contract_tests.mock_api.faults.__main__ import main as faulty_mock

        faulty_mock([*port, "--fault", configuration.fault, *arguments])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
