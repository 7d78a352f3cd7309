"""`python -m ml.api`: where the deployed API answers, as exports for a shell."""

import argparse
import shlex
import sys

from ml import project
from ml.aws import clients, stacks
from ml.cli import run_command
from ml.errors import UserError


def main(argv: list[str] | None = None) -> int:
    """Print API_URL and API_KEY of a stage's API."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.api",
        description="Print the deployed API's URL and key as shell exports.",
        epilog='Example: eval "$(python -m ml.api --stage dev)"',
    )
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    options = parser.parse_args(argv)

    def command() -> None:
        stage = project.stage(options.stage)
        outputs = stacks.outputs(stage, "Api")
        if "ApiKeyId" not in outputs:
            raise UserError(
                f"The API of stage {stage}, {outputs['ApiUrl']}, wants signed requests and has no key: sign them with "
                "AWS credentials (service execute-api), or deploy it with auth=api_key. The app needs a key."
            )
        key = clients.client("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]
        print(f"export API_URL={shlex.quote(outputs['ApiUrl'])}")
        print(f"export API_KEY={shlex.quote(key)}")

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
