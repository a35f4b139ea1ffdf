"""What a turn of Azure's recognizer is opened with."""

from __future__ import annotations

from media.audio import PCM16_8K, ULAW_8K, AudioFormat, Encoding
from media.files import read_wav_header
from providers.stt.azure_turn import audio_source, context, profanity, query, riff_header, terms
from providers.types import SttOptions


def test_a_plain_turn() -> None:
    assert context(["en-US"], SttOptions()) == {
        "phraseDetection": {
            "mode": "CONVERSATION",
            "CONVERSATION": {
                "segmentation": {
                    "mode": "Custom",
                    "segmentationSilenceTimeoutMs": 500,
                    "segmentationForcedTimeoutMs": 30_000,
                }
            },
            "enrichment": {"profanity": "raw"},
            "language": "en-US",
        },
        "phraseOutput": {"format": "Detailed", "detailed": {"options": ["WordTimings"]}},
        "audio": {"streams": {"1": None}},
    }


def test_all_that_may_be_asked_for() -> None:
    options = SttOptions(
        key_terms=("Parley", " "),
        phrases=("yes", "Parley"),
        endpointing_ms=900,
        profanity_filter=True,
    )
    asked = context(["en-US", "de-DE"], options)
    detection = asked["phraseDetection"]
    assert "language" not in detection
    assert detection["enrichment"] == {"profanity": "masked"}
    assert detection["CONVERSATION"]["segmentation"]["segmentationSilenceTimeoutMs"] == 900
    assert asked["languageId"]["languages"] == ["en-US", "de-DE"]
    # As the SDK says it when several languages may be spoken.
    assert detection["onSuccess"] == detection["onInterim"] == {"action": "None"}
    assert asked["phraseOutput"]["phraseResults"] == {"resultType": "Always"}
    assert asked["phraseOutput"]["interimResults"] == {"resultType": "Auto"}
    assert asked["dgi"]["Groups"] == [
        {"Type": "Generic", "Items": [{"Text": "Parley"}, {"Text": "yes"}]}
    ]


def test_the_address_names_the_languages() -> None:
    plain = dict(query(["en-US"], SttOptions(), None))
    assert plain == {
        "language": "en-US",
        "format": "detailed",
        "wordLevelTimestamps": "true",
        "profanity": profanity(SttOptions()),
    }
    more = dict(query(["en-US", "de-DE"], SttOptions(), "an-endpoint"))
    assert (more["lidEnabled"], more["cid"]) == ("en-US,de-DE", "an-endpoint")


def test_so_many_terms_are_heeded() -> None:
    assert len(terms(SttOptions(phrases=tuple(map(str, range(600)))))) == 500


def test_audio_begins_as_a_wav_file_of_unknown_size_does() -> None:
    for audio in (ULAW_8K, PCM16_8K, AudioFormat(Encoding.ALAW, 8_000)):
        header = read_wav_header(riff_header(audio))
        assert (header.format, header.data_at) == (audio, 44)
        assert riff_header(audio)[4:8] == riff_header(audio)[40:44] == bytes(4)
    assert audio_source(PCM16_8K) == {
        "type": "Stream",
        "samplerate": "8000",
        "bitspersample": "16",
        "channelcount": "1",
    }
