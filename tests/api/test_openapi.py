from api.app import create_app
from api.openapi import PATH, rendered
from api.problems import PROBLEMS
from tests.api.fakes import a_settings


def document() -> dict:
    return create_app(a_settings()).openapi()


def test_the_committed_document_is_the_one_the_code_makes():
    made = rendered(create_app(a_settings()))
    assert PATH.read_text("utf-8") == made, "run `python -m api openapi` and commit the result"


def test_every_error_answer_is_documented_as_a_problem():
    statuses = {str(problem.status) for problem in PROBLEMS}
    for path, operations in document()["paths"].items():
        if path.startswith("/health"):
            continue
        for status, response in operations["get"]["responses"].items():
            if status in statuses:
                assert list(response["content"]) == ["application/problem+json"], path


def test_every_data_route_can_say_that_the_store_is_down():
    for path, operations in document()["paths"].items():
        assert "503" in operations["get"]["responses"], path


def test_the_range_is_called_from_and_to():
    parameters = document()["paths"]["/coins/{coin_id}/candles"]["get"]["parameters"]
    assert {"from", "to", "symbol", "interval"} <= {one["name"] for one in parameters}
