"""Faults of the rule that voice and language obey together."""

from __future__ import annotations

from typing import Any

from ..app import Api
from ..rules import Fields
from ..store import Persona, voice_refusal
from . import seams
from .fault import fault
from .witness import get, patch

VOICES = "#/x-decisions/voices"
LANGUAGE = "#/components/schemas/LanguageCode/description"
VOICE = "#/components/schemas/VoiceName/description"


def _check_as(api: Api, check: Any) -> None:
    """Put *check* in the place of the rule; it is told the new fields, what was sent, and the rule itself."""
    rule = api.store.check_voice
    seams.replace(api.store, "check_voice", lambda fields, sent: check(fields, sent, rule))


@fault("cross_field", VOICES, patch({"voice_name": "jonas"}), get())
def voice_alone_unchecked(api: Api) -> None:
    """Accepts a new voice that does not speak the stored language."""

    def check(fields: Fields, sent: Fields, rule: Any) -> None:
        is_alone = sent.get("language_code") is None
        rule({**fields, "language_code": None} if is_alone else fields, sent)

    _check_as(api, check)


@fault("cross_field", LANGUAGE, patch({"language_code": "de-DE"}), get())
def language_alone_unchecked(api: Api) -> None:
    """Accepts any language that some voice speaks, where no voice is sent."""

    def check(fields: Fields, sent: Fields, rule: Any) -> None:
        known = {language for spoken in api.voices.languages.values() for language in spoken}
        if sent.get("voice_name") is not None or fields.get("language_code") not in known:
            rule(fields, sent)

    _check_as(api, check)


@fault("cross_field", LANGUAGE, patch({"voice_name": "jonas", "language_code": "fr-FR"}), get())
def voice_and_language_together_unchecked(api: Api) -> None:
    """Checks voice and language each by itself where both are sent."""

    def check(fields: Fields, sent: Fields, rule: Any) -> None:
        known = {language for spoken in api.voices.languages.values() for language in spoken}
        is_pair = sent.get("voice_name") in api.voices.languages and sent.get("language_code") in known
        if not is_pair:
            rule(fields, sent)

    _check_as(api, check)


@fault("cross_field", VOICES, patch({"voice_name": "jonas", "language_code": "de-DE"}), get())
def new_voice_checked_against_the_stored_language(api: Api) -> None:
    """Checks a new voice against the stored language, also where the body brings a language that it speaks."""
    store = api.store.update

    def update(persona_id: str, changes: Fields) -> Persona:
        voice, language = changes.get("voice_name"), api.store.find(persona_id).fields.get("language_code")
        if voice is not None and api.voices.is_known(voice) and language is not None:
            api.store.check_voice({"voice_name": voice, "language_code": language}, {"voice_name": voice})
        return store(persona_id, changes)

    seams.replace(api.store, "update", update)


@fault("cross_field", VOICES, patch({"voice_name": "jonas"}), get())
def language_follows_the_voice(api: Api) -> None:
    """Changes the language to the first that a new voice speaks."""
    _follow(api, only_if_needed=True)


@fault("cross_field", VOICES, patch({"language_code": "en-GB"}), patch({"voice_name": "aria"}), get())
def language_reset_by_any_voice(api: Api) -> None:
    """Sets the language anew with every voice, also where the voice speaks the stored one."""
    _follow(api, only_if_needed=False)


@fault("cross_field", VOICES, patch({"language_code": "de-DE"}), get())
def voice_follows_the_language(api: Api) -> None:
    """Changes the voice to the first that speaks a new language."""
    store = api.store.update

    def update(persona_id: str, changes: Fields) -> Persona:
        voice, language = api.store.find(persona_id).fields.get("voice_name"), changes.get("language_code")
        if language is not None and changes.get("voice_name") is None and not _speaks(api, voice, language):
            speaking = [name for name, spoken in api.voices.languages.items() if language in spoken]
            changes = {**changes, "voice_name": speaking[0]} if speaking else changes
        return store(persona_id, changes)

    seams.replace(api.store, "update", update)


@fault("cross_field", VOICE, patch({"voice_name": "nobody"}), get())
def unknown_voice_accepted(api: Api) -> None:
    """Accepts a voice that GET /personas/voices does not name."""

    def check(fields: Fields, sent: Fields, rule: Any) -> None:
        if fields.get("voice_name") in api.voices.languages:
            rule(fields, sent)

    _check_as(api, check)


@fault("cross_field", VOICE, patch({"voice_name": "Aria"}), get())
def voice_in_any_case(api: Api) -> None:
    """Compares the names of voices without case."""

    def check(fields: Fields, sent: Fields, rule: Any) -> None:
        voice = fields.get("voice_name")
        rule({**fields, "voice_name": voice.lower() if isinstance(voice, str) else voice}, sent)

    _check_as(api, check)


@fault("cross_field", LANGUAGE, patch({"language_code": "en"}), get())
def language_by_its_beginning(api: Api) -> None:
    """Accepts the bare language, such as en, where the voice speaks a region of it."""
    seams.replace(
        api.voices,
        "speaks",
        lambda voice, language: any(
            language in (known, known.partition("-")[0]) for known in api.voices.languages[voice]
        ),
    )


@fault("cross_field", LANGUAGE, patch({"language_code": "en-AU"}), get())
def region_of_the_language_ignored(api: Api) -> None:
    """Accepts any region of a language that the voice speaks."""
    seams.replace(
        api.voices,
        "speaks",
        lambda voice, language: any(language[:3] == known[:3] for known in api.voices.languages[voice]),
    )


@fault("cross_field", LANGUAGE, patch({"language_code": "en-GB"}), get())
def only_the_first_language_accepted(api: Api) -> None:
    """Accepts only the first of the languages that a voice speaks."""
    seams.replace(api.voices, "speaks", lambda voice, language: api.voices.languages[voice][0] == language)


@fault("cross_field", LANGUAGE, patch({"language_code": "en_US"}), get())
def language_with_an_underscore(api: Api) -> None:
    """Accepts a language code with an underscore."""
    speaks = api.voices.speaks
    seams.replace(api.voices, "speaks", lambda voice, language: speaks(voice, language.replace("_", "-")))


@fault("cross_field", LANGUAGE, patch('{"language_code": "de-DE", "voice_name": "jonas"}'), get())
def language_before_voice_checked_against_the_stored_voice(api: Api) -> None:
    """Checks the fields as they stand in the body, so that a language before its voice meets the stored voice."""
    store = api.store.update

    def update(persona_id: str, changes: Fields) -> Persona:
        stored = api.store.find(persona_id).fields.get("voice_name")
        sent = [name for name, value in changes.items() if value is not None]
        is_reversed = {"language_code", "voice_name"} <= set(sent) and sent.index("language_code") < sent.index(
            "voice_name"
        )
        if is_reversed and not _speaks(api, stored, changes["language_code"]):
            raise voice_refusal({"language_code"}, "The voice does not speak the language.")
        return store(persona_id, changes)

    seams.replace(api.store, "update", update)


def _follow(api: Api, *, only_if_needed: bool) -> None:
    store = api.store.update

    def update(persona_id: str, changes: Fields) -> Persona:
        stored, voice = api.store.find(persona_id).fields.get("language_code"), changes.get("voice_name")
        if api.voices.languages.get(voice or "") and changes.get("language_code") is None:
            assert isinstance(voice, str)
            if not (only_if_needed and _speaks(api, voice, stored)):
                changes = {**changes, "language_code": api.voices.languages[voice][0]}
        return store(persona_id, changes)

    seams.replace(api.store, "update", update)


def _speaks(api: Api, voice: Any, language: Any) -> bool:
    return voice in api.voices.languages and language in api.voices.languages[voice]
