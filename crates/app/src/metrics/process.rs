//! What the kernel says about this process, with the names that every Prometheus client uses.

use std::fs;

use super::asked::Asked;
use super::{Kind, Metrics, MetricsError};

/// Ticks per second in `/proc`: the kernel's `USER_HZ`, which is 100 on every architecture that Linux runs containers
/// on, whatever the frequency of its own clock. Asking `sysconf` would need `unsafe`.
const TICKS: f64 = 100.0;

/// Adds the metrics. One whose file cannot be read is absent from the page.
pub(super) fn register(metrics: &Metrics) -> Result<(), MetricsError> {
    let cpu = || cpu_seconds(&read("/proc/self/stat")?);
    let asked = Asked::fractional_counter(
        "process_cpu_seconds_total",
        "CPU time that the process used, in user and system mode, in seconds.",
        cpu,
    )?;
    metrics.add(asked, Kind::Counter, &[])?;
    for (name, help, value) in GAUGES {
        metrics.add(Asked::gauge(name, help, value)?, Kind::Gauge, &[])?;
    }
    Ok(())
}

type Gauge = (&'static str, &'static str, fn() -> Option<f64>);

const GAUGES: [Gauge; 5] = [
    (
        "process_max_fds",
        "How many files the process may have open.",
        || max_files(&read("/proc/self/limits")?),
    ),
    (
        "process_open_fds",
        "How many files the process has open.",
        open_files,
    ),
    (
        "process_resident_memory_bytes",
        "Memory of the process that is in RAM, in bytes.",
        || kilobytes(&read("/proc/self/status")?, "VmRSS:"),
    ),
    (
        "process_start_time_seconds",
        "When the process was started, in seconds since the Unix epoch.",
        || start_time(&read("/proc/self/stat")?, &read("/proc/stat")?),
    ),
    (
        "process_virtual_memory_bytes",
        "Address space of the process, in bytes.",
        || kilobytes(&read("/proc/self/status")?, "VmSize:"),
    ),
];

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn open_files() -> Option<f64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    // The one that lists them is not counted.
    Some(f64::from(u32::try_from(open.saturating_sub(1)).ok()?))
}

/// A field of `/proc/<pid>/stat` by its number in proc(5). The name before it may hold spaces and parentheses.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, after) = stat.rsplit_once(')')?;
    after
        .split_whitespace()
        .nth(number.checked_sub(3)?)?
        .parse()
        .ok()
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) / TICKS)
}

fn start_time(stat: &str, system: &str) -> Option<f64> {
    let boot: f64 = system
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()?;
    Some(boot + field(stat, 22)? / TICKS)
}

/// Memory of this process that is in RAM, in bytes (proc(5), `VmRSS`).
pub fn resident_memory() -> Option<u64> {
    bytes(&read("/proc/self/status")?, "VmRSS:")
}

#[allow(clippy::cast_precision_loss, reason = "sizes below 2^53")]
fn kilobytes(status: &str, key: &str) -> Option<f64> {
    bytes(status, key).map(|bytes| bytes as f64)
}

fn bytes(status: &str, key: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(key))?;
    let number: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

fn max_files(limits: &str) -> Option<f64> {
    let soft = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?
        .split_whitespace()
        .next()?;
    if soft == "unlimited" {
        Some(f64::INFINITY)
    } else {
        soft.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str =
        "7 (a) b (c) S 1 7 7 0 -1 4194560 1510 0 3 0 250 50 0 0 20 0 3 0 12345 9 8 7";

    #[test]
    fn times_are_ticks_and_the_name_may_hold_anything() {
        assert_eq!(cpu_seconds(STAT), Some(3.0));
        assert_eq!(
            start_time(STAT, "cpu 1 2\nbtime 1700000000\n"),
            Some(1_700_000_123.45)
        );
    }

    #[test]
    fn memory_is_in_bytes() {
        let padded = "Name:\tportolan\nVmPeak:\t  900 kB\nVmRSS:\t    1234 kB\nThreads:\t4\n";
        assert_eq!(bytes(padded, "VmRSS:"), Some(1_263_616));
        assert_eq!(bytes("VmRSS: x kB", "VmRSS:"), None);
        assert!(resident_memory().is_some_and(|bytes| bytes > 1 << 20));
        let status = "Name:\tx\nVmSize:\t  20480 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(kilobytes(status, "VmRSS:"), Some(1_048_576.0));
        assert_eq!(kilobytes(status, "VmSize:"), Some(20_971_520.0));
    }

    #[test]
    fn the_soft_limit_counts() {
        assert_eq!(
            max_files(
                "Max open files            1024                 4096                 files\n"
            ),
            Some(1024.0)
        );
        assert_eq!(
            max_files("Max open files            unlimited            unlimited            files"),
            Some(f64::INFINITY)
        );
    }

    #[test]
    fn what_is_not_there_is_no_value() {
        for text in ["", "7 (x", "7 (x) S 1", "btime", "VmRSS:\t12 MB"] {
            assert_eq!(cpu_seconds(text), None, "{text}");
            assert_eq!(start_time(text, text), None, "{text}");
            assert_eq!(kilobytes(text, "VmRSS:"), None, "{text}");
            assert_eq!(max_files(text), None, "{text}");
        }
    }
}
