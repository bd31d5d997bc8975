from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from ortoo_demo.pki import DemoAuthority


def test_certificates_name_their_hosts_and_keys_stay_private(tmp_path: Path) -> None:
    authority = DemoAuthority.create(tmp_path / "pki", "Ortoo test authority")
    cert_file, key_file = authority.issue_server("extranet", ("localhost", "127.0.0.1"))
    certificate = x509.load_pem_x509_certificate(cert_file.read_bytes())
    root = x509.load_pem_x509_certificate(authority.ca_file.read_bytes())

    assert key_file.stat().st_mode & 0o777 == 0o600
    policy = PolicyBuilder().store(Store([root]))
    chain = policy.build_server_verifier(x509.DNSName("localhost")).verify(certificate, [])
    assert chain == [certificate, root]
    with pytest.raises(VerificationError):
        policy.build_server_verifier(x509.DNSName("broker.example")).verify(certificate, [])


def test_another_authority_of_the_same_name_does_not_verify(tmp_path: Path) -> None:
    one = DemoAuthority.create(tmp_path / "one", "Ortoo test authority")
    two = DemoAuthority.create(tmp_path / "two", "Ortoo test authority")
    certificate = x509.load_pem_x509_certificate(one.issue_server("extranet")[0].read_bytes())
    foreign = x509.load_pem_x509_certificate(two.ca_file.read_bytes())

    verifier = (
        PolicyBuilder().store(Store([foreign])).build_server_verifier(x509.DNSName("localhost"))
    )
    with pytest.raises(VerificationError):
        verifier.verify(certificate, [])


def test_no_private_key_of_the_authority_is_written(tmp_path: Path) -> None:
    authority = DemoAuthority.create(tmp_path / "pki", "Ortoo test authority")

    assert [path.name for path in authority.folder.iterdir()] == ["ca.pem"]
    ssl.create_default_context(cafile=str(authority.ca_file))
