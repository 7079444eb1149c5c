"""Errors named by what the caller should do."""


class Retryable(Exception):  # noqa: N818
    """Try again, not before `retry_after_s` where the other side named a time."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Fatal(Exception):  # noqa: N818
    """Trying again cannot help; the message says which setting to change."""


class RecordRejected(Exception):  # noqa: N818
    """One record cannot be true. `reason` is one of `schemas.record_types.REASONS`."""

    def __init__(self, reason: str, detail: str, *, payload: bytes = b"") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.payload = payload


class StoreUnavailable(Retryable):
    """InfluxDB does not answer or asks to wait."""


class PointsRefused(Exception):  # noqa: N818
    """InfluxDB refused points for what they are; `detail` holds the server's words."""

    def __init__(self, detail: str, *, status: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
