//! A filter of system calls for this very process (`seccomp(2)`): what it never does, nobody who breaks into it can do.
//!
//! It is a list of what is allowed: files, memory, threads, and sockets of the kinds that reporting and names need. There
//! is no way to run a program, to open a packet socket, to enter a namespace, to trace, to mount, to load.
//!
//! **What is not allowed fails, and does not kill.** The list is made by what the standard library, tokio, and the C
//! libraries of two families call today; a later one may call something new, in one thread, on a Friday. A process that
//! is killed sees nothing from then on. One that is told `ENOSYS` takes the way for older kernels, which libraries have,
//! and at worst one thing fails with an error in the log. To an attacker both are the same. The kernel logs each such call
//! (`SECCOMP_FILTER_FLAG_LOG`), where its audit is on.
#![allow(
    unsafe_code,
    reason = "there is no safe interface to seccomp; each block says why it is sound"
)]

mod calls;

use std::io;
use std::mem::offset_of;

use crate::filter::Instruction;
use calls::{ALLOWED, Call, NAMESPACES, Only};

/// The system calls of this machine (`linux/audit.h`): those of another, such as 32 bit ones, have other numbers.
const ARCHITECTURE: Option<u32> = if cfg!(target_arch = "x86_64") {
    Some(0xc000_003e)
} else if cfg!(target_arch = "aarch64") {
    Some(0xc000_00b7)
} else {
    None
};

/// What a process may do beyond the list, because one of its sources needs it all its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Its threads enter the network namespaces of others.
    Namespaces,
}

/// Why there is no filter.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// The kernel has no filters, or something forbids them.
    #[error("the kernel takes no filter of system calls: {0}")]
    Refused(#[source] io::Error),
    /// A thread has a filter of its own.
    #[error("the filter of system calls cannot be put on thread {0}, which has another one")]
    Thread(i64),
    /// Nobody has tried the list on this kind of machine.
    #[error("there is no filter of system calls for this kind of machine")]
    Machine,
}

/// From now on, no thread of this process can do what is not on the list; for good.
///
/// It can gain no privileges any more either, without which the kernel takes no filter from those who have none.
pub fn confine(extra: &[Extra]) -> Result<(), ConfineError> {
    let extra = extra.iter().map(|extra| match extra {
        Extra::Namespaces => NAMESPACES,
    });
    let allowed: Vec<&[Call]> = ALLOWED.into_iter().chain(extra).collect();
    let Some(architecture) = ARCHITECTURE else {
        return Err(ConfineError::Machine);
    };
    install(&program(architecture, &allowed))
}

fn install(program: &[Instruction]) -> Result<(), ConfineError> {
    // SAFETY: only numbers.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } < 0 {
        return Err(ConfineError::Refused(io::Error::last_os_error()));
    }
    let length = u16::try_from(program.len()).unwrap_or(u16::MAX);
    let program = libc::sock_fprog {
        len: length,
        // `Instruction` has the layout of `sock_filter`; the kernel reads it only.
        filter: program.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    };
    let set = |flags: libc::c_ulong| {
        // SAFETY: the program lives as long as the call, and its length is told.
        unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::c_ulong::from(libc::SECCOMP_SET_MODE_FILTER),
                flags,
                &raw const program,
            )
        }
    };
    let all_threads = libc::SECCOMP_FILTER_FLAG_TSYNC;
    // Linux before 4.14 knows no log.
    let done = match set(all_threads | libc::SECCOMP_FILTER_FLAG_LOG) {
        -1 if io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL) => set(all_threads),
        done => done,
    };
    match done {
        0 => Ok(()),
        -1 => Err(ConfineError::Refused(io::Error::last_os_error())),
        thread => Err(ConfineError::Thread(thread)),
    }
}

// --- The program, in the terms of `linux/bpf_common.h`.

const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const IF_ANY_BIT: u16 = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

const fn step(code: u16, k: u32) -> Instruction {
    Instruction {
        code,
        jump_true: 0,
        jump_false: 0,
        k,
    }
}

const fn refuse(errno: i32) -> Instruction {
    // Numbers of errors are small and positive.
    step(RETURN, libc::SECCOMP_RET_ERRNO | errno.unsigned_abs())
}

/// One block for each call, so that no jump is longer than its block. The kernel remembers which calls pass whatever their
/// arguments (since Linux 5.11), and asks for these no more.
fn program(architecture: u32, allowed: &[&[Call]]) -> Vec<Instruction> {
    let load = |offset: usize| step(LOAD, u32::try_from(offset).unwrap_or(u32::MAX));
    let allow = step(RETURN, libc::SECCOMP_RET_ALLOW);
    let mut program = vec![
        load(offset_of!(libc::seccomp_data, arch)),
        Instruction {
            jump_true: 1,
            ..step(IF_EQUAL, architecture)
        },
        refuse(libc::ENOSYS),
        load(offset_of!(libc::seccomp_data, nr)),
    ];
    for call in allowed.iter().copied().flatten() {
        let block = match call.only {
            Only::Any => vec![allow],
            Only::Value { argument, values } => {
                let mut block = vec![load(low_half(argument))];
                for value in values {
                    block.push(Instruction {
                        jump_false: 1,
                        ..step(IF_EQUAL, *value)
                    });
                    block.push(allow);
                }
                block.push(refuse(libc::EPERM));
                block
            }
            Only::Bit { argument, bit } => vec![
                load(low_half(argument)),
                Instruction {
                    jump_false: 1,
                    ..step(IF_ANY_BIT, bit)
                },
                allow,
                refuse(libc::EPERM),
            ],
        };
        let behind = u8::try_from(block.len()).unwrap_or(u8::MAX);
        // Numbers of calls are not negative.
        let number = u32::try_from(call.number).unwrap_or(u32::MAX);
        program.push(Instruction {
            jump_false: behind,
            ..step(IF_EQUAL, number)
        });
        program.extend(block);
    }
    program.push(refuse(libc::ENOSYS));
    program
}

/// Where the half of an argument is that holds what fits into 32 bits. Both kinds of machines put it first.
const fn low_half(argument: usize) -> usize {
    offset_of!(libc::seccomp_data, args) + argument * size_of::<u64>()
}

#[cfg(test)]
mod tests;
