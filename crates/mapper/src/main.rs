//! `portolan-mapper`: turns what sniffers and watchers report into the map.

use std::process::ExitCode;

/// Many small, long-lived allocations from several threads: it fragments less than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    mapper::main()
}
