"""`status.py --live` where the cluster is not there to be asked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helpers import call_script, push, refused, write_policy


def test_without_a_stated_cluster_it_says_where_to_write_one(promoted_to_dev: Path) -> None:
    error = refused(promoted_to_dev, "status", "--live")
    assert (error["code"], error["exit_code"]) == ("no-context", 64)
    assert "cluster: {context: NAME}" in error["fix"]


@pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="there is no kubectl: https://kubernetes.io/docs/tasks/tools"
)
def test_a_cluster_that_does_not_answer_is_told_with_the_matrix(promoted_to_dev: Path) -> None:
    write_policy(promoted_to_dev, "dev", cluster={"context": "nowhere"})
    push(promoted_to_dev)
    page = promoted_to_dev / "status.html"
    kubeconfig = {"KUBECONFIG": str(promoted_to_dev / "no-file")}
    result = call_script(promoted_to_dev, "status", "--live", "--html", str(page), **kubeconfig)
    assert result.exit_code == 0, result.stderr
    assert "LIVE dev: namespace dev of nowhere" in result.stdout
    assert "the cluster does not answer: " in result.stdout
    assert "scripts/deploy.py dev --plan" in result.stdout
    shown = page.read_text()
    assert "In the clusters" in shown
    assert "the cluster does not answer: " in shown
