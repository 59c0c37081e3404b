//! A ceiling for memory, below the container's limit: better to refuse reports, which reporters send again, than to be
//! killed.

use std::time::Duration;

use app::shutdown::Stop;

use crate::writer::Mapper;

/// How often to look.
const EVERY: Duration = Duration::from_millis(200);

/// The ceiling in bytes: what was told, else nine tenths of the container's limit, where it has one.
pub(crate) fn ceiling(told: u64) -> Option<u64> {
    if told > 0 {
        return Some(told);
    }
    // cgroup v2, then v1 (Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst).
    let limits = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let mut limits = limits
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok());
    limits
        .find_map(|text| limit(&text))
        .map(|limit| limit / 10 * 9)
}

/// `max` in v2, and a number near 2^63 in v1, say that there is none.
fn limit(text: &str) -> Option<u64> {
    let bytes = text.trim().parse::<u64>().ok()?;
    (bytes < 1 << 60).then_some(bytes)
}

/// Memory of this process that is really there, in bytes (proc(5), `VmRSS`).
pub(crate) fn resident() -> Option<u64> {
    parse_resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn parse_resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib = line.trim().strip_suffix("kB")?.trim();
    kib.parse::<u64>().ok()?.checked_mul(1024)
}

/// Lets the mapper refuse reports while memory is above the ceiling.
pub(crate) async fn watch(ceiling: u64, mapper: Mapper, stop: Stop) {
    let mut full = false;
    while !stop.cancelled_within(EVERY).await {
        let resident = resident().unwrap_or_default();
        let is_full = resident >= ceiling;
        if is_full != full {
            if is_full {
                tracing::warn!(resident, ceiling, "memory is full: reports are refused");
            } else {
                tracing::info!(
                    resident,
                    ceiling,
                    "there is memory again: reports are taken"
                );
            }
            full = is_full;
            mapper.refuse(full);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_sizes_are_read_as_the_kernel_writes_them() {
        assert_eq!(limit("536870912\n"), Some(536_870_912));
        assert_eq!(limit("max\n"), None);
        assert_eq!(limit("9223372036854771712\n"), None);
        let status = "Name:\tportolan\nVmPeak:\t  900 kB\nVmRSS:\t    1234 kB\nThreads:\t4\n";
        assert_eq!(parse_resident(status), Some(1_263_616));
        assert_eq!(parse_resident("VmRSS: x kB"), None);
        assert!(resident().is_some_and(|bytes| bytes > 1 << 20));
        assert_eq!(ceiling(7), Some(7));
    }
}
