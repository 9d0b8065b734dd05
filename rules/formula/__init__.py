"""What `rules/expression.py` is made of: text, tree, units, closures."""
