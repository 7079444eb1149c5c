"""`python -m agents NAME`: one source's agent. Exits 0 when done or stopped, 1 to be restarted,
2 when it was called or set wrongly."""

import asyncio
import signal
import sys
import time
from contextlib import closing
from types import FrameType

import structlog

from agents.budget import open_budget
from agents.http import Hosts, HttpxTransport, SettingNames
from agents.intake import Intake
from agents.lock import one_instance
from agents.memory import KafkaTail, Memory, read_back
from agents.poll import PollRunner
from agents.publisher import KafkaPublisher
from agents.repair import TradePages
from agents.sequence import TradeSequence
from agents.settings import AgentSettings
from agents.source import PollSource, Source, StreamSource
from agents.sources import SOURCES
from agents.stream import StreamRunner
from agents.websocket import open_websocket
from market.clock import Clock, open_clock
from market.errors import Fatal
from market.log import configure
from market.settings import read_settings

log = structlog.get_logger()

CLOCK_PATIENCE_S = 30.0
FLUSH_S = 10.0
# Markets without a trade in the topic are asked for from this long before its newest trade on:
# their first trades may have been under way when the last process ended.
IN_FLIGHT_MS = 60_000
# But after a longer pause not from before this, so that a new market costs no week of trades.
LOOK_BACK_MS = 3_600_000

Runner = PollRunner | StreamRunner


def wait_for_clock(settings: AgentSettings) -> Clock:
    """The platform's clock; in a demo the simulator may still be about to write it."""
    deadline = time.monotonic() + CLOCK_PATIENCE_S
    while True:
        try:
            return open_clock(settings.clock_file)
        except FileNotFoundError:
            if time.monotonic() > deadline:
                raise Fatal(
                    f"{settings.clock_file} did not appear in {CLOCK_PATIENCE_S:.0f} s: is the "
                    "simulator running? CRYPTOVIZ_CLOCK_FILE is for demos only"
                ) from None
            time.sleep(0.2)


def recall(source: Source, settings: AgentSettings) -> Memory:
    """What the source's topic holds."""
    with closing(KafkaTail(settings.kafka_bootstrap, source.record_type)) as tail:
        return read_back(tail, source.memory, expected=source.expected_keys())


def unknown_since_ms(memory: Memory, clock: Clock) -> int | None:
    """Since when trades of markets that the topic does not hold are asked for, milliseconds UTC."""
    if memory.newest_observed_ms is None:
        return None
    return max(
        memory.newest_observed_ms - int(IN_FLIGHT_MS * clock.speed),
        clock.now_ms() - int(LOOK_BACK_MS * clock.speed),
    )


def build_runner(
    source: Source, settings: AgentSettings, clock: Clock, memory: Memory, publisher: KafkaPublisher
) -> Runner:
    """The runner for the kind of source."""
    intake = Intake(source, publisher=publisher, clock=clock)
    upstream = Hosts(
        HttpxTransport(settings),
        names=SettingNames.of(source.rest_setting, source.key_setting),
        budget_of=lambda host: open_budget(settings, source.vendor, host, clock),
        clock=clock,
    )
    if isinstance(source, PollSource):
        return PollRunner(source, upstream=upstream, intake=intake, memory=memory, clock=clock)
    if not isinstance(source, StreamSource):
        raise TypeError(f"{source.name} is neither a poll nor a stream")
    return StreamRunner(
        source,
        connect=open_websocket,
        pages=TradePages(
            source,
            upstream=upstream,
            intake=intake,
            clock=clock,
            max_pages=settings.repair_max_pages,
        ),
        intake=intake,
        sequence=TradeSequence({key[0]: last for key, last in memory.last.items()}),
        clock=clock,
        unknown_since_ms=unknown_since_ms(memory, clock),
    )


async def run_until_stopped(runner: Runner, publisher: KafkaPublisher) -> None:
    """Run until the source is done or SIGTERM comes. Raises what ended the runner otherwise."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [
        asyncio.create_task(runner.run()),
        asyncio.create_task(publisher.watch()),
        asyncio.create_task(stop.wait()),
    ]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


def stay_quiet() -> None:
    """Wait for SIGTERM: an agent that is off on purpose has not died, and is not started again."""
    asyncio.run(asyncio.Event().wait())


def run(name: str, settings: AgentSettings) -> None:
    """The agent's life. Raises Fatal where only a restart or a person can help."""
    with one_instance(settings.home, name):
        clock = wait_for_clock(settings)
        source = SOURCES[name](settings)
        reason = source.off_because()
        if reason is not None:
            log.warning("off", source=name, reason=reason)
            stay_quiet()
            return
        memory = recall(source, settings)
        publisher = KafkaPublisher(settings.kafka_bootstrap, name=name)
        runner = build_runner(source, settings, clock, memory, publisher)
        log.info("started", source=name, speed=clock.speed, scenario=clock.scenario)
        try:
            asyncio.run(run_until_stopped(runner, publisher))
        finally:
            left = publisher.flush(FLUSH_S)
            report = log.error if left else log.info
            report("stopped", source=name, not_acknowledged=left)


def _stop_at_once(_number: int, _frame: FrameType | None) -> None:
    """Before the event loop runs there is nothing to flush."""
    raise SystemExit(0)


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    if len(arguments) != 1 or arguments[0] not in SOURCES:
        sys.stderr.write(f"usage: python -m agents NAME; NAME is one of {', '.join(SOURCES)}\n")
        return 2
    (name,) = arguments
    settings = read_settings(AgentSettings)
    configure(process=f"agent-{name}", as_json=settings.log_json)
    signal.signal(signal.SIGTERM, _stop_at_once)
    try:
        run(name, settings)
    except Fatal as error:
        log.error("ended", source=name, error=str(error))  # noqa: TRY400 - the words are enough
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
