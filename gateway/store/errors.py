"""What can go wrong with the data folder; the operator must act."""


class StoreError(Exception):
    """The store cannot be opened or written; the message says what to do."""
