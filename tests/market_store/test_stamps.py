"""Two things of one millisecond have two stamps, each the same at every replay."""

from market.store.measurements import ANOMALIES
from market.store.stamps import stamp_ns
from schemas.record_types import ANOMALY

NOON_MS = 1_678_536_000_000


def test_a_stamp_stays_within_its_millisecond_and_goes_by_the_identity():
    stamps = {stamp_ns(NOON_MS, f"episode-{n}") for n in range(100)}
    assert len(stamps) == 100
    assert {stamp // 1_000_000 for stamp in stamps} == {NOON_MS}
    assert stamp_ns(NOON_MS, "episode-0") == stamp_ns(NOON_MS, "episode-0")


def test_the_store_holds_every_field_of_the_record():
    fields = {field["name"] for field in ANOMALY.latest["fields"]}
    assert fields == {*ANOMALIES.tags, *ANOMALIES.fields}
