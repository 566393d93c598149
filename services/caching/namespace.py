"""What the cache's keys are called."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Namespace:
    """The values of one kind. Raise `version` when their bytes change: old ones are not read."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"

    # The braces keep both keys of an item on one node of a Redis cluster.
    def value(self, key: str) -> str:
        return f"{{{self}:{key}}}:value"

    def lease(self, key: str) -> str:
        return f"{{{self}:{key}}}:lease"

    @property
    def invalidations(self) -> str:
        """The channel on which the keys of deleted values are published."""
        return f"{self}:invalidations"
