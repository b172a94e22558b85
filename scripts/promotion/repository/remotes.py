"""The remote that releases are read from and written to."""

from __future__ import annotations

from basics.errors import PromotionError
from basics.process import without_credentials
from promotion.repository.settings import Settings

_DECIDES = "branch.main.remote"


def remote_of_main(settings: Settings) -> str:
    """Return the name of the remote that `main` comes from; where people push their own branches does not count.

    It is the one that `main` tracks, else `remote.pushDefault`, else the only one. Raises `PromotionError` where
    there is none, or several and nothing says which.
    """
    remotes = sorted(settings.remotes())
    if not remotes:
        raise PromotionError(
            "no-remote",
            "this clone has no remote, and releases live on a remote's env/* branches",
            fix="git remote add origin ADDRESS",
        )
    known = ", ".join(remotes)
    fix = f"git config {_DECIDES} NAME, with the remote that your team's main comes from: {known}"
    for name in (_DECIDES, "remote.pushdefault"):
        told = settings.value(name)
        if told in remotes:
            return told
        if told and told != ".":  # a branch can also follow another one of its clone
            raise PromotionError(
                "remote-unclear",
                f"{name} is {without_credentials(told)}, which is no remote of this clone",
                fix=fix,
            )
    if len(remotes) > 1:
        problem = f"this clone has several remotes, {known}, and nothing says where main comes from"
        raise PromotionError("remote-unclear", problem, fix=fix)
    return remotes[0]
