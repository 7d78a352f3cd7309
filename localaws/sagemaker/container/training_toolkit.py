"""SageMaker's training toolkit (script mode): `python -m localaws.sagemaker.container.training_toolkit ROOT`.

It runs the script that the hyperparameter sagemaker_program names, in ROOT/code. The server calls `fetch_source` first
to put the code there: a child process has no AWS credentials. Differences from aws/sagemaker-training-toolkit:
it installs no requirements.txt and no setup.py, and does not set SM_TRAINING_ENV and the variables of instance groups.
"""

import builtins
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.container.model_files import fetch_archive

ERRORS = [name for name in dir(builtins) if "Error" in name or "Exception" in name]
"""What starts the toolkit's ErrorMessage: the first line with one of these names."""
OWN = ("_tuning_objective_metric", "default_user_module_name")
"""Hyperparameters that the script does not get, beside those that start with sagemaker_."""


def fetch_source(s3: Objects, root: Path) -> None:
    """Download and unpack the archive of the hyperparameter sagemaker_submit_directory into root/code.

    Raises:
        DataError: the archive is missing, may not be read, or is not a .tar.gz.
    """
    (root / "code").mkdir(exist_ok=True)
    uri = str(hyperparameters(root).get("sagemaker_submit_directory", ""))
    if uri.startswith("s3://"):
        fetch_archive(s3, uri, root / "code")


def hyperparameters(root: Path) -> dict[str, Any]:
    """Return the job's hyperparameters. A value that is not JSON is a string."""
    values = {}
    for name, text in read_configuration(root, "hyperparameters").items():
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


def read_configuration(root: Path, name: str) -> dict[str, Any]:
    """Return a file of input/config."""
    content: dict[str, Any] = json.loads((root / "input/config" / f"{name}.json").read_text(encoding="utf-8"))
    return content


def arguments(user: dict[str, Any]) -> list[str]:
    """Return the script's arguments, in the order of their names."""
    pairs = []
    for name, value in sorted(user.items()):
        text = ",".join(f"{key}={item}" for key, item in sorted(value.items())) if isinstance(value, dict) else value
        pairs += [f"--{name}" if len(name) > 1 else f"-{name}", "" if text is None else str(text)]
    return pairs


def variables(root: Path, program: str, user: dict[str, Any], own: dict[str, Any]) -> dict[str, str]:
    """Return the SM_ variables of the script."""
    resources, channels = read_configuration(root, "resourceconfig"), read_configuration(root, "inputdataconfig")
    values: dict[str, Any] = {
        "hosts": resources["hosts"],
        "network_interface_name": resources["network_interface_name"],
        "hps": user,
        "user_entry_point": program,
        "framework_params": {name: value for name, value in own.items() if name not in _SETTINGS},
        "resource_config": resources,
        "input_data_config": channels,
        "output_data_dir": str(root / "output/data"),
        "channels": sorted(channels),
        "current_host": resources["current_host"],
        "module_name": program.removesuffix(".py"),
        "log_level": own.get("sagemaker_container_log_level", 20),
        "framework_module": "sagemaker_pytorch_container.training:main",
        "input_dir": str(root / "input"),
        "input_config_dir": str(root / "input/config"),
        "output_dir": str(root / "output"),
        "num_cpus": os.cpu_count(),
        "num_gpus": 0,
        "model_dir": str(root / "model"),
        "module_dir": own.get("sagemaker_submit_directory", str(root / "code")),
        "user_args": arguments(user),
        "output_intermediate_dir": str(root / "output/intermediate"),
    }
    values |= {f"channel_{name}": str(root / "input/data" / name) for name in channels}
    values |= {f"hp_{name}": value for name, value in user.items()}
    return {f"SM_{name.upper()}": encoded(value) for name, value in values.items()}


_SETTINGS = (
    "sagemaker_program", "sagemaker_submit_directory", "sagemaker_enable_cloudwatch_metrics", "sagemaker_region",
    "sagemaker_container_log_level", "sagemaker_job_name", "sagemaker_s3_output",
)  # fmt: skip


def encoded(value: Any) -> str:
    """Return a variable's text: a string as it is, anything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def main(root: Path) -> int:
    """Run the script; return 0, or 1 after writing output/failure."""
    # A signal does not reach the script on AWS either (aws/sagemaker-training-toolkit#125): it is killed later.
    signal.signal(signal.SIGTERM, lambda _signum, _frame: None)
    given = hyperparameters(root)
    own = {name: value for name, value in given.items() if name.startswith("sagemaker_") or name in OWN}
    user = {name: value for name, value in given.items() if name not in own}
    program = os.environ.get("SAGEMAKER_PROGRAM") or str(own.get("sagemaker_program", ""))
    if not program.endswith(".py"):
        return fail(root, f"framework error: \nsagemaker_program is {program!r}; localaws runs a Python script (.py).")
    if (root / "code/requirements.txt").is_file():
        print("localaws does not install requirements.txt; the script uses the packages of localaws.", flush=True)
    command = [sys.executable, program, *arguments(user)]
    print(f"Invoking script with the following command:\n\n{' '.join(command)}\n", flush=True)
    environment = os.environ | variables(root, program, user, own) | {"PYTHONPATH": str(root / "code")}
    code, message = run_script(command, root / "code", environment)
    if code:
        extra = '\nExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"' if code == 137 else ""
        return fail(
            root,
            f'ExecuteUserScriptError:\nExitCode {code}\nErrorMessage "{message}"{extra}\nCommand "{" ".join(command)}"',
        )
    print("Reporting training SUCCESS", flush=True)
    return 0


def run_script(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a script and copy its output; return its exit code, and its lines from the first with an error's name."""
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace",
    )  # fmt: skip
    lines: dict[str, None] = {}  # the toolkit drops repeated lines
    for line in process.stdout or ():
        print(line, end="", flush=True)
        if lines or any(name in line for name in ERRORS):
            lines[line.strip(" :\n")] = None
    code = process.wait()
    return code if code >= 0 else 128 - code, "\n".join(lines)


def fail(root: Path, reason: str) -> int:
    """Write the reason to output/failure, unless the script has written one."""
    path = root / "output/failure"
    if not path.exists():
        path.write_text(reason, encoding="utf-8")
    print(reason, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
