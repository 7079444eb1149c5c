from datetime import UTC, datetime

import pytest

from agents.source import Request, Response
from agents.verdict import RequestRefused, retry_after_s, vendor_error, verdict
from market.errors import Fatal, Retryable
from tests.agents.fakes import answer

REQUEST = Request("https://venue.test/path", headers={"x-cg-demo-api-key": "secret-key"})
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def judged(response: Response) -> Exception | None:
    return verdict(response, url_setting="CRYPTOVIZ_URL", key_setting="CRYPTOVIZ_KEY")


def test_a_good_answer_is_no_error():
    assert judged(answer(REQUEST, [])) is None


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_too_fast_and_broken_hosts_are_asked_again_when_they_say(status: int):
    error = judged(answer(REQUEST, {}, status=status, retry_after="7"))
    assert isinstance(error, Retryable)
    assert error.retry_after_s == 7


def test_a_ban_without_a_time_waits_two_minutes():
    error = judged(answer(REQUEST, {}, status=418))
    assert isinstance(error, Retryable)
    assert error.retry_after_s == 120


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"status": {"error_code": 10002, "error_message": "API Key Missing"}}),
        (403, {"error": "forbidden"}),
        (400, {"error_code": 10010, "status": {"error_message": "wrong host for this key"}}),
        (400, {"error_code": 10011, "status": {"error_message": "wrong host for this key"}}),
    ],
)
def test_a_wrong_key_is_permanent_and_names_key_and_host(status: int, body: object):
    error = judged(answer(REQUEST, body, status=status))
    assert isinstance(error, Fatal)
    assert not isinstance(error, RequestRefused)
    assert "CRYPTOVIZ_KEY and CRYPTOVIZ_URL" in str(error)


def test_a_refusal_by_location_names_the_address_to_change():
    error = judged(answer(REQUEST, {}, status=451))
    assert isinstance(error, Fatal)
    assert "CRYPTOVIZ_URL" in str(error)


def test_a_redirect_is_not_followed_but_named():
    error = judged(answer(REQUEST, b"", status=302))
    assert isinstance(error, Fatal)
    assert "CRYPTOVIZ_URL" in str(error)


def test_the_cdn_that_finds_us_too_fast_is_waited_for_though_it_answers_403():
    assert isinstance(judged(answer(REQUEST, b"error code: 1020", status=403)), Retryable)


def test_an_unknown_symbol_refuses_this_request_alone():
    error = judged(answer(REQUEST, {"code": -1121, "msg": "Invalid symbol."}, status=400))
    assert isinstance(error, RequestRefused)
    assert "Invalid symbol." in str(error)


CMC_NOW_MS = int(datetime(2026, 4, 29, 18, tzinfo=UTC).timestamp() * 1000)


def cmc(code: int | str, status: int = 200, speed: float = 1.0) -> Exception | None:
    body = {"status": {"error_code": code, "error_message": "said CoinMarketCap"}, "data": []}
    return verdict(
        answer(REQUEST, body, status=status),
        url_setting="CRYPTOVIZ_URL",
        key_setting="CRYPTOVIZ_KEY",
        now_ms=CMC_NOW_MS,
        speed=speed,
    )


@pytest.mark.parametrize("code", [0, "0", None])
def test_an_error_code_of_zero_is_no_error(code: object):
    assert cmc(code) is None


@pytest.mark.parametrize("code", [1001, "1002", 1006])
def test_a_wrong_coinmarketcap_key_is_permanent_also_under_status_200(code: int):
    error = cmc(code)
    assert type(error) is Fatal
    assert "CRYPTOVIZ_KEY" in str(error)


@pytest.mark.parametrize(
    ("code", "status", "wait_s"),
    [
        (1008, 429, 60),
        (1011, 429, 60),
        (1009, 429, 6 * 3600),
        (1010, 402, 30 * 3600),
        ("1010", 200, 30 * 3600),
    ],
)
def test_spent_minutes_days_and_months_are_waited_out(code: int, status: int, wait_s: float):
    error = cmc(code, status)
    assert isinstance(error, Retryable)
    assert error.retry_after_s == wait_s


def test_a_vendor_s_day_ends_by_the_scenario_s_clock():
    error = cmc(1009, speed=60.0)
    assert isinstance(error, Retryable)
    assert error.retry_after_s == 6 * 60


def test_beyond_the_plan_s_history_only_this_request_is_refused():
    body = {"error": {"status": {"error_code": 10012, "error_message": "over 365 days"}}}
    assert isinstance(judged(answer(REQUEST, body, status=400)), RequestRefused)


def test_no_error_and_no_request_prints_a_key():
    assert "secret-key" not in repr(REQUEST)
    assert "secret-key" not in str(judged(answer(REQUEST, {}, status=401)))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": "coin not found"}, (None, "coin not found")),
        ({"status": {"error_code": 429, "error_message": "slow down"}}, (429, "slow down")),
        (
            {"error": {"status": {"error_code": 10012, "error_message": "over 365 days"}}},
            (10012, "over 365 days"),
        ),
        ({"error_code": 10010, "status": {"error_message": "use demo"}}, (10010, "use demo")),
        ({"code": -1003, "msg": "Too much weight"}, (-1003, "Too much weight")),
        ({"status": {"error_code": "1008", "error_message": "minute"}}, (1008, "minute")),
    ],
)
def test_each_vendor_s_error_body_gives_code_and_words(body: object, expected: object):
    assert vendor_error(answer(REQUEST, body).body) == expected


@pytest.mark.parametrize("body", [b"", b"<html>bad gateway</html>", b"[1]", b"\xff\xfe", b"null"])
def test_a_body_that_is_no_vendor_s_is_quoted_without_a_code(body: bytes):
    assert vendor_error(body)[0] is None


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ("120", 120.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Thu, 01 Jan 2026 12:01:30 GMT", 90.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("999999999", 86_400.0),
        ("soon", None),
        ("nan", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str, wait_s: float | None):
    assert retry_after_s({"retry-after": header}, now=NOW) == wait_s
