//! What is allowed, and what for.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "constants of the kernel's headers, which are small and whose types differ between C libraries"
)]

use libc::c_long;

/// A system call that is allowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) number: c_long,
    pub(super) only: Only,
}

/// On which condition.
#[derive(Clone, Copy, Debug)]
pub(super) enum Only {
    Any,
    /// An argument has one of these values.
    Value {
        argument: usize,
        values: &'static [u32],
    },
    /// An argument has this bit.
    Bit {
        argument: usize,
        bit: u32,
    },
}

const fn any(number: c_long) -> Call {
    Call {
        number,
        only: Only::Any,
    }
}

const fn value(number: c_long, argument: usize, values: &'static [u32]) -> Call {
    Call {
        number,
        only: Only::Value { argument, values },
    }
}

/// The families of sockets: TCP and UDP for the mapper, the pages and names; local ones for signals and name services;
/// netlink, by which the C library learns which families the host has. No packet sockets: there is one already.
const FAMILIES: &[u32] = &[
    libc::AF_INET as u32,
    libc::AF_INET6 as u32,
    libc::AF_UNIX as u32,
    libc::AF_NETLINK as u32,
];

/// Sockets that do not block, and whether something is a terminal.
const CONTROLS: &[u32] = &[
    libc::FIONBIO as u32,
    libc::FIONREAD as u32,
    libc::TCGETS as u32,
];

/// A thread, and no process.
const THREAD: Only = Only::Bit {
    argument: 0,
    bit: libc::CLONE_THREAD as u32,
};

/// All that is allowed.
pub(super) const ALLOWED: [&[Call]; 2] = [COMMON, OLDER];

/// On both kinds of machines. `clone3` is not among them: its flags are in memory, where no filter sees them; C libraries
/// then take `clone`.
const COMMON: &[Call] = &[
    // What a busy thread calls most comes first.
    any(libc::SYS_ppoll),
    any(libc::SYS_futex),
    any(libc::SYS_read),
    any(libc::SYS_openat),
    any(libc::SYS_close),
    any(libc::SYS_statx),
    any(libc::SYS_newfstatat),
    any(libc::SYS_fstat),
    any(libc::SYS_epoll_pwait),
    any(libc::SYS_clock_gettime),
    any(libc::SYS_clock_nanosleep),
    any(libc::SYS_write),
    // Files: /proc, the token, the authority, the spool, the log.
    any(libc::SYS_readv),
    any(libc::SYS_writev),
    any(libc::SYS_pread64),
    any(libc::SYS_pwrite64),
    any(libc::SYS_lseek),
    any(libc::SYS_getdents64),
    any(libc::SYS_readlinkat),
    any(libc::SYS_faccessat),
    any(libc::SYS_faccessat2),
    any(libc::SYS_statfs),
    any(libc::SYS_fstatfs),
    any(libc::SYS_mkdirat),
    any(libc::SYS_unlinkat),
    any(libc::SYS_renameat2),
    any(libc::SYS_fsync),
    any(libc::SYS_fdatasync),
    any(libc::SYS_ftruncate),
    any(libc::SYS_fcntl),
    any(libc::SYS_flock),
    any(libc::SYS_dup),
    any(libc::SYS_dup3),
    any(libc::SYS_fadvise64),
    any(libc::SYS_getcwd),
    any(libc::SYS_umask),
    value(libc::SYS_ioctl, 1, CONTROLS),
    // Memory.
    any(libc::SYS_mmap),
    any(libc::SYS_munmap),
    any(libc::SYS_mremap),
    any(libc::SYS_mprotect),
    any(libc::SYS_madvise),
    any(libc::SYS_brk),
    any(libc::SYS_membarrier),
    // Threads, their end, and signals.
    Call {
        number: libc::SYS_clone,
        only: THREAD,
    },
    any(libc::SYS_exit),
    any(libc::SYS_exit_group),
    any(libc::SYS_set_robust_list),
    any(libc::SYS_get_robust_list),
    any(libc::SYS_rseq),
    any(libc::SYS_set_tid_address),
    any(libc::SYS_sched_yield),
    any(libc::SYS_sched_getaffinity),
    any(libc::SYS_getpid),
    any(libc::SYS_gettid),
    any(libc::SYS_tgkill),
    any(libc::SYS_tkill),
    any(libc::SYS_rt_sigaction),
    any(libc::SYS_rt_sigprocmask),
    any(libc::SYS_rt_sigreturn),
    any(libc::SYS_rt_sigtimedwait),
    any(libc::SYS_sigaltstack),
    any(libc::SYS_restart_syscall),
    any(libc::SYS_prctl),
    // Waiting.
    any(libc::SYS_epoll_create1),
    any(libc::SYS_epoll_ctl),
    any(libc::SYS_epoll_pwait2),
    any(libc::SYS_eventfd2),
    any(libc::SYS_pipe2),
    any(libc::SYS_pselect6),
    any(libc::SYS_nanosleep),
    any(libc::SYS_clock_getres),
    any(libc::SYS_gettimeofday),
    // Sockets.
    value(libc::SYS_socket, 0, FAMILIES),
    value(libc::SYS_socketpair, 0, FAMILIES),
    any(libc::SYS_connect),
    any(libc::SYS_bind),
    any(libc::SYS_listen),
    any(libc::SYS_accept),
    any(libc::SYS_accept4),
    any(libc::SYS_getsockname),
    any(libc::SYS_getpeername),
    any(libc::SYS_getsockopt),
    any(libc::SYS_setsockopt),
    any(libc::SYS_sendto),
    any(libc::SYS_sendmsg),
    any(libc::SYS_sendmmsg),
    any(libc::SYS_recvfrom),
    any(libc::SYS_recvmsg),
    any(libc::SYS_recvmmsg),
    any(libc::SYS_shutdown),
    // What libraries ask the system about itself.
    any(libc::SYS_getrandom),
    any(libc::SYS_uname),
    any(libc::SYS_sysinfo),
    any(libc::SYS_prlimit64),
    any(libc::SYS_getrusage),
    any(libc::SYS_getuid),
    any(libc::SYS_geteuid),
    any(libc::SYS_getgid),
    any(libc::SYS_getegid),
    any(libc::SYS_capget),
];

/// Older forms of calls above, which only this kind of machine has.
#[cfg(target_arch = "x86_64")]
const OLDER: &[Call] = &[
    any(libc::SYS_poll),
    any(libc::SYS_epoll_wait),
    any(libc::SYS_open),
    any(libc::SYS_stat),
    any(libc::SYS_lstat),
    any(libc::SYS_access),
    any(libc::SYS_readlink),
    any(libc::SYS_unlink),
    any(libc::SYS_rename),
    any(libc::SYS_renameat),
    any(libc::SYS_mkdir),
    any(libc::SYS_dup2),
    any(libc::SYS_pipe),
    any(libc::SYS_select),
    any(libc::SYS_time),
    any(libc::SYS_getrlimit),
    any(libc::SYS_arch_prctl),
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[Call] = &[any(libc::SYS_renameat)];

/// For [`Extra::Namespaces`](super::Extra::Namespaces).
pub(super) const NAMESPACES: &[Call] = &[any(libc::SYS_setns)];
