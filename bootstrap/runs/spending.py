"""What a run has spent on pictures: a fact of the run, so that one that continues goes on counting.

The price of a picture is set aside before it is asked for. What a killed process had set aside counts as spent, for the
picture may have been drawn.
"""

from __future__ import annotations

import json

from bootstrap.store.store import Store

__all__ = ["Spending", "spent_by"]

FACT = "spending"
ROUNDING = 1e-9


class Spending:
    """The purse of a run: no more than ``limit`` is spent."""

    def __init__(self, store: Store, limit: float, currency: str) -> None:
        """Read what was spent before."""
        self._store, self.limit, self.currency = store, limit, currency
        self.spent, self._aside = spent_by(store), 0.0

    def take(self, price: float) -> bool:
        """Set a price aside before a picture is asked for; False, and nothing set aside, where it is not there."""
        if not self.holds(price):
            return False
        self._aside = price
        self._save()
        return True

    def holds(self, price: float) -> bool:
        """Whether another picture of that price can be paid."""
        return self.spent + price <= self.limit + ROUNDING

    def pay(self) -> None:
        """What was set aside is spent."""
        self.spent += self._aside
        self.put_back()

    def put_back(self) -> None:
        """What was set aside was not asked for."""
        self._aside = 0.0
        self._save()

    def _save(self) -> None:
        self._store.remember(FACT, json.dumps({"spent": self.spent, "aside": self._aside}))


def spent_by(store: Store) -> float:
    """What the run has spent so far, in the currency of its drawer."""
    plain = json.loads(store.recall(FACT) or "{}")
    return float(plain.get("spent", 0.0)) + float(plain.get("aside", 0.0))
