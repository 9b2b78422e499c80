"""Workflow tasks are walked through only where a payload is large, or lies in the store."""

from __future__ import annotations

import dataclasses

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.bridge.worker import decode_activation, encode_completion
from temporalio.converter import DataConverter

from worker.payload.converter import data_converter
from worker.payload.large import THRESHOLD_BYTES
from worker.process.patches import has_no_reference, is_small, sparing


class Blobs(dict):
    """A store of blobs in memory."""

    def put(self, identifier, content):
        """Keep one."""
        self[identifier] = content


def completion(size: int) -> WorkflowActivationCompletion:
    """A completion with a result of so many bytes."""
    made = WorkflowActivationCompletion()
    command = made.successful.commands.add()
    command.complete_workflow_execution.result.CopyFrom(
        Payload(metadata={"encoding": b"json/plain"}, data=b"1" * size)
    )
    return made


async def visits(visit, idle, message, converter) -> int:
    """How often temporalio's own walk was taken."""
    seen = []

    async def counting(*args):
        """The walk, noted."""
        seen.append(args)
        return await visit(*args)

    await sparing(counting, idle)(message, converter, False, 1)
    return len(seen)


async def test_small_completion_is_not_walked_through_and_not_changed():
    """It goes as it is."""
    message = completion(10)
    assert await visits(encode_completion, is_small, message, data_converter(Blobs())) == 0
    assert message == completion(10)


async def test_large_result_goes_to_the_store_and_comes_back():
    """A reference travels, and is recognised by whoever receives it."""
    converter = data_converter(Blobs())
    message = completion(THRESHOLD_BYTES + 1)
    assert await visits(encode_completion, is_small, message, converter) == 1
    assert message.ByteSize() < THRESHOLD_BYTES
    activation = WorkflowActivation()
    resolved = activation.jobs.add().resolve_activity.result.completed.result
    resolved.CopyFrom(message.successful.commands[0].complete_workflow_execution.result)
    assert await visits(decode_activation, has_no_reference, activation, converter) == 1
    assert len(resolved.data) == THRESHOLD_BYTES + 1


async def test_activation_without_reference_is_not_walked_through():
    """However large it is."""
    activation = WorkflowActivation()
    activation.jobs.add().resolve_activity.result.completed.result.data = b"1" * 1_000_000
    assert await visits(decode_activation, has_no_reference, activation, data_converter(Blobs())) == 0


async def test_workers_with_another_converter_are_left_alone():
    """A program may run a Temporal worker of its own, with a codec that has something to do everywhere."""
    converter = dataclasses.replace(DataConverter.default)
    assert await visits(encode_completion, is_small, completion(10), converter) == 1
