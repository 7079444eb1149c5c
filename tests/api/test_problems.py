import pytest

from api.problems import ProblemDetails
from tests.api.fakes import FakeStore, a_snapshot, serving

PATHS = ("/coins", "/coins/bitcoin", "/coins/bitcoin/history", "/coins/bitcoin/candles")


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_database_every_route_is_503_with_retry_after(path: str):
    async with serving(FakeStore(is_down=True)) as client:
        response = await client.get(path)
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert int(response.headers["retry-after"]) > 0
    problem = ProblemDetails.model_validate_json(response.content)
    assert (problem.status, problem.instance) == (503, path)


@pytest.mark.parametrize("path", [*PATHS, "/health", "/health/influx"])
async def test_no_body_tells_about_our_inside(path: str):
    async with serving(FakeStore(is_down=True)) as client:
        response = await client.get(path)
    assert "secret-host" not in response.text
    assert "abc" not in response.text


async def test_a_bug_is_a_500_problem_without_its_words():
    class Broken(FakeStore):
        async def latest(self, *, now_ms: int):
            raise ZeroDivisionError("secret-host")

    async with serving(Broken(), raises=False) as client:
        response = await client.get("/coins")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "secret-host" not in response.text


async def test_every_wrong_parameter_is_named():
    async with serving(FakeStore()) as client:
        response = await client.get("/coins?per_page=251&order=up")
    problem = response.json()
    assert response.status_code == 422
    assert [one["parameter"] for one in problem["errors"]] == ["order", "per_page"]
    assert problem["limit"] == 250


async def test_an_unknown_path_and_a_wrong_method_are_problems_too():
    async with serving(FakeStore()) as client:
        missing, wrong = await client.get("/nothing"), await client.post("/coins")
    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert wrong.headers["allow"] == "GET"
    for response in (missing, wrong):
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/coins", "/coins/nope", "/nothing"])
async def test_every_answer_carries_the_security_headers(path: str):
    async with serving(FakeStore((a_snapshot(),))) as client:
        headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


async def test_no_other_origin_may_read_unless_a_setting_names_it():
    asked = {"Origin": "https://viewer.test"}
    async with serving(FakeStore()) as client:
        response = await client.get("/coins", headers=asked)
    assert "access-control-allow-origin" not in response.headers
    async with serving(FakeStore(), api_cors_origins=("https://viewer.test",)) as client:
        response = await client.get("/coins", headers=asked)
    assert response.headers["access-control-allow-origin"] == "https://viewer.test"
