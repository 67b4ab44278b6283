"""What make bench prints: both sides measured in turn, the ratio of their medians, and what wrk has said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract_tests.errors import Refused
from contract_tests.runner.configuration import Configuration
from contract_tests.trials import bench
from contract_tests.trials.bench import Figure, Load, in_turn, read_load

WRK = """Running 2s test @ http://127.0.0.1:8400/v1/x
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.12ms    2.01ms  31.05ms   92.11%
  Latency Distribution
     50%  512.00us
     75%    1.05ms
     90%    2.30ms
     99%    1.01s
  21540 requests in 2.00s, 9.1MB read
Requests/sec:  10765.31
Transfer/sec:      4.55MB
"""


def test_sides_are_measured_in_turn() -> None:
    """What slows the machine for a while slows both."""
    order: list[str] = []

    def side(name: str) -> Callable[[], float]:
        return lambda: order.append(name) or float(len(order))  # type: ignore[func-returns-value]

    assert in_turn(side("A"), side("B"), rounds=3) == ((1, 3, 5), (2, 4, 6))
    assert "".join(order) == "ABABAB"


def test_ratio_is_of_the_medians() -> None:
    """One slow round does not count."""
    assert Figure("a run", "ours", "peer", "s", (2.0, 100.0, 3.0), (1.0, 1.5, 50.0)).ratio == 2.0


def test_load_is_read_in_its_units() -> None:
    """wrk says microseconds, milliseconds and seconds."""
    assert read_load(WRK) == Load(10765.31, 0.512, 1010.0)


@pytest.mark.parametrize("text", ['{"a": "b"}', "é\\\n\"'\x00%"])
def test_body_reaches_wrk_as_it_is(text: str) -> None:
    """Whatever is in a body, Lua reads the same bytes."""
    quoted = bench._lua(text)
    assert (quoted[0], quoted[-1]) == ('"', '"')
    bytes_read, rest = bytearray(), quoted[1:-1]
    while rest:
        is_escape = rest[0] == "\\"
        bytes_read.append(int(rest[1:4]) if is_escape else ord(rest[0]))
        rest = rest[4:] if is_escape else rest[1:]
    assert bytes(bytes_read) == text.encode()


def test_figures_are_printed_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each figure stands in the table and in bench.json, every round of it."""

    def figures(_: Configuration) -> Iterator[Figure]:
        yield Figure("a run", "ours", "peer", "s", (1.0, 2.0, 3.0), (4.0, 4.0, 5.0), "as told")

    monkeypatch.setattr(bench, "GROUPS", {"suite": figures})
    assert bench.bench(Configuration(reports=tmp_path), []) == 0
    told = json.loads((tmp_path / "bench.json").read_text("utf-8"))
    assert [(row["ratio"], row["of_ours"]) for row in told["figures"]] == [(0.5, [1.0, 2.0, 3.0])]
    printed = capsys.readouterr().out
    assert all(part in printed for part in ("2 s (1 to 3)", "4 s (4 to 5)", "0.50", "as told"))


def test_unknown_figures_are_refused() -> None:
    """The line names those that there are."""
    with pytest.raises(Refused, match="no figures are called speed; there are suite, mock"):
        bench.bench(Configuration(), ["speed"])
