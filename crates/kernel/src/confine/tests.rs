use std::collections::HashSet;

use super::calls::ALLOWED;
use super::*;

const HERE: u32 = 7;

/// What the program says to a call.
fn verdict(program: &[Instruction], architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let mut data = Vec::new();
    data.extend(number.to_ne_bytes());
    data.extend(architecture.to_ne_bytes());
    data.extend(0_u64.to_ne_bytes());
    data.extend(arguments.iter().flat_map(|argument| argument.to_ne_bytes()));
    let (mut at, mut loaded) = (0, 0);
    loop {
        let Instruction {
            code,
            jump_true,
            jump_false,
            k,
        } = program[at];
        let jump = |holds: bool| usize::from(if holds { jump_true } else { jump_false });
        at += 1 + match code {
            LOAD => {
                let place = k as usize;
                loaded = u32::from_ne_bytes(data[place..place + 4].try_into().unwrap());
                0
            }
            IF_EQUAL => jump(loaded == k),
            IF_ANY_BIT => jump(loaded & k != 0),
            RETURN => return k,
            other => panic!("instruction {other:#x}"),
        };
    }
}

fn errno(number: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | number.unsigned_abs()
}

#[test]
fn only_what_is_on_the_list_is_allowed() {
    let program = program(HERE, &ALLOWED);
    let all: Vec<u32> = ALLOWED
        .iter()
        .copied()
        .flatten()
        .map(|call| call.number.try_into().unwrap())
        .collect();
    let distinct: HashSet<u32> = all.iter().copied().collect();
    assert_eq!(distinct.len(), all.len(), "one is there twice");
    for number in 0..1_000 {
        let allowed = verdict(&program, HERE, number, [0; 6]) == libc::SECCOMP_RET_ALLOW;
        let has_condition = [
            libc::SYS_clone,
            libc::SYS_socket,
            libc::SYS_socketpair,
            libc::SYS_ioctl,
        ]
        .contains(&number.into());
        assert_eq!(
            allowed,
            distinct.contains(&number) && !has_condition,
            "call {number}"
        );
        // Of another kind of machine, or with the bit of the x32 calls.
        assert_eq!(
            verdict(&program, HERE + 1, number, [0; 6]),
            errno(libc::ENOSYS)
        );
        assert_eq!(
            verdict(&program, HERE, number | 0x4000_0000, [0; 6]),
            errno(libc::ENOSYS)
        );
    }
    for forbidden in [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_clone3,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_mount,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_kill,
        libc::SYS_process_vm_readv,
        libc::SYS_io_uring_setup,
        libc::SYS_init_module,
        libc::SYS_fchmodat,
    ] {
        let number = u32::try_from(forbidden).unwrap();
        assert_eq!(verdict(&program, HERE, number, [0; 6]), errno(libc::ENOSYS));
    }
}

#[test]
fn arguments_decide_where_the_call_alone_does_not() {
    let program = program(HERE, &ALLOWED);
    let verdict = |call: libc::c_long, arguments: [i32; 2]| {
        let [first, second] = arguments.map(|argument| u64::from(argument.unsigned_abs()));
        verdict(
            &program,
            HERE,
            call.try_into().unwrap(),
            [first, second, 0, 0, 0, 0],
        )
    };
    let allow = libc::SECCOMP_RET_ALLOW;
    for family in [
        libc::AF_INET,
        libc::AF_INET6,
        libc::AF_UNIX,
        libc::AF_NETLINK,
    ] {
        assert_eq!(verdict(libc::SYS_socket, [family, 0]), allow);
    }
    for family in [
        libc::AF_PACKET,
        libc::AF_VSOCK,
        libc::AF_ALG,
        libc::AF_BLUETOOTH,
        0,
    ] {
        assert_eq!(verdict(libc::SYS_socket, [family, 0]), errno(libc::EPERM));
    }
    let thread = libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND;
    assert_eq!(verdict(libc::SYS_clone, [thread, 0]), allow);
    assert_eq!(
        verdict(libc::SYS_clone, [libc::SIGCHLD, 0]),
        errno(libc::EPERM)
    );
    assert_eq!(
        verdict(libc::SYS_ioctl, [3, libc::FIONBIO.try_into().unwrap()]),
        allow
    );
    assert_eq!(
        verdict(libc::SYS_ioctl, [0, libc::TIOCSTI.try_into().unwrap()]),
        errno(libc::EPERM)
    );
}

#[test]
fn more_is_allowed_where_a_source_needs_it() {
    let allowed = [ALLOWED[0], ALLOWED[1], NAMESPACES];
    let number = u32::try_from(libc::SYS_setns).unwrap();
    assert_eq!(
        verdict(&program(HERE, &allowed), HERE, number, [0; 6]),
        libc::SECCOMP_RET_ALLOW
    );
}
