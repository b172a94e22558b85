"""`preview.py`: what a merge would make of the first environment, in a namespace of its own for some hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from basics import progress
from basics.errors import UsageError
from basics.process import require
from promotion.changes.sides import HEAD, main_side
from promotion.cluster.target import find_target
from promotion.commands.promote import plan_trial
from promotion.configuration.environment import Environment, environment_names, load_environment
from promotion.deploying.helm import require_helm
from promotion.layout import ENVIRONMENTS
from promotion.options import Options
from promotion.previews.preview import Preview, claim, namespace_for, previews, refuse_other, remove, remove_ended
from promotion.repository.git import MAIN, Repository
from promotion.showing.preview import document_of, shown_preview, shown_previews
from promotion.showing.result import Result, Shown


def start(repository: Repository, name: str, options: Options, hours: float) -> Iterator[Result]:
    """Install what the merge of HEAD would make of the first environment, for `hours` once the image is there.

    A preview that is there is upgraded, and its end moves.
    """
    require("kubectl", "docker")
    require_helm()
    environment, context = _place(repository)
    namespace = namespace_for(name, context)
    refuse_other(namespace)
    with progress.step(f"work out what the merge would make of {environment.name}"):
        draft = plan_trial(repository, HEAD, environment.name, options).draft
    from promotion.previews.install import install, preview_values, provide_image  # imports the database driver

    wanted = draft.request.environment  # as HEAD has it
    remove_ended(wanted.name, context)
    image = provide_image(draft.tree, wanted, context)  # may take minutes, which the preview does not lose
    preview = Preview(
        namespace,
        wanted.name,
        str(draft.request.source.endpoint.commit),
        until=_end(hours),
        url=(wanted.policy.cluster.previews or "").replace("*", name) or None,
    )
    values = preview_values(draft.tree, wanted, image, preview)
    claim(preview)
    install(draft.tree, preview, values)
    yield shown_preview(preview)


def stop(repository: Repository, name: str) -> Iterator[Result]:
    """Remove the preview `name`, if it is there."""
    require("kubectl")
    _, context = _place(repository)
    namespace = namespace_for(name, context)
    was_there = remove(namespace)
    line = f"the preview {name} is being removed" if was_there else f"there is no preview {name}"
    document: dict[str, Any] = {"name": name, "namespace": namespace.name, "was_there": was_there}
    yield Shown("preview_removed", document, [(line, "bold green")])


def show(repository: Repository) -> Iterator[Result]:
    """Show the previews of the first environment."""
    require("kubectl")
    environment, context = _place(repository)
    yield shown_previews([document_of(each) for each in previews(environment.name, context)])


def _place(repository: Repository) -> tuple[Environment, str]:
    """Return the environment that `main` is promoted to, and the context of its cluster."""
    repository.fetch()
    main = main_side(repository, ENVIRONMENTS).tree
    first = next(iter(environment_names(main)), None)
    if first is None:
        raise UsageError("unknown-environment", f"{MAIN} has no environment", fix=f"add {ENVIRONMENTS}/dev/")
    environment = load_environment(main, first)
    return environment, str(find_target(environment, None).cluster.context)


def _end(hours: float) -> datetime:
    """Return the next full minute after `hours` from now: a CronJob cannot look at another moment."""
    return (datetime.now(UTC) + timedelta(hours=hours, minutes=1)).replace(second=0, microsecond=0)
