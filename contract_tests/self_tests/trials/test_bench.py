"""What make bench prints: both sides measured in turn, the ratio of their medians, and what wrk has said."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from contract_tests.errors import Refused
from contract_tests.runner.configuration import Configuration
from contract_tests.spec.contract import ROOT, load_contract
from contract_tests.trials import bench
from contract_tests.trials.bench import Change, calls, servers
from contract_tests.trials.bench.calls import VENDOR_CLIENT, client
from contract_tests.trials.bench.comparison import Checkout, Figure, in_turn
from contract_tests.trials.bench.servers import CACHE, Load, read_load
from contract_tests.trials.bench.size import drawn, sized_contract

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
    quoted = servers._lua(text)
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

    def figures(_: Checkout) -> Iterator[Figure]:
        yield Figure("a run", "ours", "peer", "s", (1.0, 2.0, 3.0), (4.0, 4.0, 5.0), "as told", "at most 0.6")

    monkeypatch.setattr(bench, "GROUPS", {"suite": figures})
    assert bench.bench(Configuration(reports=tmp_path), ["suite"]) == 0
    told = json.loads((tmp_path / "bench.json").read_text("utf-8"))
    assert [(row["ratio"], row["of_ours"]) for row in told["figures"]] == [(0.5, [1.0, 2.0, 3.0])]
    row = "| a run | ours, 2 s | peer, 4 s | 0.50 | at most 0.6 |"
    assert row in (tmp_path / "bench.md").read_text("utf-8").splitlines()
    printed = capsys.readouterr().out
    assert all(part in printed for part in ("2 (1 to 3) s", "4 (4 to 5) s", "0.50", "as told"))


def test_unknown_figures_are_refused() -> None:
    """The line names those that there are."""
    with pytest.raises(Refused, match="no figures are called speed; there are suite, quick"):
        bench.bench(Configuration(), ["speed"])


@pytest.mark.parametrize(
    ("unit", "here", "there", "moved"),
    [
        ("s", (1.0, 1.1, 1.2), (1.1, 1.2, 1.3), "no"),
        ("s", (1.0, 1.1, 1.2), (2.0, 2.1, 2.2), "better"),
        ("requests/s", (1.0, 1.1, 1.2), (2.0, 2.1, 2.2), "worse"),
    ],
)
def test_change_beyond_noise_is_told(unit: str, here: tuple[float, ...], there: tuple[float, ...], moved: str) -> None:
    """Seconds should be few, requests a second many; what moves less than the rounds do is noise."""
    assert Change(("a run", "ours", "peer"), unit, here, there).moved == moved


def test_commits_are_measured_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """AGAINST=ref measures this checkout and the other by turns, each round beside the peer, and says what moved."""
    roots: list[Path] = []

    def figures(checkout: Checkout) -> Iterator[Figure]:
        roots.append(checkout.root)
        yield Figure("a run", "ours", "peer", "s", (1.0 if checkout.root == ROOT else 2.0,), (1.0,))

    monkeypatch.setattr(bench, "GROUPS", {"quick": figures})
    assert bench.bench(Configuration(reports=tmp_path, against="HEAD"), ["quick"]) == 0
    assert roots == [ROOT, CACHE / "against"] * 3
    assert not roots[1].exists()
    assert json.loads((tmp_path / "bench.json").read_text("utf-8"))["figures"][0]["moved"] == "better"
    assert "1 (1 to 1) 2 (2 to 2) better" in " ".join(capsys.readouterr().out.split())


def test_unknown_commit_is_refused() -> None:
    """The line names it."""
    with pytest.raises(Refused, match="AGAINST: no-such-ref is no commit"):
        bench.bench(Configuration(against="no-such-ref"), ["quick"])


def test_client_is_measured_beside_the_vendors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The snippet of codegen/vendor_client.yaml makes the update; nothing is installed, as the tests have the package."""
    vendor = yaml.safe_load(VENDOR_CLIENT.read_text("utf-8"))
    assert version(vendor["package"].partition("==")[0]) == vendor["package"].partition("==")[2]
    monkeypatch.setattr(calls, "_interpreter", lambda _: Path(sys.executable))
    monkeypatch.setattr(calls, "CALLS", 2)
    figures = list(client(Checkout(Configuration(), rounds=1)))
    assert [figure.peer for figure in figures] == ["httpx alone", "httpx alone", vendor["package"]]
    assert all(seconds > 0 for figure in figures for seconds in (*figure.of_ours, *figure.of_peer))


@pytest.mark.parametrize("number", [8, 50])
def test_contract_is_as_large_as_asked(number: int) -> None:
    """Both bodies have so many fields, and the answers show them."""
    with sized_contract(number) as file:
        contract = load_contract(file)
    assert [len(contract.fields(role)) for role in ("create", "update")] == [number, number]


def test_drawing_shows_each_point() -> None:
    """A circle for each value, the axis as high as the highest; well-formed."""
    tree = ElementTree.fromstring(drawn(("Seconds", "fields", {"": {8: 20.0, 20: 45.0}})))
    assert len(tree.findall(".//{*}circle")) == 2
    assert {"0", "60", "45", "8", "20"} <= {text.text.strip() for text in tree.findall(".//{*}text") if text.text}


def test_many_fields_take_no_more_items_than_there_may_be(tmp_path: Path) -> None:
    """x-changes on-update is tried on an item for each field, and only so many of them are there at a time."""
    with sized_contract(40) as file:
        checkout = Checkout(Configuration(contract=file))
        run = checkout.command("run", "--folder", str(tmp_path), "--", "-n0", "-k", "whatever_is_changed")
        assert checkout.seconds(*run) > 0
