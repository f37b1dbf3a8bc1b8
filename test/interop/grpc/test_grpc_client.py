"""NVIDIA's own Python gRPC clients, and gRPC's, against `nereid serve`."""

import asyncio
import os
import queue
import unittest

import grpc
import numpy as np
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as aioclient
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tritonclient.utils import InferenceServerException

URL = os.environ["NEREID_GRPC"]
IMAGE = np.fromfile(os.environ["NEREID_IMAGE"], dtype=np.uint8)
MODELS = {"add_sub", "preprocess", "classifier", "image_ensemble"}


def add_sub_inputs(batch=1, offset=3, client=grpcclient):
    first = np.arange(16 * batch, dtype=np.int32).reshape(batch, 16)
    second = np.full((batch, 16), offset, dtype=np.int32)
    inputs = [client.InferInput(name, [batch, 16], "INT32") for name in ("INPUT0", "INPUT1")]
    inputs[0].set_data_from_numpy(first)
    inputs[1].set_data_from_numpy(second)
    return first, second, inputs


class GrpcClientTest(unittest.TestCase):
    def setUp(self):
        self.client = grpcclient.InferenceServerClient(URL)

    def tearDown(self):
        self.client.close()

    def check(self, result, first, second):
        np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), first + second)
        np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), first - second)

    def test_health(self):
        self.assertTrue(self.client.is_server_live())
        self.assertTrue(self.client.is_server_ready())
        for model in MODELS:
            self.assertTrue(self.client.is_model_ready(model))

    def test_metadata_and_config(self):
        server = self.client.get_server_metadata()
        self.assertEqual(server.name, "triton")
        self.assertIn("binary_tensor_data", server.extensions)
        model = self.client.get_model_metadata("add_sub", as_json=True)
        self.assertEqual(model["inputs"][0], {"name": "INPUT0", "datatype": "INT32", "shape": ["-1", "16"]})
        config = self.client.get_model_config("image_ensemble").config
        self.assertEqual([step.model_name for step in config.ensemble_scheduling.step], ["preprocess", "classifier"])

    def test_repository_index_and_statistics(self):
        index = self.client.get_model_repository_index()
        self.assertEqual({model.name for model in index.models}, MODELS)
        before = self.client.get_inference_statistics("add_sub").model_stats[0].inference_count
        first, second, inputs = add_sub_inputs(batch=3)
        self.check(self.client.infer("add_sub", inputs), first, second)
        after = self.client.get_inference_statistics("add_sub").model_stats[0]
        self.assertEqual(after.inference_count, before + 3)
        self.assertGreater(after.inference_stats.success.ns, 0)

    def test_settings(self):
        settings = self.client.update_log_settings({"log_verbose_level": 0, "log_info": True})
        self.assertTrue(settings.settings["log_info"].bool_param)
        self.assertEqual(self.client.get_log_settings(as_json=True)["settings"]["log_format"]["string_param"], "default")
        self.assertEqual(list(self.client.get_trace_settings().settings["trace_level"].value), ["OFF"])
        self.client.update_trace_settings(settings={"trace_rate": "7"})
        self.assertEqual(list(self.client.get_trace_settings("add_sub").settings["trace_rate"].value), ["7"])
        self.client.update_trace_settings(settings={"trace_rate": None})

    def test_infer(self):
        first, second, inputs = add_sub_inputs()
        outputs = [grpcclient.InferRequestedOutput("OUTPUT1")]
        result = self.client.infer(
            "add_sub", inputs, model_version="1", outputs=outputs, request_id="r1", parameters={"note": "x", "count": 3}
        )
        np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), first - second)
        self.assertIsNone(result.as_numpy("OUTPUT0"))
        self.assertEqual(result.get_response().id, "r1")

    def test_compression(self):
        for algorithm in ("gzip", "deflate"):
            first, second, inputs = add_sub_inputs(batch=8)
            self.check(self.client.infer("add_sub", inputs, compression_algorithm=algorithm), first, second)

    def test_image_ensemble(self):
        metadata = self.client.get_model_metadata("image_ensemble")
        output = metadata.outputs[0].name
        image = grpcclient.InferInput(metadata.inputs[0].name, [1, len(IMAGE)], "UINT8")
        image.set_data_from_numpy(IMAGE.reshape(1, -1))
        plain = self.client.infer("image_ensemble", [image]).as_numpy(output)
        outputs = [grpcclient.InferRequestedOutput(output, class_count=1)]
        top = self.client.infer("image_ensemble", [image], outputs=outputs).as_numpy(output)
        score, index = top[0][0].decode().split(":")[:2]
        self.assertEqual(int(index), int(np.argmax(plain[0])))
        self.assertAlmostEqual(float(score), float(np.max(plain[0])), places=4)

    def test_async(self):
        answers = queue.Queue()
        first, second, inputs = add_sub_inputs()
        for _ in range(64):
            self.client.async_infer("add_sub", inputs, callback=lambda result, error: answers.put((result, error)))
        for _ in range(64):
            result, error = answers.get(timeout=30)
            self.assertIsNone(error)
            self.check(result, first, second)

    def test_stream(self):
        answers = queue.Queue()
        self.client.start_stream(callback=lambda result, error: answers.put((result, error)))
        for index in range(32):
            _, _, inputs = add_sub_inputs(offset=index)
            self.client.async_stream_infer("add_sub", inputs, request_id=str(index))
        self.client.async_stream_infer("no_such_model", inputs, request_id="wrong")
        for index in range(32):
            result, error = answers.get(timeout=30)
            self.assertIsNone(error)
            response = result.get_response()
            self.assertEqual(response.id, str(index))
            self.assertTrue(response.parameters["triton_final_response"].bool_param)
            self.assertEqual(result.as_numpy("OUTPUT0")[0][0], index)
        _, error = answers.get(timeout=30)
        self.assertIn("unknown model", error.message())
        self.client.stop_stream()

    def test_errors(self):
        _, _, inputs = add_sub_inputs()
        with self.assertRaisesRegex(InferenceServerException, "Request for unknown model: 'nope' is not found") as raised:
            self.client.infer("nope", inputs)
        self.assertEqual(raised.exception.status(), "StatusCode.NOT_FOUND")
        with self.assertRaisesRegex(InferenceServerException, "expected 2 inputs but got 1 inputs"):
            self.client.infer("add_sub", inputs[:1])

    def test_model_control(self):
        self.client.unload_model("add_sub")
        self.assertEqual(self.state("add_sub"), "UNAVAILABLE")
        self.client.load_model("add_sub")
        self.assertEqual(self.state("add_sub"), "READY")
        self.client.load_model("add_sub", config='{"backend":"onnxruntime","max_batch_size":2}')
        self.assertEqual(self.client.get_model_config("add_sub").config.max_batch_size, 2)
        self.client.unload_model("add_sub")
        self.client.load_model("add_sub")
        with self.assertRaisesRegex(InferenceServerException, "failed to load 'nope'"):
            self.client.load_model("nope")

    def state(self, name):
        return next(model.state for model in self.client.get_model_repository_index().models if model.name == name)

    def test_shared_memory_is_off(self):
        self.assertEqual(len(self.client.get_system_shared_memory_status().regions), 0)
        self.assertEqual(len(self.client.get_cuda_shared_memory_status().regions), 0)
        with self.assertRaisesRegex(InferenceServerException, "Client shared memory is disabled"):
            self.client.register_system_shared_memory("r", "/r", 64)

    def test_keep_alive(self):
        options = grpcclient.KeepAliveOptions(keepalive_time_ms=10_000, keepalive_timeout_ms=5_000)
        with grpcclient.InferenceServerClient(URL, keepalive_options=options) as client:
            self.assertTrue(client.is_server_live())


class AioClientTest(unittest.IsolatedAsyncioTestCase):
    async def test_infer(self):
        async with aioclient.InferenceServerClient(URL) as client:
            self.assertTrue(await client.is_server_ready())
            first, second, inputs = add_sub_inputs(client=aioclient)
            results = await asyncio.gather(*(client.infer("add_sub", inputs) for _ in range(32)))
            for result in results:
                np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), first + second)

    async def test_stream(self):
        async def requests():
            for index in range(10):
                _, _, inputs = add_sub_inputs(offset=index, client=aioclient)
                yield {"model_name": "add_sub", "inputs": inputs, "request_id": str(index)}

        async with aioclient.InferenceServerClient(URL) as client:
            ids = []
            async for result, error in client.stream_infer(requests()):
                self.assertIsNone(error)
                ids.append(result.get_response().id)
            self.assertEqual(ids, [str(index) for index in range(10)])

    async def test_cancel(self):
        async with aioclient.InferenceServerClient(URL) as client:
            _, _, inputs = add_sub_inputs(client=aioclient)
            call = asyncio.create_task(client.infer("add_sub", inputs))
            call.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await call
            self.assertTrue(await client.is_server_live())


class OtherServicesTest(unittest.TestCase):
    def setUp(self):
        self.channel = grpc.insecure_channel(URL)

    def tearDown(self):
        self.channel.close()

    def test_health(self):
        stub = health_pb2_grpc.HealthStub(self.channel)
        self.assertEqual(stub.Check(health_pb2.HealthCheckRequest()).status, health_pb2.HealthCheckResponse.SERVING)
        watch = stub.Watch(health_pb2.HealthCheckRequest())
        self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.SERVING)
        watch.cancel()

    def test_reflection(self):
        database = ProtoReflectionDescriptorDatabase(self.channel)
        self.assertIn("inference.GRPCInferenceService", database.get_services())
        service = DescriptorPool(database).FindServiceByName("inference.GRPCInferenceService")
        self.assertEqual(service.FindMethodByName("ModelInfer").input_type.full_name, "inference.ModelInferRequest")


if __name__ == "__main__":
    unittest.main()
