// SPDX-License-Identifier: MIT OR GPL-2.0-only
// The instructions that this file makes run in the kernel, which lends most of its functions to programs under such a
// licence alone. See LICENSE beside this file; the rest of Portolan stays under its own.

//! The program that runs in the kernel at each change of a socket's state (`bpf(2)`; kernel: `Documentation/bpf`).
//!
//! It is assembled here, for the kernel that runs: where members of structures are, the kernel says itself ([`Btf`]). In
//! short:
//!
//! ```text
//! TCP only
//! to SYN-SENT:              remember[socket] = control groups of the process
//! from SYN-SENT:            remember[socket] + addresses, outcome, sequence number ─► ring; forget it
//! SYN-RECEIVED to ESTABLISHED:          addresses, sequence number of the client ─► ring
//! ```
//!
//! A connection begins in its process, without a port yet, and is decided when a packet comes, wherever that is handled:
//! so the two halves are brought together by the socket.

use super::event::{ESTABLISHED, GROUPS, NAME, RECORD, SHORT, SYN_RECEIVED, SYN_SENT, at};
use crate::btf::{Btf, BtfError};

/// What a program must declare to use the kernel's functions (kernel: `include/linux/license.h`).
pub(super) const LICENSE: &std::ffi::CStr = c"Dual MIT/GPL";

/// One instruction (kernel: `include/uapi/linux/bpf.h`, `struct bpf_insn`).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    code: u8,
    /// Destination, and source.
    registers: u8,
    offset: i16,
    immediate: i32,
}

/// What the program counts, each a number of 64 bits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Count {
    /// Connections that were begun and remembered.
    Begun,
    /// Connections that found no room to be remembered.
    Forgotten,
    /// Connections that were decided, and not remembered: begun before the program, or without room.
    Unknown,
    /// Connections that were decided and told.
    Told,
    /// Connections that were decided, and found the ring full.
    Lost,
    /// Connections that were accepted by a listener and told.
    Accepted,
    /// The same, and found the ring full.
    AcceptedLost,
}

/// How many there are.
pub(super) const COUNTS: usize = 7;

/// The kernel's functions that are used.
#[derive(Clone, Copy, Debug)]
enum Function {
    MapLookup = 1,
    MapUpdate = 2,
    MapDelete = 3,
    CurrentTask = 35,
    ProbeReadKernel = 113,
    ProbeReadKernelStr = 115,
    BootTime = 125,
    RingOutput = 130,
}

/// Maps of the program, by their descriptors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maps {
    pub(super) remembered: i32,
    pub(super) ring: i32,
    pub(super) counts: i32,
}

/// Where members of the kernel's structures are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offsets {
    family: i32,
    local4: i32,
    remote4: i32,
    local6: i32,
    remote6: i32,
    remote_port: i32,
    network: i32,
    protocol: i32,
    error: i32,
    local_port: i32,
    unacknowledged: i32,
    acknowledged: i32,
    received: i32,
    inode: i32,
    groups_of_task: i32,
    state_of_groups: i32,
    group_of_state: i32,
    node_of_group: i32,
    name_of_node: i32,
    parent_of_node: i32,
}

impl Offsets {
    /// As the kernel that runs has them.
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self, BtfError> {
        let offset = |of, name| {
            btf.offset(of, name)
                .and_then(|offset| signed(offset, of, name))
        };
        let common = |name| offset("sock_common", name);
        let ns = offset("net", "ns")?;
        // Pods have a group of this kind in version 1 and 2 of control groups alike.
        let pids = btf.value("cgroup_subsys_id", "pids_cgrp_id")?;
        let pids = signed(pids, "cgroup_subsys_id", "pids_cgrp_id")?;
        let parent = offset("kernfs_node", "__parent").or_else(|_| offset("kernfs_node", "parent"));
        Ok(Self {
            family: common("skc_family")?,
            local4: common("skc_rcv_saddr")?,
            remote4: common("skc_daddr")?,
            local6: common("skc_v6_rcv_saddr")?,
            remote6: common("skc_v6_daddr")?,
            remote_port: common("skc_dport")?,
            // A structure of one pointer.
            network: common("skc_net")?,
            protocol: offset("sock", "sk_protocol")?,
            error: offset("sock", "sk_err")?,
            // The port of `sock_common` is gone when a connection is given up.
            local_port: offset("inet_sock", "inet_sport")?,
            unacknowledged: offset("tcp_sock", "snd_una")?,
            acknowledged: offset("tcp_sock", "bytes_acked")?,
            received: offset("tcp_sock", "rcv_nxt")?,
            inode: ns + offset("ns_common", "inum")?,
            groups_of_task: offset("task_struct", "cgroups")?,
            state_of_groups: offset("css_set", "subsys")? + 8 * pids,
            group_of_state: offset("cgroup_subsys_state", "cgroup")?,
            node_of_group: offset("cgroup", "kn")?,
            name_of_node: offset("kernfs_node", "name")?,
            parent_of_node: parent?,
        })
    }
}

fn signed(offset: u32, of: &'static str, name: &'static str) -> Result<i32, BtfError> {
    i32::try_from(offset).map_err(|_| BtfError::Missing { of, name })
}

// Registers: functions take R1 to R5, return in R0, and keep R6 to R9. R10 is the end of the stack.
const R0: u8 = 0;
const R1: u8 = 1;
const R2: u8 = 2;
const R3: u8 = 3;
const R4: u8 = 4;
const SOCKET: u8 = 6;
const OLD: u8 = 7;
/// Once the old state is known, a pointer.
const POINTER: u8 = 7;
const NEW: u8 = 8;
/// The record that is written, wherever it is.
const INTO: u8 = 9;
const STACK: u8 = 10;

/// The socket as the key of a map, at the end of the stack; a scratch before.
const KEY: i16 = -8;

/// A record on the stack, below the key.
const ON_STACK: i16 = KEY - RECORD;

/// A place for a pointer, where no record is on the stack.
const SCRATCH: i16 = -16;

const IPPROTO_TCP: i32 = 6;
const AF_INET: i32 = 2;

/// `BPF_RB_NO_WAKEUP`: nobody sleeps at the ring, it is looked at often.
const NO_WAKEUP: i32 = 1;

#[derive(Debug, Default)]
struct Assembler {
    instructions: Vec<Instruction>,
    /// Jumps to the end of the program.
    to_end: Vec<usize>,
}

/// The program.
pub(super) fn program(offsets: &Offsets, maps: Maps) -> Vec<Instruction> {
    let mut a = Assembler::default();
    // Arguments of the tracepoint: socket, old state, new state.
    a.load64(SOCKET, R1, 0);
    a.load64(OLD, R1, 8);
    a.load64(NEW, R1, 16);
    a.set(R1, 0);
    a.store64(STACK, KEY, R1);
    a.probe_read(STACK, KEY, 2, SOCKET, offsets.protocol);
    a.load16(R1, STACK, KEY);
    a.end_unless(R1, IPPROTO_TCP);
    let begun = a.jump_if(NEW, SYN_SENT);
    let decided = a.jump_if(OLD, SYN_SENT);
    a.end_unless(OLD, SYN_RECEIVED);
    a.end_unless(NEW, ESTABLISHED);
    accepted(&mut a, offsets, maps);
    a.land(begun);
    begin(&mut a, offsets, maps);
    a.land(decided);
    decide(&mut a, offsets, maps);
    a.finish()
}

/// A process opens a connection: whose it is.
fn begin(a: &mut Assembler, offsets: &Offsets, maps: Maps) {
    a.clear_stack(ON_STACK, RECORD);
    a.call(Function::CurrentTask);
    a.copy(INTO, R0);
    for offset in [
        offsets.groups_of_task,
        offsets.state_of_groups,
        offsets.group_of_state,
        offsets.node_of_group,
    ] {
        a.follow(INTO, offset, KEY);
    }
    for level in 0..GROUPS {
        if level > 0 {
            a.follow(INTO, offsets.parent_of_node, KEY);
        }
        a.copy(POINTER, INTO);
        a.follow(POINTER, offsets.name_of_node, KEY);
        a.pointer(R1, STACK, ON_STACK + at::GROUPS + level * NAME);
        a.set(R2, i32::from(NAME));
        a.copy(R3, POINTER);
        a.call(Function::ProbeReadKernelStr);
    }
    a.store64(STACK, KEY, SOCKET);
    a.map(R1, maps.remembered);
    a.pointer(R2, STACK, KEY);
    a.pointer(R3, STACK, ON_STACK);
    a.set(R4, 0);
    a.call(Function::MapUpdate);
    a.count(maps, Count::Begun, Count::Forgotten);
}

/// A connection is accepted, refused or given up, whoever runs now.
fn decide(a: &mut Assembler, offsets: &Offsets, maps: Maps) {
    a.store64(STACK, KEY, SOCKET);
    a.map(R1, maps.remembered);
    a.pointer(R2, STACK, KEY);
    a.call(Function::MapLookup);
    let known = a.jump_unless(R0, 0);
    a.add_one(maps, Count::Unknown);
    a.end();
    a.land(known);
    a.copy(INTO, R0);
    describe(a, offsets);
    a.probe_read(INTO, at::SEQUENCE, 4, SOCKET, offsets.unacknowledged);
    a.probe_read(INTO, at::ACKNOWLEDGED, 8, SOCKET, offsets.acknowledged);
    a.probe_read(INTO, at::ERROR, 4, SOCKET, offsets.error);
    a.tell(maps, RECORD);
    a.copy(POINTER, R0);
    a.map(R1, maps.remembered);
    a.pointer(R2, STACK, KEY);
    a.call(Function::MapDelete);
    a.copy(R0, POINTER);
    a.count(maps, Count::Told, Count::Lost);
}

/// A listener has accepted a connection.
fn accepted(a: &mut Assembler, offsets: &Offsets, maps: Maps) {
    a.clear_stack(ON_STACK, SHORT);
    a.pointer(INTO, STACK, ON_STACK);
    describe(a, offsets);
    a.probe_read(INTO, at::SEQUENCE, 4, SOCKET, offsets.received);
    // Of the client's bytes its SYN.
    a.set(R1, 1);
    a.store64(INTO, at::ACKNOWLEDGED, R1);
    a.tell(maps, SHORT);
    a.count(maps, Count::Accepted, Count::AcceptedLost);
}

/// When, where, between whom, and the states.
fn describe(a: &mut Assembler, offsets: &Offsets) {
    a.store8(INTO, at::NEW_STATE, NEW);
    a.store8(INTO, at::OLD_STATE, OLD);
    a.call(Function::BootTime);
    a.store64(INTO, at::TIME, R0);
    a.probe_read(INTO, at::FAMILY, 2, SOCKET, offsets.family);
    a.probe_read(INTO, at::LOCAL_PORT, 2, SOCKET, offsets.local_port);
    a.probe_read(INTO, at::REMOTE_PORT, 2, SOCKET, offsets.remote_port);
    a.copy(POINTER, SOCKET);
    a.follow(POINTER, offsets.network, SCRATCH);
    a.probe_read(INTO, at::NAMESPACE, 4, POINTER, offsets.inode);
    a.load16(R1, INTO, at::FAMILY);
    let is_v4 = a.jump_if(R1, AF_INET);
    a.probe_read(INTO, at::LOCAL, 16, SOCKET, offsets.local6);
    a.probe_read(INTO, at::REMOTE, 16, SOCKET, offsets.remote6);
    let done = a.jump();
    a.land(is_v4);
    a.probe_read(INTO, at::LOCAL, 4, SOCKET, offsets.local4);
    a.probe_read(INTO, at::REMOTE, 4, SOCKET, offsets.remote4);
    a.land(done);
}

impl Assembler {
    fn push(&mut self, code: u8, destination: u8, source: u8, offset: i16, immediate: i32) {
        self.instructions.push(Instruction {
            code,
            registers: registers(destination, source),
            offset,
            immediate,
        });
    }

    fn set(&mut self, register: u8, value: i32) {
        self.push(0xb7, register, 0, 0, value);
    }

    fn copy(&mut self, into: u8, from: u8) {
        self.push(0xbf, into, from, 0, 0);
    }

    fn add(&mut self, register: u8, value: i32) {
        self.push(0x07, register, 0, 0, value);
    }

    /// The address of a place.
    fn pointer(&mut self, into: u8, base: u8, place: i16) {
        self.copy(into, base);
        self.add(into, place.into());
    }

    fn load16(&mut self, into: u8, base: u8, place: i16) {
        self.push(0x69, into, base, place, 0);
    }

    fn load64(&mut self, into: u8, base: u8, place: i16) {
        self.push(0x79, into, base, place, 0);
    }

    fn store8(&mut self, base: u8, place: i16, from: u8) {
        self.push(0x73, base, from, place, 0);
    }

    fn store64(&mut self, base: u8, place: i16, from: u8) {
        self.push(0x7b, base, from, place, 0);
    }

    /// The verifier wants all that is read to be written before.
    fn clear_stack(&mut self, place: i16, length: i16) {
        self.set(R1, 0);
        for word in 0..length / 8 {
            self.store64(STACK, place + 8 * word, R1);
        }
    }

    fn call(&mut self, function: Function) {
        self.push(0x85, 0, 0, 0, function as i32);
    }

    /// Reads memory of the kernel; zeros where there is none.
    fn probe_read(&mut self, base: u8, place: i16, length: i32, from: u8, offset: i32) {
        self.pointer(R1, base, place);
        self.set(R2, length);
        self.copy(R3, from);
        self.add(R3, offset);
        self.call(Function::ProbeReadKernel);
    }

    /// Goes from a structure to the one that its member points to.
    fn follow(&mut self, pointer: u8, offset: i32, scratch: i16) {
        self.probe_read(STACK, scratch, 8, pointer, offset);
        self.load64(pointer, STACK, scratch);
    }

    /// Takes two instructions.
    fn map(&mut self, into: u8, descriptor: i32) {
        const MAP: u8 = 1;
        self.push(0x18, into, MAP, 0, descriptor);
        self.push(0, 0, 0, 0, 0);
    }

    /// Writes the record into the ring; R0 is zero if there was room.
    fn tell(&mut self, maps: Maps, length: i16) {
        self.map(R1, maps.ring);
        self.copy(R2, INTO);
        self.set(R3, length.into());
        self.set(R4, NO_WAKEUP);
        self.call(Function::RingOutput);
    }

    /// Counts by whether R0 is zero, and ends.
    fn count(&mut self, maps: Maps, zero: Count, other: Count) {
        let is_zero = self.jump_if(R0, 0);
        self.add_one(maps, other);
        self.end();
        self.land(is_zero);
        self.add_one(maps, zero);
        self.end();
    }

    fn add_one(&mut self, maps: Maps, count: Count) {
        const VALUE_OF_MAP: u8 = 2;
        const ADD: i32 = 0;
        self.push(0x18, R1, VALUE_OF_MAP, 0, maps.counts);
        self.push(0, 0, 0, 0, 8 * count as i32);
        self.set(R2, 1);
        self.push(0xdb, R1, R2, 0, ADD);
    }

    fn jump(&mut self) -> usize {
        self.push(0x05, 0, 0, 0, 0);
        self.instructions.len()
    }

    fn jump_if(&mut self, register: u8, value: i32) -> usize {
        self.push(0x15, register, 0, 0, value);
        self.instructions.len()
    }

    fn jump_unless(&mut self, register: u8, value: i32) -> usize {
        self.push(0x55, register, 0, 0, value);
        self.instructions.len()
    }

    fn end_unless(&mut self, register: u8, value: i32) {
        let jump = self.jump_unless(register, value);
        self.to_end.push(jump);
    }

    fn end(&mut self) {
        let jump = self.jump();
        self.to_end.push(jump);
    }

    /// Lets a jump lead here.
    fn land(&mut self, jump: usize) {
        let here = self.instructions.len();
        let from = jump.checked_sub(1);
        if let Some(instruction) = from.and_then(|place| self.instructions.get_mut(place)) {
            // The whole program has some hundreds of instructions.
            instruction.offset = i16::try_from(here - jump).unwrap_or(i16::MAX);
        }
    }

    fn finish(mut self) -> Vec<Instruction> {
        for jump in std::mem::take(&mut self.to_end) {
            self.land(jump);
        }
        self.set(R0, 0);
        self.push(0x95, 0, 0, 0, 0);
        self.instructions
    }
}

#[cfg(target_endian = "little")]
const fn registers(destination: u8, source: u8) -> u8 {
    source << 4 | destination
}

#[cfg(target_endian = "big")]
const fn registers(destination: u8, source: u8) -> u8 {
    destination << 4 | source
}
