"""The error that a command prints as a sentence."""


class UserError(Exception):
    """A command failed; the sentence says what was received, what is allowed and what to do.

    Args:
        sentence: for the person at the terminal.
        code: exit code, 1 for a failure and 2 for wrong usage.
    """

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code
