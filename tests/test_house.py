"""Rules of the house that no linter knows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.record_types import RECORD_TYPES
from spark_jobs import JOBS

ROOT = Path(__file__).resolve().parent.parent
REFUSED = {"utils", "util", "common", "core", "helpers", "helper", "shared", "misc"}


def tracked() -> list[Path]:
    """Files of the repository, relative to its root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(name) for name in listed.stdout.split("\0") if name]


def test_no_file_or_folder_bears_a_name_that_says_nothing():
    parts = {part.split(".")[0] for path in tracked() for part in path.parts}
    assert parts & REFUSED == set()


def test_no_job_file_shadows_the_standard_library():
    """spark-submit puts the folder of the job first on sys.path."""
    names = {path.stem for path in (ROOT / "spark_jobs").glob("*.py")}
    assert names & set(sys.stdlib_module_names) == set()


def test_the_list_of_jobs_names_exactly_the_files_that_have_queries():
    files = {
        path.stem
        for path in (ROOT / "spark_jobs").glob("*.py")
        if "\nQUERIES = " in path.read_text("utf-8")
    }
    assert set(JOBS) == files


def test_every_schema_file_is_a_version_of_a_record_type_and_no_id_serves_twice():
    files = {path.name for path in (ROOT / "schemas").glob("*.avsc")}
    assert {name for kind in RECORD_TYPES for name in kind.versions.values()} == files
    ids = [schema_id for kind in RECORD_TYPES for schema_id in kind.versions]
    assert len(ids) == len(set(ids))


def test_every_record_has_its_source_and_both_its_clocks():
    for kind in RECORD_TYPES:
        fields = {field["name"] for field in kind.latest["fields"]}
        assert {"source", "observed_at_ms", "collected_at_ms", *kind.identity} <= fields, kind.name


def test_no_secret_file_is_tracked():
    assert [
        path for path in tracked() if path.name == ".env" or path.suffix in (".pem", ".key")
    ] == []


def test_the_viewers_lock_records_no_download_address():
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text("utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


@pytest.mark.parametrize("document", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))])
def test_every_relative_link_of_a_document_leads_somewhere(document: Path):
    text = document.read_text("utf-8")
    targets = [part.split(")")[0].split("#")[0] for part in text.split("](")[1:]]
    missing = [
        target
        for target in targets
        if target and "://" not in target and not (document.parent / target).exists()
    ]
    assert missing == []
