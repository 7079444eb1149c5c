import socket
import threading

import pytest

from api.kafka_probe import MAX_AGE_S, KafkaProbe, KafkaState, ask_broker

UP = KafkaState(is_up=True, detail="1 broker(s) answer.")
DOWN = KafkaState(is_up=False, detail="The broker does not answer.")


class Broker:
    """Answers what it is told to, and counts the questions."""

    def __init__(self) -> None:
        self.says = UP
        self.questions = 0
        self.answers = threading.Event()
        self.answers.set()

    def __call__(self) -> KafkaState:
        self.questions += 1
        assert self.answers.wait(5)
        return self.says


class Time:
    at_s = 0.0

    def __call__(self) -> float:
        return self.at_s


async def test_the_broker_is_asked_at_most_every_five_seconds():
    broker, now = Broker(), Time()
    probe = KafkaProbe(broker, monotonic=now)
    for _ in range(10):
        assert await probe.state() == UP
    assert broker.questions == 1
    broker.says, now.at_s = DOWN, MAX_AGE_S
    assert await probe.state() == UP  # not waited for
    await probe.close()
    assert await probe.state() == DOWN
    assert broker.questions == 2


async def test_a_broker_that_hangs_does_not_hang_health(monkeypatch):
    monkeypatch.setattr("api.kafka_probe.PATIENCE_S", 0.01)
    broker = Broker()
    broker.answers.clear()
    probe = KafkaProbe(broker)
    assert not (await probe.state()).is_up
    assert not (await probe.state()).is_up
    assert broker.questions == 1
    broker.answers.set()
    await probe.close()
    assert await probe.state() == UP


@pytest.mark.integration
def test_a_real_broker_answers_and_an_absent_one_does_not(kafka_server):
    assert ask_broker(kafka_server.bootstrap)() == UP
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refused
        assert ask_broker(f"127.0.0.1:{taken.getsockname()[1]}")() == DOWN
