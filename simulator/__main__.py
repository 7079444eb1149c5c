"""`python -m simulator`: play a scenario on loopback until SIGTERM. Exits 2 on wrong settings."""

import asyncio
import signal
import sys
from collections.abc import Iterator

import structlog
from prometheus_client import Metric

from market.log import configure
from market.metrics import gauge, serve_metrics
from market.settings import ENV_PREFIX, read_settings
from simulator.scenario import WrongScenario
from simulator.scenario_clock import MasterClock
from simulator.scenarios import BY_NAME, SCENARIOS
from simulator.scenarios.offer import ScenarioRequest
from simulator.server import create_app, serve
from simulator.settings import SimulatorSettings
from simulator.simulation import Simulation

log = structlog.get_logger()


def open_simulation(settings: SimulatorSettings) -> Simulation:
    """The scenario and clock of the settings. Raises WrongScenario."""
    offer = BY_NAME.get(settings.simulator_scenario)
    if offer is None:
        known = ", ".join(f"{offer.name} ({offer.summary})" for offer in SCENARIOS)
        raise WrongScenario(f"no scenario {settings.simulator_scenario}; known: {known}")
    request = ScenarioRequest(
        seed=settings.simulator_seed,
        start_ms=settings.simulator_from_ms,
        bars=settings.simulator_bars,
        folder=settings.simulator_folder,
    )
    scenario = offer.open(request)
    clock = MasterClock(
        settings.clock_file or settings.home / "clock.json",
        scenario=offer.name,
        start_ms=scenario.start_ms,
        speed=settings.simulator_speed,
    )
    return Simulation(scenario=scenario, clock=clock, max_lag_s=settings.simulator_max_lag_s)


async def _play(simulation: Simulation, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(create_app(simulation), port, stop)
    log.info("stopped", scenario_ms=simulation.now_ms())


def _told(simulation: Simulation) -> Iterator[Metric]:
    """For Prometheus."""
    words = "Scenario time, seconds since the epoch."
    yield gauge("simulator_scenario_seconds", words, simulation.now_ms() / 1000)


def main() -> int:
    """Read the settings once, then play."""
    settings = read_settings(SimulatorSettings)
    configure(process="simulator", as_json=settings.log_json)
    try:
        simulation = open_simulation(settings)
    except WrongScenario as error:
        sys.stderr.write(f"{ENV_PREFIX}SIMULATOR_*: {error}\n")
        return 2
    log.info(
        "scenario",
        name=simulation.scenario.name,
        start_ms=simulation.scenario.start_ms,
        now_ms=simulation.now_ms(),
        speed=settings.simulator_speed,
        symbols=len(simulation.scenario.instruments),
    )
    serve_metrics(settings.metrics_port, lambda: _told(simulation))
    try:
        asyncio.run(_play(simulation, settings.simulator_port))
    except OSError as error:
        sys.stderr.write(f"port {settings.simulator_port}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
