//! Images as a container runtime reads them, and lists of materials as a scanner does.

#![allow(clippy::unwrap_used, reason = "tests")]

mod archives;
mod materials;
