"""docs/client.md: what it shows of our client runs, and what it counts is so."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any

import pytest

from contract_tests.mock_api.process import running_mock
from contract_tests.spec.contract import ROOT

PAGE = (ROOT / "docs/client.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
OURS = [block for block in BLOCKS if not block.startswith("# coval-sdk\n")]
THEIRS = [block.removeprefix("# coval-sdk\n") for block in BLOCKS if block not in OURS]


def test_snippets_of_the_page_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the 20 snippets, one after the other, against the mock."""
    with running_mock() as mock, contextlib.redirect_stdout(io.StringIO()) as said:
        monkeypatch.setenv("COVAL_API_KEY", mock.api_key)
        monkeypatch.setenv("COVAL_BASE_URL", mock.url)
        namespace: dict[str, Any] = {}
        for block in OURS:
            exec(block.replace("http://127.0.0.1:8400/v1", mock.url), namespace)
    assert re.search(
        r"^NOT_FOUND .*^\[\('name', .*^not sent: wait_seconds: .*^200 .*^10$", said.getvalue(), re.M | re.S
    )


def test_counts_of_the_page_are_so() -> None:
    """20 snippets each; how many characters they have and how many are shorter stands in the table."""
    (_, *ours), (_, *theirs) = OURS, THEIRS
    assert (20, 20) == (len(ours), len(theirs))
    lengths = [(len(one.strip()), len(other.strip())) for one, other in zip(ours, theirs, strict=True)]
    assert f"| {sum(one for one, _ in lengths)} | {sum(other for _, other in lengths)} |" in PAGE
    shorter = sum(one < other for one, other in lengths), sum(other < one for one, other in lengths)
    assert f"| snippets that are shorter | {shorter[0]} | {shorter[1]} |" in PAGE
    assert f"| characters of their imports | {len(OURS[0].strip())} | {len(THEIRS[0].strip())} |" in PAGE
