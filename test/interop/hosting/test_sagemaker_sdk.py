"""The SageMaker Python SDK: session, model, predictor, as the notebooks use them."""

import json
import os
import tempfile
import unittest

import sagemaker
from sagemaker.deserializers import JSONDeserializer
from sagemaker.model import Model
from sagemaker.predictor import Predictor
from sagemaker.serializers import IdentitySerializer, JSONSerializer

from aws import BUCKET, IMAGE, ROLE, pack, s3, wait

INPUTS = [
    {"name": name, "shape": [1, 16], "datatype": "INT32", "data": list(range(16))} for name in ("INPUT0", "INPUT1")
]


class SessionTest(unittest.TestCase):
    def setUp(self):
        s3.create_bucket(Bucket=BUCKET)
        # Without a bucket's name it would ask STS at a fixed address.
        self.session = sagemaker.Session(default_bucket=BUCKET)

    def upload(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.tar.gz")
            with open(path, "wb") as file:
                file.write(pack("onnx").read())
            return self.session.upload_data(path=path, key_prefix="sdk")

    def test_upload_deploy_predict_delete(self):
        url = self.upload()
        self.assertEqual(url, f"s3://{BUCKET}/sdk/model.tar.gz")
        model = Model(
            image_uri=IMAGE,
            model_data=url,
            role=ROLE,
            env={"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "add_sub"},
            predictor_cls=Predictor,
            sagemaker_session=self.session,
        )
        predictor = model.deploy(
            initial_instance_count=1,
            instance_type="ml.c5.large",
            serializer=JSONSerializer(),
            deserializer=JSONDeserializer(),
            # Its own wait asks every 30 s only.
            wait=False,
        )
        endpoint = wait(predictor.endpoint_name)
        self.assertEqual(endpoint["EndpointStatus"], "InService", endpoint.get("FailureReason"))
        answer = predictor.predict({"inputs": INPUTS})
        outputs = {output["name"]: output["data"] for output in answer["outputs"]}
        self.assertEqual(outputs["OUTPUT0"], list(range(0, 32, 2)))

        again = Predictor(predictor.endpoint_name, self.session, serializer=IdentitySerializer("application/json"))
        raw = again.predict(json.dumps({"inputs": INPUTS}))
        self.assertEqual(json.loads(raw)["outputs"], answer["outputs"])
        predictor.delete_model()
        predictor.delete_endpoint()


if __name__ == "__main__":
    unittest.main()
