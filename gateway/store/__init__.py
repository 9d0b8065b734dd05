"""The only SQL: one file, one writer, one transaction (`docs/architecture.md`)."""
