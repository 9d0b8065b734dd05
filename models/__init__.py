"""Forecasts made on the device: small networks, their cards, and what feeds them."""
