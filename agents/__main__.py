"""`python -m agents NAME`: one source's agent. Exits 0 when done or stopped, 1 to be restarted,
2 when it was called or set wrongly."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import closing
from functools import partial
from types import FrameType
from typing import Any

import httpx
import structlog

from agents.addresses import Gate, place
from agents.budget import Unlimited, open_budget
from agents.gaps import GapLedger
from agents.health import Condition, Heart, Idle
from agents.http import Hosts, HttpxTransport, SettingNames
from agents.intake import Intake
from agents.lock import one_instance
from agents.markets_file import MarketsFile
from agents.memory import CAP_RECORDS, KafkaTail, Memory, read_back
from agents.mending import Mender
from agents.metrics import agent_metrics
from agents.poll import PollRunner
from agents.publisher import KafkaPublisher
from agents.repair import TradePages
from agents.sequence import TradeSequence
from agents.settings import AgentSettings, read_for
from agents.source import PollSource, Source, StreamSource
from agents.sources import SOURCES
from agents.stream import StreamRunner
from agents.websocket import open_websocket
from market.clock import Clock, open_clock
from market.errors import Fatal
from market.log import configure
from market.metrics import serve_metrics
from market.settings import ENV_PREFIX
from schemas.codec import Undecodable, decode
from schemas.record_types import GAP

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
        tail.settle()
        return read_back(tail, source.memory, expected=source.expected_keys())


def unknown_since_ms(memory: Memory, clock: Clock) -> int | None:
    """Since when trades of markets that the topic does not hold are asked for, milliseconds UTC."""
    if memory.newest_observed_ms is None:
        return None
    return max(
        memory.newest_observed_ms - int(IN_FLIGHT_MS * clock.speed),
        clock.now_ms() - int(LOOK_BACK_MS * clock.speed),
    )


def read_gaps(ledger: GapLedger, settings: AgentSettings) -> None:
    """What the gap topic holds; the newest record of a gap tells its state."""
    with closing(KafkaTail(settings.kafka_bootstrap, GAP)) as tail:
        for partition, (begin, end) in tail.bounds().items():
            for payload in tail.read(partition, max(begin, end - CAP_RECORDS), end):
                try:
                    record_type, record = decode(payload)
                except Undecodable as error:
                    log.warning("gap_undecodable", error=str(error))
                    continue
                if record_type is GAP:
                    ledger.recall([record])


class Agent:
    """A source with all that runs it."""

    def __init__(
        self,
        source: Source,
        settings: AgentSettings,
        clock: Clock,
        memory: Memory,
        publisher: KafkaPublisher,
        *,
        start_cause: str = "restart",
    ) -> None:
        self._start_cause = start_cause
        self._source = source
        self._settings = settings
        self._clock = clock
        self._memory = memory
        self.intake = Intake(source, publisher=publisher, clock=clock)
        self.intake.newest_observed_ms = memory.newest_observed_ms
        self.hosts = Hosts(
            HttpxTransport(settings),
            names=SettingNames.of(source.rest_setting, source.key_setting),
            budget_of=lambda host: open_budget(settings, source.vendor, host, clock),
            clock=clock,
        )
        self.budget = open_budget(settings, source.vendor, main_host(source), clock)
        if isinstance(source, PollSource):
            runner, condition = self._poll(source)
        elif isinstance(source, StreamSource):
            runner, condition = self._stream(source)
        else:
            raise TypeError(f"{source.name} is neither a poll nor a stream")
        self.runner: Runner = runner
        self.heart = Heart(
            source.name, intake=self.intake, clock=clock, condition=condition, budget=self.budget
        )

    def _poll(self, source: PollSource) -> tuple[Runner, Callable[[], Condition]]:
        runner = PollRunner(
            source,
            upstream=self.hosts,
            intake=self.intake,
            memory=self._memory,
            clock=self._clock,
            plan=lambda interval_s, cost: self.budget.plan(source.name, interval_s, cost),
        )

        def condition() -> Condition:
            off_because = self.hosts.off_because
            is_off = self.hosts.is_wholly_off
            return Condition(
                off_because=off_because if is_off else None,
                is_done=runner.is_done,
                degraded_because=off_because or runner.trouble,
                breaker=self.hosts.state,
                last_success_ms=runner.last_success_ms,
            )

        return runner, condition

    def _stream(self, source: StreamSource) -> tuple[Runner, Callable[[], Condition]]:
        settings, clock, memory = self._settings, self._clock, self._memory
        sequence = TradeSequence({key[0]: last for key, last in memory.last.items()})
        ledger = GapLedger(source.source, coin_of=source.coin_of, now_ms=clock.now_ms)
        read_gaps(ledger, settings)
        pages = TradePages(
            source,
            upstream=self.hosts,
            intake=self.intake,
            clock=clock,
            max_pages=settings.repair_max_pages,
        )
        file = markets_file(settings, source)
        runner = StreamRunner(
            source,
            connect=partial(open_websocket, gate=Gate(settings.upstream_only)),
            mender=Mender(
                pages=pages,
                intake=self.intake,
                sequence=sequence,
                ledger=ledger,
                newest_ms=memory.newest_observed_ms,
            ),
            intake=self.intake,
            sequence=sequence,
            clock=clock,
            unknown_since_ms=unknown_since_ms(memory, clock),
            followed=file.changed if file is not None else lambda: None,
            start_cause=self._start_cause,
        )

        def condition() -> Condition:
            silent = runner.silence.silent
            gaps = ledger.open_gaps
            problems = (
                runner.lost_because,
                self.hosts.off_because,
                None if file is None else file.problem,
                f"{', '.join(silent)}: silent while others trade" if silent else None,
                f"{len(gaps)} gaps are open" if gaps else None,
            )
            return Condition(
                degraded_because=next((words for words in problems if words), None),
                breaker=self.hosts.state,
                last_success_ms=runner.last_success_ms,
                open_gaps=len(gaps),
                repaired_trades=ledger.repaired_trades,
                silent_symbols=silent,
            )

        return runner, condition

    async def work(self) -> None:
        """Run the source; where it comes to an end, the last heartbeat says so."""
        await self.runner.run()
        await self.heart.beat()


def main_host(source: Source) -> str:
    """host:port whose budget the source plans with; empty where it asks several hosts."""
    try:
        return place(httpx.URL(source.base_url))
    except httpx.InvalidURL:
        return ""


def barred(source: Source) -> str | None:
    """Why a stream's address may not be asked in a demo, None where it may. Requests over HTTP are
    judged one by one, and their breaker says so."""
    if not isinstance(source, StreamSource):
        return None
    try:
        url = httpx.URL(str(getattr(source.settings, source.stream_setting)))
        Gate(source.settings.upstream_only).first(url)
    except (Fatal, httpx.InvalidURL) as error:
        return f"{(ENV_PREFIX + source.stream_setting).upper()}: {error}"
    return None


def markets_file(settings: AgentSettings, source: Source) -> MarketsFile | None:
    """The file to watch; None where a setting names the markets and the file does not count."""
    if settings.markets_file is None or "binance_symbols" in settings.model_fields_set:
        return None
    return MarketsFile(settings.markets_file, source.source)


async def run_until_stopped(*parts: Coroutine[Any, Any, None]) -> None:
    """Run until a part is done or SIGTERM comes. Raises what ended a part otherwise."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [
        *(asyncio.create_task(part) for part in parts),
        asyncio.create_task(stop.wait()),
    ]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


def stay_off(name: str, why: str, settings: AgentSettings, clock: Clock) -> None:
    """Only heartbeats, until SIGTERM: an agent that is off on purpose has not died, and is not
    started again."""
    log.warning("off", source=name, reason=why)
    publisher = KafkaPublisher(settings.kafka_bootstrap, name=name)
    heart = Heart(
        name,
        intake=Idle(publisher),
        clock=clock,
        condition=lambda: Condition(off_because=why),
        budget=Unlimited(),
    )
    serve_metrics(settings.metrics_port, agent_metrics(heart, publisher, None))
    asyncio.run(run_until_stopped(heart.beat_for_ever(), publisher.watch()))
    publisher.flush(FLUSH_S)


def run(name: str, settings: AgentSettings, wrong: str | None = None) -> None:
    """The agent's life; `wrong` says what is wrong with its own settings. Raises Fatal where only
    a restart or a person can help."""
    with one_instance(settings.home, name):
        clock = wait_for_clock(settings)
        source, off_because = None, wrong
        if off_because is None:
            try:
                source = SOURCES[name](settings)
                off_because = source.off_because() or barred(source)
            except Fatal as error:
                off_because = str(error)
        if source is None or off_because is not None:
            stay_off(name, off_because or "", settings, clock)
            return
        memory = recall(source, settings)
        publisher = KafkaPublisher(settings.kafka_bootstrap, name=name)
        # Left by a process that Kafka kept waiting for too long: what was missed is Kafka's doing.
        kafka_was_away = settings.home / "locks" / f"agent-{name}.kafka-away"
        cause = "kafka" if kafka_was_away.exists() else "restart"
        agent = Agent(source, settings, clock, memory, publisher, start_cause=cause)
        kafka_was_away.unlink(missing_ok=True)
        serve_metrics(settings.metrics_port, agent_metrics(agent.heart, publisher, agent.runner))
        log.info("started", source=name, speed=clock.speed, scenario=clock.scenario)
        try:
            asyncio.run(
                run_until_stopped(agent.work(), publisher.watch(), agent.heart.beat_for_ever())
            )
        finally:
            if publisher.has_failed:
                kafka_was_away.touch()
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
    settings, wrong = read_for(name.split("_")[0])
    configure(process=f"agent-{name}", as_json=settings.log_json)
    signal.signal(signal.SIGTERM, _stop_at_once)
    try:
        run(name, settings, wrong)
    except Fatal as error:
        log.error("ended", source=name, error=str(error))  # noqa: TRY400 - the words are enough
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
