"""What an item may be as a whole: the rules across its fields, and values that must go together."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from contract_tests.checks.listed_values import ListedValues
from contract_tests.generation.boundaries import good_values
from contract_tests.spec.contract import Contract
from contract_tests.spec.extensions import Constraint
from contract_tests.spec.field import Field

# So many bodies are looked at before a lawful one is given up.
MOST_ATTEMPTS = 2_000

Body = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """Tells whether an update leaves an item as it may be, and completes one that would not."""

    contract: Contract
    listed: ListedValues

    def _merged(self, item: Mapping[str, Any], body: Mapping[str, Any]) -> Body:
        fields = self.contract.fields("update")
        after = dict(item)
        for name, value in body.items():
            if value is not None or name not in fields or fields[name].on_null != "keep":
                is_cleared = value == "" and name in fields and fields[name].clears_on_empty
                after[name] = None if is_cleared else value
        return after

    def broken(self, item: Mapping[str, Any], body: Mapping[str, Any]) -> list[Constraint]:
        """Return the rules across fields that an item would break after an update."""
        after = self._merged(item, body)
        known = {name: value for name, value in after.items() if name in self.contract.item_fields or name in body}
        return [rule for rule in self.contract.constraints if not rule.is_met(known)]

    def lawful(self, item: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
        """Whether an item would be as it may be after an update."""
        return not self.broken(item, body) and not self.listed.wrong(self._merged(item, body))

    def completed(self, item: Mapping[str, Any], body: Mapping[str, Any]) -> Body | None:
        """Return an update with as few further fields as make it lawful; None where none was found."""
        if self.lawful(item, body):
            return dict(body)
        for attempts, further in enumerate(self._further(body)):
            if attempts > MOST_ATTEMPTS:
                break
            if self.lawful(item, {**body, **further}):
                return {**body, **further}
        return None

    def _further(self, body: Mapping[str, Any]) -> Iterator[Body]:
        """Yield values for fields that a body leaves out: of one field, of listed fields together, of two fields."""
        fields = self.contract.fields("update")
        choices = {name: self._choices(name) for name in fields if name not in body}
        yield from ({name: value} for name, values in choices.items() for value in values)
        for some in self.listed.combinations():
            if all(body.get(name, value) == value for name, value in some.items()):
                yield {name: value for name, value in some.items() if name in fields and name not in body}
        for one, other in combinations(choices, 2):
            yield from ({one: a, other: b} for a, b in product(choices[one][:4], choices[other][:4]))

    def _choices(self, name: str) -> list[Any]:
        tried = self.contract.fields("update")[name]
        return [*self.values(tried)[:6], *([None] if tried.is_nullable else [])]

    def values(self, tried: Field) -> list[Any]:
        """Return values of a field that are valid beyond doubt: by its schema, or as another operation lists them."""
        return good_values(self.contract, tried) if tried.is_free else self.listed.values(tried.name)

    def full_body(self, role: str, index: int, given: Mapping[str, Any]) -> Body:
        """
        Return a body with every field of an operation set to a value that is valid beyond doubt.

        Args:
            role: create or update.
            index: Which of the good values; another index gives other values where the schema allows.
            given: Values that are not to be chosen here, by field; those of no field of the operation are left out.
        """
        fields = self.contract.fields(role)
        some = next(iter(self.listed.combinations()), {})
        body: Body = {}
        for name, tried in fields.items():
            fixed = {**some, **given}
            good = [fixed[name]] if name in fixed else good_values(self.contract, tried)
            body |= {name: good[index % len(good)]} if good else {}
        return self._lawful_body(role, body, index, given)

    def _lawful_body(self, role: str, body: Body, index: int, given: Mapping[str, Any]) -> Body:
        """Return the body itself if it keeps the rules, else one near it that does: other values, then fewer fields."""
        if self.lawful({}, body):
            return body
        chance = random.Random(f"{role} {index}")
        fields = self.contract.fields(role)
        combos = self.listed.combinations() or [{}]
        for attempt in range(MOST_ATTEMPTS):
            guess = {**body, **{n: v for n, v in chance.choice(combos).items() if n in fields and n not in given}}
            for name, tried in fields.items():
                if name in given or name not in body or not tried.is_free or chance.random() < 0.5:
                    continue
                if not tried.is_required and attempt > MOST_ATTEMPTS // 4 and chance.random() < 0.3:
                    del guess[name]
                else:
                    guess[name] = chance.choice(good_values(self.contract, tried))
            if self.lawful({}, guess):
                return guess
        return body
