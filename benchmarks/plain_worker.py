"""A worker for the hand-written steps, in a process of its own: ``plain_worker ADDRESS QUEUE unsandboxed|sandboxed``."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from benchmarks.plain import Plain, add


async def serve(address: str, queue: str, kind: str) -> None:
    """Work until killed."""
    client = await Client.connect(address)
    options = {"workflow_runner": UnsandboxedWorkflowRunner()} if kind == "unsandboxed" else {}
    with ThreadPoolExecutor(100) as pool:
        async with Worker(
            client,
            task_queue=queue,
            workflows=[Plain],
            activities=[add],
            activity_executor=pool,
            **options,
        ):
            print("ready", flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:4]))
