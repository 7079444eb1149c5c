"""Settings of the simulator's process."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from market.settings import PlatformSettings


class SimulatorSettings(PlatformSettings):
    """What to play, from when, how fast, and where to serve it."""

    simulator_port: Annotated[int, Field(ge=1, le=65_535, description="Port on 127.0.0.1.")] = 8900
    simulator_scenario: Annotated[
        str, Field(description="A name of simulator.scenarios.SCENARIOS.")
    ] = "market"
    simulator_seed: Annotated[int, Field(ge=0, le=2**63 - 1, description="Seed of the draw.")] = 7
    simulator_from_ms: Annotated[
        int | None,
        Field(description="First moment, milliseconds UTC; unset means the scenario's own."),
    ] = None
    simulator_speed: Annotated[
        float,
        Field(gt=0, le=10_000, allow_inf_nan=False, description="Scenario seconds a real second."),
    ] = 60.0
    simulator_bars: Annotated[
        dict[str, Path],
        NoDecode,
        Field(
            default_factory=dict,
            description="SYMBOL=FILE, joined by the path separator of the system.",
        ),
    ]
    simulator_folder: Annotated[
        Path | None, Field(description="Folder of a recording, for the scenario recording.")
    ] = None
    simulator_max_lag_s: Annotated[
        float,
        Field(gt=0, description="Real seconds a subscriber may fall behind before it is cut."),
    ] = 10.0

    @field_validator("simulator_from_ms", "simulator_folder", mode="before")
    @classmethod
    def _unset_when_empty(cls, given: object) -> object:
        return None if given == "" else given

    @field_validator("simulator_bars", mode="before")
    @classmethod
    def _split_files(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        files: dict[str, Path] = {}
        for part in filter(None, given.split(os.pathsep)):
            symbol, separator, path = part.partition("=")
            if not separator or not symbol or not path:
                raise ValueError(f"{part!r} is not SYMBOL=FILE")
            if symbol.upper() in files:
                raise ValueError(f"{symbol.upper()} is named twice")
            files[symbol.upper()] = Path(path)
        return files
