"""The poms and go.mod hold the versions of stack/versions.py, and nothing else."""

import re
from xml.etree import ElementTree as Xml

import pytest

from stack.settings import ROOT
from stack.versions import GO_AT_LEAST, INFLUXDB, KAFKA_POM, SPARK, SPARK_POM

POM = "{http://maven.apache.org/POM/4.0.0}"


def _dependencies(name: str) -> dict[str, str]:
    tree = Xml.parse(ROOT / "stack" / name / "pom.xml")  # noqa: S314 - our own file
    return {
        f"{one.findtext(POM + 'groupId')}:{one.findtext(POM + 'artifactId')}": one.findtext(
            POM + "version", ""
        )
        for one in tree.getroot().iterfind(f"{POM}dependencies/{POM}dependency")
    }


@pytest.mark.parametrize(("name", "wanted"), [("kafka", KAFKA_POM), ("spark", SPARK_POM)])
def test_a_pom_names_exactly_the_versions_of_the_table(name, wanted):
    assert _dependencies(name) == wanted


def test_every_jar_of_spark_leaves_out_what_the_wheel_has():
    tree = Xml.parse(ROOT / "stack" / "spark" / "pom.xml")  # noqa: S314 - our own file
    for one in tree.getroot().iterfind(f"{POM}dependencies/{POM}dependency"):
        assert one.findtext(f"{POM}exclusions/{POM}exclusion/{POM}artifactId") == "*"


def test_go_mod_names_influxdb_and_a_go_that_doctor_asks_for():
    text = (ROOT / "stack" / "influxd" / "go.mod").read_text("utf-8")
    assert f"github.com/influxdata/influxdb/v2 v{INFLUXDB} " in text
    written = re.search(r"^go (\d+)\.(\d+)", text, re.MULTILINE)
    assert written is not None
    assert (int(written[1]), int(written[2])) == GO_AT_LEAST


def test_the_jars_fit_the_pyspark_that_is_locked():
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert f"pyspark=={SPARK} " in lock
