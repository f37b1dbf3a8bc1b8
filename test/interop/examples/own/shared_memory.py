"""Tensors in system shared memory, of fixed and of changing size."""

import os

import numpy as np
import tritonclient.utils as utils
from inference import expect_error
from registry import add_sub_arrays, check_add_sub, example, text_array
from tritonclient.utils import shared_memory as shm


class Regions:
    """Shared memory regions that are registered, and gone afterwards."""

    def __init__(self, client, prefix):
        self._client = client
        self._prefix = prefix
        self._handles = {}

    def __enter__(self):
        self._client.unregister_system_shared_memory()
        return self

    def _key(self, name):
        return f"/nereid_{os.getpid()}_{self._prefix}_{name}"

    def add(self, name, size):
        handle = shm.create_shared_memory_region(name, self._key(name), size)
        self._handles[name] = handle
        self._client.register_system_shared_memory(name, self._key(name), size)
        return handle

    def __exit__(self, *_):
        self._client.unregister_system_shared_memory()
        for handle in self._handles.values():
            shm.destroy_shared_memory_region(handle)


def in_region(api, name, shape, datatype, region, size, offset=0):
    tensor = api.module.InferInput(name, shape, datatype)
    tensor.set_shared_memory(region, size, offset=offset)
    return tensor


def output_in_region(api, name, region, size, offset=0):
    output = api.outputs(name)[0]
    output.set_shared_memory(region, size, offset=offset)
    return output


def region_names(api, client):
    status = client.get_system_shared_memory_status(**({"as_json": True} if api.is_grpc else {}))
    return set(status.get("regions", {})) if api.is_grpc else {region["name"] for region in status}


@example("simple_http_shm_client", "simple_grpc_shm_client")
def fixed_size(api):
    first, second = add_sub_arrays()
    size = first.nbytes
    with api.client() as client, Regions(client, "fixed_http" if not api.is_grpc else "fixed_grpc") as regions:
        source, target = regions.add("input_data", 2 * size), regions.add("output_data", 2 * size)
        assert region_names(api, client) == {"input_data", "output_data"}
        shm.set_shared_memory_region(source, [first])
        shm.set_shared_memory_region(source, [second], offset=size)
        inputs = [
            in_region(api, "INPUT0", [1, 16], "INT32", "input_data", size),
            in_region(api, "INPUT1", [1, 16], "INT32", "input_data", size, offset=size),
        ]
        outputs = [
            output_in_region(api, "OUTPUT0", "output_data", size),
            output_in_region(api, "OUTPUT1", "output_data", size, offset=size),
        ]
        result = client.infer("simple", inputs, outputs=outputs)
        assert result.get_output("OUTPUT0") is not None
        np.testing.assert_array_equal(shm.get_contents_as_numpy(target, np.int32, [1, 16]), first + second)
        np.testing.assert_array_equal(shm.get_contents_as_numpy(target, np.int32, [1, 16], offset=size), first - second)
        # Tensors of both kinds go together.
        check_add_sub(client.infer("simple", [inputs[0], api.tensor("INPUT1", second, "INT32")]))
        inputs[0].set_shared_memory("input_data", size, offset=2 * size)
        expect_error("Invalid offset for shared memory region: 'input_data'", lambda: client.infer("simple", inputs))
        inputs[0].set_shared_memory("nowhere", size)
        expect_error("Unable to find shared memory region: 'nowhere'", lambda: client.infer("simple", inputs))
    with api.client() as client:
        assert region_names(api, client) == set()


@example("simple_http_shm_string_client", "simple_grpc_shm_string_client")
def changing_size(api):
    first, second = np.arange(16).reshape(1, 16), np.ones((1, 16), dtype=int)
    sources = [utils.serialize_byte_tensor(text_array(values)).item() for values in (first, second)]
    with api.client() as client, Regions(client, "text_http" if not api.is_grpc else "text_grpc") as regions:
        target = regions.add("output_data", 1024)
        inputs = []
        for name, serialized in zip(("INPUT0", "INPUT1"), sources):
            region = regions.add(name.lower(), len(serialized))
            shm.set_shared_memory_region(region, [np.array(serialized, dtype=np.object_)])
            inputs.append(in_region(api, name, [1, 16], "BYTES", name.lower(), len(serialized)))
        outputs = [
            output_in_region(api, "OUTPUT0", "output_data", 512),
            output_in_region(api, "OUTPUT1", "output_data", 512, offset=512),
        ]
        client.infer("simple_string", inputs, outputs=outputs)
        for values, offset in ((first + second, 0), (first - second, 512)):
            texts = shm.get_contents_as_numpy(target, np.object_, [1, 16], offset=offset)
            np.testing.assert_array_equal(texts.astype(int), values)
