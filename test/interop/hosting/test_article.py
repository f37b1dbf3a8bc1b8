"""The article's notebook: a DALI + TensorFlow ensemble behind an endpoint, JSON and binary requests."""

import json
import os
import time
import unittest

import botocore.exceptions
import numpy as np
import tritonclient.http as httpclient

from aws import BINARY_TYPE, delete, deploy, runtime, sagemaker, upload

BRIGHT = np.fromfile(os.environ["NEREID_BRIGHT_IMAGE"], dtype=np.uint8)
DARK = np.fromfile(os.environ["NEREID_DARK_IMAGE"], dtype=np.uint8)


def invoke_json(name, image):
    payload = {
        "inputs": [
            {"name": "INPUT", "shape": (1, image.size), "datatype": "UINT8", "data": image.reshape(1, -1).tolist()}
        ]
    }
    response = runtime.invoke_endpoint(
        EndpointName=name, ContentType="application/octet-stream", Body=json.dumps(payload)
    )
    return json.loads(response["Body"].read().decode("utf8"))["outputs"][0]["data"]


def invoke_binary(name, image):
    inputs = [httpclient.InferInput("INPUT", [1, image.size], "UINT8")]
    inputs[0].set_data_from_numpy(image.reshape(1, -1), binary_data=True)
    outputs = [httpclient.InferRequestedOutput("OUTPUT", binary_data=True)]
    body, header_length = httpclient.InferenceServerClient.generate_request_body(inputs, outputs=outputs)
    response = runtime.invoke_endpoint(EndpointName=name, ContentType=f"{BINARY_TYPE}{header_length}", Body=body)
    answer_length = int(response["ContentType"][len(BINARY_TYPE) :])
    return httpclient.InferenceServerClient.parse_response_body(
        response["Body"].read(), header_length=answer_length
    ).as_numpy("OUTPUT")


class ArticleTest(unittest.TestCase):
    def test_the_notebook(self):
        name = "triton-dali-ensemble-" + time.strftime("%Y-%m-%d-%H-%M-%S", time.gmtime())
        # About as large as the article's archive: boto3 sends it in parts.
        url = upload("image", "dali/model.tar.gz", padding=85_000_000)
        environment = {"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "image_ensemble"}
        endpoint, seconds = deploy(name, {"ModelDataUrl": url, "Environment": environment})
        self.assertEqual(endpoint["EndpointStatus"], "InService", endpoint.get("FailureReason"))
        print(f"in service after {seconds:.2f} s", flush=True)
        self.assertEqual(int(np.argmax(invoke_json(name, BRIGHT))), 1)
        self.assertEqual(int(np.argmax(invoke_json(name, DARK))), 0)
        for image, label in ((BRIGHT, 1), (DARK, 0)):
            scores = invoke_binary(name, image)
            self.assertEqual(scores.shape, (1, 2))
            self.assertEqual(int(np.argmax(scores)), label)

        sagemaker.delete_model(ModelName=name)
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
        self.assertEqual(int(np.argmax(invoke_binary(name, BRIGHT))), 1, "it serves until it is deleted itself")
        sagemaker.delete_endpoint(EndpointName=name)
        sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})

    def test_an_error_of_the_model_comes_with_its_text(self):
        url = upload("image", "errors/model.tar.gz")
        environment = {"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "image_ensemble"}
        deploy("errors", {"ModelDataUrl": url, "Environment": environment})
        with self.assertRaises(runtime.exceptions.ModelError) as caught:
            runtime.invoke_endpoint(EndpointName="errors", ContentType="application/json", Body=b'{"inputs": []}')
        response = caught.exception.response
        self.assertEqual(response["OriginalStatusCode"], 400)
        self.assertIn("expected 1 inputs but got 0 inputs for model", response["OriginalMessage"])
        self.assertIn("/aws/sagemaker/Endpoints/errors", response["LogStreamArn"])
        delete("errors")

    def test_why_an_endpoint_failed(self):
        url = upload("image", "wrong-default/model.tar.gz")
        environment = {"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "nothing"}
        endpoint, _ = deploy("wrong-default", {"ModelDataUrl": url, "Environment": environment})
        self.assertEqual(endpoint["EndpointStatus"], "Failed")
        self.assertIn("SAGEMAKER_TRITON_DEFAULT_MODEL_NAME nothing does not exist", endpoint["FailureReason"])
        url = upload("broken", "broken/model.tar.gz")
        endpoint, _ = deploy("broken", {"ModelDataUrl": url})
        self.assertEqual(endpoint["EndpointStatus"], "Failed")
        self.assertIn("config.pbtxt", endpoint["FailureReason"])
        self.assertIn("3:", endpoint["FailureReason"], "with its line")
        with self.assertRaises(botocore.exceptions.WaiterError):
            sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="broken")
        for name in ("wrong-default", "broken"):
            delete(name)


if __name__ == "__main__":
    unittest.main()
