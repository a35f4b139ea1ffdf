"""Every Prometheus metric of the worker, in one place."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

__all__ = ["CONTENT_TYPE", "MULTIPROCESS_VARIABLE", "Metrics"]

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Names the directory where the workers of one supervisor put their metrics together."""

CONTENT_TYPE = CONTENT_TYPE_LATEST

# A reply is felt as prompt below about 0.8 s and as a silence from 2 s on: finest where it matters.
RESPONSE_BUCKETS_S = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
# The budget is 20 ms.
BARGE_IN_BUCKETS_S = (
    *(0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.3, 1.0),
)
STT_BUCKETS_S = (
    *(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0),
)
STORE_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3)


class Metrics:
    """The metrics of one worker, in a registry of their own.

    Labels are few and closed: never a number, a SID or anything else that a caller chooses.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()

        self.calls_active = Gauge(
            "parley_calls_active", "Calls in progress.", registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self.tasks = Gauge(
            "parley_tasks", "Tasks of the event loop, a second ago at most.", registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self.calls = Counter(
            "parley_calls", "Calls that ended, by who ended them.", ["by"], registry=registry
        )
        self.calls_refused = Counter(
            "parley_calls_refused", "Calls and streams refused.", ["reason"], registry=registry
        )
        self.turns = Counter("parley_turns", "Finished turns of callers.", registry=registry)
        self.barge_ins = Counter(
            "parley_barge_ins", "Times a caller spoke over the bot and it fell silent.",
            registry=registry,
        )  # fmt: skip
        self.barge_in_seconds = Histogram(
            "parley_barge_in_seconds",
            "From the VAD's decision that the caller speaks over the bot to `clear` sent.",
            buckets=BARGE_IN_BUCKETS_S,
            registry=registry,
        )
        self.response_seconds = Histogram(
            "parley_response_seconds",
            "From the end of a caller's speech to the first audio of the reply sent.",
            buckets=RESPONSE_BUCKETS_S,
            registry=registry,
        )
        self.frames = Counter(
            "parley_frames", "Media messages, by direction.", ["direction"], registry=registry
        )
        self.protocol_errors = Counter(
            "parley_protocol_errors", "Messages from Twilio that were no such.", registry=registry
        )
        self.provider_errors = Counter(
            "parley_provider_errors", "Failures of speech providers.", ["kind", "provider"],
            registry=registry,
        )  # fmt: skip
        self.provider_audio_seconds = Counter(
            "parley_provider_audio_seconds", "Audio that recognizers were sent.",
            ["kind", "provider"], registry=registry,
        )  # fmt: skip
        self.provider_characters = Counter(
            "parley_provider_characters", "Characters that synthesizers were sent.",
            ["kind", "provider"], registry=registry,
        )  # fmt: skip
        self.provider_usd = Counter(
            "parley_provider_usd", "What providers cost, by list prices, in US dollars.",
            ["kind", "provider"], registry=registry,
        )  # fmt: skip
        self.provider_switches = Counter(
            "parley_provider_switches", "Times a speech provider took over from another.",
            ["kind", "before", "after"],
            registry=registry,
        )  # fmt: skip
        self.provider_well = Gauge(
            "parley_provider_well", "Whether a speech provider is well (1) or rests (0).",
            ["kind", "provider"],
            registry=registry, multiprocess_mode="livemin",
        )  # fmt: skip
        self.unheard_seconds = Counter(
            "parley_unheard_seconds", "Callers' audio that no recognizer has got.",
            registry=registry,
        )  # fmt: skip
        self.hook_errors = Counter(
            "parley_hook_errors", "Dialog hooks that raised or took too long.", ["hook"],
            registry=registry,
        )  # fmt: skip
        self.chat_tokens = Counter(
            "parley_chat_tokens", "Tokens that models of the chat dialog have read and written.",
            ["model", "kind"], registry=registry,
        )  # fmt: skip
        self.campaign_calls = Counter(
            "parley_campaign_calls", "Calls that campaigns asked for, by what came of the request.",
            ["fate"], registry=registry,
        )  # fmt: skip
        self.campaign_events = Counter(
            "parley_campaign_events", "Campaigns' events for webhooks, by what became of them.",
            ["result"], registry=registry,
        )  # fmt: skip
        self.vad_windows = Counter(
            "parley_vad_windows", "Windows of audio judged by the VAD.", registry=registry
        )
        self.vad_event_errors = Counter(
            "parley_vad_event_errors", "Starts and ends of speech that a call failed to take.",
            registry=registry,
        )  # fmt: skip

        self.store_failures = Counter(
            "parley_store_failures", "Redis calls that failed or took too long.", registry=registry
        )
        self.store_available = Gauge(
            "parley_store_available", "Whether Redis answered last (1) or not (0).",
            registry=registry, multiprocess_mode="livemin",
        )  # fmt: skip
        self.store_buffered_calls = Gauge(
            "parley_store_buffered_calls", "Calls with something to write.", registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self.stt_store_buffered_sessions = Gauge(
            "parley_stt_store_buffered_sessions",
            "Sessions of the streaming STT API with something to write.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.stt_sessions_active = Gauge(
            "parley_stt_sessions_active", "Speech-to-text sessions that go on.", ["door"],
            registry=registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self.stt_sessions = Counter(
            "parley_stt_sessions", "Speech-to-text sessions that were begun or resumed.",
            ["door", "how"], registry=registry,
        )  # fmt: skip
        self.stt_sessions_ended = Counter(
            "parley_stt_sessions_ended", "Speech-to-text sessions that are over.", ["reason"],
            registry=registry,
        )  # fmt: skip
        self.stt_sessions_interrupted = Counter(
            "parley_stt_sessions_interrupted",
            "Speech-to-text sessions that an error has interrupted, and that may be resumed.",
            ["code"],
            registry=registry,
        )
        self.stt_connections_lost = Counter(
            "parley_stt_connections_lost",
            "Clients of speech-to-text sessions that were gone before the end.",
            registry=registry,
        )
        self.stt_audio_seconds = Counter(
            "parley_stt_audio_seconds", "Audio that speech-to-text sessions have taken.",
            registry=registry,
        )  # fmt: skip
        self.stt_start_seconds = Histogram(
            "parley_stt_start_seconds",
            "From a client's wish for a session until it has begun.",
            buckets=STT_BUCKETS_S,
            registry=registry,
        )
        self.stt_interim_seconds = Histogram(
            "parley_stt_interim_seconds",
            "From where somebody in a session begins to speak to the first words understood.",
            buckets=STT_BUCKETS_S,
            registry=registry,
        )
        self.stt_final_seconds = Histogram(
            "parley_stt_final_seconds",
            "From the end of what was said in a session to its final transcription.",
            buckets=STT_BUCKETS_S,
            registry=registry,
        )
        self.store_dropped = Counter(
            "parley_store_dropped", "Records and events that could not be kept.", registry=registry
        )
        self.store_flush_seconds = Histogram(
            "parley_store_flush_seconds",
            "Time to write one batch to Redis.",
            buckets=STORE_BUCKETS_S,
            registry=registry,
        )

        self.workers_lost = Counter(
            "parley_workers_lost", "Times another worker was seen to have died.", registry=registry
        )
        self.rescues = Counter(
            "parley_rescues", "Calls of dead workers: rescued, failed for now, ended.",
            ["outcome"], registry=registry,
        )  # fmt: skip
        self.commands = Counter(
            "parley_commands", "Commands for calls of other workers, by how they went.",
            ["outcome"], registry=registry,
        )  # fmt: skip

    def count_tokens(self, model: str, prompt: int, completion: int) -> None:
        """A chat model, named in a dialog's file, has read and written so many tokens."""
        self.chat_tokens.labels(model, "prompt").inc(prompt)
        self.chat_tokens.labels(model, "completion").inc(completion)

    def render(self) -> bytes:
        """The metrics as text (`CONTENT_TYPE`); those of one supervisor's workers are added up."""
        if MULTIPROCESS_VARIABLE not in os.environ:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return generate_latest(registry)
