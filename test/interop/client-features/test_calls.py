"""Deadlines, cancelling, large and compressed tensors."""

import asyncio
import queue
import time
import unittest
import urllib.request

import numpy as np
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as grpcaio
import tritonclient.http as httpclient
import tritonclient.http.aio as httpaio
from common import CLIENTS, GRPC, HTTP, METRICS, vector
from tritonclient.utils import InferenceServerException

# Of an answer that takes some seconds.
SHORT_S = 0.5


def failures(model, reason):
    """Requests of a model that failed for a reason, from the metrics page."""
    page = urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=60).read().decode()
    for line in page.splitlines():
        if line.startswith("nv_inference_request_failure") and f'model="{model}"' in line and reason in line:
            return float(line.split()[-1])
    return 0.0


def eventually(condition):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to that")
        time.sleep(0.05)


class DeadlineTest(unittest.TestCase):
    def test_grpc_deadline(self):
        with grpcclient.InferenceServerClient(GRPC) as client:
            with self.assertRaises(InferenceServerException) as raised:
                client.infer("slow_fp32", vector(grpcclient, [1]), client_timeout=SHORT_S)
            self.assertEqual(str(raised.exception), "[StatusCode.DEADLINE_EXCEEDED] Deadline Exceeded")
            self.assertTrue(client.is_server_live(client_timeout=60))

    def test_grpc_async_deadline(self):
        answers = queue.Queue()
        with grpcclient.InferenceServerClient(GRPC) as client:
            client.async_infer(
                "slow_fp32",
                vector(grpcclient, [1]),
                callback=lambda result, error: answers.put((result, error)),
                client_timeout=SHORT_S,
            )
            result, error = answers.get(timeout=60)
        self.assertIsNone(result)
        self.assertEqual(str(error), "[StatusCode.DEADLINE_EXCEEDED] Deadline Exceeded")

    def test_grpc_stream_deadline(self):
        answers = queue.Queue()
        with grpcclient.InferenceServerClient(GRPC) as client:
            client.start_stream(lambda result, error: answers.put((result, error)), stream_timeout=SHORT_S)
            try:
                client.async_stream_infer("slow_fp32", vector(grpcclient, [1]))
            except InferenceServerException as error:
                # On a busy machine the stream may be over before.
                self.assertIn("The stream is no longer in valid state", str(error))
            result, error = answers.get(timeout=60)
        self.assertIsNone(result)
        self.assertEqual(error.status(), "StatusCode.DEADLINE_EXCEEDED")
        self.assertEqual(error.message(), "Deadline Exceeded")

    def test_grpc_aio_deadline(self):
        async def run():
            async with grpcaio.InferenceServerClient(GRPC) as client:
                with self.assertRaises(InferenceServerException) as raised:
                    await client.infer("slow_fp32", vector(grpcaio, [1]), client_timeout=SHORT_S)
                self.assertEqual(str(raised.exception), "[StatusCode.DEADLINE_EXCEEDED] Deadline Exceeded")

        asyncio.run(run())

    def test_http_network_timeout(self):
        with httpclient.InferenceServerClient(HTTP, network_timeout=SHORT_S) as client:
            with self.assertRaisesRegex(Exception, "^timed out$"):
                client.infer("slow_fp32", vector(httpclient, [1]))

    def test_http_result_timeout(self):
        with httpclient.InferenceServerClient(HTTP) as client:
            pending = client.async_infer("slow_fp32", vector(httpclient, [1]))
            with self.assertRaises(InferenceServerException) as raised:
                pending.get_result(block=True, timeout=SHORT_S)
            self.assertEqual(str(raised.exception), "failed to obtain inference response")

    def test_http_aio_timeout(self):
        async def run():
            async with httpaio.InferenceServerClient(HTTP, conn_timeout=SHORT_S) as client:
                with self.assertRaises(asyncio.TimeoutError):
                    await client.infer("slow_fp32", vector(httpaio, [1]))

        asyncio.run(run())


class CancelTest(unittest.TestCase):
    def test_grpc_call(self):
        before = failures("slow_fp32", "CANCELED")
        answers = queue.Queue()
        with grpcclient.InferenceServerClient(GRPC) as client:
            call = client.async_infer(
                "slow_fp32", vector(grpcclient, [1]), callback=lambda result, error: answers.put((result, error))
            )
            call.cancel()
            result, error = answers.get(timeout=60)
            self.assertIsNone(result)
            self.assertEqual(str(error), "[StatusCode.CANCELLED] Locally cancelled by application!")
            # One that waits in the server's queue, behind another one, is cancelled there.
            client.async_infer(
                "slow_fp32", vector(grpcclient, [1]), callback=lambda result, error: answers.put((result, error))
            )
            with self.assertRaises(InferenceServerException):
                client.infer("slow_fp32", vector(grpcclient, [2]), client_timeout=SHORT_S)
            eventually(lambda: failures("slow_fp32", "CANCELED") > before)
            result, error = answers.get(timeout=60)
            self.assertIsNone(error)
            self.assertEqual(list(result.as_numpy("OUTPUT0")), [1])

    def test_grpc_stream(self):
        answers = queue.Queue()
        with grpcclient.InferenceServerClient(GRPC) as client:
            client.start_stream(lambda result, error: answers.put((result, error)))
            client.async_stream_infer("repeat_int32", repeat_inputs(count=1000, delay_ms=100))
            result, error = answers.get(timeout=60)
            self.assertIsNone(error)
            client.stop_stream(cancel_requests=True)
            while error is None:
                result, error = answers.get(timeout=60)
            self.assertEqual(error.status(), "StatusCode.CANCELLED")
            self.assertTrue(client.is_server_live())

    def test_grpc_aio_stream(self):
        async def run():
            async def requests():
                yield {"model_name": "repeat_int32", "inputs": repeat_inputs(count=1000, delay_ms=100)}

            async with grpcaio.InferenceServerClient(GRPC) as client:
                answers = client.stream_infer(requests())
                result, error = await answers.__anext__()
                self.assertIsNone(error)
                self.assertTrue(answers.cancel())
                with self.assertRaises(asyncio.CancelledError):
                    while True:
                        await answers.__anext__()

        asyncio.run(run())


def repeat_inputs(count, delay_ms):
    arrays = (
        ("IN", np.arange(count, dtype=np.int32), "INT32"),
        ("DELAY", np.full([count], delay_ms, dtype=np.uint32), "UINT32"),
        ("WAIT", np.zeros([1], dtype=np.uint32), "UINT32"),
    )
    inputs = [grpcclient.InferInput(name, list(array.shape), datatype) for name, array, datatype in arrays]
    for tensor, (_, array, _) in zip(inputs, arrays):
        tensor.set_data_from_numpy(array)
    return inputs


class LargeTensorTest(unittest.TestCase):
    VALUES = np.arange(8 * 2**20, dtype=np.float32)

    def test_32_mib_there_and_back(self):
        for module, url in CLIENTS:
            with module.InferenceServerClient(url) as client:
                result = client.infer("identity_fp32", vector(module, self.VALUES))
                np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), self.VALUES)

    def test_compressed(self):
        values = self.VALUES[: 2**20]
        for module, url in CLIENTS:
            with module.InferenceServerClient(url) as client:
                for algorithm in ("gzip", "deflate"):
                    if module is grpcclient:
                        options = {"compression_algorithm": algorithm}
                    else:
                        options = {f"{way}_compression_algorithm": algorithm for way in ("request", "response")}
                    result = client.infer("identity_fp32", vector(module, values), **options)
                    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), values)

    def test_empty(self):
        for module, url in CLIENTS:
            with module.InferenceServerClient(url) as client:
                result = client.infer("identity_fp32", vector(module, []))
                self.assertEqual(result.as_numpy("OUTPUT0").shape, (0,))

    def test_http_aio(self):
        async def run():
            async with httpaio.InferenceServerClient(HTTP) as client:
                self.assertEqual((await client.get_server_metadata())["name"], "triton")
                self.assertEqual((await client.get_model_config("identity_fp32"))["backend"], "identity")
                self.assertEqual(len(await client.get_system_shared_memory_status()), 0)
                options = {f"{way}_compression_algorithm": "gzip" for way in ("request", "response")}
                values = self.VALUES[: 2**20]
                results = await asyncio.gather(
                    client.infer("identity_fp32", vector(httpaio, values)),
                    client.infer("identity_fp32", vector(httpaio, values), **options),
                )
                for result in results:
                    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), values)

        asyncio.run(run())


if __name__ == "__main__":
    unittest.main()
