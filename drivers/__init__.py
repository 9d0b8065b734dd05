"""One file for each chip or protocol: bytes in, engineering units out, nothing else."""
