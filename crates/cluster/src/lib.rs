//! The only crate that knows Kubernetes types: documents become slim objects, objects an index.
//!
//! ```text
//! kubectl get … -o json|yaml, watch events ─► document::read ─► Event ─► Index
//!                                                                        ├─ pods, leases   who held this address then
//!                                                                        ├─ services       what stands behind it
//!                                                                        └─ owners         whose pod it is
//! ```

pub mod document;
mod index;
mod lease;
#[cfg(feature = "live")]
pub mod live;
mod names;
mod objects;
mod owners;
mod services;
mod token_user;
mod update;

pub use document::Event;
pub use index::{Holder, Identity, Index, MAX_PODS, Need, Pod, STATUS_DELAY, Settings, Touched};
pub use names::NameKind;
pub use objects::Object;
pub use services::{Backend, Service, ServicePort};
pub use token_user::TokenUser;
pub use update::{Kind, OwnerKey, Present, Update};
