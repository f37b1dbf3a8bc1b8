"""Sequences, one request after the other and on a stream, with numbers and text as ids; a decoupled model."""

import asyncio
import queue
import uuid

import numpy as np
import tritonclient.grpc.aio
from registry import example

VALUES = [11, 7, 5, 3, 2, 0, 1]


def steps(values):
    """(value, whether the sequence starts, whether it ends)"""
    last = len(values) - 1
    return [(value, index == 0, index == last) for index, value in enumerate(values)]


def expected(values, end=0):
    """The first has 1 added, the last the sequence's id where the model is told of it."""
    return [values[0] + 1, *values[1:-1], values[-1] + end]


def request(api, value):
    return [api.tensor("INPUT", np.array([[value]], dtype=np.int32), "INT32")]


@example("simple_http_sequence_sync_infer_client", "simple_grpc_sequence_sync_infer_client")
def one_after_the_other(api):
    with api.client() as client, api.further_client() as further:
        for target, model, sequence_id, end in (
            (client, "simple_sequence", 1007, 0),
            (client, "simple_sequence", str(uuid.uuid4()), 0),
            (client, "simple_dyna_sequence", 1008, 1008),
            (further, "simple_string_dyna_sequence", "1009", 1009),
        ):
            answers = [
                target.infer(
                    model, request(api, value), sequence_id=sequence_id, sequence_start=start, sequence_end=stop
                ).as_numpy("OUTPUT")[0][0]
                for value, start, stop in steps(VALUES)
            ]
            assert answers == expected(VALUES, end), (model, answers)


def streams():
    """Model, sequence id, values, what is added at the end."""
    negative = [-value for value in VALUES]
    return [
        ("simple_sequence", 2001, VALUES, 0),
        ("simple_sequence", 2002, negative, 0),
        ("simple_sequence", str(uuid.uuid4()), VALUES, 0),
        ("simple_dyna_sequence", 2003, negative, 2003),
    ]


@example("simple_grpc_sequence_stream_infer_client")
def on_a_stream(api):
    answers = queue.Queue()
    with api.client() as client:
        client.start_stream(lambda result, error: answers.put((result, error)))
        for number, (model, sequence_id, values, _) in enumerate(streams()):
            for index, (value, start, stop) in enumerate(steps(values)):
                client.async_stream_infer(
                    model,
                    request(api, value),
                    request_id=f"{number}_{index}",
                    sequence_id=sequence_id,
                    sequence_start=start,
                    sequence_end=stop,
                )
        results = [answers.get(timeout=60) for _ in range(len(streams()) * len(VALUES))]
    collected = {}
    for result, error in results:
        assert error is None, error
        collected[result.get_response().id] = int(result.as_numpy("OUTPUT")[0][0])
    check_streams(collected)


@example("simple_grpc_aio_sequence_stream_infer_client")
def on_an_aio_stream(api):
    async def requests():
        for number, (model, sequence_id, values, _) in enumerate(streams()):
            for index, (value, start, stop) in enumerate(steps(values)):
                yield {
                    "model_name": model,
                    "inputs": request(api, value),
                    "request_id": f"{number}_{index}",
                    "sequence_id": sequence_id,
                    "sequence_start": start,
                    "sequence_end": stop,
                }

    async def run():
        collected = {}
        async with tritonclient.grpc.aio.InferenceServerClient(api.url) as client:
            async for result, error in client.stream_infer(requests(), stream_timeout=60):
                assert error is None, error
                collected[result.get_response().id] = int(result.as_numpy("OUTPUT")[0][0])
        return collected

    check_streams(asyncio.run(run()))


def check_streams(collected):
    for number, (model, _, values, end) in enumerate(streams()):
        answers = [collected[f"{number}_{index}"] for index in range(len(values))]
        assert answers == expected(values, end), (model, answers)


@example("simple_grpc_custom_repeat")
def decoupled(api):
    count = 20
    answers = queue.Queue()
    inputs = [
        api.tensor("IN", np.arange(100, 100 + count, dtype=np.int32), "INT32"),
        api.tensor("DELAY", np.full([count], 5, dtype=np.uint32), "UINT32"),
        api.tensor("WAIT", np.array([5], dtype=np.uint32), "UINT32"),
    ]
    with api.further_client() as client:
        client.start_stream(lambda result, error: answers.put((result, error)))
        client.async_stream_infer("repeat_int32", inputs, outputs=api.outputs("OUT"), request_id="5")
        for value in range(100, 100 + count):
            result, error = answers.get(timeout=60)
            assert error is None, error
            assert result.get_response().id == "5" and list(result.as_numpy("OUT")) == [value]
        client.async_stream_infer("repeat_int32", inputs, enable_empty_final_response=True)
        for index in range(count + 1):
            response = answers.get(timeout=60)[0].get_response()
            assert response.parameters["triton_final_response"].bool_param == (index == count)
