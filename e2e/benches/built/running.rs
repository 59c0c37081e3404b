//! A mapper that is measured.

use std::process::Command;
use std::time::{Duration, Instant};

use e2e::cost;
use e2e::mapper::{self, Mapper};

/// A mapper that has just become ready, and after how long.
pub(crate) fn start(
    name: &str,
    kubeconfig: &str,
    by: &[&str],
    arguments: &[&str],
) -> (Mapper, Duration) {
    let begun = Instant::now();
    let binary = mapper::command();
    let command = by.split_first().map(|(first, rest)| {
        let mut command = Command::new(first);
        command.args(rest).arg(binary.get_program());
        command
    });
    let mut mapper = Mapper::spawn(command.unwrap_or(binary), name, kubeconfig, arguments);
    loop {
        let ready = mapper.get("/readyz");
        if ready.is_some_and(|answer| answer.status == 200) {
            return (mapper, begun.elapsed());
        }
        assert!(mapper.is_alive(), "it ended: {}", mapper.log());
        let patience = Duration::from_mins(5);
        assert!(begun.elapsed() < patience, "it does not become ready");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Now.
    pub(crate) now: u64,
    /// The most it ever was.
    pub(crate) peak: u64,
}

/// Its memory, once what it needed only for a moment was given back.
pub(crate) fn memory(mapper: &Mapper, settle_seconds: u64) -> Memory {
    std::thread::sleep(Duration::from_secs(settle_seconds));
    Memory {
        now: cost::memory(mapper.pid(), "VmRSS"),
        peak: cost::memory(mapper.pid(), "VmHWM"),
    }
}

/// The core of the mapper, and that of everybody who asks it. `None` where there is only one.
pub(crate) fn cores() -> Option<(&'static str, &'static str)> {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    (count > 1).then_some(("0", "1"))
}

/// From now on this process stays on this core.
pub(crate) fn stay_on(core: &str) {
    let own = std::process::id().to_string();
    let done = Command::new("taskset")
        .args(["-a", "-c", "-p", core, &own])
        .output();
    assert!(done.unwrap().status.success(), "taskset");
}

/// A number with spaces, as it is read.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// KiB as MiB.
#[allow(clippy::cast_precision_loss, reason = "below 2^53")]
pub(crate) fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}
