"""Conformance: what every source in SOURCES must keep."""

from pathlib import Path
from typing import Any

import pytest

import agents.sources
from agents.__main__ import main, unknown_since_ms
from agents.memory import Memory
from agents.settings import AgentSettings
from agents.source import PollSource, StreamSource
from agents.sources import SOURCES
from schemas.record_types import AGENT_RECORD_TYPES
from tests.agents.fakes import START_MS, FakeClock, settings

KINDS = pytest.mark.parametrize("kind", SOURCES.values(), ids=SOURCES)


@KINDS
def test_a_source_is_a_poll_or_a_stream_and_has_its_own_file(kind: Any):
    assert issubclass(kind, PollSource) != issubclass(kind, StreamSource)
    folder = Path(agents.sources.__file__).parent
    assert (folder / f"{kind.name}.py").exists()


@KINDS
def test_a_source_names_settings_that_exist(kind: Any):
    named = {kind.rest_setting, kind.key_setting, getattr(kind, "stream_setting", None)} - {None}
    assert named <= AgentSettings.model_fields.keys()


@KINDS
def test_memory_is_the_identity_of_the_record_type(kind: Any):
    assert kind.record_type in AGENT_RECORD_TYPES
    remembered = {"source", *kind.memory.key, kind.memory.position} - {None}
    assert remembered == set(kind.record_type.identity)
    assert kind.memory.source == kind.source or "source" in kind.memory.key


@KINDS
def test_expected_keys_have_the_shape_of_the_memory(kind: Any):
    keys = list(kind(settings()).expected_keys())
    if kind.memory.position is None:
        assert keys == []  # nobody knows which articles there will be
        return
    assert {len(key) for key in keys} == {len(kind.memory.key)}


@KINDS
def test_a_source_s_docstring_shows_the_payload(kind: Any):
    assert "::" in (kind.__doc__ or "")


def test_an_unknown_name_lists_the_known_ones(capsys: pytest.CaptureFixture[str]):
    assert main(["nope"]) == 2
    printed = capsys.readouterr().err
    assert all(name in printed for name in SOURCES)


def test_a_very_first_start_asks_for_no_past_trades():
    assert unknown_since_ms(Memory(SOURCES["binance_trades"].memory), FakeClock()) is None


def test_after_a_restart_markets_not_in_the_topic_are_asked_from_shortly_before_its_end():
    memory = Memory(SOURCES["binance_trades"].memory, newest_observed_ms=START_MS - 5_000)
    assert unknown_since_ms(memory, FakeClock()) == START_MS - 65_000


def test_after_a_long_pause_markets_not_in_the_topic_are_asked_for_an_hour_at_most():
    memory = Memory(SOURCES["binance_trades"].memory, newest_observed_ms=1)
    assert unknown_since_ms(memory, FakeClock()) == START_MS - 3_600_000
