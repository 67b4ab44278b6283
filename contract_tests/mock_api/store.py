"""
Holds the personas and changes them as the contract says.

Nothing here waits, so each call is atomic: no other request sees a persona between its old and its new state.
"""

import secrets
import string
from collections.abc import Iterator, Set
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson

from .errors import Detail, Refusal
from .rules import Fields, Rules, too_deep
from .voices import Voices

MAX_PERSONAS = 10_000
MAX_STORED_BYTES = 64 * 1024 * 1024  # of all personas together, as JSON

ID_CHARACTERS = string.ascii_letters + string.digits
ID_LENGTH = 22

TICK = timedelta(microseconds=1)


class Persona(NamedTuple):  # made on every update, in a third of the time of a frozen dataclass
    """
    A persona as it is stored.

    Args:
        id: What finds it; it never changes.
        fields: The body fields that are set; a cleared one is absent.
        create_time: In UTC.
        update_time: In UTC; None before the first update.
        size: Bytes of the fields as JSON.
    """

    id: str
    fields: Fields
    create_time: datetime
    update_time: datetime | None
    size: int

    @property
    def last_change(self) -> datetime:
        """When the persona was updated, or created if it never was."""
        return self.update_time or self.create_time


class Store:
    """The personas in memory, by id."""

    def __init__(self, rules: Rules, voices: Voices) -> None:
        self.rules = rules
        self.voices = voices
        self.personas: dict[str, Persona] = {}
        self.stored_bytes = 0
        self.last_time = datetime.now(UTC)

    def find(self, persona_id: str) -> Persona:
        """
        Return the persona with this id, compared exactly.

        Raises:
            Refusal: 404.
        """
        try:
            return self.personas[persona_id]
        except KeyError:
            raise Refusal(404, "No persona has this id.") from None

    def all(self) -> Iterator[Persona]:
        """Go through the personas in no promised order."""
        return iter(self.personas.values())

    def create(self, body: Fields) -> Persona:
        """
        Store a new persona.

        Args:
            body: Valid fields; a null is a field that is not set.

        Raises:
            Refusal: 400 for a voice and language that do not go together, 429 when the store is full.
        """
        fields = self.merge({}, body)
        self.check_voice(fields, body)
        if len(self.personas) >= MAX_PERSONAS:
            raise Refusal(429, f"The mock holds {MAX_PERSONAS} personas and no more; delete some.")
        return self.write(Persona(self.new_id(), fields, self.now(), None, self.measure(fields)))

    def update(self, persona_id: str, changes: Fields) -> Persona:
        """
        Change a persona; without a difference it stays as it is, its update_time included.

        Args:
            persona_id: Which.
            changes: Valid fields; an absent one stays, a null does what `x-on-null` says.

        Raises:
            Refusal: 404, 400 for a voice and language that do not go together, 429 when the store is full.
        """
        persona = self.find(persona_id)
        fields = self.merge(persona.fields, changes)
        self.check_voice(fields, changes)
        if fields == persona.fields:
            return persona
        return self.write(Persona(persona_id, fields, persona.create_time, self.touch(persona), self.measure(fields)))

    def delete(self, persona_id: str) -> None:
        """
        Remove a persona.

        Raises:
            Refusal: 404.
        """
        self.stored_bytes -= self.find(persona_id).size
        del self.personas[persona_id]

    def merge(self, fields: Fields, changes: Fields) -> Fields:
        """Return *fields* with *changes* applied; *fields* itself stays as it is."""
        merged = dict(fields)
        for name, value in changes.items():
            if value is None:
                self.apply_null(merged, name)
            else:
                merged[name] = value
        return merged

    def apply_null(self, fields: Fields, name: str) -> None:
        """Do to *fields* what null in the field *name* means."""
        if not self.rules.keeps_on_null(name):
            fields.pop(name, None)

    def check_voice(self, fields: Fields, sent: Fields) -> None:
        """
        Refuse a voice that is unknown or does not speak the language, when one of the two was sent.

        Raises:
            Refusal: 400, naming those of the two fields that were sent.
        """
        if sent.get("voice_name") is None and sent.get("language_code") is None:
            return
        voice, language = fields.get("voice_name"), fields.get("language_code")
        if voice is None:
            return
        if not self.voices.is_known(voice):
            raise voice_refusal({"voice_name"}, "No voice has this name; GET /personas/voices lists them.")
        if language is not None and not self.voices.speaks(voice, language):
            raise voice_refusal(sent.keys(), "The voice does not speak the language; GET /personas/voices tells.")

    def write(self, persona: Persona) -> Persona:
        """
        Store *persona* in place of what had its id.

        Raises:
            Refusal: 429 when there is no room.
        """
        before = self.personas.get(persona.id)
        stored_bytes = self.stored_bytes + persona.size - (before.size if before else 0)
        if stored_bytes > MAX_STORED_BYTES and stored_bytes > self.stored_bytes:
            raise Refusal(429, f"The mock holds {MAX_STORED_BYTES} bytes of personas and no more; delete some.")
        self.stored_bytes = stored_bytes
        self.personas[persona.id] = persona
        return persona

    def measure(self, fields: Fields) -> int:
        """
        Return how many bytes *fields* take as JSON.

        Raises:
            Refusal: 400, where they cannot be answered, such as JSON nested 300 deep.
        """
        try:
            return len(orjson.dumps(fields))
        except TypeError:
            raise Refusal(400, "The request body is not valid.", too_deep(fields)) from None

    def size(self, persona_id: str) -> int:
        """Return how many bytes the fields of a persona take as JSON; 0 where none has this id."""
        persona = self.personas.get(persona_id)
        return persona.size if persona else 0

    def new_id(self) -> str:
        """Make an id that no persona has."""
        while True:
            persona_id = "".join(secrets.choice(ID_CHARACTERS) for _ in range(ID_LENGTH))
            if persona_id not in self.personas:
                return persona_id

    def now(self) -> datetime:
        """Return the time, later than every time returned before."""
        time = datetime.now(UTC)
        self.last_time = time if time > self.last_time else self.last_time + TICK
        return self.last_time

    def touch(self, persona: Persona) -> datetime:
        """Return the update_time of a change to *persona*: later than its last change, even if that is to come."""
        time = self.now()
        return time if time > persona.last_change else persona.last_change + TICK


def voice_refusal(fields: Set[str], description: str) -> Refusal:
    """Return the refusal of a voice or a language, naming which of the two are among *fields*."""
    at_fault = [name for name in ("voice_name", "language_code") if name in fields]
    details: list[Detail] = [{"field": name, "description": description} for name in at_fault]
    return Refusal(400, "The voice and the language do not go together.", details)
