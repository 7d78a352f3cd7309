"""A setting or the model in context cannot be used."""


class SettingsError(Exception):
    """The sentence says what was received, what is allowed and what to do."""
