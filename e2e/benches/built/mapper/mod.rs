//! What the built mapper takes, needs and answers.

mod load;
pub(crate) mod real;
pub(crate) mod scale;
pub(crate) mod speed;
