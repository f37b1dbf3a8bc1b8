"""What the tests share: clients of the host, archives as the notebooks pack them, deployments."""

import io
import os
import tarfile
import time

import boto3

REPOSITORIES = os.environ["NEREID_REPOSITORIES"]
BUCKET = "sagemaker-us-east-1-123456789012"
ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"
IMAGE = "785573368785.dkr.ecr.us-east-1.amazonaws.com/sagemaker-tritonserver:21.08-py3"
BINARY_TYPE = "application/vnd.sagemaker-triton.binary+json;json-header-size="

s3 = boto3.client("s3")
sagemaker = boto3.client("sagemaker")
runtime = boto3.client("sagemaker-runtime")


def pack(repository, padding=0):
    """tar -czf model.tar.gz -C REPOSITORY . ; the padding makes it large enough for a multipart upload."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as tar:
        tar.add(os.path.join(REPOSITORIES, repository), arcname=".")
        if padding:
            member = tarfile.TarInfo("./padding.bin")
            member.size = padding
            tar.addfile(member, io.BytesIO(os.urandom(padding)))
    archive.seek(0)
    return archive


def upload(repository, key, padding=0):
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_fileobj(pack(repository, padding), BUCKET, key)
    return f"s3://{BUCKET}/{key}"


def deploy(name, container, **variant):
    """Model, configuration and endpoint of one name, as the notebooks make them; seconds until it is in service."""
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, **container})
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "InstanceType": "ml.g4dn.4xlarge",
                "InitialVariantWeight": 1,
                "InitialInstanceCount": 1,
                "ModelName": name,
                "VariantName": "AllTraffic",
                **variant,
            }
        ],
    )
    started = time.monotonic()
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return wait(name), time.monotonic() - started


def wait(name):
    while True:
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
        if endpoint["EndpointStatus"] not in ("Creating", "Updating", "SystemUpdating", "RollingBack"):
            return endpoint
        time.sleep(0.05)


def delete(name):
    """In the order of the notebooks: the endpoint goes last."""
    sagemaker.delete_model(ModelName=name)
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    sagemaker.delete_endpoint(EndpointName=name)
