"""What ``ak up``, ``ak worker`` and ``ak gateway`` do and print while they run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from worker import config, dev, temporal
from worker.cli import context, watch
from worker.cli.deploy import deploy_directory
from worker.cli.follow import follow
from worker.cli.output import Output
from worker.config import Settings
from worker.devserver import DevServer
from worker.errors import WorkerError
from worker.gateway import side
from worker.gateway.metrics import Metrics
from worker.gateway.server import Gateway
from worker.log import configure
from worker.meter import Meter

_SUPERVISOR_SECONDS = 30


async def up(
    directories: list[Path],
    settings: Settings,
    server: DevServer | None,
    stopped: asyncio.Event,
    out: Output,
    *,
    watching: bool = False,
) -> int:
    """Everything on one machine, until ``stopped``; the server is under way, see ``beginning``."""
    async with dev.running(settings, server, teller(out)) as running:
        await supervisor_is_up(running)
        deployments, failed = [], False
        seen = {directory: watch.look(directory) for directory in directories}
        for directory in directories:
            try:
                deployments.append(await deployed(directory, running, out))
            except WorkerError as error:
                sys.stderr.write(f"{error.code}: {error}\n")
                failed = True
        if failed and not watching and not deployments and not running.store.deployments.wanted():
            return 1
        await all_serve(running, deployments, out)
        ready(running, deployments, out)
        following = asyncio.create_task(follow(running.store, out)) if not out.as_json else None
        beside = [following] if following is not None else []
        if watching:
            beside += [
                asyncio.create_task(watch.watch(item, redeployer(running, out), out.progress, seen[item]))
                for item in directories
            ]
        await stopped.wait()
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        out.progress("stopping …")
    return 0


async def deployed(directory: Path, running: dev.Running, out: Output) -> dict[str, Any]:
    """Deploy what a directory says: who runs it wants that, and nobody may be there to ask, so it is warned, not asked."""
    return await deploy_directory(
        directory,
        running.store,
        running.settings,
        out,
        yes=True,
        tell_unchanged=False,
        asked=running.supervisor.wake,
    )


def redeployer(running: dev.Running, out: Output) -> Callable[[Path], Awaitable[str]]:
    """What a change of a watched directory does."""

    async def again(directory: Path) -> str:
        answer = await deployed(directory, running, out)
        return (
            f"{answer['project']} {'deployed' if answer['changed'] else 'unchanged'}   {answer['deployment']}"
        )

    return again


async def supervisor_is_up(running: dev.Running) -> None:
    """Return once the supervisor has given its first sign of life: a deployment needs it."""
    async with asyncio.timeout(_SUPERVISOR_SECONDS):
        while not await asyncio.to_thread(running.store.services.alive, "supervisor", 15.0):
            await asyncio.sleep(0.05)


async def all_serve(running: dev.Running, deployments: list[dict[str, Any]], out: Output) -> None:
    """Wait for the processes of deployments that were active already; one that does not come up is told."""
    late = await running.supervisor.serving([item["deployment"] for item in deployments])
    for item in deployments:
        if item["deployment"] in late:
            out.progress(f"warning: {item['project']}: its process does not serve yet; `ak doctor` says why")


def ready(running: dev.Running, deployments: list[dict[str, Any]], out: Output) -> None:
    """Say that everything is up, and what to try."""
    if out.as_json:
        sys.stdout.write(json.dumps(dev.as_ready(running, deployments)) + "\n")
        sys.stdout.flush()
        return
    names = ", ".join(item["project"] for item in deployments)
    deployed = f"   {names} deployed" if names else ""
    out.say(f"ready   gateway {running.gateway_url}   Temporal UI {running.ui_url}{deployed}")
    several = sum(len(item["webhooks"]) for item in deployments) > 1
    for item in deployments:
        for name, url in item["webhooks"].items():
            which = f"{item['project']} {name}" if len(deployments) > 1 else name
            out.say(f"        try: curl {url}{f'   # {which}' if several else ''}")
        for link in item["start"].values():
            out.say(f"        or start it by hand: {link}")


def teller(out: Output) -> Any:
    """What the supervisor has to say, as lines."""

    def tell(what: str, facts: dict[str, Any]) -> None:
        project = facts["project"]
        lines = {
            "progress": f"{project}: {facts.get('text', '')}",
            "crashed": f"{project}: its process ended ({facts.get('status')}); started again in {facts.get('again_in')} s",
            "drained": f"{project}: deployment {facts.get('deployment')} has no sessions left and was stopped",
            "moved_back": f"{project}: {facts.get('session')} did not fit and went back to {facts.get('deployment')}",
        }
        if what in lines:
            out.progress(lines[what])

    return tell


async def worker(settings: Settings, out: Output) -> int:
    """The supervisor alone, until a signal."""
    out.logs_json = settings.log_format == "json"
    configure(settings.log_level, as_json=out.logs_json)
    stopped = context.stop_event()
    with dev.opened(settings) as store:
        client = await temporal.connect(settings, store.blobs)
        running = config.read_running(settings.home)
        base_url = settings.public_url or (running["gateway"] if running is not None else "")
        async with contextlib.AsyncExitStack() as stack:
            meter = Meter()
            traces = await stack.enter_async_context(dev.tracing(settings, store, client))
            supervisor = await stack.enter_async_context(
                dev.supervising(settings, store, client, base_url, teller(out), meter, traces)
            )
            facts: dict[str, Any] = {"temporal": settings.temporal_address}
            if settings.metrics_listen is not None:
                metrics = Metrics(meter, [supervisor.gauges])
                url = await stack.enter_async_context(side.serving(settings.metrics_listen, metrics))
                facts["metrics"] = f"{url}/metrics"
            announce(out, facts)
            await stopped.wait()
    return 0


async def gateway(settings: Settings, out: Output) -> int:
    """The gateway alone, until a signal."""
    out.logs_json = settings.log_format == "json"
    configure(settings.log_level, as_json=out.logs_json)
    stopped = context.stop_event()
    with dev.opened(settings) as store:
        client = await temporal.connect(settings, store.blobs)
        async with (
            dev.tracing(settings, store, client) as traces,
            Gateway(settings, store, client, seen=traces.webhook if traces is not None else None) as serving,
        ):
            announce(out, {"gateway": serving.url, "temporal": settings.temporal_address})
            await stopped.wait()
    return 0


def announce(out: Output, facts: dict[str, Any]) -> None:
    """One line when ready."""
    with contextlib.suppress(BrokenPipeError):
        out.document(facts, "ready   " + "   ".join(f"{name} {value}" for name, value in facts.items()))
