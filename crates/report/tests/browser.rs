//! The HTML report in a real browser: it opens, runs its script, asks for nothing, and is quick with 3,000 findings.
//!
//! Needs Chromium (`VERISMO_CHROMIUM`, or one on the path); skipped with a message where there is none, unless
//! `VERISMO_REQUIRE_ALL=1`.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod fixture;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Much more than the 2 s it may take: shared machines are slow.
const LOAD_MAX_MS: f64 = 15_000.0;
/// A browser that hangs fails the test.
const WAIT_MAX: Duration = Duration::from_secs(120);

fn chromium() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("VERISMO_CHROMIUM") {
        return Some(path.into());
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    names.iter().find_map(|name| folders.iter().map(|f| f.join(name)).find(|p| p.is_file()))
}

/// The page as the browser has it after it was loaded, and what it said on standard error.
fn dump(browser: &PathBuf, page: &str) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.html");
    std::fs::write(&file, page).unwrap();
    let (out, err) = (dir.path().join("out"), dir.path().join("err"));
    let mut child = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"])
        .args(["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", dir.path().join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&out).unwrap())
        .stderr(std::fs::File::create(&err).unwrap())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > WAIT_MAX {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the browser did not end within {WAIT_MAX:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let text = |path: &PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    assert!(status.success(), "{status}: {}", text(&err));
    (text(&out), text(&err))
}

#[test]
fn a_browser_opens_three_thousand_findings_without_an_error() {
    let Some(browser) = chromium() else {
        assert!(std::env::var("VERISMO_REQUIRE_ALL").as_deref() != Ok("1"), "Chromium is missing");
        eprintln!("skipped: no Chromium found; set VERISMO_CHROMIUM to one");
        return;
    };
    let report = fixture::pictures::many(3_000);
    assert!(report.findings.len() >= 3_000);
    // The copy notes when it was loaded and laid out once, and what went wrong until then.
    let watch = "<script>addEventListener('error',function(e){document.body.dataset.failed=String(e.message)},true);\
                 document.addEventListener('securitypolicyviolation',function(e){document.body.dataset.failed=e.blockedURI});\
                 addEventListener('load',function(){document.body.getBoundingClientRect();\
                 document.body.dataset.height=document.documentElement.scrollHeight;\
                 document.body.dataset.requests=performance.getEntriesByType('resource').length;\
                 document.body.dataset.loaded=performance.now()})</script>";
    let page = verismo_report::html(&report).replace("<main ", &format!("{watch}<main "));
    let (dom, log) = dump(&browser, &page);
    let note = |name: &str| dom.split(&format!("data-{name}=\"")).nth(1).and_then(|t| t.split('"').next());
    assert_eq!(note("failed"), None);
    assert_eq!(note("requests"), Some("0"), "nothing is asked of the network");
    let height: f64 = note("height").unwrap().parse().unwrap();
    assert!(height > 2_000.0, "the page is {height} high");
    let loaded_ms: f64 = note("loaded").unwrap().parse().unwrap();
    eprintln!("{} bytes, loaded and laid out after {loaded_ms:.0} ms", page.len());
    assert!(loaded_ms < LOAD_MAX_MS, "{loaded_ms} ms");
    assert!(dom.contains("</html>") && dom.contains(">Dark</button>"));
    assert!(!dom.contains("id=\"theme\" hidden"), "the script ran");
    let errors: Vec<&str> = log.lines().filter(|l| l.contains("CONSOLE")).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}
