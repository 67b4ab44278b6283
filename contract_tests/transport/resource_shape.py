"""What transport must know of the resource under contract, as plain data; `checks/shape.py` fills it in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

from contract_tests.api_key import ApiKey

Item: TypeAlias = dict[str, Any]
ItemId: TypeAlias = str | int
"""An id as JSON holds it; in a path it stands as text."""

JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "integer": (int,),
    "number": (int, float), "null": (type(None),),
}  # fmt: skip


@dataclass(frozen=True)
class Paging:
    """The parameters by which a list is turned page by page; None for what it does not take."""

    size: str | None = None
    largest_size: int = 100
    token: str | None = None
    token_at: tuple[str, ...] = ()
    offset: str | None = None
    page_number: str | None = None
    first_page: int = 1


@dataclass(frozen=True)
class ErrorShape:
    """The members by which an error of the API's own is told from a gateway's."""

    required: Mapping[str, tuple[str, ...]]
    """The JSON types of each required member; no types where any will do."""
    known: frozenset[str] = frozenset()
    """Every member that the contract names; one of them must be there where none is required."""

    def is_shape_of(self, body: Item) -> bool:
        """Whether an answer looks like an error of this shape."""
        if not self.required and self.known:
            return not self.known.isdisjoint(body)
        return all(name in body and is_of_type(body[name], types) for name, types in self.required.items())


@dataclass(frozen=True)
class ResourceShape:
    """One resource as transport sees it."""

    name: str = "items"
    """What messages call its items."""
    list_path: str = "/items"
    """The path of the create and the list, below the base URL."""
    item_path: str = "/items/{id}"
    id_parameter: str = "id"
    id_name: str = "id"
    id_schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    item_at: tuple[str, ...] = ()
    """Where an item stands in an answer; empty where the answer is the item."""
    list_at: tuple[str, ...] = ()
    """Where the items stand in the answer of a list."""
    run_name: str | None = None
    """The field in which an item carries the name of the run; None where no field can."""
    created_field: str | None = None
    """The field that shows when an item was made, which never changes."""
    name_filter: tuple[str, str] | None = None
    """How a list is filtered by the run-name field: the parameter, and its text with the field in braces."""
    newest_first: Mapping[str, str] = field(default_factory=dict)
    """The query that sorts a list by creation, newest first; empty where there is none."""
    paging: Paging = Paging()
    methods: Mapping[str, str] = field(default_factory=dict)
    """The HTTP method of each operation of the resource, by its role; a role that is missing cannot be done."""
    body_types: Mapping[str, str] = field(default_factory=dict)
    operations: frozenset[str] = frozenset()
    """Method and path template of every operation in the contract."""
    literal_paths: frozenset[str] = frozenset()
    """Paths of the contract that have no parameter and have the form of an item's path."""
    control_paths: tuple[str, ...] = ()
    """Reads that an API answers with success, whatever it stores."""
    empty_answers: frozenset[tuple[str, int]] = frozenset()
    """Operation and status of each answer that the contract gives no JSON body."""
    array_answers: frozenset[str] = frozenset()
    error_shapes: tuple[ErrorShape, ...] = ()
    """The shapes of the contract's errors; empty where any object may be an error."""
    key: ApiKey = field(default_factory=ApiKey)
    public_text: str = field(default="", repr=False)
    """What everybody may read: the contract. What stands there is no secret, though a key holds it."""

    def can(self, role: str) -> bool:
        """Whether the resource has the operation of a role."""
        return role in self.methods

    def path_of(self, item_id: ItemId) -> str:
        """Return the path of an item below the base URL; an id that holds half a surrogate has one too."""
        return self.item_path.replace(f"{{{self.id_parameter}}}", quote(str(item_id), safe="", errors="surrogatepass"))

    def id_in(self, path: str) -> ItemId | None:
        """Return the id that a path names; None for a path of no item. Literal paths of the contract name no item."""
        segments = decoded_segments(path)
        if len(segments) != len(self._item_segments) or segments in self._literals or not self._is_below(segments):
            return None
        return self.as_id(segments[self._id_index])

    def as_id(self, text: str) -> ItemId:
        """Return the id that a path spells as *text*; only the usual spelling of an integer is one."""
        if self.has_integer_ids and text.isascii() and text.removeprefix("-").isdigit() and str(int(text)) == text:
            return int(text)
        return text

    @property
    def has_integer_ids(self) -> bool:
        """Whether ids are integers."""
        types = self.id_schema.get("type")
        return types == "integer" or (isinstance(types, list) and "integer" in types and "string" not in types)

    def body_type(self, method: str) -> str:
        """Return the media type of a body that is sent with a method."""
        role = "update" if method == self.methods.get("update") else "create"
        return self.body_types.get(role, "application/json")

    @property
    def unused_id(self) -> ItemId:
        """An id of the right form that no item is likely to have; only reads may use it."""
        if self.has_integer_ids:
            return LARGEST_INTEGER
        return UNUSED_UUID if self.id_schema.get("format") == "uuid" else UNUSED_TEXT

    def is_list(self, path: str) -> bool:
        """Whether a path is that of the create and the list."""
        return decoded_segments(path) == decoded_segments(self.list_path)

    def is_literal(self, path: str) -> bool:
        """Whether the contract names a path that has the form of an item's, and is none."""
        return decoded_segments(path) in self._literals

    def template(self, path: str) -> str:
        """Return a path with the item's id replaced, so that requests can be counted by operation."""
        segments = path.strip("/").split("/")
        if len(segments) > self._id_index and segments not in self._literals and self._is_below(segments):
            segments[self._id_index] = f"{{{self.id_parameter}}}"
        end = "/" if path.endswith("/") and len(path) > 1 else ""
        return "/" + "/".join(segments) + end

    @cached_property
    def _item_segments(self) -> list[str]:
        return self.item_path.strip("/").split("/")

    @cached_property
    def _literals(self) -> list[list[str]]:
        return [decoded_segments(path) for path in sorted(self.literal_paths)]

    @cached_property
    def _id_index(self) -> int:
        return self._item_segments.index(f"{{{self.id_parameter}}}")

    def _is_below(self, segments: list[str]) -> bool:
        """Whether the fixed parts of an item's path stand where they should, as far as the path goes."""
        pairs = enumerate(zip(self._item_segments, segments, strict=False))
        return all(wanted == segment for at, (wanted, segment) in pairs if at != self._id_index)

    def item_in(self, answer: Any) -> Item:
        """Return the item that a decoded answer shows; empty where it shows none."""
        found = at(answer, self.item_at)
        if not isinstance(found, dict) and isinstance(answer, dict) and self.id_name in answer:
            found = answer  # an operation may answer with the bare item
        return found if isinstance(found, dict) else {}

    def items_in(self, answer: Any) -> list[Any] | None:
        """Return the items that the decoded answer of a list shows; None where it shows no list."""
        found = at(answer, self.list_at)
        return found if isinstance(found, list) else None

    def next_page(self, answer: Any, number: int, seen: int) -> dict[str, str] | None:
        """Return the parameters of the page after *number*, from 0; None on the last. *seen* counts items so far."""
        paging = self.paging
        if paging.token is not None:
            token = at(answer, paging.token_at)
            is_token = isinstance(token, (str, int)) and not isinstance(token, bool) and token != ""
            return {paging.token: str(token)} if is_token else None
        # A short page is not the last for certain: an API may show fewer than it is asked for.
        if not self.items_in(answer):
            return None
        if paging.offset is not None:
            return {paging.offset: str(seen)}
        return None if paging.page_number is None else {paging.page_number: str(paging.first_page + number + 1)}

    def id_of(self, item: Any) -> ItemId | None:
        """Return the id of an item; None where it has none that can stand in a path."""
        found = item.get(self.id_name) if isinstance(item, dict) else None
        return found if is_id(found) else None


# Within int32, so that a server answers as for any other id.
LARGEST_INTEGER = 2_147_483_647
UNUSED_UUID = "00000000-0000-4000-8000-000000000000"
UNUSED_TEXT = "contract-test-nobody"
# Longer texts are no ids.
LONGEST_ID = 1_000


def is_id(value: Any) -> bool:
    """Whether a value can be an id in a path."""
    if isinstance(value, int) and not isinstance(value, bool):
        return True
    is_text = isinstance(value, str) and 0 < len(value) <= LONGEST_ID
    return is_text and "/" not in value and value not in (".", "..")


def at(answer: Any, place: tuple[str, ...]) -> Any:
    """Return what stands at a place of a decoded answer; None where nothing does."""
    for step in place:
        answer = answer.get(step) if isinstance(answer, dict) else None
    return answer


def is_of_type(value: Any, types: tuple[str, ...]) -> bool:
    """Whether a value is of one of some JSON types; any value is where there are none."""
    if isinstance(value, bool):
        return not types or "boolean" in types
    return not types or any(isinstance(value, JSON_TYPES[name]) for name in types)


def decoded_segments(path: str) -> list[str]:
    """Split a path below the base URL, each part decoded."""
    return [_decoded(segment) for segment in path.strip("/").split("/")]


def _decoded(segment: str) -> str:
    try:
        return unquote(segment, errors="surrogatepass")
    except UnicodeDecodeError:
        return unquote(segment)
