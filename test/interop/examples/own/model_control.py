"""Health, metadata, the repository's index, loading and unloading."""

import json

from inference import expect_error
from registry import example

MODELS = {
    "simple",
    "simple_int8",
    "simple_string",
    "simple_sequence",
    "simple_dyna_sequence",
    "simple_identity",
    "densenet_onnx",
    "inception_onnx",
}


def plain(api, call, *arguments, **options):
    """What a call answers, as JSON over both protocols."""
    return call(*arguments, **options, **({"as_json": True} if api.is_grpc else {}))


@example("simple_http_health_metadata", "simple_grpc_health_metadata")
def health_and_metadata(api):
    with api.client() as client:
        assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("simple")
        assert plain(api, client.get_server_metadata)["name"] == "triton"
        metadata = plain(api, client.get_model_metadata, "simple", headers={"test": "1"})
        assert metadata["name"] == "simple" and metadata["platform"] == "onnxruntime_onnx"
        expect_error(
            "Request for unknown model: 'wrong_model_name' is not found",
            lambda: client.get_model_metadata("wrong_model_name"),
        )
        config = plain(api, client.get_model_config, "simple")
        assert (config["config"] if api.is_grpc else config)["name"] == "simple"


@example("simple_http_model_control", "simple_grpc_model_control")
def model_control(api):
    with api.client() as client:
        index = plain(api, client.get_model_repository_index)
        assert {model["name"] for model in (index["models"] if api.is_grpc else index)} == MODELS
        try:
            load_and_unload(api, client)
        finally:
            client.load_model("simple")
        assert client.is_model_ready("simple")


def load_and_unload(api, client):
    expect_error("failed to load", lambda: client.load_model("simple", config='"max_batch_size": {{"wrong"}}'))
    assert client.is_model_ready("simple")
    client.load_model("simple", config=json.dumps({"max_batch_size": "16"}))
    config = plain(api, client.get_model_config, "simple")
    assert (config["config"] if api.is_grpc else config)["max_batch_size"] == 16
    client.unload_model("simple")
    assert not client.is_model_ready("simple")
    too_long = {"file:" + "A" * 256: b"a"}
    expect_error("failed to poll", lambda: client.load_model("simple", config="{}", files=too_long))
    assert client.is_server_live()
    expect_error("failed to load 'wrong_model_name'", lambda: client.load_model("wrong_model_name"))
