"""The one exception of the model: the chain would have reverted with the error of this name."""


class ModelRevert(Exception):
    """An operation was refused; the state is as it was before it."""

    def __init__(self, error: str, **details: object) -> None:
        super().__init__(error, details)
        self.error = error
        self.details = details

    def __str__(self) -> str:
        return f"{self.error}({', '.join(f'{key}={value}' for key, value in self.details.items())})"


def require(condition: bool, error: str, **details: object) -> None:
    if not condition:
        raise ModelRevert(error, **details)
