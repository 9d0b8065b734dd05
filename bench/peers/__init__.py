"""The product beside the least Python that does the same work, on the shared harness."""
