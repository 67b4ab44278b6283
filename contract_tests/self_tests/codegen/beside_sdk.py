"""
An update by the client beside one by coval-sdk, in processor time; both get the same answer from a bare server.

    PYTHONPATH=generated_client .venv/bin/python -m contract_tests.self_tests.codegen.beside_sdk
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from coval_personas import Coval
from coval_sdk.models.coval_personas_api_update_persona_request import CovalPersonasAPIUpdatePersonaRequest as Update

from contract_tests.self_tests.codegen.test_official_sdk import personas_api
from contract_tests.trials import bench
from contract_tests.trials.bench import CALLS, CLIENT_ROUNDS, Figure, in_turn

ANSWER = {
    "persona": {
        "resource_name": "personas/3zfmuDbVQsi4GaseDtiVcS", "id": "3zfmuDbVQsi4GaseDtiVcS", "name": "Friendly Customer",
        "create_time": "2025-01-24T10:00:00Z", "persona_prompt": "You are a friendly customer", "voice_name": "aria",
        "language_code": "en-US", "background_sound": "office", "wait_seconds": 0.8,
        "conversation_initiation": "speak_first", "hold_music_timeout_seconds": 15,
        "update_time": "2025-01-24T12:30:00Z",
    }
}  # fmt: skip


def seconds(call: Callable[[], object]) -> float:
    started = time.process_time()
    for _ in range(CALLS):
        call()
    return time.process_time() - started


def main() -> None:
    """Measure in turn, and print the ratio of the medians."""
    with bench._bare(json.dumps(ANSWER)) as url, Coval("key", url) as coval, personas_api(url, "key") as sdk:
        rounds = in_turn(
            lambda: seconds(lambda: coval.personas.update("a", wait_seconds=0.8)),
            lambda: seconds(lambda: sdk.update_persona("a", Update(wait_seconds=0.8)).persona),
            CLIENT_ROUNDS,
        )
    print(f"{CALLS} updates, the client beside coval-sdk: {Figure('', '', '', '', *rounds).ratio:.2f}")


if __name__ == "__main__":
    main()
