"""The real Kafka and InfluxDB, as `up` starts them."""

import httpx
import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from schemas.record_types import RECORD_TYPES
from stack.processes.influxd import InfluxAccess
from stack.processes.kafka import make_topics
from tests.conftest import RunningKafka

pytestmark = pytest.mark.integration


def test_every_record_type_has_its_topic_with_its_partitions(kafka_server: RunningKafka) -> None:
    held = AdminClient({"bootstrap.servers": kafka_server.bootstrap}).list_topics(timeout=10).topics
    for kind in RECORD_TYPES:
        assert len(held[kind.topic].partitions) == kind.partitions


def test_a_demo_keeps_its_records_for_ever(kafka_server: RunningKafka) -> None:
    topic = ConfigResource(ResourceType.TOPIC, RECORD_TYPES[0].topic)
    admin = AdminClient({"bootstrap.servers": kafka_server.bootstrap})
    config = admin.describe_configs([topic])[topic].result()
    assert config["retention.ms"].value == "-1"


def test_making_topics_again_makes_none(kafka_server: RunningKafka) -> None:
    assert make_topics(kafka_server.bootstrap, keep_for_ever=True) == []


def _write(access: InfluxAccess, bucket: str, token: str) -> int:
    return httpx.post(
        f"{access.url}/api/v2/write",
        params={"org": access.org, "bucket": bucket, "precision": "ms"},
        headers={"Authorization": f"Token {token}"},
        content="stack_test price_usd=1.0 1678503600000",
    ).status_code


def _read(access: InfluxAccess, bucket: str, token: str) -> httpx.Response:
    flux = (
        f'from(bucket: "{bucket}") |> range(start: 2023-03-01T00:00:00Z)'
        ' |> filter(fn: (r) => r._measurement == "stack_test")'
    )
    return httpx.post(
        f"{access.url}/api/v2/query",
        params={"org": access.org},
        headers={"Authorization": f"Token {token}", "Content-Type": "application/vnd.flux"},
        content=flux,
    )


@pytest.mark.parametrize("bucket", ["bucket", "speed_bucket"])
def test_the_write_token_writes_and_the_read_token_reads(
    influx_server: InfluxAccess, bucket: str
) -> None:
    name = getattr(influx_server, bucket)
    assert _write(influx_server, name, influx_server.write_token) == 204
    assert "stack_test" in _read(influx_server, name, influx_server.read_token).text


def test_the_read_token_cannot_write(influx_server: InfluxAccess) -> None:
    assert _write(influx_server, influx_server.bucket, influx_server.read_token) == 403


def test_the_write_token_cannot_read(influx_server: InfluxAccess) -> None:
    answer = _read(influx_server, influx_server.bucket, influx_server.write_token)
    assert "stack_test" not in answer.text
