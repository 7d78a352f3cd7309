"""The model in the API's function against the proxy with an endpoint: CPU and wall time, as ratios within one run.

Both sides score the same image with the same network. The function runs its exported graph. The endpoint is another
process, whose CPU time is added to the proxy's: the network runs in PyTorch, as in SageMaker's PyTorch container, with
a worker of one thread for each vCPU. A server in Python takes TorchServe's place. API Gateway, SageMaker's runtime and
TLS are left out of both sides. The cold start is that of a fresh interpreter, with the graph fetched over HTTP from
this machine. Exit code 1 if a prediction takes more CPU time in the function than in proxy and endpoint together. Run
it as `python -m benchmarks.function_hosting`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.handler_overhead import ENVIRONMENT, ROOT, Context, event, handler, image, settings
from demo.services import free_port
from network import export, networks, source, weights_file
from network.hyperparameters import ScriptHyperparameters

_SERVER = """
import sys, time
from pathlib import Path
from localaws.sagemaker.container import inference_toolkit

class Aws(inference_toolkit.ToolkitHandler):
    def do_GET(self):
        cpu = self.path == "/cpu"
        self.answer(200, str(time.process_time()).encode() if cpu else GRAPH)

    def do_POST(self):
        self.path = "/invocations"
        super().do_POST()

root = Path(sys.argv[1])
GRAPH = (root / "model.onnx").read_bytes()
inference_toolkit.ToolkitHandler = Aws
inference_toolkit.main(root, int(sys.argv[2]))
"""
_START = """
import sys, time
sys.path[:0] = {path!r}
started = time.process_time()
{code}
print(time.process_time() - started)
"""
_FETCH = """
import handler
from inference_proxy import graph, settings
from inference_proxy.deadline import Deadline
class Context:
    def get_remaining_time_in_millis(self):
        return 29_000
deployed = settings.load()
path = graph._file(deployed, deployed.graph, Deadline(Context()))
"""
STARTS = {
    "import of the handler": "import handler",
    "and of ONNX Runtime": "import handler, onnxruntime",
    "and graph fetched": "import onnxruntime" + _FETCH,
    "and graph loaded": "import onnxruntime" + _FETCH + "graph.GraphScorer(path, deployed.classes)",
}


class Cost(NamedTuple):
    """CPU and wall time of one request in ms."""

    cpu: float
    wall: float


def write_model(root: Path) -> str:
    """Write an untrained network as a training job leaves it, and its graph; return the graph's SHA-256."""
    given = ScriptHyperparameters(num_classes=2)
    network = networks.build(given.num_classes, bool(given.use_pretrained_model), given.recipe)
    source.copy(root / "model" / "code")
    weights_file.save(network, given, root / "model")
    export.write(network, given.image_shape, root / "model.onnx")
    return hashlib.sha256((root / "model.onnx").read_bytes()).hexdigest()


def use(variables: dict[str, str]) -> None:
    """Give the handler the variables of one hosting."""
    for name in ("ENDPOINT_NAME", "GRAPH_URI", "GRAPH_SHA256"):
        os.environ.pop(name, None)
    os.environ.update(variables)
    settings.load.cache_clear()


def request(api_event: dict[str, Any], url: str) -> Cost:
    """Return what one request costs in this process and the endpoint's."""
    before, cpu, started = server_cpu(url), time.process_time(), time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        assert handler.handler(api_event, Context())["statusCode"] == 200  # noqa: S101
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    return Cost(1000 * (cpu + server_cpu(url) - before), 1000 * wall)


def server_cpu(url: str) -> float:
    """Return the CPU seconds of the endpoint's process."""
    with urllib.request.urlopen(f"{url}/cpu") as answer:  # noqa: S310 (this machine)
        return float(answer.read())


def cold_start(code: str) -> float:
    """Return the CPU seconds of `code` in a fresh interpreter with an empty temporary folder."""
    script = _START.format(path=[str(ROOT / "lambda"), str(ROOT)], code=code)
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            [sys.executable, "-P", "-c", script], env=os.environ | {"TMPDIR": empty}, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
    return float(done.stdout)


def median(costs: list[Cost]) -> Cost:
    """Return the median of each measure."""
    return Cost(*(statistics.median(values) for values in zip(*costs, strict=True)))


def measure(url: str, sha256: str, runs: int) -> float:
    """Print the ratios; return that of the CPU time of a prediction."""
    hostings = {
        "endpoint": {"ENDPOINT_NAME": "benchmark"},
        "function": {"GRAPH_URI": "s3://benchmark/model.onnx", "GRAPH_SHA256": sha256},
    }
    ratios = []
    for path, repeats in (("/predict", runs), ("/explain", max(1, runs // 10))):
        api_event = event(image()) | {"resource": path, "path": path}
        costs: dict[str, list[Cost]] = {name: [] for name in hostings}
        for turn in range(1 + repeats):
            for name, variables in hostings.items():
                use(variables)
                cost = request(api_event, url)
                costs[name] += [cost] if turn else []  # the first request of each is slower: it loads code and graph
        endpoint, function = median(costs["endpoint"]), median(costs["function"])
        ratios.append(function.cpu / endpoint.cpu)
        print(f"{path}: median of {repeats}, function against proxy and endpoint")
        print(f"  CPU  {function.cpu:8.1f} ms against {endpoint.cpu:8.1f} ms: {ratios[-1]:.2f}")
        print(f"  wall {function.wall:8.1f} ms against {endpoint.wall:8.1f} ms: {function.wall / endpoint.wall:.2f}")
    starts = {name: statistics.median(cold_start(code) for _ in range(5)) for name, code in STARTS.items()}
    first = next(iter(starts.values()))
    print("CPU time of a cold start, median of 5")
    for name, seconds in starts.items():
        print(f"  {name:<24}{seconds:7.3f} s: {seconds / first:.2f}")
    return ratios[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50, help="predictions of each side (default %(default)s)")
    runs = parser.parse_args().runs
    if runs < 1:
        parser.error(f"--runs is {runs}; it must be at least 1.")
    with tempfile.TemporaryDirectory() as folder:
        sha256 = write_model(Path(folder))
        tempfile.tempdir = folder
        port = free_port(0)
        command = [sys.executable, "-u", "-c", _SERVER, folder, str(port)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        try:
            if server.stdout:
                server.stdout.readline()  # the server listens
            url = f"http://127.0.0.1:{port}"
            os.environ.update(ENVIRONMENT | {"AWS_ENDPOINT_URL": url})
            return 0 if measure(url, sha256, runs) <= 1 else 1
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    sys.exit(main())
