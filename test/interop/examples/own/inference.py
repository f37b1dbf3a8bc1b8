"""Inference: blocking, with callbacks, in asyncio; strings, compression, reused objects, one client after the other."""

import asyncio
import queue

import numpy as np
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio
import tritonclient.http.aio
from registry import add_sub_inputs, check_add_sub, example, text_array
from tritonclient.utils import InferenceServerException


def expect_error(text, call):
    try:
        call()
    except InferenceServerException as error:
        assert text in str(error), f"expected '{text}' in '{error}'"
    else:
        raise AssertionError(f"no error, expected '{text}'")


@example("simple_http_infer_client", "simple_grpc_infer_client")
def infer(api):
    with api.client() as client:
        inputs, outputs = add_sub_inputs(api), api.outputs("OUTPUT0", "OUTPUT1")
        before = inference_count(api, client)
        check_add_sub(client.infer("simple", inputs, outputs=outputs, headers={"test": "1"}))
        check_add_sub(client.infer("simple", inputs))
        if api.is_grpc:
            check_add_sub(client.infer("simple", inputs, compression_algorithm="gzip", client_timeout=60))
        else:
            compression = {"request_compression_algorithm": "gzip", "response_compression_algorithm": "deflate"}
            check_add_sub(client.infer("simple", inputs, query_params={"test_1": 1}, **compression))
        assert inference_count(api, client) == before + 3
        expect_error(
            "Request for unknown model: 'wrong_model_name' is not found",
            lambda: client.infer("wrong_model_name", inputs),
        )


def inference_count(api, client):
    statistics = client.get_inference_statistics("simple", **({"as_json": True} if api.is_grpc else {}))
    assert len(statistics["model_stats"]) == 1
    return int(statistics["model_stats"][0]["inference_count"])


@example("simple_http_async_infer_client")
def async_infer_http(api):
    with api.client(concurrency=4) as client:
        pending = [client.async_infer("simple", add_sub_inputs(api)) for _ in range(16)]
        for request in pending:
            check_add_sub(request.get_result())


@example("simple_grpc_async_infer_client")
def async_infer_grpc(api):
    answers = queue.Queue()
    with api.client() as client:
        for _ in range(16):
            client.async_infer(
                "simple", add_sub_inputs(api), callback=lambda result, error: answers.put((result, error))
            )
        for _ in range(16):
            result, error = answers.get(timeout=60)
            assert error is None, error
            check_add_sub(result)


@example("simple_http_aio_infer_client", "simple_grpc_aio_infer_client")
def aio_infer(api):
    module = tritonclient.grpc.aio if api.is_grpc else tritonclient.http.aio

    async def run():
        async with module.InferenceServerClient(api.url) as client:
            assert await client.is_server_live() and await client.is_model_ready("simple")
            results = await asyncio.gather(*(client.infer("simple", add_sub_inputs(api)) for _ in range(8)))
            for result in results:
                check_add_sub(result)
            try:
                await client.infer("wrong_model_name", add_sub_inputs(api))
            except InferenceServerException as error:
                assert "Request for unknown model" in error.message()
            else:
                raise AssertionError("no error for an unknown model")

    asyncio.run(run())


@example("simple_http_string_infer_client", "simple_grpc_string_infer_client")
def string_infer(api):
    first, second = np.arange(16).reshape(1, 16), np.ones((1, 16), dtype=int)
    with api.client() as client:
        inputs = [api.tensor(name, text_array(array), "BYTES") for name, array in (("INPUT0", first), ("INPUT1", second))]
        result = client.infer("simple_string", inputs)
        np.testing.assert_array_equal(result.as_numpy("OUTPUT0").astype(int), first + second)
        np.testing.assert_array_equal(result.as_numpy("OUTPUT1").astype(int), first - second)
        raw = np.array([[b"\x00zero\x00", "größe".encode(), b"", bytes(range(256))]], dtype=np.object_)
        echoed = client.infer("simple_identity", [api.tensor("INPUT0", raw, "BYTES")]).as_numpy("OUTPUT0")
        assert list(echoed.flat) == list(raw.flat)
        if not api.is_grpc:
            plain = np.array([["1", "zwei", ""]], dtype=np.object_)
            tensor = api.module.InferInput("INPUT0", [1, 3], "BYTES")
            tensor.set_data_from_numpy(plain, binary_data=False)
            answer = client.infer("simple_identity", [tensor], outputs=api.outputs("OUTPUT0", binary_data=False))
            assert list(answer.as_numpy("OUTPUT0").flat) == list(plain.flat)


@example("reuse_infer_objects_client")
def reuse(api):
    inputs, outputs = add_sub_inputs(api), api.outputs("OUTPUT0", "OUTPUT1")
    with api.client() as client:
        for value in (1, 2, 3):
            second = np.full((1, 16), value, dtype=np.int32)
            inputs[1].set_data_from_numpy(second)
            result = client.infer("simple", inputs, outputs=outputs)
            np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), np.arange(16)[np.newaxis] + second)


@example("memory_growth_test")
def many_clients(api):
    data = np.arange(16, dtype=np.int32)[np.newaxis]
    for _ in range(100):
        with api.further_client() as client:
            result = client.infer("custom_identity_int32", [api.tensor("INPUT0", data, "INT32")])
            np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), data)


@example("simple_grpc_custom_args_client")
def channel_arguments(api):
    arguments = [("grpc.primary_user_agent", "nereid-test"), ("grpc.max_receive_message_length", 2**20)]
    with api.client(channel_args=arguments) as client:
        check_add_sub(client.infer("simple", add_sub_inputs(api), headers={"test": "1"}))


@example("simple_grpc_keepalive_client")
def keep_alive(api):
    options = grpcclient.KeepAliveOptions(
        keepalive_time_ms=10_000,
        keepalive_timeout_ms=20_000,
        keepalive_permit_without_calls=True,
        http2_max_pings_without_data=2,
    )
    with api.client(keepalive_options=options) as client:
        check_add_sub(client.infer("simple", add_sub_inputs(api)))
