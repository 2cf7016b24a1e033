//! Certificates: a key signs what a run came to, and whoever has the public key can check it, the report beside it.

use std::time::SystemTime;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, KeypairBytes,
};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jiff::Timestamp;
use verismo_suite::certificate::{Certificate, Statement};
use verismo_suite::report::Report;

use crate::stamp_text;

/// Why there is no certificate, or why one is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The text of a key is none.
    #[error("this is no {wanted}: {reason}")]
    NotAKey {
        /// `private key (PKCS#8 PEM, Ed25519)` or `public key (SPKI PEM, Ed25519)`.
        wanted: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate was signed with another key.
    #[error("it was signed with another key ({key}), not with {expected}")]
    AnotherKey {
        /// The key that it names.
        key: String,
        /// The key that was given.
        expected: String,
    },
    /// The signature is not one of this statement.
    #[error("the signature does not belong to what it says: it was changed after it was signed")]
    Forged,
    /// The system has no random numbers, or a statement has no form in JSON.
    #[error("{0}")]
    Internal(String),
}

/// A new key.
pub struct KeyPair {
    /// The private key, PKCS#8 PEM: whoever has it can sign.
    pub private_pem: String,
    /// The public key, SPKI PEM: for everybody.
    pub public_pem: String,
}

/// Makes a key from the random numbers of the system.
///
/// # Errors
/// [`CertificateError::Internal`] where there are none.
pub fn generate_key() -> Result<KeyPair, CertificateError> {
    let mut secret_key = [0; 32];
    getrandom::fill(&mut secret_key).map_err(internal)?;
    let public = SigningKey::from_bytes(&secret_key).verifying_key();
    // Without the public key inside (PKCS#8 version 1), which other tools can read.
    let private_pem = KeypairBytes { secret_key, public_key: None }.to_pkcs8_pem(LineEnding::LF).map_err(internal)?;
    let public_pem = public.to_public_key_pem(LineEnding::LF).map_err(internal)?;
    Ok(KeyPair { private_pem: private_pem.to_string(), public_pem })
}

/// What a report says, to be signed now; `json` is the text of its report.json.
pub fn statement(report: &Report, json: &str) -> Statement {
    let now = Timestamp::try_from(SystemTime::now()).unwrap_or_default();
    Statement::of(report, stamp_text(now.as_millisecond()), blake3::hash(json.as_bytes()).to_hex().to_string())
}

/// Signs a statement.
///
/// # Errors
/// [`CertificateError::NotAKey`].
pub fn sign(statement: Statement, private_pem: &str) -> Result<Certificate, CertificateError> {
    let key = SigningKey::from_pkcs8_pem(private_pem).map_err(|e| CertificateError::NotAKey {
        wanted: "private key (PKCS#8 PEM, Ed25519)",
        reason: e.to_string(),
    })?;
    let signature = key.sign(&statement.signed_bytes().map_err(internal)?);
    Ok(Certificate {
        schema: statement.schema().to_owned(),
        statement,
        key: hex(key.verifying_key().as_bytes()),
        signature: hex(&signature.to_bytes()),
    })
}

/// Checks that the certificate was signed with the private key of this public one, and not changed since.
///
/// # Errors
/// [`CertificateError::NotAKey`], [`CertificateError::AnotherKey`] or [`CertificateError::Forged`].
pub fn verify(certificate: &Certificate, public_pem: &str) -> Result<(), CertificateError> {
    let key = VerifyingKey::from_public_key_pem(public_pem)
        .map_err(|e| CertificateError::NotAKey { wanted: "public key (SPKI PEM, Ed25519)", reason: e.to_string() })?;
    let expected = hex(key.as_bytes());
    if certificate.key != expected {
        return Err(CertificateError::AnotherKey { key: certificate.key.clone(), expected });
    }
    let signature = unhex(&certificate.signature).ok_or(CertificateError::Forged)?;
    let bytes = certificate.statement.signed_bytes().map_err(internal)?;
    key.verify_strict(&bytes, &Signature::from_bytes(&signature)).map_err(|_| CertificateError::Forged)
}

fn internal(error: impl std::fmt::Display) -> CertificateError {
    CertificateError::Internal(error.to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 64]> {
    let mut bytes = [0; 64];
    if text.len() != 2 * bytes.len() || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..text.len()).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of RFC 8032, section 7.1, test 1, in the PEM that OpenSSL writes.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
                           MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
                           -----END PRIVATE KEY-----\n";
    const PUBLIC_HEX: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn certified(private_pem: &str) -> Certificate {
        let report = crate::tests::report("one", verismo_suite::Verdict::Pass, 0.01);
        sign(statement(&report, "{}"), private_pem).unwrap()
    }

    #[test]
    fn a_certificate_is_believed_until_anything_in_it_is_changed() {
        let pair = generate_key().unwrap();
        let good = certified(&pair.private_pem);
        let read = Certificate::from_json(&good.to_json().unwrap()).unwrap();
        assert_eq!((&read, verify(&read, &pair.public_pem)), (&good, Ok(())));
        let json = good.to_json().unwrap();
        let mut changed = 0;
        for (from, to) in
            [("PASS", "FAIL"), ("\"digest\": \"d\"", "\"digest\": \"e\""), ("\"messages\": 5", "\"messages\": 6")]
        {
            assert!(json.contains(from), "{from}: {json}");
            let forged = Certificate::from_json(&json.replacen(from, to, 1)).unwrap();
            assert_eq!(verify(&forged, &pair.public_pem), Err(CertificateError::Forged), "{from}");
            changed += 1;
        }
        assert_eq!(changed, 3);
        for signature in
            [String::new(), "zz".repeat(64), "é".repeat(64), "00".repeat(64), good.signature.to_uppercase() + "0"]
        {
            let forged = Certificate { signature, ..good.clone() };
            assert_eq!(verify(&forged, &pair.public_pem), Err(CertificateError::Forged));
        }
        let other = generate_key().unwrap();
        assert!(matches!(verify(&good, &other.public_pem), Err(CertificateError::AnotherKey { .. })));
        let renamed = Certificate { key: certified(&other.private_pem).key, ..good };
        assert_eq!(verify(&renamed, &other.public_pem), Err(CertificateError::Forged));
    }

    #[test]
    fn nothing_unsigned_is_carried() {
        let json = certified(PRIVATE).to_json().unwrap();
        for (from, to) in [
            ("\"run\": null", "\"run\": null, \"approved\": true"),
            ("\"schema\"", "\"note\": \"good\", \"schema\""),
            ("certificate/1", "certificate/2"),
            ("\"verdict\": \"PASS\"", "\"verdict\": \"PASS\", \"verdict\": \"PASS\""),
        ] {
            assert!(json.contains(from), "{from}");
            assert!(Certificate::from_json(&json.replacen(from, to, 1)).is_err(), "{to}");
        }
    }

    #[test]
    fn states_are_signed_and_make_another_schema() {
        let mut report = crate::tests::report("one", verismo_suite::Verdict::Pass, 0.01);
        report.provenance.states = Some(verismo_suite::report::KeptStates { pieces: 3, root: Some("ab".to_owned()) });
        let pair = generate_key().unwrap();
        let good = sign(statement(&report, "{}"), &pair.private_pem).unwrap();
        assert_eq!((good.schema.as_str(), verify(&good, &pair.public_pem)), ("verismo.certificate/2", Ok(())));
        let json = good.to_json().unwrap();
        assert_eq!(Certificate::from_json(&json).unwrap(), good);
        let forged = Certificate::from_json(&json.replacen("\"ab\"", "\"ac\"", 1)).unwrap();
        assert_eq!(verify(&forged, &pair.public_pem), Err(CertificateError::Forged));
        // Neither may be taken for the other.
        assert!(Certificate::from_json(&json.replacen("certificate/2", "certificate/1", 1)).is_err());
        let without = Certificate { statement: Statement { states: None, ..good.statement.clone() }, ..good };
        assert_eq!(verify(&without, &pair.public_pem), Err(CertificateError::Forged));
        report.provenance.states = Some(verismo_suite::report::KeptStates { pieces: 3, root: None });
        assert_eq!(statement(&report, "{}").states, None, "not all states were kept");
    }

    /// Written by the version before states were certified.
    #[test]
    fn an_old_certificate_is_believed() {
        let old = include_str!("certificate/1.json");
        let public = include_str!("certificate/1.pem.pub");
        let read = Certificate::from_json(old).unwrap();
        assert_eq!((verify(&read, public), read.statement.states.is_none()), (Ok(()), true));
        assert_eq!(read.to_json().unwrap(), old);
    }

    #[test]
    fn keys_are_those_of_the_standard() {
        assert_eq!(certified(PRIVATE).key, PUBLIC_HEX);
        let pair = generate_key().unwrap();
        assert!(pair.private_pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(pair.private_pem.len(), PRIVATE.len(), "no public key inside");
        assert!(pair.public_pem.starts_with("-----BEGIN PUBLIC KEY-----\n"));
        for text in ["", "key", pair.public_pem.as_str()] {
            let report = crate::tests::report("one", verismo_suite::Verdict::Pass, 0.01);
            assert!(matches!(sign(statement(&report, ""), text), Err(CertificateError::NotAKey { .. })), "{text}");
        }
        assert!(matches!(verify(&certified(PRIVATE), PRIVATE), Err(CertificateError::NotAKey { .. })));
    }

    #[test]
    fn differences_are_named() {
        let report = crate::tests::report("one", verismo_suite::Verdict::Pass, 0.01);
        let one = statement(&report, "{}");
        assert!(one.differences(&Statement { issued: "later".into(), ..one.clone() }).is_empty());
        let mut other = statement(&report, "{} ");
        other.inputs[0].messages += 1;
        let differences = one.differences(&other).join("\n");
        assert!(differences.contains("inputs: ") && differences.contains("digest of report.json"), "{differences}");
    }
}
