"""What was worked out for an object that never changes, and kept for those who ask again.

By the object itself, as to hash a schema of 136 columns takes longer than what is saved.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Made = TypeVar("Made")


class Recall(Generic[Made]):
    """A function's answers by one object and what else it hangs on; the oldest go first."""

    def __init__(self, make: Callable[..., Made], most: int = 256) -> None:
        self._make = make
        self._most = most
        self._made: OrderedDict[tuple[int, Hashable], tuple[Any, Made]] = OrderedDict()

    def __call__(self, of: Any, *more: Hashable) -> Made:
        """The answer for an object, which is held so that no other takes its place."""
        return self.asked(of, more, lambda: self._make(of, *more))

    def asked(self, of: Any, more: Hashable, make: Callable[[], Made]) -> Made:
        """The same by another function, which takes what the answer does not hang on."""
        key = (id(of), more)
        kept = self._made.get(key)
        if kept is not None:
            return kept[1]
        made = make()
        self._made[key] = (of, made)
        while len(self._made) > self._most:
            self._made.popitem(last=False)
        return made
