"""The multi-model notebook: several ensembles behind one endpoint, chosen by TargetModel; and a plain ONNX model."""

import json
import os
import unittest

import numpy as np
import tritonclient.http as httpclient

from aws import BINARY_TYPE, BUCKET, delete, deploy, runtime, upload

BRIGHT = np.fromfile(os.environ["NEREID_BRIGHT_IMAGE"], dtype=np.uint8)
INT32 = np.arange(16, dtype=np.int32).reshape(1, 16)


def add_sub_body(binary):
    inputs = [httpclient.InferInput(name, [1, 16], "INT32") for name in ("INPUT0", "INPUT1")]
    for tensor in inputs:
        tensor.set_data_from_numpy(INT32, binary_data=binary)
    outputs = [httpclient.InferRequestedOutput(name, binary_data=binary) for name in ("OUTPUT0", "OUTPUT1")]
    return httpclient.InferenceServerClient.generate_request_body(inputs, outputs=outputs)


def image_body():
    inputs = [httpclient.InferInput("INPUT", [1, BRIGHT.size], "UINT8")]
    inputs[0].set_data_from_numpy(BRIGHT.reshape(1, -1), binary_data=True)
    outputs = [httpclient.InferRequestedOutput("OUTPUT", binary_data=True)]
    return httpclient.InferenceServerClient.generate_request_body(inputs, outputs=outputs)


def invoke(name, body, header_length, **more):
    response = runtime.invoke_endpoint(
        EndpointName=name, ContentType=f"{BINARY_TYPE}{header_length}", Body=body, **more
    )
    length = int(response["ContentType"][len(BINARY_TYPE) :])
    return httpclient.InferenceServerClient.parse_response_body(response["Body"].read(), header_length=length)


class MultiModelTest(unittest.TestCase):
    def test_two_ensembles_and_a_model_behind_one_endpoint(self):
        for target in ("dali-one", "dali-two"):
            upload("image", f"many/{target}.tar.gz")
        upload("onnx", "many/add_sub.tar.gz")
        endpoint, _ = deploy("many", {"ModelDataUrl": f"s3://{BUCKET}/many/", "Mode": "MultiModel"})
        self.assertEqual(endpoint["EndpointStatus"], "InService", endpoint.get("FailureReason"))
        body, length = image_body()
        for target in ("dali-one", "dali-two", "dali-one"):
            scores = invoke("many", body, length, TargetModel=f"{target}.tar.gz").as_numpy("OUTPUT")
            self.assertEqual(int(np.argmax(scores)), 1, target)
        body, length = add_sub_body(True)
        result = invoke("many", body, length, TargetModel="add_sub.tar.gz")
        np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), INT32 * 2)
        with self.assertRaises(runtime.exceptions.ValidationError):
            invoke("many", body, length, TargetModel="none.tar.gz")
        delete("many")

    def test_a_plain_onnx_model_without_a_default_name(self):
        endpoint, _ = deploy("onnx", {"ModelDataUrl": upload("onnx", "onnx/model.tar.gz")})
        self.assertEqual(endpoint["EndpointStatus"], "InService", endpoint.get("FailureReason"))
        body, length = add_sub_body(True)
        result = invoke("onnx", body, length)
        np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), INT32 * 2)
        np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), INT32 * 0)
        body, _ = add_sub_body(False)
        response = runtime.invoke_endpoint(EndpointName="onnx", ContentType="application/json", Body=body)
        outputs = {output["name"]: output["data"] for output in json.loads(response["Body"].read())["outputs"]}
        self.assertEqual(outputs["OUTPUT0"], (INT32 * 2).ravel().tolist())
        delete("onnx")


if __name__ == "__main__":
    unittest.main()
