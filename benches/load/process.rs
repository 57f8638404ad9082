//! What the system reports about a process. Linux only: elsewhere everything is 0.

use std::fs;

/// How long a process of one thread has been running on a processor, in nanoseconds.
pub(crate) fn cpu_nanos(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0)
}

/// A number of `/proc/PID/status`.
pub(crate) fn status(pid: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// How much memory of a process is resident, in KiB.
pub(crate) fn resident(pid: u32) -> u64 {
    status(pid, "VmRSS")
}

/// How often a process has been put on a processor or taken off it.
pub(crate) fn switches(pid: u32) -> u64 {
    status(pid, "voluntary_ctxt_switches") + status(pid, "nonvoluntary_ctxt_switches")
}

/// A description of the machine, for the line below the table.
pub(crate) fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown processor");
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{count} × {model}, Linux {}", kernel.trim())
}
