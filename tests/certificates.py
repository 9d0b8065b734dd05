"""Certificates made by the `openssl` command when a test runs; nothing secret is in the tree."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, kw_only=True)
class Certificate:
    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True)
class Authority(Certificate):
    """Signs what `issue` is asked for; its certificate is what clients must trust."""

    folder: Path

    def issue(self, name: str, subject: str, *, days: int = 2) -> Certificate:
        """For a `subject` like `IP:127.0.0.1` or `DNS:broker.example`; negative days: expired."""
        key, request, extensions, certificate = (
            self.folder / f"{name}.{ending}" for ending in ("key", "csr", "ext", "pem")
        )
        _openssl("req", *_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extensions.write_text(
            f"subjectAltName={subject}\nauthorityKeyIdentifier=keyid\n"
            "subjectKeyIdentifier=hash\nbasicConstraints=critical,CA:FALSE\n"
        )
        signer = ("-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial")
        files = ("-in", request, "-extfile", extensions, "-out", certificate)
        _openssl("x509", "-req", *signer, *files, "-days", str(days))
        return Certificate(certificate=certificate, key=key)


def authority(folder: Path, name: str = "authority") -> Authority:
    """A new authority whose files lie in `folder`."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign", "-days", "2")
    subject = ("-subj", f"/CN=Kitchen test {name}")
    _openssl("req", "-x509", *_KEY, "-keyout", key, "-out", certificate, *subject, *usage)
    return Authority(certificate=certificate, key=key, folder=folder)


def self_signed(folder: Path, subject: str) -> Certificate:
    """A certificate signed by nobody but itself."""
    key, certificate = folder / "lonely.key", folder / "lonely.pem"
    names = ("-subj", "/CN=lonely", "-addext", f"subjectAltName={subject}", "-days", "2")
    _openssl("req", "-x509", *_KEY, "-keyout", key, "-out", certificate, *names)
    return Certificate(certificate=certificate, key=key)


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
