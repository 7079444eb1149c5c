"""The sink against the real InfluxDB and Kafka."""

from types import SimpleNamespace

import httpx
import pytest
from confluent_kafka import Consumer
from pydantic import SecretStr

from market.clock import WallClock
from schemas.codec import decode
from schemas.record_types import DEAD_LETTER
from spark_jobs.influx_sink import batch_writer

pytestmark = pytest.mark.integration

MOMENT_NS = 1_678_503_600_000_000_000


@pytest.fixture
def settings(influx_server, kafka_server):
    return SimpleNamespace(
        influx_url=influx_server.url,
        influx_org=influx_server.org,
        influx_bucket=influx_server.bucket,
        influx_write_token=SecretStr(influx_server.write_token),
        kafka_bootstrap=kafka_server.bootstrap,
        clock=WallClock,
    )


def written(influx_server, measurement: str) -> list[str]:
    """Rows of the measurement as InfluxDB's own CSV."""
    flux = (
        f'from(bucket: "{influx_server.bucket}") |> range(start: 0, stop: 2030-01-01T00:00:00Z)'
        f' |> filter(fn: (r) => r._measurement == "{measurement}")'
    )
    response = httpx.post(
        f"{influx_server.url}/api/v2/query",
        params={"org": influx_server.org},
        headers={
            "Authorization": f"Token {influx_server.read_token}",
            "Content-Type": "application/vnd.flux",
        },
        content=flux,
    )
    response.raise_for_status()
    return [line for line in response.text.splitlines() if f",{measurement}," in line]


def lines_frame(spark, lines: list[str]):
    return spark.createDataFrame(
        [("cryptoviz", line) for line in lines], "bucket string, line string"
    )


def test_writing_a_batch_twice_is_writing_it_once(spark, settings, influx_server):
    write = batch_writer(settings)
    batch = lines_frame(spark, [f"twice,place=p{n} level={n}.5 {MOMENT_NS}" for n in range(100)])
    write(batch, 0)
    once = written(influx_server, "twice")
    write(batch, 0)
    assert len(once) == 100
    assert written(influx_server, "twice") == once


def test_a_refused_point_is_a_dead_letter_with_the_servers_words_and_the_rest_is_written(
    spark, settings, influx_server, kafka_server
):
    batch_writer(settings)(lines_frame(spark, [f"typed,place=a level=1.5 {MOMENT_NS}"]), 0)
    conflict = f'typed,place=a level="high" {MOMENT_NS + 1}'
    good = [f"typed,place=b level={n}.5 {MOMENT_NS + n}" for n in range(20)]
    batch_writer(settings)(lines_frame(spark, [*good[:10], conflict, *good[10:]]), 1)
    assert len(written(influx_server, "typed")) == 21
    letter = last_dead_letter(kafka_server.bootstrap)
    assert letter["payload"].decode() == conflict
    assert letter["reason"] == "sink_refused"
    assert "conflict" in letter["detail"]


def test_a_batch_without_rows_writes_nothing_and_is_no_error(spark, settings, influx_server):
    batch_writer(settings)(lines_frame(spark, []), 0)
    assert written(influx_server, "nothing") == []


def last_dead_letter(bootstrap: str) -> dict:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "sink", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([DEAD_LETTER.topic])
    try:
        for _ in range(30):
            message = consumer.poll(1.0)
            if message is not None and message.error() is None:
                return decode(message.value())[1]
    finally:
        consumer.close()
    raise AssertionError("no dead letter came")
