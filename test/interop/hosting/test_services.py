"""boto3 and the AWS CLI against the rest of the host: object store, updates, lists, asynchronous requests, errors."""

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import boto3
import botocore.exceptions

from aws import BUCKET, delete, deploy, runtime, s3, sagemaker, upload, wait

ADD_SUB = json.dumps(
    {
        "inputs": [
            {"name": name, "shape": [1, 16], "datatype": "INT32", "data": list(range(16))}
            for name in ("INPUT0", "INPUT1")
        ]
    }
)


def aws(*arguments):
    command = [os.path.join(os.path.dirname(sys.executable), "aws"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class ObjectStoreTest(unittest.TestCase):
    def test_transfer_manager_and_presigned_urls(self):
        s3.create_bucket(Bucket=BUCKET)
        data = os.urandom(20_000_000)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "data")
            with open(path, "wb") as file:
                file.write(data)
            s3.upload_file(path, BUCKET, "store/ä +&=?.bin", ExtraArgs={"Metadata": {"a": "b"}})
            s3.download_file(BUCKET, "store/ä +&=?.bin", path)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), data)
        head = s3.head_object(Bucket=BUCKET, Key="store/ä +&=?.bin", ChecksumMode="ENABLED")
        self.assertEqual(head["Metadata"], {"a": "b"})
        self.assertIn("ChecksumCRC32", head)
        for config in (None, botocore.config.Config(signature_version="s3v4")):
            client = boto3.client("s3", config=config)
            url = client.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "store/ä +&=?.bin"})
            with urllib.request.urlopen(url) as response:
                self.assertEqual(response.read(), data)
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            s3.head_object(Bucket=BUCKET, Key="store/none")
        self.assertEqual(caught.exception.response["Error"]["Code"], "404")

    def test_cli(self):
        bucket = "cli-bucket"
        with tempfile.TemporaryDirectory() as folder:
            for name in ("one.txt", "two.txt"):
                with open(os.path.join(folder, name), "w") as file:
                    file.write(name)
            aws("s3", "mb", f"s3://{bucket}")
            aws("s3", "cp", "--recursive", folder, f"s3://{bucket}/folder/")
            self.assertIn("two.txt", aws("s3", "ls", f"s3://{bucket}/folder/"))
            self.assertIn("PRE folder/", aws("s3", "ls", f"s3://{bucket}"))
            aws("s3", "cp", f"s3://{bucket}/folder/one.txt", f"s3://{bucket}/copy.txt")
            self.assertEqual(aws("s3", "cp", f"s3://{bucket}/copy.txt", "-"), "one.txt")
            aws("s3", "sync", f"s3://{bucket}", os.path.join(folder, "back"))
            self.assertTrue(os.path.exists(os.path.join(folder, "back", "folder", "two.txt")))
            aws("s3", "rm", "--recursive", f"s3://{bucket}")
            aws("s3", "rb", f"s3://{bucket}")
        identity = json.loads(aws("sts", "get-caller-identity"))
        self.assertEqual(identity["Account"], "123456789012")


class EndpointTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.url = upload("onnx", "services/model.tar.gz")

    def test_update_without_a_failed_request(self):
        deploy("updated", {"ModelDataUrl": self.url})
        sagemaker.create_endpoint_config(
            EndpointConfigName="updated-2",
            ProductionVariants=[
                {
                    "InstanceType": "ml.c5.large",
                    "InitialInstanceCount": 1,
                    "ModelName": "updated",
                    "VariantName": name,
                    "InitialVariantWeight": weight,
                }
                for name, weight in (("A", 1), ("B", 3))
            ],
        )
        sagemaker.update_endpoint(EndpointName="updated", EndpointConfigName="updated-2")
        variants = set()
        while sagemaker.describe_endpoint(EndpointName="updated")["EndpointStatus"] == "Updating":
            answer = runtime.invoke_endpoint(EndpointName="updated", ContentType="application/json", Body=ADD_SUB)
            variants.add(answer["InvokedProductionVariant"])
        endpoint = wait("updated")
        self.assertEqual(endpoint["EndpointConfigName"], "updated-2")
        self.assertEqual({variant["VariantName"] for variant in endpoint["ProductionVariants"]}, {"A", "B"})
        answer = runtime.invoke_endpoint(
            EndpointName="updated", ContentType="application/json", Body=ADD_SUB, TargetVariant="A"
        )
        self.assertEqual(answer["InvokedProductionVariant"], "A")
        sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="updated", DesiredWeightsAndCapacities=[{"VariantName": "A", "DesiredWeight": 0}]
        )
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="updated", WaiterConfig={"Delay": 1})
        answer = runtime.invoke_endpoint(EndpointName="updated", ContentType="application/json", Body=ADD_SUB)
        self.assertEqual(answer["InvokedProductionVariant"], "B")
        self.assertTrue(variants <= {"AllTraffic", "A", "B"})
        delete("updated")

    def test_streams_and_asynchronous_requests(self):
        sagemaker.create_model(
            ModelName="async", PrimaryContainer={"Image": "nvcr.io/nvidia/tritonserver:24.01-py3", "ModelDataUrl": self.url}
        )
        sagemaker.create_endpoint_config(
            EndpointConfigName="async",
            ProductionVariants=[
                {"InstanceType": "ml.c5.large", "InitialInstanceCount": 1, "ModelName": "async", "VariantName": "A"}
            ],
            AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/out"}},
        )
        sagemaker.create_endpoint(EndpointName="async", EndpointConfigName="async")
        self.assertEqual(wait("async")["EndpointStatus"], "InService")
        response = runtime.invoke_endpoint_with_response_stream(
            EndpointName="async", ContentType="application/json", Body=ADD_SUB
        )
        streamed = b"".join(event["PayloadPart"]["Bytes"] for event in response["Body"])
        self.assertEqual(json.loads(streamed)["outputs"][0]["data"], list(range(0, 32, 2)))
        s3.put_object(Bucket=BUCKET, Key="in.json", Body=ADD_SUB)
        accepted = runtime.invoke_endpoint_async(
            EndpointName="async", ContentType="application/json", InputLocation=f"s3://{BUCKET}/in.json"
        )
        key = accepted["OutputLocation"].removeprefix(f"s3://{BUCKET}/")
        for _ in range(200):
            try:
                output = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
                break
            except s3.exceptions.NoSuchKey:
                time.sleep(0.05)
        self.assertEqual(json.loads(output), json.loads(streamed))
        delete("async")

    def test_lists_tags_and_errors(self):
        for index in range(12):
            sagemaker.create_model(
                ModelName=f"listed-{index:02}",
                PrimaryContainer={"Image": "tritonserver", "ModelDataUrl": self.url},
                Tags=[{"Key": "index", "Value": str(index)}],
            )
        pages = sagemaker.get_paginator("list_models").paginate(NameContains="listed", SortBy="Name", SortOrder="Ascending")
        names = [model["ModelName"] for page in pages for model in page["Models"]]
        self.assertEqual(names, [f"listed-{index:02}" for index in range(12)])
        arn = sagemaker.describe_model(ModelName="listed-03")["ModelArn"]
        self.assertEqual(sagemaker.list_tags(ResourceArn=arn)["Tags"], [{"Key": "index", "Value": "3"}])
        cases = (
            (lambda: sagemaker.describe_endpoint(EndpointName="none"), "ValidationException", 'Could not find endpoint "'),
            (lambda: sagemaker.create_endpoint(EndpointName="a_b", EndpointConfigName="c"), "ValidationException", "at 'endpointName'"),
            (lambda: runtime.invoke_endpoint(EndpointName="none", Body=b""), "ValidationError", "Endpoint none of account 123456789012 not found."),
        )
        for call, code, message in cases:
            with self.assertRaises(botocore.exceptions.ClientError) as caught:
                call()
            self.assertEqual(caught.exception.response["Error"]["Code"], code)
            self.assertIn(message, caught.exception.response["Error"]["Message"])
        stranger = boto3.client("sagemaker", aws_access_key_id="AKIANOBODY", aws_secret_access_key="x")
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            stranger.list_models()
        self.assertEqual(caught.exception.response["Error"]["Code"], "UnrecognizedClientException")


if __name__ == "__main__":
    unittest.main()
