"""The covering plan of a create: each row makes an item, or is refused."""

from itertools import product

from contract_tests.checks.covering.plan import Plan, plain, put, respelled, tokens
from contract_tests.checks.creations import made, not_made, possible_new
from contract_tests.checks.item_under_test import object_of
from contract_tests.checks.judge import Violation, require
from contract_tests.generation.boundaries import good_values, to_json
from contract_tests.generation.contexts import HIGH, MIDDLE, Unit, Values
from contract_tests.generation.covering import VALUE, Draft, Row


class Creates(Plan):
    """The rows of a create."""

    after = "create"

    def next_row(self, trials: list[str]) -> Row:
        """Return the row that covers most for its requests; first one that is refused, or not, where that is to come before."""
        afters = ("create", "refused") if self.after == "create" else ("refused", "create")
        for is_last, after in product((False, True), afters):
            drafts = self.drafts(trials, {"after": after}, is_last=is_last)
            drafts = [self.completed(draft, {}) for draft in drafts]
            some = [each for each in drafts if each.is_possible and (each.is_telling or (not self.left and each.worth))]
            if some:
                row = max(some, key=lambda draft: draft.worth / (1 if self.trials[draft.row[VALUE]].faults else 3)).row
                first = [n for n, t in self.trials.items() if bool(t.faults) == (after == "refused")]
                if after == self.after or not first:
                    return row
                self.send(self.completed(Draft(self.cover, {VALUE: first[0], "after": self.after}), {}).row)
                return row
        return {}

    def values(self, unit: Unit, level: str, row: Row, *, is_own: bool = False) -> Values:
        """Return the next values of a level; a name begins with that of the run."""
        found, name = super().values(unit, level, row, is_own=is_own), self.run.contract.run_name
        if name != unit.name:
            return found
        size = len(unit.values[HIGH][0][name][0]) - (level == MIDDLE)
        own, text = self.run.api.new_name(), str(found[name][0])
        named = f"{own} {text if level == MIDDLE else text * size}"[:size]
        if not (named.startswith(own) and self.run.contract.accepts_value(unit.fields[0], named)):
            named = own
        return {name: (named, to_json(named))}

    def send(self, row: Row) -> int:
        """Send one row; return how many pairs it has covered first."""
        run, trial, (values, fault) = self.run, self.trials[row[VALUE]], self.own(row)
        name, own_name, others = trial.field.name, run.contract.run_name, self.others(row)
        is_marked = name == own_name and fault is not None
        base = run.marked_body() if is_marked else run.full_body()
        named = str(base.get(own_name or "")) or "\0"
        kept = {n: v for n, v in base.items() if is_marked and named in str(v)}
        good = base[name] if is_marked else next(iter(good_values(run.contract, trial.field)), base.get(name))
        wanted = {**others, **kept, **({name: good} if fault is not None else plain(values))}
        needed = {f.name: base[f.name] for f in self.contexts.fields.values() if f.is_required or f.name == own_name}
        body = possible_new(run, {**needed, **wanted}, wanted)
        if body is None:
            return 0
        body = put({name, *values}, body, row)
        spelled = tokens(body, values) | ({name: fault.token} if fault is not None else {})
        text, options = respelled(object_of(spelled), row["spelled"]), self.options(row)
        try:
            if fault is not None:
                promise, clause = self.rule(fault)
                is_plain = fault.is_readable and trial.field.is_free
                require(not_made(run, text, promise, clause, name, is_plain=is_plain, **options))
            else:
                require(made(run, body, run.api.send("POST", run.api.shape.list_path, body=text, **options)))
        except Violation as error:
            self.note(error, f"a create after {'a refused one' if self.after == 'refused' else 'another'}")
        rows = [self.contexts.levels(row[VALUE], {}, body), *(self.contexts.of_each({}, body) if fault is None else ())]
        covered = self.count(rows, {**row, "after": self.after})
        self.after = "refused" if fault is not None else "create"
        return covered
