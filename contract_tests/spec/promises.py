"""The closed list of promises that no schema can say; docs/writing-a-contract.md says what each means."""

from typing import Any

from contract_tests.spec.document import Document

POINTER = "#/x-promises"

PROMISES = frozenset({
    "atomic", "isolation", "read_your_writes", "concurrent_updates", "idempotent_update", "any_combination",
    "exact_text", "exact_numbers", "lengths_in_code_points", "exact_ids", "exact_keys", "key_before_anything",
    "strict_json", "strict_media_types", "named_methods_only", "create_stores_everything", "removed_is_gone",
    "newest_first", "whole_list", "list_shows_items", "filters_find", "error_fields", "no_leaks",
})  # fmt: skip


def read_promises(document: Document) -> dict[str, str]:
    """Return the sentence that makes each promise, by its name; refuse a name that is not of the list, and no sentence."""
    said: Any = document.tree.get("x-promises", {})
    if not isinstance(said, dict):
        raise document.error(POINTER, "must be a mapping from the name of a promise to the sentence that makes it")
    for name, sentence in said.items():
        if name not in PROMISES:
            known = ", ".join(sorted(PROMISES))
            raise document.error(f"{POINTER}/{name}", f"no promise has this name; write one of {known}")
        if not isinstance(sentence, str) or not sentence.strip():
            raise document.error(f"{POINTER}/{name}", "says nothing; write the sentence that makes the promise")
    return dict(said)
