"""Quality, measured through the shipped code on anybody's files: `./cryptoviz evaluate NAME`.

An evaluation is one file here with `evaluate`, a Typer command: it reads plain CSV, prints its
result on stdout (one JSON object with --json) and raises Fatal where nothing can be evaluated.
"""

EVALUATIONS: tuple[str, ...] = ("anomalies", "candles", "divergence", "indicators", "sentiment")
"""Names of the files here, as the command lists them."""
