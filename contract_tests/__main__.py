"""`python -m contract_tests`: every command of the suite."""

from contract_tests.runner.process.entry import main

if __name__ == "__main__":
    main()
