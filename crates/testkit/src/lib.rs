//! For tests only: what the parsers read, built byte by byte, and traffic with a known truth.
//!
//! Nothing here shares code with what it tests. Builders take what is asked for without checking it, so that wrong
//! input can be built too.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "fields are as wide as the format says; tests build what fits"
)]

pub mod balance;
pub mod capture;
pub mod city;
pub mod cluster;
pub mod dns;
pub mod frames;
pub mod sockets;
pub mod traffic;
