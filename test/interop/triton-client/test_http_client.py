"""NVIDIA's own Python client against `nereid serve`, over HTTP."""

import os
import unittest

import numpy as np
import tritonclient.http as httpclient
from tritonclient.utils import InferenceServerException

URL = os.environ["NEREID_HTTP"]
IMAGE = np.fromfile(os.environ["NEREID_IMAGE"], dtype=np.uint8)
LABELS = ["dark", "bright"]


def add_sub_inputs(binary, batch=1):
    first = np.arange(16 * batch, dtype=np.int32).reshape(batch, 16)
    second = np.full((batch, 16), 3, dtype=np.int32)
    inputs = [httpclient.InferInput(name, [batch, 16], "INT32") for name in ("INPUT0", "INPUT1")]
    inputs[0].set_data_from_numpy(first, binary_data=binary)
    inputs[1].set_data_from_numpy(second, binary_data=binary)
    return first, second, inputs


class HttpClientTest(unittest.TestCase):
    def setUp(self):
        self.client = httpclient.InferenceServerClient(URL, concurrency=4)

    def tearDown(self):
        self.client.close()

    def test_health(self):
        self.assertTrue(self.client.is_server_live())
        self.assertTrue(self.client.is_server_ready())
        for model in ("add_sub", "preprocess", "classifier", "image_ensemble"):
            self.assertTrue(self.client.is_model_ready(model))
        self.assertFalse(self.client.is_model_ready("no_such_model"))

    def test_metadata(self):
        server = self.client.get_server_metadata()
        self.assertEqual(server["name"], "triton")
        self.assertIn("binary_tensor_data", server["extensions"])
        model = self.client.get_model_metadata("add_sub")
        self.assertEqual(model["platform"], "onnxruntime_onnx")
        self.assertEqual(model["versions"], ["1"])
        self.assertEqual(model["inputs"][0], {"name": "INPUT0", "datatype": "INT32", "shape": [-1, 16]})
        ensemble = self.client.get_model_metadata("image_ensemble")
        self.assertEqual(ensemble["platform"], "ensemble")

    def test_config(self):
        config = self.client.get_model_config("image_ensemble")
        self.assertEqual([step["model_name"] for step in config["ensemble_scheduling"]["step"]], ["preprocess", "classifier"])

    def test_repository_index(self):
        index = self.client.get_model_repository_index()
        self.assertEqual({entry["name"] for entry in index}, {"add_sub", "preprocess", "classifier", "image_ensemble"})
        self.assertTrue(all(entry["state"] == "READY" for entry in index))

    def test_statistics(self):
        before = self.client.get_inference_statistics("add_sub")["model_stats"][0]["inference_count"]
        _, _, inputs = add_sub_inputs(True, batch=3)
        self.client.infer("add_sub", inputs)
        after = self.client.get_inference_statistics("add_sub")["model_stats"][0]["inference_count"]
        self.assertEqual(after - before, 3)

    def check_add_sub(self, binary_in, binary_out, batch=1, **options):
        first, second, inputs = add_sub_inputs(binary_in, batch)
        outputs = [httpclient.InferRequestedOutput(name, binary_data=binary_out) for name in ("OUTPUT0", "OUTPUT1")]
        result = self.client.infer("add_sub", inputs, outputs=outputs, request_id="seven", **options)
        np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), first + second)
        np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), first - second)
        self.assertEqual(result.get_response()["id"], "seven")

    def test_infer_json(self):
        self.check_add_sub(False, False)

    def test_infer_binary(self):
        self.check_add_sub(True, True)

    def test_infer_mixed(self):
        self.check_add_sub(True, False)
        self.check_add_sub(False, True)

    def test_infer_batch(self):
        self.check_add_sub(True, True, batch=8)

    def test_infer_compressed(self):
        for algorithm in ("gzip", "deflate"):
            self.check_add_sub(
                True, True, request_compression_algorithm=algorithm, response_compression_algorithm=algorithm
            )
            self.check_add_sub(False, False, request_compression_algorithm=algorithm)

    def test_infer_without_requested_outputs(self):
        first, second, inputs = add_sub_inputs(True)
        result = self.client.infer("add_sub", inputs)
        np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), first + second)

    def test_async_infer(self):
        first, second, inputs = add_sub_inputs(True)
        pending = [self.client.async_infer("add_sub", inputs) for _ in range(16)]
        for request in pending:
            np.testing.assert_array_equal(request.get_result().as_numpy("OUTPUT0"), first + second)

    def test_image_ensemble(self):
        for binary in (True, False):
            image = httpclient.InferInput("INPUT", [1, IMAGE.size], "UINT8")
            image.set_data_from_numpy(IMAGE.reshape(1, -1), binary_data=binary)
            output = httpclient.InferRequestedOutput("OUTPUT", binary_data=binary)
            scores = self.client.infer("image_ensemble", [image], outputs=[output]).as_numpy("OUTPUT")
            self.assertEqual(scores.shape, (1, 2))
            self.assertAlmostEqual(float(scores.sum()), 1.0, places=5)
            self.assertEqual(LABELS[int(np.argmax(scores))], "bright")

    def test_classification(self):
        image = httpclient.InferInput("INPUT", [1, IMAGE.size], "UINT8")
        image.set_data_from_numpy(IMAGE.reshape(1, -1))
        for binary in (True, False):
            output = httpclient.InferRequestedOutput("OUTPUT", binary_data=binary, class_count=2)
            answer = self.client.infer("image_ensemble", [image], outputs=[output]).as_numpy("OUTPUT")
            entries = [entry.decode() if isinstance(entry, bytes) else entry for entry in answer.reshape(-1)]
            self.assertEqual([entry.split(":")[2] for entry in entries], ["bright", "dark"])

    def test_errors(self):
        with self.assertRaisesRegex(InferenceServerException, "Request for unknown model: 'nope' is not found"):
            self.client.infer("nope", add_sub_inputs(True)[2])
        with self.assertRaisesRegex(InferenceServerException, "expected 2 inputs but got 1"):
            self.client.infer("add_sub", add_sub_inputs(True)[2][:1])
        with self.assertRaisesRegex(InferenceServerException, "unexpected inference output 'NOPE' for model 'add_sub'"):
            self.client.infer("add_sub", add_sub_inputs(True)[2], outputs=[httpclient.InferRequestedOutput("NOPE")])


if __name__ == "__main__":
    unittest.main()
