"""`python -m gateway.web.packing`: compresses the page's files as well as Brotli can.

Done once, at installation: it takes seconds, on a small board a minute, which no daemon has.
"""

import brotli

from gateway import whole_file
from gateway.web.static import PACKED, Asset, assets, packed_file

BEST = 11
_MODE = 0o644


def pack(asset: Asset) -> bytes:
    """The file in Brotli (RFC 7932)."""
    return brotli.compress(asset.plain, quality=BEST)


def main() -> None:
    """Make what is missing, and remove what belongs to files of before."""
    PACKED.mkdir(exist_ok=True)
    wanted = {packed_file(asset): asset for asset in assets().values()}
    for file, asset in wanted.items():
        if not file.exists():
            whole_file.put(file, pack(asset), _MODE)
    for file in set(PACKED.iterdir()) - wanted.keys():
        file.unlink()


if __name__ == "__main__":
    main()
