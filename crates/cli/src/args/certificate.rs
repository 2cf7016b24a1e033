//! `verismo keygen`, `verismo certify` and `verismo verify`.

use std::path::PathBuf;

use clap::Args;

use super::{HomeArgs, TimeoutArgs, parse_threads};

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
  verismo verify certificate.json --public-key release.pem.pub --audit 1%
      reads a hundredth of the files again, and holds their states against those that were certified,
      and the verdict against what all states come to

Exit codes: 0 genuine, and the verdict is PASS; 1 genuine with another verdict, or not genuine, or not of
this report, or an audit that found other states or another verdict; 2 no certificate or no key; 3 an audit
that found nothing wrong, and could not check all that it chose: files or states are gone; 4 another run
than the certified one; 130 interrupted.";

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
    /// Also compute this share of the pieces of the run, mostly files, again, and compare their states with those that were certified, at least
    /// one; and judge all states again. The run has to be recorded, and its files and states to be there
    #[arg(long, value_name = "PERCENT", value_parser = parse_share)]
    pub audit: Option<f64>,
    /// What the pieces are chosen from, to choose the same again [default: another one each time, which nobody knows beforehand]
    #[arg(long, value_name = "N", requires = "audit")]
    pub seed: Option<u64>,
    /// Also write the audit as JSON (verismo.audit/1) to FILE; `-` prints it instead of the text
    #[arg(long, value_name = "FILE|-", requires = "audit")]
    pub json: Option<PathBuf>,
    /// Threads of the audit [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads, env = "VERISMO_THREADS", hide_env_values = true, requires = "audit")]
    pub threads: Option<usize>,
    /// How long a store that is not on this machine may take to answer.
    #[command(flatten)]
    pub timeout: TimeoutArgs,
    /// Where recorded runs are, and their states.
    #[command(flatten)]
    pub home: HomeArgs,
}

/// A share as a number from 0 to 1: `1%`, or `1` for the same.
pub(super) fn parse_share(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').unwrap_or(text).trim().parse::<f64>();
    match number {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent / 100.0),
        _ => Err("expected a share in percent, above 0 and up to 100, such as 1% or 0.5%".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_in_percent() {
        for (text, want) in [("1%", 0.01), ("0.5 %", 0.005), ("100%", 1.0), ("20", 0.2)] {
            assert!((parse_share(text).unwrap() - want).abs() < 1e-12, "{text}");
        }
        for text in ["0%", "101%", "-1%", "", "%", "NaN", "all"] {
            assert!(parse_share(text).is_err(), "{text}");
        }
    }
}
