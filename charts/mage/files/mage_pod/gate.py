"""Ask for a session at endpoints that Mage serves without one, under any base path."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from tornado.web import HTTPError

_Prepare = Callable[[Any], Any]


def close_endpoints(opened: Collection[str]) -> None:
    """Close the endpoints that Mage leaves open, except those that `opened` names."""
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
    except Exception:  # noqa: BLE001 any error means that there is no session
        raise HTTPError(403) from None
    handler.bypass_oauth_check = bypass
    if REQUIRE_USER_AUTHENTICATION and not handler.request.current_user:
        raise HTTPError(403)


def _ask_for_details(handler: Any) -> None:
    """Let the login page read the status, but not the details: they say when somebody was last active."""
    if handler.get_arguments("_format"):
        _ask_for_session(handler)


def _refuse(handler: Any) -> None:
    """Mage starts a shell for each connection, and asks for a login only afterwards."""
    raise HTTPError(403)


_GUARDS = {"status": _ask_for_details, "terminal": _refuse}
