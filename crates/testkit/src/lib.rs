//! For tests only: builders and generators with known truth.
