"""From the text of `config.yaml` to a typed configuration, or to all that is wrong with it."""
