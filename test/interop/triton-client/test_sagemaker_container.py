"""The requests of the article's notebook against the container's port: bodies made by tritonclient, sent as SageMaker sends them."""

import json
import os
import unittest
import urllib.error
import urllib.request

import numpy as np
import tritonclient.http as httpclient

URL = "http://" + os.environ["NEREID_SAGEMAKER"]
IMAGE = np.fromfile(os.environ["NEREID_IMAGE"], dtype=np.uint8)
BINARY_TYPE = "application/vnd.sagemaker-triton.binary+json;json-header-size="


def invoke(body, content_type):
    request = urllib.request.Request(URL + "/invocations", data=body, headers={"Content-Type": content_type})
    with urllib.request.urlopen(request) as response:
        return response.headers["Content-Type"], response.read()


def binary_body(input_name, output_name, image):
    inputs = [httpclient.InferInput(input_name, [1, image.size], "UINT8")]
    inputs[0].set_data_from_numpy(image.reshape(1, -1), binary_data=True)
    outputs = [httpclient.InferRequestedOutput(output_name, binary_data=True)]
    return httpclient.InferenceServerClient.generate_request_body(inputs, outputs=outputs)


class SageMakerContainerTest(unittest.TestCase):
    def test_ping(self):
        with urllib.request.urlopen(URL + "/ping") as response:
            self.assertEqual(response.status, 200)

    def test_json_labelled_octet_stream(self):
        payload = {
            "inputs": [{"name": "INPUT", "shape": (1, IMAGE.size), "datatype": "UINT8", "data": IMAGE.reshape(1, -1).tolist()}]
        }
        for content_type in ("application/octet-stream", "application/json"):
            answer_type, body = invoke(json.dumps(payload).encode(), content_type)
            self.assertEqual(answer_type, "application/json")
            scores = json.loads(body.decode("utf8"))["outputs"][0]["data"]
            self.assertEqual(int(np.argmax(scores)), 1)

    def test_binary_body(self):
        body, header_length = binary_body("INPUT", "OUTPUT", IMAGE)
        answer_type, answer = invoke(body, f"{BINARY_TYPE}{header_length}")
        self.assertTrue(answer_type.startswith(BINARY_TYPE), answer_type)
        answer_header_length = int(answer_type[len(BINARY_TYPE) :])
        result = httpclient.InferenceServerClient.parse_response_body(answer, header_length=answer_header_length)
        scores = result.as_numpy("OUTPUT")
        self.assertEqual(scores.shape, (1, 2))
        self.assertEqual(int(np.argmax(scores)), 1)

    def test_malformed_header_size(self):
        body, _ = binary_body("INPUT", "OUTPUT", IMAGE)
        for size, message in (
            ("", "Unable to parse inference header size, got: "),
            ("-1", "inference header size should be in range"),
            (str(len(body) + 1), "inference header size should be in range"),
            (str(10**12), "out of range"),
        ):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                invoke(body, BINARY_TYPE + size)
            self.assertEqual(caught.exception.code, 400)
            self.assertIn(message, json.loads(caught.exception.read())["error"])

    def test_unknown_path(self):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(URL + "/nope")
        self.assertEqual(caught.exception.code, 400)


if __name__ == "__main__":
    unittest.main()
