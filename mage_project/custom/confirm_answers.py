"""Fail unless every io profile answered."""

from typing import Any

from pandas import DataFrame

if "custom" not in globals():
    from mage_ai.data_preparation.decorators import custom


@custom
def confirm_answers(answers: DataFrame, *args: Any, **variables: Any) -> None:
    """Print when each profile answered; raise ConnectionError with the names of those that did not."""
    print(answers.to_string(index=False))
    silent = answers["profile"][answers["answered_at"].isna()]
    if not silent.empty:
        raise ConnectionError(f"no answer from {', '.join(silent)}: the log of ask_profiles says why")
