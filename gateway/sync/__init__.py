"""Between the log and the cloud: the protocol, the uplink and the reference receiver."""
