//! What a process costs, as `/proc` tells (proc(5)).

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Ticks of CPU time in a second: `sysconf(_SC_CLK_TCK)`, which is 100 on every Linux that Rust is for.
const TICKS: u64 = 100;

/// CPU time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// In the program.
    pub user: Duration,
    /// In the kernel.
    pub system: Duration,
}

impl Cpu {
    /// Both.
    pub fn total(&self) -> Duration {
        self.user + self.system
    }

    /// What came since.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }
}

/// The CPU time of a process so far.
pub fn cpu(pid: u32) -> Cpu {
    read(&format!("/proc/{pid}/stat")).map_or_else(Cpu::default, |(_, cpu)| cpu)
}

/// The same by name of thread; those of one name together.
pub fn cpu_by_thread(pid: u32) -> BTreeMap<String, Cpu> {
    let mut all: BTreeMap<String, Cpu> = BTreeMap::new();
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    for thread in threads.flatten() {
        // One that has ended meanwhile costs nothing any more.
        if let Some((name, cpu)) = read(&format!("{}/stat", thread.path().display())) {
            let sum = all.entry(name).or_default();
            sum.user += cpu.user;
            sum.system += cpu.system;
        }
    }
    all
}

/// The name, and fields 14 and 15; the name is in parentheses and may hold anything.
fn read(path: &str) -> Option<(String, Cpu)> {
    let text = fs::read_to_string(path).ok()?;
    let (before, after) = text.rsplit_once(") ")?;
    let name = before.split_once('(')?.1.to_owned();
    let mut fields = after.split(' ').skip(11);
    let mut time = || {
        let ticks: u64 = fields.next()?.parse().ok()?;
        Some(Duration::from_millis(ticks * 1_000 / TICKS))
    };
    let (user, system) = (time()?, time()?);
    Some((name, Cpu { user, system }))
}

/// A line of `/proc/<pid>/status` in KiB, such as `VmRSS` and `VmHWM`.
pub fn memory(pid: u32, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
