"""What an HTTP answer means: nothing wrong, wait, this request is wrong, or a setting is wrong.

The only place that looks at status codes and vendors' error bodies.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from agents.source import Response
from market.errors import Fatal, Retryable

# CoinGecko's: no key, not in the plan, key on the wrong host (two of them).
WRONG_KEY_CODES = {10002, 10005, 10010, 10011}
# CoinGecko's CDN, usually with status 403: too fast for one address.
CDN_LIMIT_CODE = 1020
# Binance names a time with its 418 (banned); where it does not, this is its shortest ban.
BAN_S = 120.0
# The answer to a conditional request: good, and without a body.
NOT_MODIFIED = 304
LONGEST_WAIT_S = 86_400.0


class RequestRefused(Fatal):
    """This one request cannot succeed; the host serves others."""


def verdict(response: Response, *, url_setting: str, key_setting: str | None) -> Exception | None:
    """The error of an answer, None for a good one. The settings are named in permanent errors."""
    status = response.status
    if 200 <= status < 300 or status == NOT_MODIFIED:
        return None
    code, words = vendor_error(response.body)
    said = f"{response.request.url} answered {status}" + (f": {words}" if words else "")
    if status in {429, 418} or status >= 500 or code in {429, CDN_LIMIT_CODE}:
        wait_s = retry_after_s(response.headers)
        if status == 418 and wait_s is None:
            wait_s = BAN_S
        return Retryable(said, retry_after_s=wait_s)
    if status in {401, 403} or code in WRONG_KEY_CODES:
        look_at = " and ".join(name for name in (key_setting, url_setting) if name)
        return Fatal(f"{said}; check {look_at}")
    if status == 451:
        return Fatal(f"{said}; refused by location: point {url_setting} to a host that serves you")
    if status < 400:
        return Fatal(f"{said}; redirects are not followed: point {url_setting} to the new address")
    return RequestRefused(said)


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
