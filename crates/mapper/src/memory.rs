//! A ceiling for memory, below the container's limit: better to refuse reports, which reporters send again, than to be
//! killed.

use std::time::Duration;

use app::metrics::resident_memory;
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

/// Lets the mapper refuse reports while memory is above the ceiling.
pub(crate) async fn watch(ceiling: u64, mapper: Mapper, stop: Stop) {
    let mut full = false;
    while !stop.cancelled_within(EVERY).await {
        let resident = resident_memory().unwrap_or_default();
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
    fn limits_are_read_as_the_kernel_writes_them() {
        assert_eq!(limit("536870912\n"), Some(536_870_912));
        assert_eq!(limit("max\n"), None);
        assert_eq!(limit("9223372036854771712\n"), None);
        assert_eq!(ceiling(7), Some(7));
    }
}
