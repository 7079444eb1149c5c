"""Names of the simulator's scenarios, for whoever may not import the simulator."""

SCENARIOS: tuple[str, ...] = ("market", "bars", "recording")
