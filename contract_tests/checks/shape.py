"""What transport must know of a contract, read from it."""

import json
from collections.abc import Iterator

from contract_tests.checks.readings import Reader
from contract_tests.checks.selections import has_form_of, id_schema
from contract_tests.spec.contract import Contract
from contract_tests.spec.document import Document
from contract_tests.spec.listing import Listing
from contract_tests.spec.operation import Operation
from contract_tests.transport.resource_shape import ErrorShape, Paging, ResourceShape

USUAL_PAGE_SIZE = 100
# The statuses with which an API refuses a request.
USUAL_REFUSALS = (400, 401, 403, 404, 409, 415, 422)


def shape_of(contract: Contract) -> ResourceShape:
    """Return the resource under contract as transport sees it."""
    resource, document = contract.resource, contract.document
    created = next(iter(Reader(contract).birth_times), None)
    every = contract.operations.values()
    return ResourceShape(
        name=resource.name, list_path=resource.create.path, item_path=resource.item_path, id_parameter=resource.id_parameter,
        id_name=resource.id_name, id_schema=id_schema(contract), item_at=resource.item_at, list_at=resource.list_at,
        run_name=contract.run_name, created_field=created,
        name_filter=contract.listing.filters.get(contract.run_name or ""),
        newest_first=_newest_first(contract.listing, created), paging=_paging(contract),
        methods={role: operation.method for role, operation in resource.operations.items()},
        body_types={role: operation.body_type for role, operation in resource.operations.items() if operation.body_pointer},
        operations=frozenset(f"{each.method} {each.path}" for each in every),
        literal_paths=frozenset(each.path for each in every if has_form_of(each.path, resource.item_path)),
        control_paths=tuple(_control_paths(contract)), empty_answers=frozenset(_empty_answers(contract)),
        array_answers=frozenset(f"{each.method} {each.path}" for each in every if _is_array(document, each)),
        error_shapes=tuple(_error_shapes(contract)),
        key=contract.key,
        public_text=json.dumps(document.tree, ensure_ascii=False, default=str),
    )  # fmt: skip


def _newest_first(listing: Listing, created: str | None) -> dict[str, str]:
    order = f"-{created}"
    return {listing.order: order} if listing.order is not None and order in listing.orders else {}


def _paging(contract: Contract) -> Paging:
    paging = contract.listing.paging
    name, size = (None, {}) if paging.size is None else (paging.size.name, paging.size.schema)
    largest = int(min(size.get("maximum", USUAL_PAGE_SIZE), USUAL_PAGE_SIZE))
    number = contract.query_fields("list").get(paging.page_number or "")
    return Paging(
        size=name, largest_size=largest, token=paging.token if paging.token_at else None, token_at=paging.token_at,
        offset=paging.offset, page_number=paging.page_number,
        first_page=0 if number is not None and number.schema.get("minimum") == 0 else 1,
    )  # fmt: skip


def _control_paths(contract: Contract) -> Iterator[str]:
    """Yield the reads that need nothing: lists of other things first, then the list itself, one item long."""
    listed = contract.resource.operations.get("list")
    for operation in contract.operations.values():
        required = any(field.is_required for field in contract.query_fields(operation.operation_id).values())
        if operation.method == "GET" and "{" not in operation.path and not required and operation is not listed:
            yield operation.path
    if listed is not None and not any(field.is_required for field in contract.query_fields("list").values()):
        size = contract.listing.paging.size
        yield listed.path + (f"?{size.name}={max(1, int(size.schema.get('minimum', 1)))}" if size is not None else "")


def _empty_answers(contract: Contract) -> Iterator[tuple[str, int]]:
    """Yield which answers may be empty: those without a body, and any refusal where the contract describes none."""
    for operation in contract.operations.values():
        has_refusals = any(str(status)[:1] in ("4", "d") for status in operation.definition.get("responses", ()))
        for status in {*operation.statuses, *USUAL_REFUSALS}:
            is_described = operation.response_pointer(status) is not None
            if operation.answer_pointer(status) is None and (is_described or not has_refusals):
                yield f"{operation.method} {operation.path}", status


def _is_array(document: Document, operation: Operation) -> bool:
    pointer = operation.success_pointer
    return pointer is not None and document.resolve(pointer)[1].get("type") == "array"


def _error_shapes(contract: Contract) -> Iterator[ErrorShape]:
    seen = set()
    for operation in contract.resource.operations.values():
        for status in operation.statuses:
            pointer = operation.answer_pointer(status) if status >= 400 else None
            if pointer is None or (place := contract.document.resolve(pointer)[0]) in seen:
                continue
            seen.add(place)
            properties = contract.document.properties(place)
            required = {n: _types(contract.document, properties.get(n)) for n in contract.document.required(place)}
            yield ErrorShape(required, frozenset(properties))


def _types(document: Document, pointer: str | None) -> tuple[str, ...]:
    """Return the types that a schema names; none where it leaves them open, or says them in another way."""
    said = document.resolve(pointer)[1].get("type", ()) if pointer is not None else ()
    return (said,) if isinstance(said, str) else tuple(said)
