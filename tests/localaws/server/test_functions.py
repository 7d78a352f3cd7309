"""Functions run in this machine's Python and Node.js, also if their package was built for another platform."""

import json
import tempfile
from typing import Any

import pytest

from infra import lambda_asset
from tests.localaws.server.builders import Server


def invoke(server: Server, name: str, runtime: str, files: dict[str, str | bytes], handler: str) -> dict[str, Any]:
    """Create a function from these files, invoke it once, and return its answer."""
    server.function(name, runtime, files, handler)
    answer = server.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    return dict(json.loads(answer["Payload"].read()))


def test_a_package_built_for_another_python_is_taken_from_this_environment(server: Server) -> None:
    package = lambda_asset.build(with_runtime=True)
    # Libraries, which have no Python's tag, are left out: they are large.
    packed = [path for path in package.rglob("*") if path.is_file() and path.parent.suffix != ".libs"]
    files: dict[str, str | bytes] = {str(path.relative_to(package)): path.read_bytes()[:1_000_000] for path in packed}
    files["probe.py"] = (
        b"import PIL.Image, numpy, onnxruntime, radiograph, tempfile\n"
        b"def handler(event, context):\n"
        b"    size = PIL.Image.new('L', (3, 2)).resize((6, 4)).size\n"
        b"    modules = (PIL, numpy, onnxruntime, radiograph)\n"
        b"    found = {module.__name__: module.__file__ for module in modules}\n"
        b"    return found | {'size': size, 'tmp': tempfile.gettempdir()}\n"
    )
    answer = invoke(server, "foreign", "python3.14", files, "probe.handler")
    assert answer["size"] == [6, 4]
    for name in ("PIL", "numpy", "onnxruntime"):
        assert "site-packages" in answer[name]
    assert "site-packages" not in answer["radiograph"]
    assert answer["tmp"] != tempfile.gettempdir()


@pytest.mark.parametrize("host", ["localhost", "bucket.localhost"])
def test_a_node_function_finds_names_below_localhost(server: Server, host: str) -> None:
    code = (
        "const dns = require('node:dns');\n"
        f"exports.handler = () => new Promise((done) => dns.lookup('{host}', {{family: 4}}, "
        "(error, address) => done({address, error: String(error)})));\n"
    )
    answer = invoke(server, f"node-{host.count('.')}", "nodejs22.x", {"index.js": code}, "index.handler")
    assert answer["address"] == "127.0.0.1"


def test_a_node_function_has_the_aws_sdk(server: Server) -> None:
    code = "exports.handler = async () => ({client: typeof require('@aws-sdk/client-s3').S3});\n"
    assert invoke(server, "node-sdk", "nodejs22.x", {"index.js": code}, "index.handler") == {"client": "function"}
