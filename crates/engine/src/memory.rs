//! What the process has used of the machine: the two questions to the operating system.

/// The most memory that the process has held at once so far, bytes; `None` where the system does not say (it does on Linux).
pub fn peak_memory_bytes() -> Option<u64> {
    // `VmHWM:    123456 kB`
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Processor time of the process so far, over all threads, s; `None` where the system does not say (it does on Linux).
pub fn cpu_seconds() -> Option<f64> {
    /// `USER_HZ`: part of the interface to programs, the same on every machine of today.
    const TICKS_PER_SECOND: f64 = 100.0;
    // `pid (name) state ...`; the name may hold anything, so what follows its last bracket is counted: 11 fields, utime, stime.
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some(user.saturating_add(system) as f64 / TICKS_PER_SECOND)
}
