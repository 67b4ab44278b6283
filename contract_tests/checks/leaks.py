"""What no answer may carry: the caller's key, a stack trace, an internal name."""

import re

from contract_tests.transport.exchange import Exchange
from contract_tests.transport.redaction import EVIDENT_SHARE, OWN_KEY, redactor_of

# Patterns that leak implementation details. Searched for in answers to requests that did not bring them themselves.
INTERNALS = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+|\bat [\w.$<>]+\(\w+\.(?:java|kt|js|ts):\d+|"
    r"site-packages|node_modules|goroutine \d+|\w+\.(?:py|rb|go|java|ts):\d+|"
    r"(?<![\w.])/(?:srv|app|usr|home|var|opt|tmp|root|etc|Users)/\w|\b[A-Z]:\\\\?\w+\\|"
    r"\b(?:Value|Type|Key|Attribute|Index|Name|Runtime|Assertion|Recursion|UnicodeDecode|UnicodeEncode|JSONDecode|"
    r"Integrity|Operational|Programming|Overflow|ZeroDivision)Error\b|NullPointerException|"
    r"psycopg|sqlalchemy|pymongo|botocore|<class '|object at 0x[0-9a-f]+|"
    r"\bSELECT\b[^.]+\bFROM\b|\bINSERT INTO\b|\bUPDATE \w+ SET\b|\bDELETE FROM\b|"
    r"\b[\w-]+\.(?:internal|local|localdomain)\b|\blocalhost\b|\b(?:\d{1,3}\.){3}\d{1,3}\b|"
    r"\b[a-z_]+(?:\.[a-z_]+)+\.[A-Z]\w+"
)


def echoes_key(exchange: Exchange, secrets: tuple[str, ...]) -> bool:
    """Whether an answer carries the caller's key, though the request did not bring it in its path or body."""
    answer, request = _answer(exchange), _request(exchange)
    # The run's own key is replaced before an answer of its transport gets here.
    if OWN_KEY in answer and OWN_KEY not in request:
        return True
    if exchange.response is not None:
        return False
    redactor = redactor_of(secrets, EVIDENT_SHARE)
    return redactor.holds(answer) and not redactor.holds(request)


def internal_name(exchange: Exchange) -> str | None:
    """Return what an error shows of the API's inside, such as a stack trace or a path of its files; None if nothing."""
    if exchange.status < 400:
        return None
    # Both ends alone of a long answer: these patterns take a day where a server makes it long enough.
    said = exchange.excerpt().body.decode("utf-8", "replace").replace('\\"', '"')
    found = INTERNALS.search(said)
    address = dict(exchange.request_headers).get("host", "")  # where the caller knows the API by itself
    return None if found is None or found.group() in f"{_request(exchange)} {address}" else found.group()


def _request(exchange: Exchange) -> str:
    return f"{exchange.path} {exchange.request_body.decode('utf-8', 'replace')}"


def _answer(exchange: Exchange) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in exchange.headers.items())
    body = exchange.body.decode("utf-8", "replace")
    return "\n".join((headers, body, body.replace('\\"', '"')))
