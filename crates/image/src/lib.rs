//! Writes container images without a container engine: the same bytes from the same files, whoever runs it.
//!
//! An image is one layer: a static program, whom it runs as, and the list of what it is made of. The archive is an OCI
//! image layout (OCI Image Format Specification, "Image Layout") that `docker load` takes too.

mod archive;
mod bom;
mod capability;
mod digest;
mod layer;
mod reference;

pub use archive::{Image, Platform, write};
pub use bom::{Bom, BomError, Part};
pub use capability::{Capability, CapabilityError};
pub use digest::sha256;
pub use layer::{File, Layer};
pub use reference::{Reference, ReferenceError};

/// The user and the group that programs of images run as, of nobody's files: not root.
pub const USER: u32 = 65532;
