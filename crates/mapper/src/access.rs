//! Who may do what: the pure part. The time is an argument, as the time since the process began.
//!
//! ```text
//! connection, head ─► way ─┬─► loopback, or --access=open ──────────────────────► Permit: every role
//!                          ├─► a token ─► Tokens ─┬─► known ───────────────────► Permit: the roles of its subject
//!                          │                      └─► asked: TokenReview ──┘
//!                          └─► plain HTTP from elsewhere ──────────────────────► Permit: `health` and probes
//! document ─► needs ─► roles ─► Permit::check ─► answered, or a Refusal that says why
//! ```
//!
//! The rim is in `server`: sockets, TLS, and the review of tokens by the API server.

pub mod bearer;
pub mod certificate;
pub mod loopback;
pub mod needs;
mod nodes;
mod permit;
mod refusal;
mod roles;
pub mod senders;
mod subjects;
pub mod tokens;
pub mod way;

pub use nodes::foreign_node;
pub use permit::Permit;
pub use refusal::{Reason, Refusal};
pub use roles::Roles;
pub use subjects::{Access, Rules, SubjectError, Subjects};
