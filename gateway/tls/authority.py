"""An authority that can only speak for this kitchen, and the page's certificate of 90 days.

Browsers have to trust it, so it is bound (RFC 5280, 4.2.1.10) to private addresses and to names of
the LAN: whoever stole its key could still not pose as a bank. Loads `cryptography`: for the child.
"""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway import whole_file

AUTHORITY, AUTHORITY_KEY, PAGE = "ca.pem", "ca.key", "page.pem"
LEAF = timedelta(days=90)
# Independent of a clock that may be wrong at the first start; some phones know no year after 2049.
_FROM, _UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2046, 1, 1, tzinfo=UTC)
_ZONES = ("local", "localhost", "lan", "internal", "home.arpa")
_NETWORKS = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
    "127.0.0.0/8", "::1/128", "fc00::/7", "fe80::/10",
)  # fmt: skip
_MODE = 0o600


def ensure(folder: Path, host: str, names: Sequence[str]) -> None:
    """Make the authority if there is none; raises OSError and ValueError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if (folder / AUTHORITY).exists() and (folder / AUTHORITY_KEY).exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Kitchen Gateway {host}"[:64])
    own = [each for each in names if not _is_address(each)]
    permitted = [x509.DNSName(each) for each in dict.fromkeys([*_ZONES, host, *own])]
    addresses = [each for each in names if _is_address(each)]  # a LAN may use public ones
    networks = [x509.IPAddress(ipaddress.ip_network(it)) for it in (*_NETWORKS, *addresses)]
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder(name, name, public, x509.random_serial_number(), _FROM, _UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints([*permitted, *networks], None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    whole_file.put(folder / AUTHORITY_KEY, _pem(key), _MODE)
    whole_file.put(folder / AUTHORITY, certificate.public_bytes(Encoding.PEM), _MODE)


def issue(folder: Path, names: Sequence[str], now: datetime) -> tuple[datetime, list[str]]:
    """A new certificate of the page; when it ends, and the names it may not have."""
    authority = x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes())
    signer = load_pem_private_key((folder / AUTHORITY_KEY).read_bytes(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{folder / AUTHORITY_KEY} holds another kind of key")
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    permitted = [each.value for each in constraints.permitted_subtrees or ()]
    kept = [name for name in names if _permitted(name, permitted)]
    key = ec.generate_private_key(ec.SECP256R1())
    begins = min(max(now - timedelta(days=1), _FROM), _UNTIL - LEAF)
    ends = begins + LEAF
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder(
            authority.subject, _name("Kitchen Gateway"), public, x509.random_serial_number(),
            begins, ends,
        )
        .add_extension(x509.SubjectAlternativeName([_alternative(it) for it in kept]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )  # fmt: skip
    # Key and certificate in one file: there is no moment in which they do not belong together.
    whole_file.put(folder / PAGE, _pem(key) + certificate.public_bytes(Encoding.PEM), _MODE)
    return ends, [name for name in names if name not in kept]


def _permitted(name: str, permitted: Sequence[object]) -> bool:
    if _is_address(name):
        address = ipaddress.ip_address(name)
        networks = [
            it for it in permitted if isinstance(it, ipaddress.IPv4Network | ipaddress.IPv6Network)
        ]
        return any(address.version == it.version and address in it for it in networks)
    zones = [each for each in permitted if isinstance(each, str)]
    return any(name == zone or name.endswith(f".{zone}") for zone in zones)


def _alternative(name: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(name)) if _is_address(name) else x509.DNSName(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
