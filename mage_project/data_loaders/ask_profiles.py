"""Ask the database of every io profile for an answer."""

from pathlib import Path
from typing import Any

from jinja2 import Template
from mage_ai.data_preparation.shared.utils import get_template_vars
from mage_ai.settings.repo import get_repo_path
from pandas import DataFrame
from pandas.errors import DatabaseError
from yaml import safe_load

from mage_project.utils.warehouse import read

if "data_loader" not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if "test" not in globals():
    from mage_ai.data_preparation.decorators import test


@data_loader
def ask_profiles(*args: Any, **variables: Any) -> DataFrame:
    """Return when each PostgreSQL profile answered, or None: then this block's log says why it did not."""
    return DataFrame([{"profile": profile, "answered_at": ask(profile)} for profile in profiles()])


def profiles() -> list[str]:
    """Return the names of the PostgreSQL profiles: io_config.yaml is YAML only after its Jinja is rendered."""
    text = (Path(get_repo_path()) / "io_config.yaml").read_text()
    content = safe_load(Template(text).render(**get_template_vars()))
    return [profile for profile, keys in content.items() if "POSTGRES_HOST" in keys]


def ask(profile: str) -> str | None:
    """Return the time by the clock of the profile's database."""
    try:
        answer = read(profile, "select clock_timestamp()::text as answered_at")
    except (ConnectionError, DatabaseError) as error:
        print(f"{profile}: {error}")
        return None
    return answer["answered_at"][0]


@test
def test_there_is_a_profile(answers: DataFrame, *args: Any) -> None:
    """Without profiles this pipeline would check nothing."""
    assert len(answers) > 0, "io_config.yaml has no PostgreSQL profile"
