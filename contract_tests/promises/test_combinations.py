"""Values at their limits are accepted together, and one fault spoils any body."""

import pytest
from hypothesis import given

from contract_tests.checks.conditions import needs
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.run import Run
from contract_tests.checks.selections import fields_with_faults, free_fields
from contract_tests.checks.updates import Body, allowed, allowed_part, spoilt, spoilt_updates, valid_updates
from contract_tests.generation.boundaries import Boundary
from contract_tests.generation.contexts import HIGH, LOW, Contexts

pytestmark = needs("update", "read")


@needs("any_combination", free_fields)
@pytest.mark.parametrize("level", [LOW, HIGH])
def test_all_limits_are_accepted_together(run: Run, item: ItemUnderTest, level: str) -> None:
    """x-promises/any_combination: any set of valid fields may be sent together, all at their lowest, all at their highest."""
    units = Contexts(run.contract, "update", run.listed.combinations()).units.values()
    limits = [unit.values.get(level, unit.values.get(LOW, [{}]))[0] for unit in units]
    item.accepts(allowed(item, {name: value for limit in limits for name, (value, _) in limit.items()}))


@needs("any_combination")
def test_any_valid_body_is_accepted(run: Run, shared_item: ItemUnderTest) -> None:
    """x-promises/any_combination: any set of valid fields may be sent together."""

    @given(valid_updates(run))
    def is_accepted(body: Body) -> None:
        sent = allowed_part(shared_item, body)
        if sent is not None:
            run.tally["generated bodies", "accepted"] += 1
            shared_item.accepts(sent)

    is_accepted()


@needs("atomic", fields_with_faults)
def test_one_fault_spoils_any_body(run: Run, shared_item: ItemUnderTest) -> None:
    """x-promises/atomic: a refused body changes nothing at all, also when all of its fields but one were valid."""

    @given(spoilt_updates(run))
    def is_refused(drawn: tuple[Boundary, Body, int]) -> None:
        fault, body, at = drawn
        run.tally["generated bodies", "refused"] += 1
        promise = "; nothing of a refused body may be stored"
        shared_item.refuses(spoilt(shared_item, fault, body, at=at, promise=promise))

    is_refused()
