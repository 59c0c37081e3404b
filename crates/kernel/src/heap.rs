//! How the C library's allocator treats memory that is free (glibc: mallopt(3), `malloc_trim(3)`). Elsewhere nothing happens.
#![allow(
    unsafe_code,
    reason = "there is no safe interface to the allocator's settings; each block says why it is sound"
)]

/// Larger pieces are mapped one by one, and go back to the system when they are freed. The allocator begins so, but raises
/// the bound to the largest piece that was ever freed, up to 32 MiB; saying it fixes it.
#[cfg(target_env = "gnu")]
const MAPPED_FROM: libc::c_int = 128 << 10;

/// From now on all threads share one pool, and what is freed goes back to the system: for a process that allocates little
/// on its hot way, and shall be small. Before there is a second thread.
pub fn be_frugal() {
    #[cfg(target_env = "gnu")]
    // SAFETY: only numbers; the settings may be changed at any time.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM);
        libc::mallopt(libc::M_TRIM_THRESHOLD, MAPPED_FROM);
    }
}

/// Gives back what is free, holes between what is in use included. It takes a millisecond for some 10 MB.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: only a number; it may be called at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}
