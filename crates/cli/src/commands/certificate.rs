//! `verismo keygen`, `verismo certify` and `verismo verify`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use verismo_engine::{AuditRequest, CertifiedVerdict, Meter};
use verismo_ledger::certificate::{self, CertificateError};
use verismo_report::TextStyle;
use verismo_report::layout::clean;
use verismo_suite::Verdict;
use verismo_suite::audit::Audit;
use verismo_suite::certificate::Certificate;

use super::{report, validate};
use crate::args::{CertifyArgs, KeygenArgs, VerifyArgs};
use crate::data::Homes;
use crate::{CliError, Context, Exit, files, ledger, progress, store};

/// Larger than any key or certificate: a data file given by mistake is not read into memory.
const BYTES_MAX: u64 = 1 << 20;

/// Makes a key and writes its two files.
///
/// # Errors
/// `key-exists`, `cannot-write`.
pub fn keygen(args: &KeygenArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let mut public_path = args.out.clone().into_os_string();
    public_path.push(".pub");
    let public_path = PathBuf::from(public_path);
    for path in [&args.out, &public_path] {
        if path.exists() {
            let message = format!("--out: {} exists, and a key is never replaced", path.display());
            return Err(CliError::usage("key-exists", message));
        }
    }
    let pair = certificate::generate_key().map_err(refused)?;
    write_secret(&args.out, &pair.private_pem).map_err(|e| CliError::write(&args.out, &e))?;
    files::write_all(&[(public_path.clone(), pair.public_pem.into_bytes())])?;
    writeln!(out, "{}  the private key: keep it secret", args.out.display())?;
    writeln!(out, "{}  the public key: for everybody who checks certificates", public_path.display())?;
    Ok(Exit::Pass)
}

/// Writes a new file that nobody else may read, not even while it is written.
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Signs what a run came to.
///
/// # Errors
/// `bad-key`, `cannot-write`, or as for reports.
pub fn certify(args: &CertifyArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let key = read(&args.key)?;
    let named = report::named(&args.run, &args.home)?;
    let statement = certificate::statement(&named.report, &named.json);
    let certificate = certificate::sign(statement, &key).map_err(|e| of_file(&args.key, e))?;
    let json = certificate.to_json().map_err(|e| CliError::unusable("internal", e))?;
    match &args.out {
        Some(path) => files::write_all(&[(path.clone(), json.into_bytes())])?,
        None => out.write_all(json.as_bytes())?,
    }
    Ok(Exit::Pass)
}

/// Checks a certificate, and the report that is said to be its own.
///
/// # Errors
/// `not-a-certificate`, `bad-key`, or as for reports and audits; what is wrong with a certificate that can be read is [`Exit::Fail`].
pub fn verify(args: &VerifyArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let (text, key) = (read(&args.certificate)?, read(&args.public_key)?);
    let certificate = Certificate::from_json(&text).map_err(|e| {
        CliError::usage("not-a-certificate", format_args!("{}: {e}", args.certificate.display()))
            .help("expected what `verismo certify` writes")
    })?;
    match certificate::verify(&certificate, &key) {
        Ok(()) => {}
        Err(error @ (CertificateError::AnotherKey { .. } | CertificateError::Forged)) => {
            writeln!(out, "NOT GENUINE  {}", clean(&error.to_string()))?;
            return Ok(Exit::Fail);
        }
        Err(error) => return Err(of_file(&args.public_key, error)),
    }
    let statement = &certificate.statement;
    if let Some(path) = &args.report {
        let named = report::named(path, &args.home)?;
        let differences = statement.differences(&certificate::statement(&named.report, &named.json));
        if !differences.is_empty() {
            writeln!(out, "ANOTHER REPORT  {} is not what was certified", clean(&named.name))?;
            for difference in &differences {
                writeln!(out, "  {}", clean(difference))?;
            }
            return Ok(Exit::Fail);
        }
    }
    let audit = args.audit.map(|share| audit(args, share, &certificate, context)).transpose()?;
    if let Some(audit) = audit.as_ref().filter(|_| args.json.is_some()) {
        let json = audit.to_json().map_err(|e| CliError::unusable("internal", e))?;
        files::json_or_text(args.json.as_deref(), json, |_| String::new(), context, out)?;
    }
    if args.json.as_deref() != Some(Path::new("-")) {
        let run = statement.run.as_deref().unwrap_or("-");
        writeln!(out, "GENUINE  {}", statement.verdict)?;
        for (name, value) in
            [("run", run), ("suite", &statement.suite), ("digest", &statement.digest), ("issued", &statement.issued)]
        {
            writeln!(out, "  {name:<7} {}", clean(value))?;
        }
        if let Some(audit) = &audit {
            let console = context.console;
            let style = TextStyle { colour: console.colour, width: console.width, ..TextStyle::default() };
            out.write_all(verismo_report::audit_text(audit, &style).as_bytes())?;
        }
    }
    Ok(match &audit {
        Some(audit) if audit.is_different() => Exit::Fail,
        _ if statement.verdict != Verdict::Pass => Exit::Fail,
        Some(audit) if audit.is_incomplete() => Exit::Inconclusive,
        _ => Exit::Pass,
    })
}

/// Holds some of the states of the certified run against its files, and its verdict against all states.
///
/// # Errors
/// `not-auditable` for a certificate or a run without states; `no-such-run`; `another-run` where the record of the run is not what was certified.
fn audit(args: &VerifyArgs, share: f64, certificate: &Certificate, context: Context<'_>) -> Result<Audit, CliError> {
    let statement = &certificate.statement;
    let none = |what: &str| {
        CliError::usage("not-auditable", what)
            .help("only what `verismo validate` recorded with a store, and kept all states of, can be audited")
    };
    let Some((run, states)) = statement.run.as_ref().zip(statement.states.as_ref()) else {
        return Err(none("the certificate names no states to audit"));
    };
    let recorded = ledger::recorded(run, &Homes::of(args.home.store.as_deref(), None))?;
    let Some(trace) = recorded.trace else {
        return Err(none(&format!("run {run} has no record of its states")));
    };
    let root = verismo_engine::states_root(&trace);
    if root.as_ref() != Some(&states.root) {
        let root = root.unwrap_or_else(|| "none".to_owned());
        let message = format!(
            "the record of run {run} is not what was certified: its states have the root {root}, not {}",
            states.root
        );
        return Err(CliError::unusable("another-run", message));
    }
    let seed = match args.seed {
        Some(seed) => seed,
        None => verismo_ledger::random_seed().map_err(|e| CliError::unusable("internal", e))?,
    };
    let seed = seed.to_string();
    let store = store::of_run((args.home.store.as_deref(), &args.timeout), &recorded.home, true)?;
    let threads = validate::threads(args.threads);
    let request = AuditRequest { run: run.clone(), trace, store, seed, share, threads };
    let meter = Meter::default();
    let certified = CertifiedVerdict {
        verdict: statement.verdict,
        digest: statement.digest.clone(),
        recipe: statement.recipe.clone(),
    };
    let audited =
        progress::watch(context, &meter, "audit", || verismo_engine::audit(&request, Some(&certified), &meter));
    if crate::interrupt::is_raised(context.cancel) {
        return Err(CliError::interrupted());
    }
    audited.map_err(validate::engine_error)
}

fn read(path: &Path) -> Result<String, CliError> {
    let shown = path.display();
    let size = fs::metadata(path).map_err(|e| CliError::usage("no-such-path", format_args!("{shown}: {e}")))?.len();
    if size > BYTES_MAX {
        return Err(CliError::usage("cannot-read", format_args!("{shown} has {size} bytes: no key, no certificate")));
    }
    fs::read_to_string(path).map_err(|e| CliError::usage("cannot-read", format_args!("{shown}: {e}")))
}

fn of_file(path: &Path, error: CertificateError) -> CliError {
    match error {
        CertificateError::NotAKey { .. } => {
            CliError::usage("bad-key", format_args!("{}: {error}", path.display())).help("`verismo keygen` makes keys")
        }
        other => refused(other),
    }
}

fn refused(error: CertificateError) -> CliError {
    CliError::unusable("internal", error)
}
