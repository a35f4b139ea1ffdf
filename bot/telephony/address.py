"""PURE: the public address of a deployment, from which every URL that Twilio is given is built."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "AMD_PATH",
    "MEDIA_PATH",
    "NEXT_PATH",
    "RETRIES",
    "STATUS_PATH",
    "STREAM_PATH",
    "VOICE_PATH",
    "Address",
]

VOICE_PATH = "/twilio/voice"
NEXT_PATH = "/twilio/next"
STATUS_PATH = "/twilio/status"
AMD_PATH = "/twilio/amd"
STREAM_PATH = "/twilio/stream"
MEDIA_PATH = "/twilio/media"


RETRIES = "#rc=2&rp=all&rt=4000"
"""Connection overrides: Twilio asks again, up to twice, when it got no answer within 4 s, or none
that is one. Else it would ask again only if no connection was made, wait 15 s for a worker that has
frozen, and then give the call up. A fragment is neither sent nor signed.
Source: https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where Twilio reaches the deployment: `https://host[:port][/prefix]`.

    It is the load balancer's address, never a worker's, so neither a URL nor a signature may be
    built from what a request says about itself. Settings allow `http://` for loopback alone.
    """

    public_url: str

    def url(self, path: str, query: str = "") -> str:
        """The public URL of one of our paths; `query` as it is sent, without `?`."""
        return self.public_url.rstrip("/") + path + (f"?{query}" if query else "")

    def document(self, path: str, query: str = "") -> str:
        """The URL of a TwiML document, as `url`, for which Twilio asks more than once if need be.

        Whichever worker is asked again knows the delivery by its idempotency token.
        """
        return self.url(path, query) + RETRIES

    @property
    def media(self) -> str:
        """The stream's URL: `wss://`, or `ws://` on loopback. Twilio allows no query in it."""
        # Both spellings of the scheme begin with "http", and "https" becomes "wss".
        return "ws" + self.url(MEDIA_PATH).removeprefix("http")
