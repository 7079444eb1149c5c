"""The speed layer. A job is one file here with QUERIES and a `main()` for spark-submit."""

JOBS: tuple[str, ...] = (
    *("prices", "candles", "bars", "anomalies", "sentiment", "dead_letters", "archive", "pulse"),
)
"""Names of the job files, in the order in which the driver starts them."""
