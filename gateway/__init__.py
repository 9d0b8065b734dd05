"""Kitchen Gateway: the daemon. Everything that owns a thread, a socket or a file lives here."""

__version__ = "0.1.0"
