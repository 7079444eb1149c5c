"""`.env.example` is made of the settings classes, and held equal to them here.

Write it anew with `CRYPTOVIZ_UPDATE=1 .venv/bin/pytest tests/test_env_example.py`.
"""

import json
import os
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, NoDecode

from agents.settings import AgentSettings
from api.settings import ApiSettings
from market.settings import ENV_PREFIX, InfluxReadSettings, InfluxWriteSettings
from simulator.settings import SimulatorSettings
from spark_jobs.settings import SparkSettings
from stack.settings import ROOT, StackSettings

SECTIONS: tuple[tuple[str, type[BaseSettings]], ...] = (
    ("./cryptoviz: ports, memory, where the state lives", StackSettings),
    ("Agents", AgentSettings),
    ("Spark driver", SparkSettings),
    ("API", ApiSettings),
    ("Simulator: in a demo `up` sets the rest from its own options", SimulatorSettings),
)
# `up` decides these for each process; in .env they would only be overruled.
SET_BY_UP = {
    *InfluxReadSettings.model_fields,
    *InfluxWriteSettings.model_fields,
    *("api_host", "simulator_scenario", "simulator_seed", "simulator_from_ms"),
    *("simulator_speed", "simulator_bars", "simulator_folder", "upstream_only"),
}
HEAD = """\
# Copy to .env and uncomment what you want to change; the values shown are the defaults.
# No key is needed. Made of the settings classes by tests/test_env_example.py.
"""


def rendered() -> str:
    """The file."""
    lines = [HEAD]
    seen: set[str] = set()
    for title, kind in SECTIONS:
        lines.append(f"## {title}\n")
        for name, field in kind.model_fields.items():
            ours = kind is StackSettings or name not in SET_BY_UP
            if ours and name not in seen:
                lines.append(f"# {field.description}\n# {env_name(name, field)}={default(field)}\n")
                seen.add(name)
    return "\n".join(lines)


def env_name(name: str, field: FieldInfo) -> str:
    """The name in the environment; an alias is shown by its first choice."""
    alias = field.validation_alias
    return str(alias.choices[0]) if alias is not None else ENV_PREFIX + name.upper()


def default(field: FieldInfo) -> str:
    """The default as the environment would spell it; empty where unset."""
    held = field.default
    if held is None or held is PydanticUndefined or isinstance(held, SecretStr):
        return ""
    if isinstance(held, tuple):
        is_plain = NoDecode in field.metadata
        return ",".join(held) if is_plain else json.dumps(held)
    return str(held)


def test_the_example_is_the_one_of_the_settings_classes():
    path = Path(ROOT, ".env.example")
    if os.environ.get("CRYPTOVIZ_UPDATE"):
        path.write_text(rendered(), "utf-8")
    assert path.read_text("utf-8") == rendered()


def test_every_setting_has_words_for_the_example():
    for _, kind in SECTIONS:
        for name, field in kind.model_fields.items():
            assert name in SET_BY_UP or field.description, f"{kind.__name__}.{name}"


def test_no_secret_has_a_default():
    for _, kind in SECTIONS:
        for name, field in kind.model_fields.items():
            if "SecretStr" in str(field.annotation):
                assert field.default in (None, PydanticUndefined), name
