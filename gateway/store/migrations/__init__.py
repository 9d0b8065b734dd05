"""The schema of `gateway.db`, step by step; a released step is never edited.

This package alone imports `sqlite_utils`, and only in a short child process that
`gateway.store.file` starts when the schema is behind: the daemon does not pay for the import.
"""
