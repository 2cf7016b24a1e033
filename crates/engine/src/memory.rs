//! How much memory the process has held: the one question to the operating system.

/// The most memory that the process has held at once so far, bytes; `None` where the system does not say (it does on Linux).
pub fn peak_memory_bytes() -> Option<u64> {
    // `VmHWM:    123456 kB`
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}
