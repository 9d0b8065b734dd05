"""What can go wrong with the data folder; the operator must act."""


class StoreError(Exception):
    """The store cannot be opened or written; the message says what to do.

    `full`: it was refused for want of room.
    """

    def __init__(self, message: str, *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full
