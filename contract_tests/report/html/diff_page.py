"""reports/spec-diff.html: what changed between two contracts, and what it means to callers."""

from contract_tests.report.folder import Reports
from contract_tests.report.html.page import Page, Tone, write_page
from contract_tests.report.spec_diff import TITLES, SpecDiff, first_of
from contract_tests.report.wording import counted

NAME = "spec-diff.html"
TONES: dict[str, Tone] = {"breaking": "bad", "compatible": "good", "documentation": "none", "none": "none"}


def write_diff(diff: SpecDiff, reports: Reports) -> None:
    """Write reports/spec-diff.html."""
    breaking = sum(change.worst == "breaking" for change in diff.changes)
    headline = f"{counted(len(diff.changes), 'change')}, {breaking} breaking" if diff.changes else "Nothing changed"
    facts = {
        "Callers know": f"{diff.base} ({diff.base_version})",
        "They are to get": f"{diff.new} ({diff.new_version})",
        "Lowest info.version": diff.least_version,
        **{title: str(len(changes)) for title, changes in diff.by_rating()},
    }
    tone: Tone = "none" if not diff.changes else "good" if diff.says_enough else "bad"
    page = Page(NAME, headline, tone, diff.sentence[:1].upper() + diff.sentence[1:], facts)
    write_page(reports, page, diff=diff, tones=TONES, ratings=TITLES, first_of=first_of)
