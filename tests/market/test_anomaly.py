"""One vocabulary for the record, the detectors and the answers."""

from market.anomaly import KINDS, PHASES, SEVERITIES, anomaly_id
from schemas.record_types import ANOMALY


def symbols(field: str) -> tuple[str, ...]:
    (found,) = (one for one in ANOMALY.latest["fields"] if one["name"] == field)
    return tuple(found["type"]["symbols"])


def test_the_record_knows_the_same_words():
    assert symbols("kind") == KINDS
    assert symbols("phase") == PHASES
    assert symbols("severity") == SEVERITIES


def test_an_episode_has_one_id_and_no_other_episode_has_it():
    first = anomaly_id("pump", "binance|BTCUSDT", 1_678_503_600_000)
    assert first == anomaly_id("pump", "binance|BTCUSDT", 1_678_503_600_000)
    assert first != anomaly_id("volume", "binance|BTCUSDT", 1_678_503_600_000)
    assert first != anomaly_id("pump", "binance|BTCUSDC", 1_678_503_600_000)
    assert first != anomaly_id("pump", "binance|BTCUSDT", 1_678_503_600_001)
