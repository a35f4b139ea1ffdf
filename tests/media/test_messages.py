"""Messages: what their text forms must not reveal."""

from __future__ import annotations

from media.messages import INVALID_MESSAGE, Dtmf, Media, MediaStreamError, SendMedia, Start


def test_an_error_says_its_number_and_reason() -> None:
    error = MediaStreamError(INVALID_MESSAGE, "field 'name' is missing or not a string")
    assert (error.code, error.reason) == (31951, "field 'name' is missing or not a string")
    assert str(error) == "31951: field 'name' is missing or not a string"


def test_audio_digits_and_parameters_stay_out_of_reprs() -> None:
    start = Start("MZ1", "AC1", "CA1", {"token": "secret"})
    shown = [repr(start), repr(Dtmf("7", 5)), repr(Media(b"audio", 1, 0, 2))]
    assert repr(SendMedia(b"audio")) == "SendMedia()"
    assert "MZ1" in shown[0]
    assert not any(private in text for text in shown for private in ("secret", "7", "audio'"))
