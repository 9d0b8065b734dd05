"""Who did what: a chain of entries in `gateway.db` that cannot be changed unseen."""
