"""The demo's steps in order."""

import json
import os
import shlex
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import boto3

from demo import predict, scoring, services
from demo.commands import Runner, stop

Algorithm = Literal["image-classification", "pytorch"]
STAGE = "demo"
"""A separate stage: a model trained here never replaces one trained on AWS."""

PHANTOM_PREPARATION = ["--validation-fraction", "0.2", "--augment", "1"]
PHANTOM_TRAINING = ["--learning-rate", "0.001", "--yes"]
PHANTOM_EPOCHS: dict[Algorithm, str] = {"image-classification": "2", "pytorch": "3"}
"""pytorch orders the images differently: after two epochs, specificity was 0.845 [0.731, 0.916], n = 58."""
PHANTOM_SCORING = ["--target-sensitivity", "0.98", "--yes"]
"""Sizes and a threshold at which a good model rarely misses the gate by chance. With 86 test images of PNEUMONIA and a
sensitivity of 0.98, the lower bound reaches 0.85 in more than 99 of 100 draws; with one of 0.95, in 86."""

IMAGES_TRAINING = ["--epochs", "2", "--learning-rate", "0.001", "--yes"]
"""Minutes of training on two cores for the stand-in's small network. The defaults of ml.train are for ResNet-101."""

NOTHING_BILLED = (
    "All steps run on this machine, and nothing is billed.\nThe commands print the instance types and prices of AWS."
)
STAND_IN = "EfficientNet-Lite0 (ImageNet weights, Apache-2.0) and a small ResNet from scratch"
TRAINING_NOTE = (
    f"On this machine's CPU, localaws trains {STAND_IN}, in place of the ResNet-101 that AWS trains.\n"
    "The plan below shows the network, the machine and the price of the same job on AWS."
)
PYTORCH_NOTE = (
    f"On this machine's CPU, as in SageMaker's PyTorch container, {STAND_IN} are trained.\n"
    "The plan below shows the machine and the price of the same job on AWS."
)
TRAINING_TITLES: dict[Algorithm, str] = {
    "image-classification": "Train a stand-in for ResNet-101 on this machine",
    "pytorch": "Train the project's own network on this machine",
}
TRAINING_NOTES: dict[Algorithm, str] = {"image-classification": TRAINING_NOTE, "pytorch": PYTORCH_NOTE}
ENDPOINT_NOTE = "The endpoint is a process on this machine, which serves the model trained above."


@dataclass(frozen=True)
class Options:
    """The options of the demo; `data` is None for synthetic radiographs."""

    data: Path | None
    algorithm: Algorithm
    once: bool
    port: int
    app_port: int
    state_dir: Path


class Walk:
    """All steps of the demo. `servers` stops the servers that it starts."""

    def __init__(self, options: Options, root: Path, servers: ExitStack) -> None:
        self.options = options
        self.root = root
        self.servers = servers
        os.environ.update(services.client_environment(options.port))
        self.runner = Runner(root, os.environ, total=8 if options.once else 9)

    def run(self) -> None:
        """Run every step and print the summary; without --once, wait until a server ends or Ctrl-C."""
        self.start_localaws()
        self.runner.step("Bootstrap the CDK", [["cdk", "bootstrap", "--app", "", account_and_region()]])
        self.runner.step("Deploy the storage", [self.deploy("Storage")])
        prepare, train, transform = self.modelling()
        self.runner.step("Prepare the radiographs", [prepare])
        self.runner.step(TRAINING_TITLES[self.options.algorithm], [train], TRAINING_NOTES[self.options.algorithm])
        scoring.score(self.runner, "Score the test images by batch transform", STAGE, transform)
        deployment = self.deploy("Endpoint", "Api", "Observability")
        self.runner.step("Deploy the endpoint and the API", [deployment], ENDPOINT_NOTE)
        api, image = self.ask_the_api()
        app_url = None if self.options.once else self.start_app(api)
        self.print_summary(api, image, app_url)
        if app_url is not None:
            self.wait()

    def modelling(self) -> tuple[list[str], list[str], list[str]]:
        """Return the commands that prepare the images, train a model and measure it."""
        algorithm = ["--algorithm", self.options.algorithm]
        if self.options.data:
            source = str(self.options.data.resolve())
            prepare = self.ml("prepare", "--source", source)
            return prepare, self.ml("train", *algorithm, *IMAGES_TRAINING), self.ml("transform", "--yes")
        return (
            self.ml("prepare", "--source", "phantom", *PHANTOM_PREPARATION),
            self.ml("train", *algorithm, "--epochs", PHANTOM_EPOCHS[self.options.algorithm], *PHANTOM_TRAINING),
            self.ml("transform", *PHANTOM_SCORING),
        )

    def ml(self, name: str, *arguments: str) -> list[str]:
        """Return an `ml` command for the demo's stage."""
        return ["python", "-m", f"ml.{name}", "--stage", STAGE, *arguments]

    def deploy(self, *stacks: str) -> list[str]:
        """Return the command that deploys the named stacks of the demo's stage."""
        names = [f"Pneumonia-{STAGE}-{stack}" for stack in stacks]
        return ["cdk", "deploy", *names, "--context", f"stage={STAGE}", "--require-approval", "never"]

    def start_localaws(self) -> None:
        """Start AWS on localhost."""
        started = self.runner.announce("Start AWS on localhost")
        port, state_dir = self.options.port, self.options.state_dir
        print(f"$ python -m localaws --port {port} --state-dir {state_dir}", flush=True)
        self.localaws = services.start_localaws(self.root, port, state_dir)
        self.servers.callback(stop, self.localaws)
        print(f"localaws answers on http://localhost:{port}; its log is build/localaws.log.")
        print(NOTHING_BILLED, flush=True)
        self.runner.finish("Start AWS on localhost", started)

    def ask_the_api(self) -> tuple[predict.Api, Path]:
        """Request predictions for one held-out image of each class; return the API and the last image."""
        title = "Ask the API about two held-out images"
        started = self.runner.announce(title)
        session = boto3.Session()
        api = predict.deployed_api(session, STAGE)
        for name, image in predict.held_out_images(session, STAGE, self.root / "build" / "demo"):
            shown = image.relative_to(self.root)
            print(f"An image labelled {name}:\n$ {curl_text(api, shown)}", flush=True)
            print(json.dumps(predict.predict(api, image), indent=2), flush=True)
        self.runner.finish(title, started)
        return api, shown

    def start_app(self, api: predict.Api) -> str:
        """Start the Streamlit app and return its URL."""
        started = self.runner.announce("Start the app")
        port = services.free_port(self.options.app_port)
        env = {**os.environ, "API_URL": api.url, "API_KEY": api.key}
        self.app = services.start_app(self.root, env, port)
        self.servers.callback(stop, self.app)
        self.runner.finish("Start the app", started)
        return f"http://localhost:{port}"

    def print_summary(self, api: predict.Api, image: Path, app_url: str | None) -> None:
        """Print each step's seconds and the next steps for the reader."""
        print("\nDone. Seconds per step:")
        for title, seconds in self.runner.seconds:
            print(f"  {seconds:7.1f}  {title}")
        print(f"  {sum(seconds for _, seconds in self.runner.seconds):7.1f}  in total")
        print("\nAsk the API yourself:")
        print(f"  export API_KEY={api.key}")
        print(f"  {curl_text(api, image)}")
        if app_url is not None:
            print(f"\nThe app: {app_url}")
            print("Not a medical device. Press Ctrl-C to stop the app and localaws; the state stays in", end=" ")
            print(f"{self.options.state_dir}.", flush=True)

    def wait(self) -> None:
        """Wait until Ctrl-C, or until one of the servers ends."""
        while self.localaws.poll() is None and self.app.poll() is None:
            time.sleep(0.5)
        print("A server ended unexpectedly.", file=sys.stderr)


def account_and_region() -> str:
    """Return the account and the region of the credentials as `cdk bootstrap` takes them."""
    session = boto3.Session()
    return f"aws://{session.client('sts').get_caller_identity()['Account']}/{session.region_name}"


def curl_text(api: predict.Api, image: Path) -> str:
    """Return the curl command for a shell, with the key from $API_KEY."""
    quoted = [
        f'"{argument}"' if "$" in argument else shlex.quote(argument) for argument in predict.curl_line(api, image)
    ]
    return " ".join(quoted)
