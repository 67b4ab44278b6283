"""The texts at the length limits, in every alphabet, and of each format that the contract's validator asserts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from contract_tests.generation.candidate import Candidate, sizes_around
from contract_tests.generation.library import matching_texts
from contract_tests.generation.places import View
from contract_tests.spec.document import TEXT_FORMATS, Schema

# The sizes at which stores, frameworks and other fields are known to end a text that has no documented limit.
COMMON_SIZES = (100, 128, 200, 255, 256, 500, 512, 1_000, 1_024, 2_000, 2_048, 4_096, 5_000, 8_192, 10_000, 65_536)
UNLIMITED_SIZES = (1, *(size + extra for size in COMMON_SIZES for extra in (0, 1)))

# One character for each length in UTF-8, and what people see as one character but is two code points.
ALPHABETS = {"ascii": "a", "two-byte": "é", "three-byte": "語", "four-byte": "😀"}
COMBINED = "e\u0301"

# A longer text is not sent.
LONGEST = 1_000_000

LENGTHS = ("minLength", "maxLength")

# How many texts that match a pattern are offered, as some of them may be too short or too long.
MATCHING = 4


@dataclass(frozen=True)
class Format:
    """Spellings of one format; those that libraries differ on are left out."""

    valid: tuple[str, ...]
    invalid: tuple[str, ...] = ()
    pad: Callable[[int], str] | None = None
    """Makes a valid text of a length; None where the format has no long texts."""
    least: int = 1
    """The length of the shortest text of the format."""
    most: int = 10_000_000
    """The length of the longest."""
    step: int = 1
    """What each length is a multiple of."""

    def of_length(self, size: int) -> list[str]:
        """Return a valid text of a length, or the next that the format has, if it has one that is beyond doubt."""
        size += -size % self.step
        made = [self.pad(size)] if self.pad is not None and size > 0 else []
        return [text for text in (*made, *self.valid) if len(text) == size][:1]

    def missing_length(self, keyword: str, limit: int) -> int | None:
        """Return the length, at a limit or just beyond it, that has no text; None where both have one."""
        is_least = keyword == "minLength"
        if limit <= self.least if is_least else limit >= self.most:
            return None  # the format alone forbids what is beyond the limit
        sizes = (limit, limit - 1 if is_least else limit + 1)
        return next((size for size in sizes if not self.of_length(size)), None)


def _hostname(size: int) -> str:
    labels = "".join("." if index % 64 == 63 else "a" for index in range(max(size - 4, 1)))
    return f"{labels}.com".replace("..", ".a")


def _email(size: int) -> str:
    """Return an address: up to 64 characters before the @, as many as are needed after it."""
    host = "b.co" if size < 13 else "example.com" if size <= 76 else _hostname(size - 65)
    return f"{'a' * max(size - len(host) - 1, 1)}@{host}"


FORMATS = {
    "date-time": Format(
        ("2025-01-24T10:00:00Z", "2026-07-31T23:59:59Z", "2024-02-29T00:00:00Z", "2025-01-24T10:00:00+02:00", "2025-01-24T10:00:00.123Z",
         "1969-12-31T23:59:58Z", "2038-01-19T03:14:08Z"),
        ("2025-02-30T10:00:00Z", "2100-02-29T10:00:00Z", "2025-13-01T10:00:00Z", "2025-01-24T24:00:00Z", "2025-01-24T25:00:00Z",
         "2025-01-24T10:60:00Z", "2025-01-24T10:00:61Z", "2025-01-24T10:00:00", "2025-01-24", "yesterday")),
    "date": Format(
        ("2025-01-24", "2026-07-31", "2024-02-29", "1969-12-31", "2106-02-08"),
        ("2025-02-30", "2100-02-29", "2025-13-01", "2025-00-10", "2025-01-32", "20250124", "2025-1-24", "24/01/2025", "yesterday",
         "2025-01-24T10:00:00Z", "2025-01-24T00:00:00", "2025-01-24 "), least=10, most=10),
    "time": Format(
        ("10:00:00Z", "23:59:59Z", "00:00:00Z", "10:00:00+02:00", "10:00:00.5Z"),
        ("24:00:00Z", "25:00:00Z", "10:60:00Z", "10:00:61Z", "10:00:00", "10 o'clock")),
    "uri": Format(
        ("https://example.com/a", "http://example.com", "https://example.com:8443/a/b?c=d#e", "urn:isbn:0451450523"),
        ("no uri", "/only/a/path", "//example.com/a", "http://exa mple.com", "https://exa mple.com/a"),
        lambda size: ("https://example.com/" if size > 19 else "http://b.co/").ljust(size, "a")),
    "email": Format(
        ("ann@example.com", "bob.b+c@mail.example.org"),
        ("ann", "@example.com", "ann@", "ann@@example.com", "ann example.com", "a b@example.com"), _email, least=3, most=254),
    "uuid": Format(
        ("123e4567-e89b-42d3-a456-426614174000", "00000000-0000-4000-8000-000000000001"),
        ("123e4567-e89b-42d3-a456-42661417400", "123e4567-e89b-42d3-a456-4266141740000", "g23e4567-e89b-42d3-a456-426614174000",
         "123e4567e89b42d3a456426614174000", "{123e4567-e89b-42d3-a456-426614174000}", "no-uuid"), least=36, most=36),
    "hostname": Format(
        ("example.com", "a.example.org", "www.example-site.com"),
        ("-example.com", "example-.com", "a_b.com", "exa mple.com", f"{'a' * 64}.com", "example..com"), _hostname, most=253),
    "ipv4": Format(
        ("192.0.2.1", "198.51.100.7", "203.0.113.255"),
        ("192.0.2", "192.0.2.256", "192.0.2.1.1", "192.0.2.1/24", "192.0.2.a", "2001:db8::1"), least=7, most=15),
    "ipv6": Format(
        ("2001:db8::1", "2001:db8:0:0:0:0:0:2"), ("2001:db8::g", "2001:db8:::1", "2001:db8::1/64", "192.0.2.1", "no-address")),
    "byte": Format(
        ("aGVsbG8=", "d29ybGQh", "YQ=="), ("a", "YQ=", "no base64!"), lambda size: ("YWJj" * size)[:size], least=4, step=4),
}  # fmt: skip

# Formats that are notes on a number, or ask of a number only what its type and limits say.
NUMBER_FORMATS = ("int32", "int64", "float", "double")


def format_candidates(view: View) -> Iterator[Candidate]:
    """Yield texts that the format allows, texts that it forbids, and the empty text."""
    name = view.schema["format"]
    known = FORMATS[name]
    for index, text in enumerate(known.valid):
        yield Candidate("format", f"{name}-{index}", text, "format")
    for index, text in enumerate(known.invalid):
        yield Candidate("format", f"no-{name}-{index}", text, "format", is_wrong_or_doubtful=True)
    if known.invalid:
        yield Candidate("format", "empty", "", "format", is_wrong_or_doubtful=True)
        yield Candidate("format", "space", " ", "format", is_wrong_or_doubtful=True)


def good_texts(view: View) -> list[Any]:
    """Return two texts; of a format that is known by name, of another one what the contract shows."""
    schema = view.schema
    shown = [*schema.get("examples", ()), *([schema["example"]] if "example" in schema else [])]
    name = schema.get("format", "")
    if name in FORMATS:
        return [*FORMATS[name].valid]
    if "pattern" in schema:
        found = view.place.document.once(
            ("matching", schema["pattern"]), lambda: matching_texts(schema["pattern"], MATCHING)
        )
        return [*(value for value in shown if isinstance(value, str)), *found]
    size = schema.get("minLength", 0)
    plain = [text.ljust(size, ".")[: schema.get("maxLength")] for text in ("Ask twice.", "Ask once more.")]
    short = ["a".ljust(size, "a"), "b".ljust(size, "b")] if schema.get("maxLength", 99) < len("Ask o") else []
    return [*(shown if name not in ("", *TEXT_FORMATS) else []), *(short or plain)]


def length_candidates(schema: Schema) -> Iterator[Candidate]:
    """Yield texts at the length limits, in every alphabet and in the units that lengths are wrongly counted in."""
    limits = {keyword: schema[keyword] for keyword in LENGTHS if schema.get(keyword, LONGEST) < LONGEST}
    yield Candidate("length", "empty", "", "minLength" if "minLength" in limits else "type")
    for keyword, limit in limits.items():
        for size in sizes_around(limit):
            for alphabet, character in ALPHABETS.items():
                yield Candidate("length", f"{size}-{alphabet}", character * size, keyword)
    if "maxLength" in limits:
        yield from _miscounted(limits["maxLength"])
    elif "maxLength" not in schema:
        for size in UNLIMITED_SIZES:
            yield Candidate("length", f"{size}-ascii", "a" * size, "type")
        yield Candidate("length", "1001-four-byte", ALPHABETS["four-byte"] * 1_001, "type")
    for reason, text in (("space", " "), ("newline", "\n"), ("zero-width", "\u200b"), ("nul", "\x00")):
        yield Candidate("length", f"one-{reason}", text, "minLength" if "minLength" in limits else "type")


def _miscounted(limit: int) -> Iterator[Candidate]:
    """Yield texts whose length depends on the unit: code points decide, whatever else is counted."""
    inner = max(limit - 1, 0)
    texts = {
        "over-in-bytes-by-one": "a" * inner + "é", "over-in-utf16-by-one": "a" * inner + "😀",
        "over-in-bytes-only": "é" * (limit // 2 + 1), "over-in-utf16-only": "😀" * (limit // 2 + 1),
        "at-limit-with-combining": (COMBINED * limit)[:limit], "over-unless-composed": COMBINED * (limit // 2 + 1),
        "at-limit-with-spaces": " " + "a" * max(limit - 2, 0) + " ", "over-unless-trimmed-left": " " + "a" * limit,
        "over-unless-trimmed-right": "a" * limit + " ", "over-unless-newline-trimmed": "a" * limit + "\n",
        "at-limit-of-spaces": " " * limit, "twice-the-limit": "a" * (2 * limit), "far-over": "a" * (50 * limit),
    }  # fmt: skip
    for reason, text in texts.items():
        if len(text) <= LONGEST:
            yield Candidate("length", reason, text, "maxLength")
