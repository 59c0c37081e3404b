//! Live packets: a packet socket on all interfaces (`packet(7)`), whose ring (kernel:
//! `Documentation/networking/packet_mmap.rst`, `TPACKET_V3`) the kernel fills block by block.
//!
//! The only module with `unsafe` for packets. What is in a block is read by [`Frames`], which is safe.
#![allow(
    unsafe_code,
    reason = "there is no safe interface to a packet socket's ring; each block says why it is sound"
)]
#![allow(
    clippy::cast_possible_truncation,
    reason = "constants of the kernel's headers, sizes of small structures, and a ring of less than 4 GiB"
)]

mod block;

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub use block::{Direction, Frame, Frames};

use crate::filter;

/// Bytes of a block. It must hold the longest packet that the filter passes, and a page; a small one comes sooner.
const BLOCK_BYTES: usize = 128 << 10;

/// How long the kernel keeps a block that is not full.
const RETIRE: Duration = Duration::from_millis(10);

/// Within this time a packet can be read: the kernel's timer runs in ticks, of up to 10 ms.
pub const READABLE_WITHIN: Duration = RETIRE.saturating_mul(2);

/// The smallest ring: one block to read, one to fill, and room for a short delay.
pub const MIN_BYTES: usize = 4 * BLOCK_BYTES;

/// The largest ring. It is memory that cannot be swapped out.
pub const MAX_BYTES: usize = 1 << 30;

/// Why there are no packets.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// The process may not open packet sockets.
    #[error("the kernel refuses a packet socket: {0}")]
    Socket(#[source] io::Error),
    /// The kernel does not take a setting.
    #[error("the kernel refuses {what} for a packet socket: {cause}")]
    Setting {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The ring cannot be mapped into memory.
    #[error("the ring of {bytes} bytes cannot be mapped into memory: {cause}")]
    Map {
        /// Its size.
        bytes: usize,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// A packet socket that captures nothing yet. Opening it is all that needs a right (`CAP_NET_RAW`).
#[derive(Debug)]
pub struct PacketSocket(OwnedFd);

/// What the kernel counted since it was asked last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingCounts {
    /// Packets that passed the filter, those lost included.
    pub packets: u32,
    /// Packets that found the ring full.
    pub lost: u32,
}

/// A ring that is being filled.
#[derive(Debug)]
pub struct Ring {
    socket: OwnedFd,
    memory: NonNull<u8>,
    blocks: usize,
    next: usize,
}

// SAFETY: the memory belongs to this value alone, and is not tied to a thread.
unsafe impl Send for Ring {}

impl PacketSocket {
    /// Opens one, with which nothing is captured before [`start`](Self::start).
    pub fn open() -> Result<Self, RingError> {
        // SAFETY: no memory is handed over; the result is checked.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(RingError::Socket(io::Error::last_os_error()));
        }
        // SAFETY: the descriptor was just made, and nobody else knows it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Captures on all interfaces, those that come later too, into a ring of about `bytes`.
    pub fn start(self, bytes: usize) -> Result<Ring, RingError> {
        let Self(socket) = self;
        let blocks = bytes.clamp(MIN_BYTES, MAX_BYTES) / BLOCK_BYTES;
        let setting = |what| move |cause| RingError::Setting { what, cause };
        let version = libc::tpacket_versions::TPACKET_V3 as libc::c_int;
        set(&socket, libc::SOL_PACKET, libc::PACKET_VERSION, &version)
            .map_err(setting("version 3 of the ring"))?;
        attach_filter(&socket).map_err(setting("a filter"))?;
        let layout = libc::tpacket_req3 {
            tp_block_size: BLOCK_BYTES as u32,
            tp_block_nr: blocks as u32,
            // Version 3 packs frames; these two only have to multiply to the size.
            tp_frame_size: BLOCK_BYTES as u32,
            tp_frame_nr: blocks as u32,
            tp_retire_blk_tov: RETIRE.as_millis() as u32,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        set(&socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &layout).map_err(setting("a ring"))?;
        let length = blocks * BLOCK_BYTES;
        // SAFETY: a new mapping at an address of the kernel's choice, of the length that was just set.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                socket.as_raw_fd(),
                0,
            )
        };
        let memory = NonNull::new(memory.cast::<u8>()).filter(|_| memory != libc::MAP_FAILED);
        let Some(memory) = memory else {
            return Err(RingError::Map {
                bytes: length,
                cause: io::Error::last_os_error(),
            });
        };
        let ring = Ring {
            socket,
            memory,
            blocks,
            next: 0,
        };
        bind(&ring.socket).map_err(setting("all interfaces"))?;
        Ok(ring)
    }
}

impl Ring {
    /// Waits until a block is full or its time is over, at most for `time`; whether there is one.
    pub fn wait(&self, time: Duration) -> io::Result<bool> {
        let mut poll = libc::pollfd {
            fd: self.socket.as_raw_fd(),
            events: libc::POLLIN | libc::POLLERR,
            revents: 0,
        };
        let time = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: one entry, which lives as long as the call.
        match unsafe { libc::poll(&raw mut poll, 1, time) } {
            0.. => {}
            _ => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
                error => return Err(error),
            },
        }
        if poll.revents & libc::POLLERR != 0 {
            return Err(self.error());
        }
        Ok(self.is_ours(self.next))
    }

    /// Hands the packets of the next block to `each`, if there is one, and gives it back to the kernel; whether there was.
    pub fn read(&mut self, each: impl FnMut(Frame<'_>)) -> bool {
        if !self.is_ours(self.next) {
            return false;
        }
        let start = self.block(self.next);
        // SAFETY: the block lies within the mapping, and its status says that the kernel writes to it no more until it is
        // given back below. The slice is gone by then.
        let bytes = unsafe { std::slice::from_raw_parts(start.as_ptr(), BLOCK_BYTES) };
        Frames::new(bytes).for_each(each);
        self.status(self.next)
            .store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next = (self.next + 1) % self.blocks;
        true
    }

    /// What the kernel counted since the last call.
    pub fn counts(&self) -> io::Result<RingCounts> {
        let mut counts = libc::tpacket_stats_v3 {
            tp_packets: 0,
            tp_drops: 0,
            tp_freeze_q_cnt: 0,
        };
        let mut length = size_of::<libc::tpacket_stats_v3>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `length` bytes into `counts`, which has as many.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut counts).cast(),
                &raw mut length,
            )
        };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(RingCounts {
            packets: counts.tp_packets,
            lost: counts.tp_drops,
        })
    }

    fn is_ours(&self, block: usize) -> bool {
        self.status(block).load(Ordering::Acquire) & libc::TP_STATUS_USER != 0
    }

    fn block(&self, number: usize) -> NonNull<u8> {
        // SAFETY: numbers are below `blocks`, so that the place lies within the mapping.
        unsafe { self.memory.add(number * BLOCK_BYTES) }
    }

    fn status(&self, block: usize) -> &AtomicU32 {
        // SAFETY: the word lies within the block, is aligned as the block is, lives as long as the mapping, and is only
        // touched as an atomic.
        unsafe { AtomicU32::from_ptr(self.block(block).add(block::STATUS).cast().as_ptr()) }
    }

    /// The error that waits at the socket.
    fn error(&self) -> io::Error {
        let mut error: libc::c_int = 0;
        let mut length = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `length` bytes into `error`, which has as many.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_ERROR,
                (&raw mut error).cast(),
                &raw mut length,
            )
        };
        if result < 0 {
            io::Error::last_os_error()
        } else {
            io::Error::from_raw_os_error(error)
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping of `start`, to which no reference is left.
        unsafe {
            libc::munmap(self.memory.as_ptr().cast(), self.blocks * BLOCK_BYTES);
        }
    }
}

fn attach_filter(socket: &OwnedFd) -> io::Result<()> {
    let mut program = filter::program();
    let length = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog {
        len: length,
        // `Instruction` has the layout of `sock_filter`; the kernel copies it.
        filter: program.as_mut_ptr().cast(),
    };
    set(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

fn bind(socket: &OwnedFd) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: (libc::ETH_P_ALL as u16).to_be(),
        sll_ifindex: 0,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    // SAFETY: the address is read only, and its length is told.
    let result = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Sets an option of the socket. `value` is of the type that the option has in the kernel's headers.
fn set<T>(socket: &OwnedFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: the value is read only, and its length is told.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
