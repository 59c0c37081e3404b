//! Which build this is.

/// The version of this build: what the build was told by `PORTOLAN_VERSION` in the environment of the compiler (a release
/// tag, a commit), else the package's.
///
/// The replaced images carried a file `./version` and did not start without it. No such file is read here: what is
/// compiled in can neither be lost nor belong to another binary.
pub const VERSION: &str = match option_env!("PORTOLAN_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};
