"""Training of the shipped networks, off the device: needs the extra `train`."""
