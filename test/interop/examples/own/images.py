"""Picture classifiers: what they take is read from metadata and configuration, what they answer are the best classes with their labels."""

import queue

import numpy as np
from registry import example

MODELS = ("densenet_onnx", "inception_onnx")


def describe(api, client, model):
    """Name of the input, shape it has, name of the output."""
    if api.is_grpc:
        metadata = client.get_model_metadata(model, as_json=True)
        config = client.get_model_config(model, as_json=True)["config"]
    else:
        metadata, config = client.get_model_metadata(model), client.get_model_config(model)
    assert len(metadata["inputs"]) == len(metadata["outputs"]) == 1
    assert metadata["outputs"][0]["datatype"] == "FP32"
    assert config["input"][0]["format"] in ("FORMAT_NCHW", "FORMAT_NHWC")
    return metadata["inputs"][0]["name"], [int(dim) for dim in metadata["inputs"][0]["shape"]], metadata["outputs"][0]["name"]


def classify(api, client, model, send):
    input_name, shape, output_name = describe(api, client, model)
    picture = np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    inputs = [api.tensor(input_name, picture, "FP32")]
    scores = client.infer(model, inputs).as_numpy(output_name)
    expected = np.argsort(-scores, kind="stable")[:3]
    answer = send(client, model, inputs, api.outputs(output_name, class_count=3)).as_numpy(output_name)
    for text, index in zip(answer, expected):
        score, number, label = text.decode().split(":")
        assert label == f"label {number}" and abs(float(score) - scores[int(number)]) < 1e-4
        assert abs(float(score) - scores[index]) < 1e-4


def blocking(client, model, inputs, outputs):
    return client.infer(model, inputs, outputs=outputs, request_id="1")


def pending(client, model, inputs, outputs):
    return client.async_infer(model, inputs, outputs=outputs, request_id="1").get_result()


def called_back(client, model, inputs, outputs):
    answers = queue.Queue()
    client.async_infer(model, inputs, lambda result, error: answers.put((result, error)), outputs=outputs)
    return taken(answers)


def streamed(client, model, inputs, outputs):
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    client.async_stream_infer(model, inputs, outputs=outputs, request_id="1")
    client.stop_stream()
    return taken(answers)


def taken(answers):
    result, error = answers.get(timeout=60)
    assert error is None, error
    return result


@example("image_client", "grpc_image_client")
def image_client(api):
    with api.client() as client:
        for model in MODELS:
            for send in (blocking, called_back, streamed) if api.is_grpc else (blocking, pending):
                classify(api, client, model, send)
