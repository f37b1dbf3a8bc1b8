import { BINARY_TYPE, BUCKET, JSON_TYPE, ROLE, TRITON_IMAGE } from './sagemaker-client.ts';

export interface HostingScriptOptions {
  /** Path of `model.tar.gz`. */
  readonly archive: string;
  /** Path of a picture for the ensemble. */
  readonly photograph: string;
  readonly defaultModel: string;
  /** Of the archive in the store. */
  readonly key: string;
}

/** The article's notebook in one file: boto3 and nothing else. */
export function hostingScript({ archive, photograph, defaultModel, key }: HostingScriptOptions): string {
  return `import array, json, pathlib, time
import boto3

s3, sm, runtime = (boto3.client(service) for service in ("s3", "sagemaker", "sagemaker-runtime"))
bucket, key = ${text(BUCKET)}, ${text(key)}
s3.create_bucket(Bucket=bucket)
s3.upload_file(${text(archive)}, bucket, key)

name = "boto3-" + time.strftime("%Y-%m-%d-%H-%M-%S", time.gmtime())
sm.create_model(
    ModelName=name,
    ExecutionRoleArn=${text(ROLE)},
    PrimaryContainer={
        "Image": ${text(TRITON_IMAGE)},
        "ModelDataUrl": f"s3://{bucket}/{key}",
        "Environment": {"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": ${text(defaultModel)}},
    },
)
sm.create_endpoint_config(
    EndpointConfigName=name,
    ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.g4dn.4xlarge",
                         "InitialInstanceCount": 1, "InitialVariantWeight": 1}],
)
sm.create_endpoint(EndpointName=name, EndpointConfigName=name)
sm.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})

image = pathlib.Path(${text(photograph)}).read_bytes()
tensor = {"name": "INPUT", "shape": [1, len(image)], "datatype": "UINT8"}

answer = runtime.invoke_endpoint(
    EndpointName=name,
    ContentType=${text(JSON_TYPE)},
    Body=json.dumps({"inputs": [{**tensor, "data": [list(image)]}]}),
)
print(json.load(answer["Body"])["outputs"][0]["data"])

binary = ${text(BINARY_TYPE)}
header = json.dumps({
    "inputs": [{**tensor, "parameters": {"binary_data_size": len(image)}}],
    "outputs": [{"name": "OUTPUT", "parameters": {"binary_data": True}}],
}).encode()
answer = runtime.invoke_endpoint(EndpointName=name, ContentType=f"{binary}{len(header)}", Body=header + image)
print(array.array("f", answer["Body"].read()[int(answer["ContentType"][len(binary):]):]).tolist())

sm.delete_model(ModelName=name)
sm.delete_endpoint_config(EndpointConfigName=name)
sm.delete_endpoint(EndpointName=name)
`;
}

/** A Python string: JSON's escapes are Python's, too. */
function text(value: string): string {
  return JSON.stringify(value);
}
