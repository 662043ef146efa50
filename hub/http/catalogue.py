"""The routes of plugins and of the cache, and the sign of life."""

from starlette.requests import Request
from starlette.responses import Response

from hub.errors import UnknownCommandError
from hub.http.answers import json_answer


async def plugins(request: Request) -> Response:
    """``GET /api/v1/plugins``: what there is, and what was refused and why."""
    registry = request.app.state.node.registry
    await registry.check_health()
    return json_answer({"plugins": registry.plugins(), "refused": registry.refused()})


async def plugin(request: Request) -> Response:
    """``GET /api/v1/plugins/{plugin}``: one of them."""
    registry = request.app.state.node.registry
    await registry.check_health()
    for report in registry.plugins():
        if report.name == request.path_params["plugin"]:
            return json_answer(report)
    raise UnknownCommandError


async def cache(request: Request) -> Response:
    """``GET /api/v1/cache``: what may answer without running, and the counters."""
    node = request.app.state.node
    which = request.query_params.get("plugin"), request.query_params.get("command")
    return json_answer(
        {
            "entries": node.orchestrator.cached(node.principal, *which),
            "statistics": node.orchestrator.cache_statistics(),
        }
    )


async def clear(request: Request) -> Response:
    """``DELETE /api/v1/cache``: drop all of it, or a plugin's or a command's part."""
    node = request.app.state.node
    which = request.query_params.get("plugin"), request.query_params.get("command")
    return json_answer(
        {"cleared": node.orchestrator.clear_cache(node.principal, *which)}
    )


async def healthy(_: Request) -> Response:
    """``GET /healthz``: the process answers."""
    return json_answer({"status": "ok"})
