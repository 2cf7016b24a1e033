//! `verismo keygen`, `verismo certify` and `verismo verify`.

use std::path::PathBuf;

use clap::Args;

use super::HomeArgs;

const KEYGEN_EXAMPLES: &str = "\
Examples:
  verismo keygen --out release.pem
      writes release.pem, to be kept secret, and release.pem.pub, for everybody
  openssl genpkey -algorithm ed25519 -out release.pem && openssl pkey -in release.pem -pubout -out release.pem.pub
      the same with OpenSSL";

/// Make a key for certificates.
#[derive(Debug, Clone, Args)]
#[command(after_help = KEYGEN_EXAMPLES)]
pub struct KeygenArgs {
    /// The file of the private key; the public one goes to FILE.pub. Neither may exist
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

const CERTIFY_EXAMPLES: &str = "\
Examples:
  verismo certify last --key release.pem --out certificate.json
  verismo certify verismo-report --key release.pem | jq .statement

Exit codes: 0 signed, whatever the verdict; 2 no such run, no report or no key.";

/// Sign what a run came to.
#[derive(Debug, Clone, Args)]
#[command(after_help = CERTIFY_EXAMPLES)]
pub struct CertifyArgs {
    /// A recorded run (an id, the start of one, `last`, `last~1`), a report.json, or the directory it is in
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// The private key: Ed25519, PKCS#8 PEM
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Write the certificate to FILE; without it it is printed
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where recorded runs are.
    #[command(flatten)]
    pub home: HomeArgs,
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  verismo verify certificate.json --public-key release.pem.pub
  verismo verify certificate.json --public-key release.pem.pub --report verismo-report/report.json && train.sh

Exit codes: 0 genuine, and the verdict is PASS; 1 genuine with another verdict, or not genuine, or not of this report; 2 no
certificate or no key.";

/// Check a certificate.
#[derive(Debug, Clone, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub struct VerifyArgs {
    /// The certificate
    #[arg(value_name = "CERTIFICATE")]
    pub certificate: PathBuf,
    /// The public key of whom you trust: Ed25519, SPKI PEM
    #[arg(long, value_name = "FILE")]
    pub public_key: PathBuf,
    /// Also check that this is the report: a report.json, the directory it is in, or a recorded run
    #[arg(long, value_name = "REPORT")]
    pub report: Option<PathBuf>,
    /// Where recorded runs are.
    #[command(flatten)]
    pub home: HomeArgs,
}
