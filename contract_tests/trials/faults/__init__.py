"""
The catalogue of planted faults: ways to break a contract, each the smallest replacement of one behaviour of the mock.

They exist to try the suite, which must turn red for each, and stay green for each of the lawful variants. The mock
itself knows nothing of them. Each is made from a template for the contract at hand, on the fields that play its role.
"""

import importlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pkgutil import walk_packages

from hypothesis.configuration import notice_initialization_restarted

from contract_tests.mock_api.__main__ import assemble
from contract_tests.mock_api.app import Api
from contract_tests.mock_api.contract import read_contract
from contract_tests.mock_api.resource import HANDLERS
from contract_tests.runner.mock_contract import mock_contract
from contract_tests.spec.contract import Contract

from . import seams
from .fault import GROUPS, TEMPLATES, Apply, Fault
from .scene import NoPlace, Scene
from .usual import failed

__all__ = ["ALWAYS_FAILS", "GROUPS", "Fault", "Scene", "always_fails", "catalogue", "scene_of", "variants"]

ALWAYS_FAILS = "always_fails"

for _module in walk_packages(__path__, f"{__name__}."):  # importing a module registers its templates
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)


@dataclass(frozen=True)
class _Made:
    """What was made for a contract; it is made once."""

    contract: Contract
    scene: Scene
    faults: dict[str, Fault]
    variants: dict[str, Fault]


_MADE: dict[int, _Made] = {}


def catalogue(contract: Contract) -> dict[str, Fault]:
    """List the planted faults of a contract by name, ordered by group."""
    return _made(contract).faults


def variants(contract: Contract) -> dict[str, Fault]:
    """List the lawful variants by name."""
    return _made(contract).variants


def scene_of(contract: Contract) -> Scene:
    """Return the contract, and a mock of it, as the templates see them."""
    return _made(contract).scene


def always_fails(api: Api) -> None:
    """Answer 500 to everything but the values that other operations list: what a suite must not overlook."""
    for role in HANDLERS.keys() & api.resource.layout.operations.keys():
        seams.around(api, role, failed)


def _made(contract: Contract) -> _Made:
    if id(contract) not in _MADE:
        with mock_contract(contract) as file:
            scene = Scene(contract, assemble(read_contract(file)))
        _use_resource(scene.api, contract)
        found = list(_planted(scene))
        known = {each.name: each for each in sorted(found, key=lambda each: (*GROUPS, "").index(each.group))}
        assert len(known) == len(found), [each.name for each in found if known[each.name] != each]
        lawful = {name: known.pop(name) for name, each in list(known.items()) if not each.group}
        notice_initialization_restarted(warn=False)  # values were drawn; pytest loads hypothesis's plugin later
        _MADE[id(contract)] = _Made(contract, scene, known, lawful)
    return _MADE[id(contract)]


def _planted(scene: Scene) -> Iterator[Fault]:
    for faults in TEMPLATES:
        with suppress(NoPlace):
            for each in faults(scene):
                yield replace(each, apply=partial(_apply, each.apply, scene.contract))


def _apply(apply: Apply, contract: Contract, api: Api) -> None:
    _use_resource(api, contract)
    apply(api)


def _use_resource(api: Api, contract: Contract) -> None:
    """Let the resource under contract be the first of the mock, which is the one that templates change."""
    chosen = [each for each in api.resources if each.layout.operations["create"].path == contract.resource.create.path]
    api.resource = chosen[0]
