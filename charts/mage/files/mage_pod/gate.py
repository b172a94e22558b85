"""Ask for a session where Mage serves without one, at whatever path it serves."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from tornado.web import HTTPError

_Prepare = Callable[[Any], Any]


def close_endpoints(opened: Collection[str]) -> None:
    """Close what Mage leaves open, except what `opened` names."""
    from mage_ai.server import server

    for name, handlers in {
        "events": (
            server.ApiEventHandler,
            server.ApiEventMatcherListHandler,
            server.ApiEventMatcherDetailHandler,
        ),
        "event-streams": (server.EventStreamHandler,),
        "analyses": (server.ApiPipelineBlockAnalysisHandler,),
        "metrics": (server.PrometheusMetricsHandler,),
        "status": (server.ApiListHandler,),
        # MAGE.md: shell-before-login
        "terminal": (server.TerminalWebsocketServer,),
    }.items():
        if name not in opened:
            for handler in handlers:
                # MAGE.md: served-without-login
                handler.prepare = _guarded(handler.prepare, _GUARDS.get(name, _ask_for_session))


def _guarded(prepare: _Prepare, guard: Callable[[Any], None]) -> _Prepare:
    def guarded(handler: Any) -> Any:
        guard(handler)
        return prepare(handler)

    return guarded


def _ask_for_session(handler: Any) -> None:
    """Refuse a request without a valid session, as Mage's API does: an API key and a token or cookie."""
    # MAGE.md: session-check
    from mage_ai.api.middleware import OAuthMiddleware
    from mage_ai.settings import REQUIRE_USER_AUTHENTICATION

    bypass, handler.bypass_oauth_check = getattr(handler, "bypass_oauth_check", False), False
    try:
        OAuthMiddleware.prepare(handler)
    except Exception:  # noqa: BLE001 whatever it stumbles over is no session
        raise HTTPError(403) from None
    handler.bypass_oauth_check = bypass
    if REQUIRE_USER_AUTHENTICATION and not handler.request.current_user:
        raise HTTPError(403)


def _ask_for_details(handler: Any) -> None:
    """Let the login page have the status, but not when who was active last."""
    if handler.get_arguments("_format"):
        _ask_for_session(handler)


def _refuse(handler: Any) -> None:
    """Mage starts a shell for each connection and asks only then who is there."""
    raise HTTPError(403)


_GUARDS = {"status": _ask_for_details, "terminal": _refuse}
