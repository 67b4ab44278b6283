"""Create, update, read, list and delete in any order, against a model of what the contract promises."""

import pytest
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contract_tests.checks.conditions import needs
from contract_tests.checks.creations import may_be_alike
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.judge import require
from contract_tests.checks.listing import pages
from contract_tests.checks.run import Run
from contract_tests.checks.selections import clearing_fields, fields_with_faults, is_whole
from contract_tests.checks.updates import Body, allowed_part, spoilt, spoilt_updates, valid_updates
from contract_tests.generation.boundaries import Boundary, to_json
from contract_tests.transport.exchange import Exchange

# More items than this at a time would only cost requests.
MOST_ITEMS = 4


def _machine(run: Run) -> type[RuleBasedStateMachine]:
    """Make the machine for one run: hypothesis wants a class, and the run is known only now."""
    contract = run.contract
    can_list = contract.has("list") and contract.promises_that("list_shows_items")
    can_remove = contract.has("remove") and contract.promises_that("removed_is_gone")
    can_refuse = bool(fields_with_faults(contract)) and contract.promises_that("atomic")
    spoiling = spoilt_updates(run) if can_refuse else st.nothing()
    nulls = {tried.name: None for tried in clearing_fields(contract)}
    cleared = st.just(nulls) if nulls else st.nothing()
    is_repeatable = contract.promises_that("idempotent_update")

    class Items(RuleBasedStateMachine):
        """The model: each item's last reading, which an update predicts and a read confirms."""

        alive = Bundle("alive")
        gone = Bundle("gone")

        def __init__(self) -> None:
            super().__init__()
            self.items: list[ItemUnderTest] = []
            self.made_of: dict[ItemUnderTest, Body] = {}

        def made(self, body: Body) -> ItemUnderTest:
            """Make an item, and remember of what."""
            item = run.create(**body)
            self.made_of[item] = body
            self.items.append(item)
            return item

        def others_stand(self, item: ItemUnderTest, cause: Exchange) -> None:
            """Hold another item, one of the same name if there is one, to what it was."""
            named = self.made_of[item].get(str(contract.run_name))
            others = [other for other in self.items if other is not item]
            for other in sorted(others, key=lambda each: each.last.get(str(contract.run_name)) != named)[:1]:
                require(other.unmoved(other.last, cause, "isolation"))

        @rule(target=alive, index=st.integers(0, 2))
        def create(self, index: int) -> ItemUnderTest | None:
            """A create is answered with what it was given."""
            if len(self.items) >= MOST_ITEMS:
                return self.items[index]
            return self.made(run.full_body(index=index))

        @precondition(lambda _self: may_be_alike(contract))
        @rule(target=alive, item=alive | gone)
        def create_again(self, item: ItemUnderTest) -> ItemUnderTest | None:
            """A create with the body of another item, living or removed, makes an item of its own."""
            if len(self.items) >= MOST_ITEMS:
                return self.items[0]
            new = self.made(self.made_of[item])
            require(new.unmoved(new.last, run.api.read(new.item_id)))
            return new

        @rule(item=alive, body=valid_updates(run) | cleared, times=st.integers(1, 2))
        def update(self, item: ItemUnderTest, body: Body, times: int) -> None:
            """A valid update is accepted, shown and stored, again if it is sent again, and touches nothing else."""
            for _ in range(times if is_repeatable else 1):
                if item in self.items and (sent := allowed_part(item, body)) is not None:
                    note(f"{contract.operation('update').method} {to_json(sent)}")
                    run.tally["generated bodies", "accepted"] += 1
                    self.others_stand(item, item.accepts(sent))

        @precondition(lambda _self: contract.run_name is not None)
        @rule(item=alive, other=alive)
        def rename(self, item: ItemUnderTest, other: ItemUnderTest) -> None:
            """An item may get the name of another, and changes alone also then."""
            named = {name: other.last[name] for name in contract.fields("update") if name == contract.run_name}
            if {item, other} <= {*self.items} and may_be_alike(contract) and (sent := allowed_part(item, named)):
                self.others_stand(item, item.accepts(sent))

        @precondition(lambda _self: can_refuse)
        @rule(item=alive, drawn=spoiling)
        def update_wrongly(self, item: ItemUnderTest, drawn: tuple[Boundary, Body, int]) -> None:
            """An invalid update is refused and changes nothing."""
            if item in self.items:
                fault, body, at = drawn
                run.tally["generated bodies", "refused"] += 1
                self.others_stand(item, item.refuses(spoilt(item, fault, body, at=at)))

        @rule(item=alive)
        def read(self, item: ItemUnderTest) -> None:
            """A read shows what the last write left, and shows each client the same."""
            if item in self.items:
                before, promise = item.last, "read_your_writes"
                require(item.unmoved(before, promise=promise, apart=True) or item.unmoved(before, promise=promise))

        @precondition(lambda _self: can_list)
        @rule()
        def list(self) -> None:
            """A list shows every living item as it is, and none that is gone."""
            query = run.query(size=run.api.shape.paging.largest_size)
            run.at_last(lambda: pages.turned(run, query, 1).unlike_reads(self.items))

        @precondition(lambda _self: can_remove)
        @rule(target=gone, item=consumes(alive))
        def delete(self, item: ItemUnderTest) -> ItemUnderTest:
            """A removed item is gone."""
            if item in self.items:
                self.items.remove(item)
                self.others_stand(item, run.remove(item.item_id))
            return item

        @rule(item=gone, body=valid_updates(run), is_removed_again=st.booleans())
        def touch_what_is_gone(self, item: ItemUnderTest, body: Body, is_removed_again: bool) -> None:
            """Reading and updating a removed item answer 404, and so may a second removal; they touch no other."""
            require(run.judge.answer("read", run.api.read(item.item_id), 404))
            sent = {**run.full_body("update"), **body} if is_whole(contract) else body
            exchange = run.api.update(item.item_id, to_json(sent))
            require(run.judge.answer("update", exchange, 404))
            self.others_stand(item, run.remove(item.item_id, 404) if is_removed_again else exchange)

        @invariant()
        def items_do_not_share_an_id(self) -> None:
            """No two living items have the same id."""
            ids = [item.item_id for item in self.items]
            assert len(ids) == len(set(ids)), f"living items share an id: {ids}"

        def teardown(self) -> None:
            """Remove what the steps have left."""
            for item in self.items if contract.has("remove") else ():
                run.api.remove(item.item_id)

    return Items


@pytest.mark.many_requests
@needs("create", "read", "update", "read_your_writes")
def test_any_order_of_operations_keeps_the_promises(run: Run) -> None:
    """x-promises/read_your_writes: whatever came before, each answer is the one that the contract promises."""
    run_state_machine_as_test(_machine(run))
