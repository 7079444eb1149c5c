"""The speed layer. A job is one file here with QUERIES and a `main()` for spark-submit."""

JOBS: tuple[str, ...] = ("prices", "candles", "dead_letters")
"""Names of the job files, in the order in which the driver starts them."""
