//! One process.

/// What is told of a process in `/proc/<pid>/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessStat {
    /// Whether it is a thread of the kernel.
    pub is_kernel_thread: bool,
    /// When it began, in ticks since the system started; there are 100 a second (`USER_HZ`).
    pub start_ticks: u64,
}

/// `PF_KTHREAD` (kernel: `include/linux/sched.h`).
const KERNEL_THREAD: u64 = 0x0020_0000;

/// Reads `/proc/<pid>/stat` (`proc_pid_stat(5)`). The name in brackets is the process's own choice: it may hold blanks and
/// brackets, so that the last bracket ends it.
pub fn process_stat(stat: &[u8]) -> Option<ProcessStat> {
    let end = memchr::memrchr(b')', stat)?;
    let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    // From the third field on: state, …, flags (9), …, starttime (22).
    let mut fields = rest.split_ascii_whitespace();
    let flags: u64 = fields.nth(9 - 3)?.parse().ok()?;
    let start_ticks = fields.nth(22 - 10)?.parse().ok()?;
    Some(ProcessStat {
        is_kernel_thread: flags & KERNEL_THREAD != 0,
        start_ticks,
    })
}
