"""Which example client is played by which function, and how one talks to the server under test."""

import os
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import tritonclient.grpc
import tritonclient.http

EXAMPLES = {}


def example(*names):
    """Registers a function under the names of the example clients whose calls it makes."""

    def register(function):
        for name in names:
            EXAMPLES[name] = function
        return function

    return register


@dataclass(frozen=True)
class Api:
    """One of the two protocols: its client module and its address."""

    is_grpc: bool
    module: ModuleType
    url: str
    further_url: str

    def client(self, **options):
        return self.module.InferenceServerClient(self.url, **options)

    def further_client(self, **options):
        return self.module.InferenceServerClient(self.further_url, **options)

    def tensor(self, name, array, datatype):
        tensor = self.module.InferInput(name, list(array.shape), datatype)
        tensor.set_data_from_numpy(array)
        return tensor

    def outputs(self, *names, **options):
        return [self.module.InferRequestedOutput(name, **options) for name in names]


HTTP = Api(False, tritonclient.http, os.environ["NEREID_HTTP"], os.environ["NEREID_FURTHER_HTTP"])
GRPC = Api(True, tritonclient.grpc, os.environ["NEREID_GRPC"], os.environ["NEREID_FURTHER_GRPC"])


def apis_of(name):
    """The protocols of a client: the one it is called after, or both."""
    if "http" in name:
        return [HTTP]
    return [GRPC] if "grpc" in name else [HTTP, GRPC]


def add_sub_arrays():
    first = np.arange(16, dtype=np.int32).reshape(1, 16)
    return first, np.ones((1, 16), dtype=np.int32)


def add_sub_inputs(api):
    return [api.tensor(name, array, "INT32") for name, array in zip(("INPUT0", "INPUT1"), add_sub_arrays())]


def check_add_sub(result):
    first, second = add_sub_arrays()
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), first + second)
    np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), first - second)


def text_array(values):
    return np.array([[str(value).encode() for value in row] for row in values], dtype=np.object_)
