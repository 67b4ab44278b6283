"""What changed between two contracts, as a person reads it: in a terminal, and as the draft of a changelog."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contract_tests.foreign_text import LONGEST_LINE, shown
from contract_tests.report.wording import counted
from contract_tests.spec.change import RATINGS, Change, Rating, least_version, says_enough, worst_of

# Of the places of one change so many are named.
MOST_PLACES = 4
TITLES = {"breaking": "Breaking", "compatible": "Compatible", "documentation": "Documentation only"}
SIDES = {"breaking": "breaks", "compatible": "is compatible with", "documentation": "is documentation for"}


@dataclass(frozen=True)
class SpecDiff:
    """The comparison of a contract with what callers know."""

    base: str
    """The commit or the file that callers know."""
    base_version: str
    new: str
    new_version: str
    changes: Sequence[Change]
    client: Sequence[str] = ()
    """What callers of the generated client meet: names that are gone, and lines that type-checked before."""

    @property
    def worst(self) -> Rating:
        """The rating of all changes together."""
        return worst_of(change.worst for change in self.changes)

    @property
    def least_version(self) -> str:
        """The lowest info.version that says what the changes mean."""
        return least_version(self.base_version, self.worst)

    @property
    def says_enough(self) -> bool:
        """Whether info.version has moved as far as the changes ask."""
        return says_enough(self.base_version, self.new_version, self.worst)

    @property
    def sentence(self) -> str:
        """What the comparison came to."""
        if not self.changes and self.says_enough:
            return f"{self.new} says what {self.base} says."
        breaking = sum(change.worst == "breaking" for change in self.changes)
        hurt = f"{breaking or 'none'} {'break' if breaking > 1 else 'breaks'} callers"
        hurt = f"{counted(len(self.changes), 'change')} since {self.base}: {hurt}"
        moved = f"{self.base_version} to {self.new_version}" if self.base_version != self.new_version else ""
        version = f"info.version moved from {moved}" if moved else f"info.version is still {self.new_version}"
        if self.says_enough:
            return f"{hurt}; {version}, which says so." if moved else f"{hurt}; {version}, which may stay."
        least = "move it" if self.least_version == self.base_version else f"make it {self.least_version} or higher"
        return f"{hurt}; {version}: {least}, or take the change back."

    def by_rating(self) -> Iterator[tuple[str, list[Change]]]:
        """Yield the changes of each rating, the worst first."""
        for rating in RATINGS[:-1]:
            if found := [change for change in self.changes if change.worst == rating]:
                yield TITLES[rating], found


def for_callers(change: Change) -> str:
    """Say what a change means to whom."""
    sides = {"who send": change.sends, "who read": change.reads}
    if change.sends == change.reads:
        return f"{SIDES[change.sends]} all callers"
    return ", ".join(f"{SIDES[rated]} callers {who}" for who, rated in sides.items() if rated != "none")


def first_of(places: Sequence[str]) -> str:
    """Name the first few of many places or operations; none are all."""
    more = len(places) - MOST_PLACES
    return (", ".join(places[:MOST_PLACES]) or "the whole API") + (f" and {more} more" if more > 0 else "")


def as_text(diff: SpecDiff) -> str:
    """Write a comparison for a terminal."""
    lines = []
    for title, changes in diff.by_rating():
        lines.append(title)
        for each in changes:
            lines.append(f"  {each.subject}: {each.what}   {each.line}")
            lines.append(f"    {for_callers(each)}: {first_of(each.places)}")
    lines += ["The generated client", *(f"  {line}" for line in diff.client)] if diff.client else []
    return "\n".join(shown(line, LONGEST_LINE) for line in lines)


def as_changelog(diff: SpecDiff, *heads: str) -> str:
    """Draft the entry of a changelog under its version, or under other heads; a person says why."""
    version = diff.new_version if diff.says_enough else diff.least_version
    parts = [f"## {_safe(heads[0] if heads else version)}", *map(_safe, heads[1:])]
    for title, changes in diff.by_rating():
        lines = (f"- `{c.subject}`: {c.what}. It {for_callers(c)}: {first_of(c.operations)}." for c in changes)
        parts += [f"### {title}", "\n".join(map(_safe, lines))]
    parts += ["### The generated client", "\n".join(_safe(f"- {line}") for line in diff.client)] if diff.client else []
    return "\n\n".join(parts)


def _safe(line: str) -> str:
    """Keep a text of a contract to its line, and from being read as a tag."""
    return shown(line.replace("&", "&amp;").replace("<", "&lt;"), LONGEST_LINE)
