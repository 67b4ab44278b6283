"""The ways in which a run, or one request of it, comes to nothing, never the API's fault; and what a command exits with."""

# The codes of pytest, as far as they say the same.
HOLDS, VIOLATED, INCONCLUSIVE, REFUSED = 0, 1, 2, 4


class Refused(Exception):
    """The run cannot begin: what was asked for is wrong, or openapi.yaml is."""


class TargetError(Exception):
    """The API cannot be reached as asked, or a request would touch what the run may not touch."""


class NotAllowed(Exception):
    """The account may not do what a test needs, so the test is not tried."""


class Inconclusive(Exception):
    """The API gave no answer from which anything follows: a time-out, a dropped connection, a gateway's refusal."""


class RunEnded(Inconclusive):
    """No further request is sent in this run: its budget is spent, or the API answers nothing any more."""
