"""KServe's inference clients against `nereid serve`."""

import os
import unittest

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput

HTTP = f"http://{os.environ['NEREID_HTTP']}"
GRPC = os.environ["NEREID_GRPC"]
FIRST = np.arange(16, dtype=np.int32).reshape(1, 16)
SECOND = np.full((1, 16), 3, dtype=np.int32)


def add_sub(binary, **options):
    inputs = [InferInput(name, [1, 16], "INT32") for name in ("INPUT0", "INPUT1")]
    for tensor, array in zip(inputs, (FIRST, SECOND)):
        tensor.set_data_from_numpy(array, binary_data=binary)
    return InferRequest(model_name="simple", infer_inputs=inputs, request_id="seven", **options)


def text(binary):
    tensor = InferInput("INPUT0", [1, 3], "BYTES")
    tensor.set_data_from_numpy(np.array([["a", "größe", ""]], dtype=np.object_), binary_data=binary)
    return InferRequest(model_name="simple_identity", infer_inputs=[tensor])


class KserveTest(unittest.IsolatedAsyncioTestCase):
    def check(self, response):
        self.assertEqual(response.id, "seven")
        outputs = {output.name: output.as_numpy() for output in response.outputs}
        np.testing.assert_array_equal(outputs["OUTPUT0"].reshape(1, 16), FIRST + SECOND)
        np.testing.assert_array_equal(outputs["OUTPUT1"].reshape(1, 16), FIRST - SECOND)

    async def test_rest_health(self):
        async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
            # `is_server_live` and `is_server_ready` want JSON, which neither Triton nor the protocol has there.
            self.assertTrue(await client.is_model_ready(HTTP, "simple"))
            self.assertFalse(await client.is_model_ready(HTTP, "nope"))

    async def test_rest_infer(self):
        async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
            for binary in (False, True):
                self.check(await client.infer(HTTP, add_sub(binary), model_name="simple"))
                outputs = [RequestedOutput(name, {"binary_data": binary}) for name in ("OUTPUT0", "OUTPUT1")]
                request = add_sub(not binary, request_outputs=outputs)
                self.check(await client.infer(HTTP, request, model_name="simple"))

    async def test_rest_text(self):
        async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
            for binary in (False, True):
                response = await client.infer(HTTP, text(binary), model_name="simple_identity")
                values = [value.decode() if isinstance(value, bytes) else value for value in response.outputs[0].as_numpy().flat]
                self.assertEqual(values, ["a", "größe", ""])

    async def test_rest_error(self):
        async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
            with self.assertRaisesRegex(httpx.HTTPStatusError, "Request for unknown model: 'nope' is not found"):
                await client.infer(HTTP, add_sub(True), model_name="nope")

    async def test_grpc(self):
        async with InferenceGRPCClient(GRPC) as client:
            self.assertTrue(await client.is_server_live())
            self.assertTrue(await client.is_server_ready())
            self.assertTrue(await client.is_model_ready("simple"))
            for binary in (False, True):
                self.check(await client.infer(add_sub(binary)))

    async def test_grpc_error(self):
        async with InferenceGRPCClient(GRPC) as client:
            request = add_sub(True)
            request.model_name = "nope"
            with self.assertRaises(grpc.RpcError) as raised:
                await client.infer(request)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)
            self.assertEqual(raised.exception.details(), "Request for unknown model: 'nope' is not found")


if __name__ == "__main__":
    unittest.main()
