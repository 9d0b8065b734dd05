"""Framing that several drivers share: bytes around a question and its answer, pure as they are."""
