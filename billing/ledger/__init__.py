"""The double-entry journal. It only grows, and every posting balances."""
