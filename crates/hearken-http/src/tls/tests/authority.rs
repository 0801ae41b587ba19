//! A certificate authority for tests.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SignatureAlgorithm,
};

/// A certificate and its key, in PEM.
pub(super) struct Pair {
    pub(super) chain: String,
    pub(super) key: String,
}

/// A certificate authority with its own root.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn root(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names.
    pub(super) fn issue(&self, names: &[&str]) -> Pair {
        self.issue_with(names, |_| {})
    }

    /// A certificate for a client of this name.
    pub(super) fn issue_to_client(&self, name: &str) -> Pair {
        self.issue_with(&[], |params| {
            params.distinguished_name.push(DnType::CommonName, name);
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    }

    pub(super) fn issue_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Pair {
        self.issue_by(&rcgen::PKCS_ECDSA_P256_SHA256, names, change)
    }

    pub(super) fn issue_by(
        &self,
        algorithm: &'static SignatureAlgorithm,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Pair {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut params = params(names);
        change(&mut params);
        let chain = params.signed_by(&key, &self.0).unwrap();
        Pair {
            chain: chain.pem() + &self.root(),
            key: key.serialize_pem(),
        }
    }
}

/// As `openssl req -x509` makes it: self-signed, and marked as the certificate of an authority.
pub(super) fn self_signed_authority(names: &[&str]) -> Pair {
    let key = KeyPair::generate().unwrap();
    let mut params = params(names);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Pair {
        chain: params.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
}
