"""What the stand-in's recognizers offer: models, languages, places; a part of Google's."""

from __future__ import annotations

from .refusal import invalid

__all__ = ["check_offer", "check_words"]

MODELS = {
    1: {
        *("telephony", "telephony_short", "phone_call", "latest_long", "latest_short"),
        *("command_and_search", "medical_dictation", "medical_conversation", "default"),
    },
    2: {"telephony", "telephony_short", "long", "short", "latest_long", "latest_short"},
}
REGIONAL = {"chirp_2", "chirp_3"}
"""Models of version 2 that are in some regions, and not in `global`."""
REGIONS = {"us", "eu", "us-central1", "europe-west4", "asia-southeast1"}
MULTILINGUAL = {"global", "us", "eu"}
LANGUAGES = {"de-DE", "en-GB", "en-IN", "en-US", "es-ES", "es-US", "fr-FR", "it-IT", "pt-BR"}


def check_offer(version: int, location: str, model: str, languages: list[str]) -> None:
    """See that a model is in a place, and understands the languages.

    Raises:
        Refusal: it is not, or does not.
    """
    where = f'in the location named "{location}"'
    regional = version == 2 and location in REGIONS and model in REGIONAL
    if model and model not in MODELS[version] and not regional:
        raise invalid(f'The model "{model}" does not exist {where}.')
    if len(languages) > 1 and location not in MULTILINGUAL:
        raise invalid("Multiple language recognition is only available in global, US, and EU.")
    if len(languages) > 1 and "auto" in languages:
        raise invalid('The language "auto" cannot be one of several.')
    for language in languages:
        if language not in LANGUAGES and not (regional and language == "auto"):
            raise invalid(
                f'The language "{language}" is not supported by the model "{model}" {where}.'
            )


def check_words(model: str, asked: bool) -> None:
    """See that a stream's model tells the times of words, if they are asked for.

    Raises:
        Refusal: it does not.
    """
    if asked and model == "chirp_3":
        raise invalid(
            "Chirp 3 only supports word timestamps in Recognize and BatchRecognize requests."
        )
