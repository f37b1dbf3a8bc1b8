"""Plugins that add headers, TLS, client certificates, tokens."""

import asyncio
import os
import ssl
import unittest
from functools import partial
from pathlib import Path

import grpc
import numpy as np
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as grpcaio
import tritonclient.http as httpclient
import tritonclient.http.aio as httpaio
from common import vector
from tritonclient.grpc import InferenceServerClientPlugin
from tritonclient.http.auth import BasicAuth
from tritonclient.utils import InferenceServerException

HTTP, GRPC, GUARDED = (os.environ[f"NEREID_{name}"] for name in ("SECURE_HTTP", "SECURE_GRPC", "GUARDED_HTTP"))
ROOT, KEY, CERTIFICATE = (
    os.path.join(os.environ["NEREID_CERTIFICATES"], name) for name in ("root.pem", "client-key.pem", "client.pem")
)
TOKEN = os.environ["NEREID_TOKEN"]
CHANNEL = {"ssl": True, "root_certificates": ROOT, "private_key": KEY, "certificate_chain": CERTIFICATE}


class BearerToken(InferenceServerClientPlugin):
    def __call__(self, request):
        request.headers["authorization"] = f"Bearer {TOKEN}"


def http_context(with_certificate=True):
    context = ssl.create_default_context(cafile=ROOT)
    if with_certificate:
        context.load_cert_chain(CERTIFICATE, KEY)
    return context


def http_client(with_certificate=True):
    return httpclient.InferenceServerClient(
        HTTP, ssl=True, ssl_context_factory=partial(http_context, with_certificate)
    )


class SecureTest(unittest.TestCase):
    def check(self, module, client):
        client.register_plugin(BearerToken())
        self.assertTrue(client.is_server_ready())
        result = client.infer("identity_fp32", vector(module, [1, 2, 3]))
        np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), [1, 2, 3])
        client.unregister_plugin()

    def test_http(self):
        with http_client() as client:
            self.check(httpclient, client)
            with self.assertRaises(InferenceServerException) as raised:
                client.get_server_metadata()
            self.assertEqual(raised.exception.status(), "401")

    def test_grpc(self):
        with grpcclient.InferenceServerClient(GRPC, **CHANNEL) as client:
            self.check(grpcclient, client)
            with self.assertRaises(InferenceServerException) as raised:
                client.get_server_metadata()
            self.assertEqual(raised.exception.status(), "StatusCode.UNAUTHENTICATED")

    def test_grpc_credentials(self):
        credentials = grpc.ssl_channel_credentials(*(Path(name).read_bytes() for name in (ROOT, KEY, CERTIFICATE)))
        with grpcclient.InferenceServerClient(GRPC, creds=credentials) as client:
            self.check(grpcclient, client)

    def test_aio(self):
        async def run():
            for module, url, options in (
                (httpaio, HTTP, {"ssl": True, "ssl_context": http_context()}),
                (grpcaio, GRPC, CHANNEL),
            ):
                async with module.InferenceServerClient(url, **options) as client:
                    client.register_plugin(BearerToken())
                    result = await client.infer("identity_fp32", vector(module, [1, 2, 3]))
                    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), [1, 2, 3])

        asyncio.run(run())

    def test_without_certificate(self):
        with http_client(with_certificate=False) as client:
            with self.assertRaises(Exception):
                client.is_server_ready(headers={"authorization": f"Bearer {TOKEN}"})
        with grpcclient.InferenceServerClient(GRPC, ssl=True, root_certificates=ROOT) as client:
            with self.assertRaises(InferenceServerException) as raised:
                client.is_server_ready()
            self.assertEqual(raised.exception.status(), "StatusCode.UNAVAILABLE")

    def test_basic_auth(self):
        with httpclient.InferenceServerClient(GUARDED) as client:
            with self.assertRaisesRegex(InferenceServerException, "This API is restricted"):
                client.infer("identity_fp32", vector(httpclient, [1]))
            client.register_plugin(BasicAuth("nereid", "secret"))
            result = client.infer("identity_fp32", vector(httpclient, [1]))
            np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), [1])


if __name__ == "__main__":
    unittest.main()
