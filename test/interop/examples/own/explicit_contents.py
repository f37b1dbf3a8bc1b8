"""gRPC messages that a client fills itself, without the help of `InferenceServerClient`: typed contents, and raw ones."""

import grpc
import numpy as np
from registry import example
from tritonclient.grpc import service_pb2, service_pb2_grpc


def infer(api, model, datatype, fill):
    """Adds and subtracts 0..15 and 1s; `fill` puts values into an `InferTensorContents`. Returns the two raw outputs."""
    request = service_pb2.ModelInferRequest(model_name=model, id="my request id")
    for name, values in (("INPUT0", range(16)), ("INPUT1", [1] * 16)):
        tensor = request.inputs.add(name=name, datatype=datatype, shape=[1, 16])
        fill(tensor.contents, values)
    for name in ("OUTPUT0", "OUTPUT1"):
        request.outputs.add(name=name)
    with grpc.insecure_channel(api.url) as channel:
        response = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request)
    assert response.id == "my request id"
    assert [list(output.shape) for output in response.outputs] == [[1, 16], [1, 16]]
    return response.raw_output_contents


def check(outputs, dtype):
    assert list(np.frombuffer(outputs[0], dtype=dtype)) == [value + 1 for value in range(16)]
    assert list(np.frombuffer(outputs[1], dtype=dtype)) == [value - 1 for value in range(16)]


@example("grpc_explicit_int_content_client")
def int_contents(api):
    check(infer(api, "simple", "INT32", lambda contents, values: contents.int_contents.extend(values)), np.int32)


@example("grpc_explicit_int8_content_client")
def int8_contents(api):
    check(infer(api, "simple_int8", "INT8", lambda contents, values: contents.int_contents.extend(values)), np.int8)


@example("grpc_explicit_byte_content_client")
def bytes_contents(api):
    def fill(contents, values):
        contents.bytes_contents.extend(str(value).encode() for value in values)

    def read(output):
        values, offset = [], 0
        while offset < len(output):
            length = int.from_bytes(output[offset : offset + 4], "little")
            values.append(int(output[offset + 4 : offset + 4 + length]))
            offset += 4 + length
        return values

    total, difference = infer(api, "simple_string", "BYTES", fill)
    assert read(total) == [value + 1 for value in range(16)]
    assert read(difference) == [value - 1 for value in range(16)]


@example("grpc_client")
def stub_calls(api):
    with grpc.insecure_channel(api.url) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        assert stub.ServerLive(service_pb2.ServerLiveRequest()).live
        assert stub.ServerReady(service_pb2.ServerReadyRequest()).ready
        assert stub.ModelReady(service_pb2.ModelReadyRequest(name="densenet_onnx")).ready
        assert stub.ServerMetadata(service_pb2.ServerMetadataRequest()).name == "triton"
        metadata = stub.ModelMetadata(service_pb2.ModelMetadataRequest(name="densenet_onnx"))
        assert list(metadata.inputs[0].shape) == [3, 224, 224]
        config = stub.ModelConfig(service_pb2.ModelConfigRequest(name="densenet_onnx")).config
        assert config.output[0].label_filename == "labels.txt"
        request = service_pb2.ModelInferRequest(model_name="densenet_onnx")
        request.inputs.add(name="data_0", datatype="FP32", shape=[3, 224, 224])
        request.outputs.add(name="fc6_1")
        request.raw_input_contents.append(np.zeros([3, 224, 224], dtype=np.float32).tobytes())
        response = stub.ModelInfer(request)
        assert list(response.outputs[0].shape) == [1000] and len(response.raw_output_contents[0]) == 4000
