"""`python -m ml.api`: print the deployed API's URL and key as shell exports."""

import shlex
import sys

from ml import cli
from ml.aws import clients, stacks
from ml.errors import UserError

app = cli.application()


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cli.run(app, "ml.api", argv)


@app.command(epilog=cli.examples('  eval "$(python -m ml.api --stage dev)"'))
def show(stage: cli.Stage) -> None:
    """Print the deployed API's URL and key as shell exports."""
    outputs = stacks.outputs(stage, "Api")
    if "ApiKeyId" not in outputs:
        raise UserError(
            f"The API of stage {stage}, {outputs['ApiUrl']}, requires signed requests and has no key. Sign requests "
            "with AWS credentials (service execute-api), or deploy it with auth=api_key. The app needs a key."
        )
    key = clients.client("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]
    print(f"export API_URL={shlex.quote(outputs['ApiUrl'])}")
    print(f"export API_KEY={shlex.quote(key)}")


if __name__ == "__main__":
    sys.exit(main())
