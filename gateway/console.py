"""The socket in the data folder through which commands on this machine ask the running gateway.

`gateway/web/console.py` listens there, `gateway/cli/console.py` asks; neither loads the other.
"""

NAME = "console.sock"
