"""The one rule across fields: the language must be one that the voice speaks."""

from __future__ import annotations

from itertools import permutations

import pytest

from contract_tests.boundaries import to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD
from contract_tests.run import Run, spoken_languages
from contract_tests.subject import Subject, Wrong
from contract_tests.verdict import BROKEN, Finding, Judge, require

PROMISE = "language_code must be supported by the selected voice"
CLAUSE = "#/components/schemas/LanguageCode/description"
VOICE_PROMISE = "voice_name is one of the voices of GET /personas/voices"
VOICE_CLAUSE = "#/components/schemas/VoiceName/description"

# How many voices of a long list are tried.
SAMPLE = 8


def _pairs(run: Run) -> list[tuple[str, str]]:
    """Return voices with languages that they speak, each voice at least once."""
    chance = run.chance("voices")
    chosen = chance.sample(sorted(run.voices), min(SAMPLE, len(run.voices)))
    return [
        (voice, language)
        for voice in chosen
        for language in chance.sample(run.voices[voice], k=min(2, len(run.voices[voice])))
    ]


def _languages(run: Run) -> list[str]:
    return sorted({language for spoken in run.voices.values() for language in spoken})


def _last_pair(run: Run) -> tuple[str, str]:
    """Return a voice and a language, where the API has such: neither is the first that goes with the other."""
    firsts = {language: voice for voice, spoken in reversed(run.voices.items()) for language in spoken}
    pairs = [(voice, language) for voice, spoken in run.voices.items() for language in spoken]
    return max(pairs, key=lambda pair: (firsts[pair[1]] != pair[0]) + (run.voices[pair[0]][0] != pair[1]))


def _mute_pair(run: Run) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return a voice with its language, and another voice with a language that the first does not speak."""
    for voice, spoken in run.voices.items():
        for other, others in run.voices.items():
            foreign = [language for language in others if language not in spoken]
            if foreign and not set(spoken) <= set(others):
                own = next(language for language in spoken if language not in others)
                return (voice, own), (other, foreign[0])
    pytest.skip("the API's voices all speak the same languages, so the rule cannot be broken")


def test_voices_have_names_and_languages(run: Run, judge: Judge) -> None:
    """#/paths/~1personas~1voices/get/responses/200: all voices, each with the languages that it speaks, each time."""
    spoken = []
    for _ in range(2):
        exchange = run.api.voices()
        require(judge.success("listVoices", exchange))
        listed = spoken_languages(exchange.json["voices"])
        spoken.append({name: {*languages} for name, languages in listed.items()})
    if spoken[0] != spoken[1]:
        problem = "GET /personas/voices names other voices or languages the second time"
        clause = "#/paths/~1personas~1voices/get/responses/200/description"
        require([Finding(BROKEN, problem, "all voices", clause, exchange)])


def test_every_pair_that_voices_name_is_accepted(run: Run, subject: Subject) -> None:
    """#/components/schemas/LanguageCode: each language that GET /personas/voices names for a voice is accepted with it."""
    for voice, language in _pairs(run):
        subject.accepts({VOICE_FIELD: voice, LANGUAGE_FIELD: language})


@pytest.mark.many_requests
def test_language_alone_may_change_to_another_of_the_voice(run: Run, subject: Subject) -> None:
    """#/components/schemas/LanguageCode: must be supported by the stored voice."""
    for voice, spoken in list(run.voices.items())[:SAMPLE]:
        if len(spoken) > 1:
            subject.accepts({VOICE_FIELD: voice, LANGUAGE_FIELD: spoken[0]})
            subject.accepts({LANGUAGE_FIELD: spoken[1]})
            subject.accepts({LANGUAGE_FIELD: spoken[0]})


def test_voice_alone_may_change_to_one_that_speaks_the_language(run: Run, subject: Subject) -> None:
    """#/x-decisions/voices: the stored language must be one that the new voice speaks."""
    for language in _languages(run)[:SAMPLE]:
        voices = [voice for voice, spoken in run.voices.items() if language in spoken]
        if len(voices) > 1:
            subject.accepts({VOICE_FIELD: voices[0], LANGUAGE_FIELD: language})
            subject.accepts({VOICE_FIELD: voices[1]})


@pytest.mark.many_requests
def test_voice_sent_again_keeps_the_language(run: Run, subject: Subject) -> None:
    """#/x-decisions/voices: the API never changes the other field by itself, also where the voice sent is the one stored."""
    for voice, spoken in list(run.voices.items())[:SAMPLE]:
        for language in dict.fromkeys((spoken[0], spoken[-1])):
            subject.accepts({VOICE_FIELD: voice, LANGUAGE_FIELD: language})
            subject.accepts({VOICE_FIELD: voice})
            subject.accepts({LANGUAGE_FIELD: language})


def test_pair_is_stored_in_either_order(run: Run, subject: Subject) -> None:
    """#/components/schemas/LanguageCode: both are stored, whichever stands first and whatever was stored before."""
    shared = [
        (one, other, common, further)
        for one, other in permutations(sorted(run.voices), 2)
        for common in sorted(set(run.voices[one]) & set(run.voices[other]))
        for further in run.voices[other]
        if further != common
    ]
    for one, other, common, further in shared[: 1 if run.is_brief else SAMPLE]:
        for first, second in ((VOICE_FIELD, LANGUAGE_FIELD), (LANGUAGE_FIELD, VOICE_FIELD)):
            subject.accepts({VOICE_FIELD: one, LANGUAGE_FIELD: common})
            pair = {VOICE_FIELD: other, LANGUAGE_FIELD: further}
            subject.accepts({first: pair[first], second: pair[second]})


def test_language_that_the_stored_voice_does_not_speak_is_refused(run: Run, subject: Subject) -> None:
    """#/components/schemas/LanguageCode: a language that the stored voice does not speak gets 400, and the voice stays."""
    (voice, own), (_, foreign) = _mute_pair(run)
    subject.accepts({VOICE_FIELD: voice, LANGUAGE_FIELD: own})
    subject.refuses(to_json({LANGUAGE_FIELD: foreign}), promise=PROMISE, clause=CLAUSE)
    subject.refuses(to_json({VOICE_FIELD: None, LANGUAGE_FIELD: foreign}), promise=PROMISE, clause=CLAUSE)


def test_voice_that_does_not_speak_the_stored_language_is_refused(run: Run, subject: Subject) -> None:
    """#/x-decisions/voices: a new voice that does not speak the stored language gets 400; the API never changes the other field."""
    (voice, own), (other, foreign) = _mute_pair(run)
    subject.accepts({VOICE_FIELD: voice, LANGUAGE_FIELD: own})
    subject.refuses(to_json({VOICE_FIELD: other}), promise=PROMISE, clause=CLAUSE)
    subject.refuses(to_json({VOICE_FIELD: other, LANGUAGE_FIELD: None}), promise=PROMISE, clause=CLAUSE)
    subject.accepts({VOICE_FIELD: other, LANGUAGE_FIELD: foreign})


def test_pair_that_does_not_fit_is_refused(run: Run, subject: Subject) -> None:
    """#/components/schemas/LanguageCode: the pair is judged, not each by itself, in either order."""
    (voice, own), (other, foreign) = _mute_pair(run)
    subject.accepts({VOICE_FIELD: voice, LANGUAGE_FIELD: own})
    for body in ({VOICE_FIELD: other, LANGUAGE_FIELD: own}, {LANGUAGE_FIELD: foreign, VOICE_FIELD: voice}):
        subject.refuses(to_json(body), promise=PROMISE, clause=CLAUSE)
    subject.refuses(to_json({VOICE_FIELD: other, "wait_seconds": 1.75}), promise=PROMISE, clause=CLAUSE)


def test_pair_that_does_not_fit_is_refused_for_every_voice(run: Run, subject: Subject) -> None:
    """#/components/schemas/LanguageCode: no voice takes a language that GET /personas/voices does not name for it."""
    chance, pairs = run.chance("foreign languages"), []
    for voice in chance.sample(sorted(run.voices), min(SAMPLE, len(run.voices))):
        spoken = run.voices[voice]
        primaries = {language.partition("-")[0] for language in spoken}
        foreign = [language for language in _languages(run) if language not in spoken]
        # First the languages that differ in their region only: they are the easiest to mistake.
        foreign.sort(key=lambda language: language.partition("-")[0] not in primaries)
        pairs += [{VOICE_FIELD: voice, LANGUAGE_FIELD: language} for language in foreign[: 1 if run.is_brief else 3]]
    if not pairs:
        pytest.skip("each voice of the API speaks every language, so the rule cannot be broken")
    subject.refuses_each(Wrong(to_json(pair), PROMISE, CLAUSE, about=f"{pair}") for pair in pairs)


def test_voice_that_does_not_exist_is_refused(run: Run, subject: Subject) -> None:
    """#/components/schemas/VoiceName: one of the voices of GET /personas/voices, exactly."""
    voice = subject.last[VOICE_FIELD]
    misses = {"contract-test-no-voice", "", *_spaced(voice), f'"{voice}"', voice[:-1], voice[:1], f"{voice}s"}
    misses |= {voice.upper(), voice.lower(), voice.capitalize()}
    subject.refuses_each(
        Wrong(to_json({VOICE_FIELD: miss}), VOICE_PROMISE, VOICE_CLAUSE, about=f"voice_name {miss!r}")
        for miss in sorted(misses - {*run.voices})
    )


def test_language_that_no_voice_speaks_is_refused(run: Run, subject: Subject) -> None:
    """#/components/schemas/LanguageCode: must be supported by the selected voice, and GET /personas/voices says what is."""
    own = subject.last[LANGUAGE_FIELD]
    primary, _, region = own.partition("-")
    misses = {
        "xx-XX",
        "",
        "english",
        "contract-test",
        *_spaced(own),
        f'"{own}"',
        own.replace("-", "_"),
        own.replace("-", ""),
    }
    misses |= {primary, region, f"{primary}-", f"{primary}-ZZ", f"{own}-x-a", f"{own}x", own[:-1]}
    subject.refuses_each(
        Wrong(to_json({LANGUAGE_FIELD: miss}), PROMISE, CLAUSE, about=f"language_code {miss!r}")
        for miss in sorted(misses - {*_languages(run)})
    )


def _spaced(text: str) -> tuple[str, ...]:
    return f"{text} ", f" {text}", f" {text} ", f"{text}\n"


@pytest.mark.parametrize("name", [VOICE_FIELD, LANGUAGE_FIELD])
def test_right_value_of_another_type_is_refused(run: Run, subject: Subject, name: str) -> None:
    """#/components/schemas/PersonaUpdate: a string or null; a voice that exists is none when it comes in a list or an object."""
    voice, languages = max(run.voices.items(), key=lambda item: len(item[1]))
    subject.accepts({VOICE_FIELD: voice, LANGUAGE_FIELD: languages[0]})
    right = voice if name == VOICE_FIELD else languages[-1]
    tried = run.contract.fields("updatePersona")[name]
    shapes = ([right], [right, right], {"value": right}, {name: right}, {"name": right}, [[right]])
    subject.refuses_each(
        Wrong(to_json({name: shape}), tried.promise, tried.pointer, name, about=f"{name} {to_json(shape)}")
        for shape in shapes
    )


def test_stored_pair_stays_where_no_other_is_sent(run: Run, subject: Subject) -> None:
    """#/components/schemas/PersonaUpdate: x-on-null keep: null leaves the stored voice and language, also where another would come first; so does the same."""
    voice, language = _last_pair(run)
    subject.accepts({VOICE_FIELD: voice, LANGUAGE_FIELD: language})
    for body in ({VOICE_FIELD: None}, {LANGUAGE_FIELD: None}, {VOICE_FIELD: voice}, {LANGUAGE_FIELD: language}):
        subject.accepts(body)


def test_other_updates_leave_voice_and_language_alone(run: Run, subject: Subject) -> None:
    """#/x-decisions/voices: the API never changes the other field by itself."""
    (voice, own), _ = _mute_pair(run)
    subject.accepts({VOICE_FIELD: voice, LANGUAGE_FIELD: own})
    subject.accepts({VOICE_FIELD: None, LANGUAGE_FIELD: None, "wait_seconds": 1.25})
    subject.accepts({VOICE_FIELD: voice})
    subject.accepts({LANGUAGE_FIELD: own})
