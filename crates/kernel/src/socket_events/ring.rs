//! Loading the program, and the memory that is shared with it (kernel: `Documentation/bpf/ringbuf.rst`).
#![allow(
    unsafe_code,
    reason = "there is no safe interface to bpf(2) and its maps; each block says why it is sound"
)]
#![allow(
    clippy::cast_possible_truncation,
    reason = "constants of the kernel's headers, and sizes of small structures"
)]

use std::fs::File;
use std::io::{self, Read};
use std::mem::size_of;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::event::{BadRecord, RECORD, SocketEvent, event};
use super::program::{COUNTS, Count, Instruction, LICENSE, Maps, Offsets, program};
use crate::btf::{Btf, BtfError, MAX_BYTES};

/// Room for records between two looks: 700 of them, 7 000 connections a second where it is looked at ten times. A power of
/// two, and whole pages of any size.
const RING: usize = 256 << 10;

/// Connections that wait for their outcome: those to servers that do not answer are there for two minutes. 1.6 MB of the
/// kernel's memory.
const MAX_REMEMBERED: u32 = 4_096;

/// The kernel's description of its types.
const TYPES: &str = "/sys/kernel/btf/vmlinux";

/// The name of the tracepoint, and of the program.
const TRACEPOINT: &std::ffi::CStr = c"inet_sock_set_state";

/// Why there are no events.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The kernel tells nothing of its types.
    #[error("{TYPES} cannot be read: {0}")]
    Types(#[source] io::Error),
    /// The kernel's types are others than this program knows.
    #[error(transparent)]
    Offsets(#[from] BtfError),
    /// The kernel refuses something.
    #[error("the kernel refuses {what}: {cause}")]
    Refused {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// What the program has counted. Begun is told, lost, and still to be decided; unknown ones are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Connections that were opened.
    pub begun: u64,
    /// Connections that were opened and found no room to be remembered.
    pub forgotten: u64,
    /// Connections that were decided and not remembered: those forgotten, and those opened before.
    pub unknown: u64,
    /// Connections whose outcome was told.
    pub told: u64,
    /// Connections whose outcome found the ring full.
    pub lost: u64,
    /// Connections that were accepted, and told.
    pub accepted: u64,
    /// Connections that were accepted, and found the ring full.
    pub accepted_lost: u64,
}

/// Events of the tracepoint, while this lives.
#[derive(Debug)]
pub struct SocketEvents {
    /// Closing it takes the program out of the kernel, and the maps with it.
    _program: OwnedFd,
    /// The place up to which was read: one page, which only this side writes.
    read: Memory,
    /// The place up to which was written: one page; then the records, twice in a row, so that none has an end and a start.
    written: Memory,
    counts: Memory,
    page: usize,
}

impl SocketEvents {
    /// Loads the program and starts it.
    pub fn open() -> Result<Self, EventsError> {
        let mut types = Vec::new();
        let file = File::open(TYPES).map_err(EventsError::Types)?;
        file.take(MAX_BYTES)
            .read_to_end(&mut types)
            .map_err(EventsError::Types)?;
        let offsets = Offsets::of(&Btf::parse(&types)?)?;
        drop(types);

        let refused = |what| move |cause| EventsError::Refused { what, cause };
        let record = u32::from(RECORD.unsigned_abs());
        let remembered =
            map(HASH, 8, record, MAX_REMEMBERED, 0).map_err(refused("a table of connections"))?;
        let ring = map(RINGBUF, 0, 0, RING as u32, 0).map_err(refused("a ring"))?;
        let counts = map(ARRAY, 4, 8 * COUNTS as u32, 1, MMAPABLE).map_err(refused("counters"))?;
        let maps = Maps {
            remembered: remembered.as_raw_fd(),
            ring: ring.as_raw_fd(),
            counts: counts.as_raw_fd(),
        };
        let loaded = load(&program(&offsets, maps)).map_err(refused("the program"))?;
        // SAFETY: it only asks for a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let page = usize::try_from(page).unwrap_or(4_096);
        let memory = refused("shared memory");
        Ok(Self {
            read: Memory::map(&ring, page, 0, true).map_err(memory)?,
            written: Memory::map(&ring, page + 2 * RING, page, false).map_err(memory)?,
            counts: Memory::map(&counts, page, 0, false).map_err(memory)?,
            page,
            _program: attach(&loaded).map_err(refused("the tracepoint"))?,
        })
    }

    /// Hands over what has come since the last time, at most what the ring holds.
    pub fn read(&mut self, mut each: impl FnMut(Result<SocketEvent, BadRecord>)) {
        const BUSY: u32 = 1 << 31;
        const DISCARDED: u32 = 1 << 30;
        const HEADER: usize = 8;
        let written = self.written.number(0).load(Ordering::Acquire);
        let mut read = self.read.number(0).load(Ordering::Relaxed);
        while read < written {
            let place = self.page + (read as usize & (RING - 1));
            let head = self.written.word(place).load(Ordering::Acquire);
            if head & BUSY != 0 {
                break;
            }
            let length = (head & !(BUSY | DISCARDED)) as usize;
            // The kernel wrote no longer one than this; if it had, nothing behind could be found.
            if length > RING - HEADER {
                each(Err(BadRecord));
                read = written;
                break;
            }
            if head & DISCARDED == 0 {
                each(event(self.written.bytes(place + HEADER, length)));
            }
            read += (HEADER + length).next_multiple_of(8) as u64;
        }
        self.read.number(0).store(read, Ordering::Release);
    }

    /// What the program has counted.
    pub fn counts(&self) -> EventCounts {
        let count = |count| {
            let number = self.counts.number(8 * count as usize);
            number.load(Ordering::Relaxed)
        };
        EventCounts {
            begun: count(Count::Begun),
            forgotten: count(Count::Forgotten),
            unknown: count(Count::Unknown),
            told: count(Count::Told),
            lost: count(Count::Lost),
            accepted: count(Count::Accepted),
            accepted_lost: count(Count::AcceptedLost),
        }
    }
}

/// Memory that is shared with the kernel.
#[derive(Debug)]
struct Memory {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory belongs to this value alone, and is not tied to a thread.
unsafe impl Send for Memory {}

impl Memory {
    fn map(of: &OwnedFd, length: usize, offset: usize, may_write: bool) -> io::Result<Self> {
        let access = if may_write { libc::PROT_WRITE } else { 0 };
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | access,
                libc::MAP_SHARED,
                of.as_raw_fd(),
                offset.try_into().map_err(|_| io::ErrorKind::InvalidInput)?,
            )
        };
        NonNull::new(start.cast::<u8>())
            .filter(|_| start != libc::MAP_FAILED)
            .map(|start| Self { start, length })
            .ok_or_else(io::Error::last_os_error)
    }

    /// The address of something this long, or of the start where it would lie outside.
    fn at(&self, place: usize, length: usize) -> NonNull<u8> {
        let is_inside = place
            .checked_add(length)
            .is_some_and(|end| end <= self.length);
        debug_assert!(is_inside);
        // SAFETY: the place lies within the mapping.
        unsafe { self.start.add(if is_inside { place } else { 0 }) }
    }

    /// Places are multiples of eight.
    fn number(&self, place: usize) -> &AtomicU64 {
        // SAFETY: the number lies within the mapping, is aligned as its start is, lives as long, and is only touched as an
        // atomic.
        unsafe { AtomicU64::from_ptr(self.at(place, 8).cast().as_ptr()) }
    }

    /// Places are multiples of eight.
    fn word(&self, place: usize) -> &AtomicU32 {
        // SAFETY: as above.
        unsafe { AtomicU32::from_ptr(self.at(place, 4).cast().as_ptr()) }
    }

    /// Bytes of a record, which the kernel writes no more until the place up to which was read is moved.
    fn bytes(&self, place: usize, length: usize) -> &[u8] {
        let length = length.min(self.length);
        // SAFETY: they lie within the mapping.
        unsafe { std::slice::from_raw_parts(self.at(place, length).as_ptr(), length) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping that was made, to which no reference is left.
        unsafe {
            libc::munmap(self.start.as_ptr().cast(), self.length);
        }
    }
}

const HASH: u32 = 1;
const ARRAY: u32 = 2;
const RINGBUF: u32 = 27;

/// `BPF_F_MMAPABLE`.
const MMAPABLE: u32 = 1 << 10;

/// Parts of `union bpf_attr` (kernel: `include/uapi/linux/bpf.h`).
#[repr(C)]
struct MapCreate {
    kind: u32,
    key: u32,
    value: u32,
    entries: u32,
    flags: u32,
}

#[repr(C)]
struct ProgramLoad {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
}

#[repr(C)]
struct TracepointOpen {
    name: u64,
    program: u32,
    padding: u32,
}

fn map(kind: u32, key: u32, value: u32, entries: u32, flags: u32) -> io::Result<OwnedFd> {
    const MAP_CREATE: libc::c_int = 0;
    let attributes = MapCreate {
        kind,
        key,
        value,
        entries,
        flags,
    };
    bpf(MAP_CREATE, &attributes)
}

fn load(program: &[Instruction]) -> io::Result<OwnedFd> {
    const PROG_LOAD: libc::c_int = 5;
    const RAW_TRACEPOINT: u32 = 17;
    let attributes = ProgramLoad {
        kind: RAW_TRACEPOINT,
        count: program.len() as u32,
        instructions: address(program.as_ptr()),
        license: address(LICENSE.as_ptr()),
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
        name: *b"portolan_socket\0",
    };
    bpf(PROG_LOAD, &attributes)
}

fn attach(program: &OwnedFd) -> io::Result<OwnedFd> {
    const RAW_TRACEPOINT_OPEN: libc::c_int = 17;
    let attributes = TracepointOpen {
        name: address(TRACEPOINT.as_ptr()),
        program: program.as_raw_fd().cast_unsigned(),
        padding: 0,
    };
    bpf(RAW_TRACEPOINT_OPEN, &attributes)
}

fn address<T>(pointer: *const T) -> u64 {
    pointer.expose_provenance() as u64
}

/// Makes something that has a descriptor. What `attributes` points to must live and have the length that it says.
fn bpf<T>(command: libc::c_int, attributes: &T) -> io::Result<OwnedFd> {
    let length = size_of::<T>();
    let pointer = std::ptr::from_ref(attributes);
    // SAFETY: the kernel reads the attributes and what they point to, all of which outlives the call; each of the three
    // commands only makes a descriptor.
    let made = unsafe { libc::syscall(libc::SYS_bpf, command, pointer, length) };
    match i32::try_from(made) {
        // SAFETY: the descriptor was just made, and nobody else knows it.
        Ok(made @ 0..) => Ok(unsafe { OwnedFd::from_raw_fd(made) }),
        _ => Err(io::Error::last_os_error()),
    }
}
