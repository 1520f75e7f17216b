"""The shape of a duty."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from everstock.client import Asset
from everstock.keeper.work import Action, Look, Work


class Duty(ABC):
    """One kind of thing to do."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def assets(self) -> Iterable[Asset]:
        """Whose prices it needs in this pass, beyond those of live markets."""
        return ()

    @abstractmethod
    def due(self, look: Look) -> bool:
        """Whether to look at all; costs no request."""

    @abstractmethod
    def run(self) -> list[Action]:
        """Do what is due now. What was done, in order."""
