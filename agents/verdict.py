"""What an HTTP answer means: nothing wrong, wait, this request is wrong, or a setting is wrong.

The only place that looks at status codes and vendors' error bodies.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from agents.budget import month_end_ms
from agents.source import Response
from market.clock import wall_ms
from market.errors import Fatal, Retryable

# What vendors' codes mean; no two vendors use one number for two things.
# CoinGecko: no key, not in the plan, key on the wrong host (two of them). CoinMarketCap: key
# invalid, missing, plan unpaid, plan expired, key required, not in the plan, key disabled.
WRONG_KEY_CODES = {10002, 10005, 10010, 10011, 1001, 1002, 1003, 1004, 1005, 1006, 1007}
# CoinGecko's CDN, usually with status 403: too fast for one address.
CDN_LIMIT_CODE = 1020
# CoinMarketCap: too many a minute, too many from one address.
MINUTE_CODES = {1008, 1011}
MINUTE_S = 60.0
# CoinMarketCap: the day's, the month's credits are used up.
DAY_CODE, MONTH_CODE = 1009, 1010
# Binance names a time with its 418 (banned); where it does not, this is its shortest ban.
BAN_S = 120.0
# The answer to a conditional request: good, and without a body.
NOT_MODIFIED = 304
LONGEST_WAIT_S = 86_400.0
DAY_MS = 86_400_000


class RequestRefused(Fatal):
    """This one request cannot succeed; the host serves others."""


def verdict(
    response: Response,
    *,
    url_setting: str,
    key_setting: str | None,
    now_ms: int | None = None,
    speed: float = 1.0,
) -> Exception | None:
    """The error of an answer, None for a good one. The settings are named in permanent errors.

    `now_ms` and `speed` are the platform's: a vendor's day and month end by that clock.
    """
    status = response.status
    is_good = 200 <= status < 300 or status == NOT_MODIFIED
    # CoinMarketCap writes its errors also under 200. Looking for the word is cheap.
    if is_good and b'"error_code"' not in response.body:
        return None
    code, words = vendor_error(response.body)
    if is_good and not code:
        return None
    said = f"{response.request.url} answered {status}" + (f": {words}" if words else "")
    return _passing(response, code, said, now_ms=now_ms, speed=speed) or _lasting(
        status, code, said, url_setting=url_setting, key_setting=key_setting
    )


def _passing(
    response: Response, code: int | None, said: str, *, now_ms: int | None, speed: float
) -> Retryable | None:
    """What waiting mends."""
    status = response.status
    if code is not None and code in {DAY_CODE, MONTH_CODE}:
        wait_s = _until_reset_s(code, wall_ms() if now_ms is None else now_ms) / speed
        return Retryable(f"{said}; it rests until the reset", retry_after_s=wait_s)
    if status in {429, 418} or status >= 500 or code in {429, CDN_LIMIT_CODE, *MINUTE_CODES}:
        return Retryable(said, retry_after_s=_wait_s(response, code))
    return None


def _lasting(
    status: int, code: int | None, said: str, *, url_setting: str, key_setting: str | None
) -> Fatal:
    """What only a person can mend, or nobody: then it is this request's fault."""
    if status in {401, 403} or code in WRONG_KEY_CODES:
        look_at = " and ".join(name for name in (key_setting, url_setting) if name)
        return Fatal(f"{said}; check {look_at}")
    if status == 451:
        return Fatal(f"{said}; refused by location: point {url_setting} to a host that serves you")
    if 300 <= status < 400:
        return Fatal(
            f"{said}; this redirect is not followed: point {url_setting} to the new address"
        )
    return RequestRefused(said)


def _wait_s(response: Response, code: int | None) -> float | None:
    """What the answer asks us to wait, real seconds; None leaves it to our own backoff."""
    named_s = retry_after_s(response.headers)
    if named_s is not None:
        return named_s
    if response.status == 418:
        return BAN_S
    return MINUTE_S if code in MINUTE_CODES else None


def _until_reset_s(code: int, now_ms: int) -> float:
    """Platform seconds to the vendor's next day or month, UTC."""
    end_ms = month_end_ms(now_ms) if code == MONTH_CODE else (now_ms // DAY_MS + 1) * DAY_MS
    return (end_ms - now_ms) / 1000


def vendor_error(body: bytes) -> tuple[int | None, str]:
    """Code and words of an error body: CoinGecko's four shapes, Binance's, or plain text."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body[:200].decode("utf-8", "replace").strip()
        return _as_code(text.rpartition(" ")[2]), text
    if not isinstance(parsed, dict):
        return None, body[:200].decode("utf-8", "replace")
    error, status = parsed.get("error"), parsed.get("status")
    if isinstance(error, dict) and isinstance(error.get("status"), dict):
        status = error["status"]
    if not isinstance(status, dict):
        status = {}
    code = _as_code(parsed.get("error_code", status.get("error_code", parsed.get("code"))))
    words = status.get("error_message") or parsed.get("msg") or error or parsed.get("message")
    return code, str(words or "")[:200]


def _as_code(raw: str | int | None) -> int | None:
    """CoinMarketCap may write its codes as strings."""
    try:
        return None if raw is None else int(raw)
    except (TypeError, ValueError):
        return None


def retry_after_s(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Real seconds of a Retry-After header, given as seconds or as an HTTP date; None without."""
    raw = headers.get("retry-after", "").strip()
    if not raw:
        return None
    try:
        wait_s = float(raw)
    except ValueError:
        try:
            moment = parsedate_to_datetime(raw)
        except ValueError:
            return None
        wait_s = (moment.astimezone(UTC) - (now or datetime.now(UTC))).total_seconds()
    if math.isnan(wait_s):
        return None
    return min(max(wait_s, 0.0), LONGEST_WAIT_S)
