//! Files made to do harm, and damage of every kind: each meets a clear word or is counted, in bounded time and memory.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "hostile/files.rs"]
mod files;

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use files::{TRADES, capture, footer, gzip_of, trade, trades, zeros_gz, zeros_zst};

/// Far beyond what any of this takes: a build machine may be busy.
const DEADLINE: Duration = Duration::from_secs(120);
/// Address space of the process, KiB: decoders, threads and the binary itself fit many times.
const MEMORY_KIB: u64 = 3_000_000;

/// What came of a run.
struct Ran {
    code: i32,
    text: String,
}

impl Ran {
    /// Asserts the exit code, and that all of this was said.
    #[track_caller]
    fn says(&self, code: i32, what: &[&str]) {
        let text = if self.text.len() > 6_000 { &self.text[self.text.len() - 6_000..] } else { &self.text };
        assert_eq!(self.code, code, "{text}");
        for what in what {
            assert!(self.text.contains(what), "{what:?} is not in: {text}");
        }
    }
}

fn verismo(args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    let script = format!("ulimit -v {MEMORY_KIB}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_verismo")]).args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("VERISMO_")) {
        command.env_remove(name);
    }
    command.env("VERISMO_STORE", common::home());
    command
}

/// Waits for the end, which must come.
fn wait(mut child: Child, what: &[&str]) -> Output {
    let start = Instant::now();
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = |mut from: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).map(|_| bytes)
        })
    };
    let (stdout, stderr) = (read(Box::new(stdout)), read(Box::new(stderr)));
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > DEADLINE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("still running after {DEADLINE:?}: {what:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Output { status, stdout: stdout.join().unwrap().unwrap(), stderr: stderr.join().unwrap().unwrap() }
}

fn run(args: &[&str]) -> Ran {
    let child = verismo(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = wait(child, args);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!text.contains("panicked") && !text.contains("internal error"), "{args:?}: {text}");
    let code = output.status.code();
    Ran { code: code.unwrap_or_else(|| panic!("{args:?}: ended by {}: {text}", output.status)), text }
}

/// Profiles a data set; the words of its JSON and of its errors.
fn profile(path: &Path, more: &[&str]) -> Ran {
    run(&[&["profile", path.to_str().unwrap(), "--format", "json"], more].concat())
}

/// Profiles a folder with one file of these bytes.
fn file(name: &str, bytes: impl AsRef<[u8]>) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(name), bytes).unwrap();
    profile(dir.path(), &[])
}

#[test]
fn brackets_without_end_are_unreadable_lines() {
    let deep = format!("{}{}\n{}\n", trades(0..TRADES), "[".repeat(1_000_000), "{\"a\":".repeat(1_000_000));
    file("x.jsonl", deep + &trades(TRADES..2 * TRADES)).says(0, &["x.jsonl", "not a JSON object", "nested deeper"]);
    file("x.jsonl", "[".repeat(1_000_000)).says(4, &["x.jsonl"]);
}

#[test]
fn a_line_of_gigabytes_is_one_unreadable_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    fs::write(&path, trades(0..TRADES)).unwrap();
    // A hole in the file: ten gigabytes that take no space, and no time to write.
    let gigabytes = if std::env::var("VERISMO_SLOW").as_deref() == Ok("1") { 10 } else { 1 };
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(gigabytes << 30).unwrap();
    profile(dir.path(), &[]).says(0, &["a line of ", "the limit is 16777216 (--max-line-bytes)"]);
}

#[test]
fn the_longest_line_is_a_setting() {
    let dir = tempfile::tempdir().unwrap();
    capture(dir.path());
    profile(dir.path(), &["--max-line-bytes", "100"]).says(0, &["the limit is 100 (--max-line-bytes)"]);
    let mut command = verismo(&["profile", dir.path().to_str().unwrap(), "--format", "json"]);
    command.env("VERISMO_MAX_LINE_BYTES", "99").stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = wait(command.spawn().unwrap(), &["environment"]);
    assert!(String::from_utf8(output.stdout).unwrap().contains("the limit is 99 (--max-line-bytes)"));
}

#[test]
fn archives_that_unpack_beyond_measure_are_broken_off() {
    for (name, bomb) in [("x.jsonl.gz", zeros_gz as fn(&str, u64) -> Vec<u8>), ("x.jsonl.zst", zeros_zst)] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name), bomb(&trades(0..TRADES), 256)).unwrap();
        let start = Instant::now();
        profile(dir.path(), &[]).says(0, &[name, "to more than 500 times as many", "raise --max-unpack-ratio"]);
        assert!(start.elapsed() < DEADLINE / 2, "{name}");
        // Allowed, it is a line that is too long.
        profile(dir.path(), &["--max-unpack-ratio", "100000"]).says(0, &["a line of 268435456 bytes"]);
    }
    let dir = tempfile::tempdir().unwrap();
    let rows = "time,x\n1723161255342,1\n1723161255343,2\n";
    fs::write(dir.path().join("x.csv.gz"), zeros_gz(rows, 256)).unwrap();
    profile(dir.path(), &[]).says(0, &["x.csv.gz", "to more than 500 times as many"]);
}

#[test]
fn text_that_packs_well_is_read_whole() {
    let line = trade(0, "btcusdt", "1.5", "2", 1_723_161_255_342);
    let dir = tempfile::tempdir().unwrap();
    // One message for ever: 300 times smaller packed.
    fs::write(dir.path().join("x.jsonl.gz"), gzip_of((line + "\n").repeat(600_000).as_bytes())).unwrap();
    profile(dir.path(), &[]).says(0, &["600000"]);
}

#[test]
fn links_that_lead_nowhere_or_in_circles_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    capture(dir.path());
    symlink("b.jsonl", dir.path().join("a.jsonl")).unwrap();
    symlink("a.jsonl", dir.path().join("b.jsonl")).unwrap();
    symlink("nowhere", dir.path().join("c.jsonl")).unwrap();
    symlink(dir.path(), dir.path().join("again")).unwrap();
    profile(dir.path(), &[]).says(0, &["a.jsonl", "b.jsonl", "c.jsonl", "cannot be resolved"]);
    profile(&dir.path().join("c.jsonl"), &[]).says(2, &["c.jsonl"]);
}

#[test]
fn pipes_sockets_devices_and_directories_named_like_files_are_listed_and_do_not_block() {
    let dir = tempfile::tempdir().unwrap();
    capture(dir.path());
    let pipe = dir.path().join("pipe.jsonl");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket.jsonl")).unwrap();
    symlink("/dev/zero", dir.path().join("zero.jsonl")).unwrap();
    fs::create_dir(dir.path().join("folder.jsonl")).unwrap();
    profile(dir.path(), &[]).says(0, &["pipe.jsonl", "socket.jsonl", "zero.jsonl", "not a regular file"]);
    profile(&pipe, &[]).says(2, &["pipe.jsonl", "not a regular file"]);
}

#[test]
fn a_file_without_permission_is_an_error_that_names_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    capture(dir.path());
    let path = dir.path().join("secret.jsonl");
    fs::write(&path, trades(0..1)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let ran = profile(dir.path(), &[]);
    if fs::File::open(&path).is_ok() {
        // The superuser may read everything.
        return ran.says(0, &[]);
    }
    ran.says(4, &["secret.jsonl", "ermission denied"]);
}

#[test]
fn files_of_nothing_of_zeros_and_of_two_bytes_a_character_say_so() {
    file("x.jsonl", "").says(2, &["x.jsonl: empty file"]);
    file("x.jsonl", [0; 100_000]).says(4, &["x.jsonl", "the content is not what the name says"]);
    let utf16 = |text: &str| -> Vec<u8> {
        [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    file("x.jsonl", utf16(&trades(0..20))).says(4, &["x.jsonl", "UTF-16", "iconv"]);
    file("x.jsonl", &utf16(&trades(0..20))[2..]).says(4, &["x.jsonl", "UTF-16", "iconv"]);
    file("x.csv", utf16("time,x\n1,2\n2,3\n")).says(2, &["x.csv", "UTF-16", "iconv"]);
}

#[test]
fn footers_that_lie_are_refused() {
    let list = [0x15, 0x02, 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07];
    let structs = [&[0x15, 0x02][..], &[0x1c; 100_000]].concat();
    for (what, bytes) in [
        ("longer than the file", footer(&[0; 100], u32::MAX)),
        ("of zeros", footer(&[0; 100], 100)),
        ("a list of 2^31", footer(&list, list.len() as u32)),
        ("structs in structs", footer(&structs, structs.len() as u32)),
        ("nothing but marks", b"PAR1PAR1".to_vec()),
    ] {
        let ran = file("events_1.parquet", bytes);
        assert!(ran.text.contains("the footer"), "{what}: {}", ran.text);
        ran.says(4, &["events_1.parquet"]);
    }
}

#[test]
fn prices_and_sizes_out_of_reach_are_counted() {
    let odd = [("1000000000000000000", "1"), ("-1", "1"), ("1", "-1"), ("1e999999999", "1"), ("1", "nan"), ("0", "1")];
    let lines = odd.map(|(price, qty)| trade(9_000, "btcusdt", price, qty, 1_723_161_955_342) + "\n").concat();
    file("x.jsonl", trades(0..TRADES) + &lines).says(0, &["invalid_value", "1000000000000000000", "1e999999999"]);
}

#[test]
fn times_at_the_ends_of_the_range_are_counted() {
    let times = [i64::MIN, i64::MAX, 0, -1, 1_523_161_255_342, 1_723_161_255_342_000, 1_723_161_255_342_000_000];
    let lines = times.map(|t| trade(9_000, "btcusdt", "1.5", "1", t) + "\n").concat();
    let ran = file("x.jsonl", trades(0..TRADES) + &lines + &trades(TRADES..2 * TRADES));
    ran.says(0, &["time_unit", "time_out_of_range"]);
}

#[test]
fn streams_beyond_the_limit_are_counted_and_the_limit_is_a_setting() {
    let n = 1_000_000;
    let dir = tempfile::tempdir().unwrap();
    let line = |i: u64| trade(i, &format!("s{i}"), "1.5", "1", 1_723_161_255_342 + i as i64) + "\n";
    fs::write(dir.path().join("x.jsonl"), (0..n).map(line).collect::<String>()).unwrap();
    let ran = profile(dir.path(), &["--max-streams", "500"]);
    ran.says(0, &["one more than --max-streams allows", "S499", &format!("\"count\": {}", n - 500)]);
    assert!(!ran.text.contains("\"S500\""), "a stream beyond the limit");
}

#[test]
fn a_message_of_a_million_levels_is_counted_or_read() {
    let levels: Vec<String> = (0..1_000_000).map(|i| format!("[\"{}.5\",\"1\"]", 1_000_000 - i)).collect();
    let depth = |levels: &[String]| {
        format!(
            "{{\"capture_ns\":400000000000,\"stream\":\"btcusdt@depth@100ms\",\"data\":{{\"e\":\"depthUpdate\",\
             \"E\":1723161655342,\"s\":\"BTCUSDT\",\"U\":1,\"u\":2,\"b\":[{}],\"a\":[]}}}}\n",
            levels.join(",")
        )
    };
    file("x.jsonl", trades(0..TRADES) + &depth(&levels)).says(0, &["a line of 1", "the limit is 16777216"]);
    file("x.jsonl", trades(0..TRADES) + &depth(&levels[..300_000])).says(0, &["300"]);
}

#[test]
fn twenty_thousand_files_in_a_folder_are_read() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..20_000 {
        let line = trades(i..i + 1);
        fs::write(dir.path().join(format!("{i:05}.jsonl")), line).unwrap();
    }
    profile(dir.path(), &[]).says(0, &["20000"]);
}

#[test]
fn keys_said_twice_and_unknown_shapes_are_an_answer() {
    let twice = "{\"capture_ns\":7,\"capture_ns\":8,\"stream\":\"a@trade\",\"stream\":\"btcusdt@trade\",\"data\":\
                 {\"e\":\"trade\",\"E\":1723161255343,\"p\":\"1\",\"p\":\"2\",\"q\":\"1\",\"q\":\"9\",\"T\":1}}\n";
    file("x.jsonl", trades(0..TRADES) + &twice.repeat(3)).says(0, &[]);
}

#[test]
fn tables_with_open_quotes_or_a_hundred_thousand_columns_are_counted_or_refused() {
    let rows =
        |from: u64, to: u64| -> String { (from..to).map(|i| format!("{},{i}\n", 1_723_161_255_000 + i)).collect() };
    let quoted = format!("time,x\n{}1723161256000,\"abc\n{}", rows(0, 1_000), rows(1_001, 50_000));
    file("x.csv", quoted).says(0, &["a quote that is not closed in its line", "49999"]);
    file("x.csv", "\"time,x\n".to_owned() + &rows(0, 100)).says(2, &["x.csv"]);
    let wide = |n: usize| {
        let names: String = (1..n).map(|i| format!(",c{i}")).collect();
        let row = ",1".repeat(n - 1);
        (0..20).fold(format!("time{names}\n"), |text, i| text + &format!("{}{row}\n", 1_723_161_255_000i64 + i))
    };
    file("x.csv", wide(100_000)).says(4, &["x.csv: 100000 columns; the limit is 4096, --max-columns raises it"]);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x.csv"), wide(20)).unwrap();
    profile(dir.path(), &["--max-columns", "19"]).says(4, &["20 columns; the limit is 19"]);
    profile(dir.path(), &["--max-columns", "20"]).says(0, &["c19"]);
}

#[test]
fn binary_headers_that_lie_are_refused() {
    let header = |length: u32, rest: &[u8]| [b"DBN\x03", &length.to_le_bytes()[..], rest].concat();
    file("x.dbn", header(u32::MAX, &[0; 1_000])).says(4, &["x.dbn", "the limit is"]);
    file("x.dbn", header(100, &[0; 1_000])).says(4, &["x.dbn", "the header"]);
    file("x.dbn", header(100, &[0xff; 1_000])).says(4, &["x.dbn", "the header"]);
    file("x.dbn", b"DBN\x03").says(2, &["x.dbn: unknown content"]);
}
