"""The voices of the mock and the languages each speaks: the one rule that JSON Schema cannot say."""

from collections.abc import Iterable, Mapping

# `aria` is the voice of the published reference; the others are made up. No two lists are the same, and some
# share no language, so that every way to break the rule can be tried.
VOICES: dict[str, tuple[str, ...]] = {
    "aria": ("en-US", "en-GB"),
    "callum": ("en-GB", "en-AU", "en-IE"),
    "marisol": ("es-ES", "es-MX", "en-US"),
    "jonas": ("de-DE", "de-AT", "de-CH"),
    "amelie": ("fr-FR", "fr-CA"),
    "haruka": ("ja-JP",),
}


class Voices:
    """Knows which voice speaks which languages."""

    def __init__(self, languages: Mapping[str, Iterable[str]] = VOICES) -> None:
        self.languages = {name: tuple(spoken) for name, spoken in languages.items()}

    def is_known(self, voice: str) -> bool:
        """Say whether there is such a voice; names are compared exactly."""
        return voice in self.languages

    def speaks(self, voice: str, language: str) -> bool:
        """Say whether *voice* speaks *language*; codes are compared exactly."""
        return language in self.languages[voice]

    def show(self) -> list[dict[str, object]]:
        """List the voices as `GET /personas/voices` answers them."""
        return [{"voice_name": name, "supported_languages": spoken} for name, spoken in self.languages.items()]
