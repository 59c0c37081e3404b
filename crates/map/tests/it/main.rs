//! The map at its public surface.

mod difference;
mod files;
mod filters;
mod floors;
mod generate;
mod laws;
mod owner;
mod records;
