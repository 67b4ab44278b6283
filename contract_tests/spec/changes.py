"""What changed from one OpenAPI document to another, per operation and field; any document, also one of others."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

from contract_tests.spec.change import ABSENT, EFFECTS, RATINGS, Change, Effect, Side, Spot, judged, said, worst_of
from contract_tests.spec.document import ContractError, Document, below, escape
from contract_tests.spec.operation import METHODS, Operation, read_operations
from contract_tests.spec.resource import read_resources
from contract_tests.spec.schema_view import SchemaView, components_of, in_full, moved_components, schema_view
from contract_tests.spec.security import SCHEMES, security_of
from contract_tests.spec.validation import check_openapi

Listed: TypeAlias = Mapping[str, str]
Key = TypeVar("Key")

# One schema is shown in one body or answer at so many places at most.
MOST_PLACES = 10
# A change of what several share names so many of them.
MOST_SUBJECTS = 3

# What of each part has a comparison of its own; all else is compared by its keyword, so that nothing changes in silence.
OF_A_DOCUMENT = ("openapi", "info", "paths", "components", "servers", "security", "x-promises")
OF_AN_OPERATION = ("operationId", "parameters", "requestBody", "responses", "security", "servers")
OF_A_CARRIER = ("name", "in", "required", "schema", "content", "headers")
RULES = "x-constraints"
OF_A_KEY = ("type", "in", "name", "scheme", "flows", "openIdConnectUrl", "bearerFormat")


def compare(old: Document, new: Document, resource: str | None = None) -> list[Change]:
    """
    List what changed from the document that callers know to the one that they are to get, the worst first; with a
    *resource* only of its operations, and of what stands for all. The order of keys and the use of references say
    nothing. ContractError where a document cannot be followed, or neither has such a resource.
    """
    try:
        comparison = _Comparison(old, new, moved_components(old, new))
        comparison.whole(resource)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        check_openapi(new)
        check_openapi(old)
        raise ContractError(f"{old.name} and {new.name} cannot be compared: {error!r}") from None
    return sorted(comparison.merged(), key=lambda change: RATINGS.index(change.worst))


def operations_of(document: Document, resource: str | None = None) -> dict[tuple[str, str], Operation]:
    """List the operations by method and path, the names in the path left out; none needs an operationId."""
    chosen = None
    if resource is not None:
        found = read_resources(document, read_operations(document)).get(resource)
        chosen = {each.pointer for each in found.operations.values()} if found else set()
    operations = {}
    for path in document.tree.get("paths", {}):
        pointer, item = document.resolve(f"#/paths/{escape(path)}")
        shared = {word: value for word, value in item.items() if word not in METHODS}
        for method in [method for method in METHODS if method in item]:
            place, definition = f"{pointer}/{method}", {**shared, **item[method]}
            if chosen is None or place in chosen:
                key, name = (method.upper(), re.sub(r"{.*?}", "{}", path)), definition.get("operationId", "")
                operations[key] = Operation(name, key[0], path, definition, place, document)
    return operations


@dataclass(frozen=True)
class Told:
    """What is told of one spot."""

    spot: Spot
    what: str
    effect: Effect
    side: Side
    origin: str
    """Where one edit of the file would have made it."""
    line: str


@dataclass
class _Comparison:
    old: Document
    new: Document
    moved: frozenset[str]
    """The components that differ: what refers to no other need not be looked at."""
    told: list[Told] = field(default_factory=list)
    within: list[tuple[str, str]] = field(default_factory=list)
    """The schemas that are being compared, each inside the one before."""
    shown: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each pair of schemas was compared in one body or answer."""

    # -- What is told -------------------------------------------------------------------------------------------------

    def tell(self, spot: Spot, what: str, effect: Effect, side: Side | None = None, word: str = "") -> None:
        """Note a change at a spot, or at a keyword of it."""
        wanted = ((self.new, spot.new, word), (self.old, spot.old, word), (self.new, spot.new, ""))
        places = [(each, each.origin(f"{place}/{at}" if at else place)) for each, place, at in wanted if place]
        found, origin = next(((each, place) for each, place in places if each.has(place)), places[-1])
        line = f"{found.name}:{found.line(origin)}"
        self.told.append(Told(spot, what, effect, side or spot.side, f"{found.name} {origin}", line))

    def toggle(self, spot: Spot, was: bool, now: bool, yes: str, no: str, word: str = "") -> None:
        """Note that fewer values are valid now, or more, where one of the two says so."""
        if was != now:
            self.tell(spot, yes if now else no, "fewer" if now else "more", word=word)

    def is_in_both(self, spot: Spot, what: str, added: Effect = "added", removed: Effect = "other") -> bool:
        """Note what only one of the documents has."""
        if not (spot.old and spot.new):
            self.tell(spot, f"{what} {'added' if spot.new else 'removed'}".strip(), added if spot.new else removed)
        return bool(spot.old and spot.new)

    def lists(self, spot: Spot, what: str, lists: Iterable[Listed], effects: tuple[Effect, Effect], word: str) -> None:
        """Note what was added to a list, and what was removed from it, by how each is shown."""
        old, new = lists
        for these, those, how, effect in ((new, old, "added", effects[0]), (old, new, "removed", effects[1])):
            if texts := [text for key, text in these.items() if key not in those]:
                self.tell(spot, f"{what} {how}: {', '.join(texts)}", effect, word=word)

    def merged(self) -> Iterator[Change]:
        """Make one change of all that one edit has made, and of all that say the same of one subject."""
        by_origin: dict[tuple[str, str], list[Told]] = {}
        for each in self.told:
            by_origin.setdefault((each.what, each.origin), []).append(each)
        together: dict[tuple[str, str], list[Told]] = {}
        for (what, _), told in by_origin.items():
            subjects = list(dict.fromkeys(each.spot.subject for each in told))
            more = f" and {len(subjects) - MOST_SUBJECTS} more" if len(subjects) > MOST_SUBJECTS else ""
            together.setdefault((", ".join(subjects[:MOST_SUBJECTS]) + more, what), []).extend(told)
        for (subject, what), told in together.items():
            sends = worst_of(EFFECTS[each.effect][0] for each in told if each.side != "read")
            reads = worst_of(EFFECTS[each.effect][1] for each in told if each.side != "send")
            places = tuple(dict.fromkeys(each.spot.place for each in told))
            operations = tuple(dict.fromkeys(each.spot.operation for each in told if each.spot.operation))
            yield Change(subject, what, sends, reads, places, operations, told[0].line)

    def rest(self, spot: Spot, was: Mapping[str, Any], now: Mapping[str, Any], *skipped: str) -> None:
        """Compare each keyword that nothing else compares."""
        for word in [word for word in dict.fromkeys([*was, *now]) if word not in skipped]:
            one, other = was.get(word, ABSENT), now.get(word, ABSENT)
            if ABSENT in (one, other) or in_full(self.old, one) != in_full(self.new, other):
                self.tell(spot, *judged(word, one, other, spot.side), word=word)

    def at(self, spot: Spot, pointers: Sequence[str], part: str = "") -> tuple[Spot, Any, Any]:
        """Return what stands at a pointer of each document, references followed; nothing at an empty one."""
        documents = zip((self.old, self.new), pointers, strict=True)
        (old, one), (new, other) = (document.resolve(each) if each else ("", {}) for document, each in documents)
        return replace(spot, old=old, new=new, part=part or spot.part), one, other

    # -- The whole, and its operations --------------------------------------------------------------------------------

    def whole(self, resource: str | None) -> None:
        """Compare the two documents."""
        old, new = operations_of(self.old, resource), operations_of(self.new, resource)
        if resource is not None and not old and not new:
            raise ContractError(f"{self.new.name}: has no resource {resource!r}; leave RESOURCE out to compare all")
        places = ({key: operation.pointer for key, operation in found.items()} for found in (old, new))
        for key, pointers in _each(*places):
            spot = Spot(*pointers, "both", f"{key[0]} {(new.get(key) or old[key]).path}")
            if self.is_in_both(spot, "operation"):
                self.operation(spot, old[key], new[key])
        root, was, now = Spot("#", "#", "both"), self.old.tree, self.new.tree
        self.rest(root, was, now, *OF_A_DOCUMENT)
        for name, pointers in _each(*(_below("#/x-promises", tree.get("x-promises", {})) for tree in (was, now))):
            place, one, other = self.at(root, pointers, f"promise {name}")
            if self.is_in_both(place, "") and one != other:
                # Whether another sentence promises less, only a person can tell.
                self.tell(place, "reworded; read whether it promises less", "added")
        schemes = (tree.get("components", {}).get("securitySchemes", {}) for tree in (was, now))
        for name, pointers in _each(*(_below(SCHEMES, held) for held in schemes)):
            if all(pointers):
                place, one, other = self.at(replace(root, side="send"), pointers, f"key {name}")
                self.rest(place, one, other, *OF_A_KEY)
        about = replace(root, old="#/info", new="#/info", part="info")
        self.rest(about, was.get("info", {}), now.get("info", {}), "version")

    def operation(self, spot: Spot, was: Operation, now: Operation) -> None:
        """Compare two operations of one method and path."""
        if was.operation_id != now.operation_id:  # and so is the function of the generated client
            what = f"operationId is {now.operation_id or 'missing'}, was {was.operation_id or 'missing'}"
            self.tell(spot, what, "other" if was.operation_id else "added", "send", "operationId")
        if was.path != now.path:
            self.tell(replace(spot, part="path"), f"written {now.path}, was {was.path}", "added", "send")
        self.request(replace(spot, side="send"), was, now)
        self.answers(replace(spot, side="read"), was, now)
        self.access(spot, was, now)
        self.rest(spot, was.definition, now.definition, *OF_AN_OPERATION)

    def request(self, spot: Spot, was: Operation, now: Operation) -> None:
        """Compare what two operations take: parameters and bodies."""
        for (kind, _), pointers in _each(_taken(was), _taken(now)):
            place, one, other = self.at(spot, pointers, "body")
            if kind:
                place = replace(place, part=f"{kind} {(other or one)['name']}")
            added: Effect = "fewer" if other.get("required") is True else "added"
            if self.is_in_both(place, "parameter" if kind else "", added):
                self.carrier(place, one, other)

    def answers(self, spot: Spot, was: Operation, now: Operation) -> None:
        """Compare what two operations answer; a status that one does not name is held to its range or default."""
        statuses = [str(status) for each in (was, now) for status in each.definition.get("responses", {})]
        for status in [status for status in dict.fromkeys(statuses) if not status.startswith("x-")]:
            place, one, other = self.at(spot, (_answer(was, status), _answer(now, status)), status)
            is_error = status[0] in "45d"  # a caller must be ready for any, so one more or less hurts nobody
            if self.is_in_both(place, "answer", "added" if is_error else "more", "added" if is_error else "other"):
                self.carrier(place, one, other)

    def access(self, spot: Spot, was: Operation, now: Operation) -> None:
        """Compare what opens two operations, and where they are."""
        old, new = _ways(was), _ways(now)
        if old != new:
            is_shut = any(not any(way <= known for way in new) for known in old)
            place, what = replace(spot, part="key", side="send"), f"opened by {_in_words(new)}, was {_in_words(old)}"
            self.tell(place, what, "fewer" if is_shut else "more", word="security")
        said = (each.definition.get("servers", each.document.tree.get("servers")) for each in (was, now))
        servers = [each or [{"url": "/"}] for each in said]
        urls = [{server["url"]: server["url"] for server in each} for each in servers]
        self.lists(replace(spot, part="servers"), "address", urls, ("added", "other"), "servers")
        if urls[0] == urls[1] and servers[0] != servers[1]:
            self.tell(replace(spot, part="servers"), "described otherwise", "words", word="servers")

    def carrier(self, spot: Spot, one: Any, other: Any) -> None:
        """Compare two parameters, headers, bodies, answers or media types: what they say, and the schemas in them."""
        self.shown.clear()
        was, now = (each.get("required") is True for each in (one, other))
        self.toggle(spot, was, now, "required", "no longer required", "required")
        self.rest(spot, _unusual(one), _unusual(other), *OF_A_CARRIER)
        self.toggle(spot, "schema" in one, "schema" in other, "schema added", "schema dropped")
        if "schema" in one and "schema" in other:
            self.schema(replace(spot, old=f"{spot.old}/schema", new=f"{spot.new}/schema"))
        for word, what in (("content", "media type"), ("headers", "header")):
            held = (_below(f"{at}/{word}", node.get(word, {})) for at, node in ((spot.old, one), (spot.new, other)))
            # Compared as HTTP compares them.
            lower = ({name.partition(";")[0].strip().lower(): place for name, place in each.items()} for each in held)
            for name, pointers in _each(*lower):
                inner, *nodes = self.at(spot, pointers, f"{spot.part} header {name}" if word == "headers" else "")
                if self.is_in_both(inner, "" if word == "headers" else f"{what} {name}"):
                    self.carrier(inner, *nodes)

    # -- Schemas ------------------------------------------------------------------------------------------------------

    def schema(self, spot: Spot, *, is_branch: bool = False) -> None:
        """Compare two schemas, or as a branch what they say of values other than null."""
        pair = (self.old.resolve(spot.old)[0], self.new.resolve(spot.new)[0])
        if pair in self.within or self.shown[pair] >= MOST_PLACES or self.is_same(spot):
            return
        self.shown[pair] += 1
        self.within.append(pair)
        was, now = schema_view(self.old, spot.old), schema_view(self.new, spot.new)
        if is_branch:
            was, now = was.as_branch, now.as_branch
        is_union = bool(was.branches), bool(now.branches)
        if is_union[0] == is_union[1]:
            self.value(spot, was, now)
            self.fields(spot, was, now)
        else:  # one is compared with a branch of the other
            self.value(spot, was.around, now.around)
        if any(is_union):
            old, new = [*was.branches] or [spot.old], [*now.branches] or [spot.new]
            self.branches(spot, old, new, is_branch=not all(is_union))
        self.within.pop()

    def is_same(self, spot: Spot) -> bool:
        """Whether two schemas are written alike, and all that they refer to is."""
        one, other = self.old.at(spot.old), self.new.at(spot.new)
        if one != other:
            return False
        named = self.old.once(("components", spot.old), lambda: components_of(one))
        return not named & self.moved and all(each.startswith("#/components/") for each in named)

    def value(self, spot: Spot, was: SchemaView, now: SchemaView) -> None:
        """Compare what two schemas say of a value as a whole."""
        if was.types != now.types:
            is_less, is_more = _covers(was.types, now.types), _covers(now.types, was.types)
            effect: Effect = "fewer" if is_less else "more" if is_more else "other"
            self.tell(spot, f"type is {_kinds(now.types)}, was {_kinds(was.types)}", effect, word="type")
        self.toggle(spot, not was.takes_null, not now.takes_null, "null is no longer allowed", "null is allowed")
        self.toggle(spot, was.is_closed, now.is_closed, "no further fields", "further fields", "additionalProperties")
        old, new = ({json.dumps(value): said(value) for value in view.said.get("enum") or ()} for view in (was, now))
        if old and new:
            self.lists(spot, "value", (old, new), ("more", "fewer"), "enum")
        rules = [{str(rule.get("title", rule)): rule for rule in view.said.get(RULES, ())} for view in (was, now)]
        both = replace(spot, side="both")  # what is sent must keep to a rule, and what is then read does
        self.lists(both, "rule", ({title: title for title in each} for each in rules), ("fewer", "more"), RULES)
        for title in [title for title, rule in rules[0].items() if rules[1].get(title, rule) != rule]:
            self.tell(both, f"rule changed: {title}", "other", word=RULES)
        self.rest(spot, was.said, now.said, RULES, *(["enum"] if old and new else []))

    def fields(self, spot: Spot, was: SchemaView, now: SchemaView) -> None:
        """Compare the fields of an object that a caller meets on this side, and the elements of an array."""
        old, new = _met(self.old, was, spot.side), _met(self.new, now, spot.side)
        gone, come = [name for name in old if name not in new], [name for name in new if name not in old]
        is_one = len(gone) == len(come) == 1
        is_renamed = is_one and schema_view(self.old, old[gone[0]]) == schema_view(self.new, new[come[0]])
        for name, pointers in _each(old, new):
            inner, required = spot.field(name, *pointers), name in now.required
            if name == "*" and (was.is_closed or now.is_closed):
                continue  # whether there may be further fields is told already
            if name.startswith(("[", "*", "/")) and name not in was.required | now.required:
                is_there = self.is_in_both(inner, "schema", "fewer", "more")
            elif was.is_closed and spot.side == "read":
                is_there = self.is_in_both(inner, "", "more")
            else:
                what = f"perhaps renamed to {come[0]}," if is_renamed and name in old else ""
                is_there = self.is_in_both(inner, what, "fewer" if required else "added")
            if is_there:
                self.toggle(inner, name in was.required, required, "required", "no longer required")
                self.schema(inner)
        for name in sorted((was.required ^ now.required) - was.inner.keys() - now.inner.keys()):
            inner = spot.field(name, spot.old, spot.new)
            self.toggle(inner, name in was.required, name in now.required, "required", "no longer required")

    def branches(self, spot: Spot, old: list[str], new: list[str], *, is_branch: bool) -> None:
        """Compare the branches of two unions: those that look alike, then those that are left in their order."""
        for look in (lambda document, place: document.at(place).get("$ref"), _outline):
            for one in list(old):
                wanted = look(self.old, one)
                if wanted and (other := next((place for place in new if look(self.new, place) == wanted), "")):
                    old.remove(one)
                    new.remove(other)
                    self.schema(replace(spot, old=one, new=other), is_branch=is_branch)
        left = [*((each, "") for each in old), *(("", each) for each in new)]
        for one, other in zip(old, new, strict=True) if len(old) == len(new) else left:
            name = _name(self.new, other) if other else _name(self.old, one)
            if self.is_in_both(inner := replace(spot, old=one, new=other), f"alternative {name}", "more", "fewer"):
                self.schema(inner, is_branch=is_branch)


def _each(old: Mapping[Key, str], new: Mapping[Key, str]) -> Iterator[tuple[Key, tuple[str, str]]]:
    """Yield each name, and where it stands in either document; empty where it does not."""
    for name in dict.fromkeys([*old, *new]):
        yield name, (old.get(name, ""), new.get(name, ""))


def _below(pointer: str, held: Mapping[str, Any]) -> dict[str, str]:
    """List where each of the names below a pointer stands."""
    return {name: below(pointer, name) for name in held}


def _taken(operation: Operation) -> dict[tuple[str, object], str]:
    """
    List where each parameter and the body stand; a parameter in the path is known by its place there, a header in any
    case, and the body by no kind.
    """
    names = operation.path_parameters
    found: dict[tuple[str, object], str] = {}
    for (kind, name), pointer in operation.parameters.items():
        key = names.index(name) if kind == "path" and name in names else name.lower() if kind == "header" else name
        found[kind, key] = pointer
    return found | ({("", ""): f"{operation.pointer}/requestBody"} if "requestBody" in operation.definition else {})


def _answer(operation: Operation, status: str) -> str:
    """Return where an operation describes a status, by its range or as a default too; empty where it does not."""
    for known in operation.definition.get("responses", {}):
        if str(known) == status:
            return f"{operation.pointer}/responses/{known}"
    return (operation.response_pointer(int(status)) if status.isdigit() else None) or ""


def _unusual(carrier: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a parameter or header says besides what it would do anyway. Source: OpenAPI 3.1, Parameter Object."""
    usual: dict[str, Any] = dict.fromkeys(("deprecated", "allowReserved", "allowEmptyValue"), False)
    style = "form" if carrier.get("in") in ("query", "cookie") else "simple"
    usual |= {"style": style, "explode": carrier.get("style", style) == "form"}
    return {word: value for word, value in carrier.items() if word not in usual or value != usual[word]}


def _ways(operation: Operation) -> frozenset[frozenset[str]]:
    """List the ways in which an operation is opened, each by what it needs; what a scheme is called does not matter."""
    schemes = operation.document.tree.get("components", {}).get("securitySchemes", {})
    ways = security_of(operation) or [{}]
    return frozenset(
        frozenset(need for name, scopes in way.items() for need in _needs(schemes.get(name, {"type": name}), scopes))
        for way in ways
    )


def _needs(scheme: Mapping[str, Any], scopes: list[str]) -> Iterator[str]:
    name, place = str(scheme.get("name", "")), scheme.get("in")
    kind = f"{scheme.get('type')} {scheme.get('scheme', '')}".strip().lower()
    if scheme.get("type") == "apiKey":
        kind = f"{place} {name.lower() if place == 'header' else name}"
    yield from (kind, *(f"{kind} scope {scope}" for scope in scopes))


def _in_words(ways: frozenset[frozenset[str]]) -> str:
    return " or ".join(sorted(" and ".join(sorted(way)) or "no key" for way in ways))


def _met(document: Document, view: SchemaView, side: Side) -> dict[str, str]:
    """List the fields that are sent, or those that are read."""
    word = "readOnly" if side == "send" else "writeOnly"
    hidden = {name for name, place in view.inner.items() if schema_view(document, place).said.get(word) is True}
    return {name: place for name, place in view.inner.items() if name not in hidden}


def _covers(wide: frozenset[str] | None, narrow: frozenset[str] | None) -> bool:
    """Whether each value of some types is one of others."""
    if wide is None or narrow is None:
        return wide is None
    return all(kind in wide or (kind == "integer" and "number" in wide) for kind in narrow)


def _kinds(types: frozenset[str] | None) -> str:
    return "any" if types is None else " or ".join(sorted(types)) or "null"


def _outline(document: Document, place: str) -> object:
    view = schema_view(document, place)
    return view.said.get("title"), view.types, sorted(view.inner), view.said.get("enum")


def _name(document: Document, place: str) -> str:
    view, reference = schema_view(document, place), document.at(place).get("$ref", "")
    return str(view.said.get("title") or reference.rpartition("/")[2] or _kinds(view.types))
