//! The testbed, as its environment tells.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The built mapper: what `PORTOLAN_MAPPER` names, else that of `cargo build`.
pub fn mapper() -> PathBuf {
    std::env::var_os("PORTOLAN_MAPPER").map_or_else(
        || root().join("target/debug/portolan-mapper"),
        PathBuf::from,
    )
}

/// The program of this name that was built with the mapper.
pub fn built(name: &str) -> PathBuf {
    mapper().with_file_name(name)
}

/// Where logs and other files of a run go that should outlive it.
pub fn log_folder() -> PathBuf {
    std::env::var_os("PORTOLAN_E2E_LOGS").map_or_else(std::env::temp_dir, PathBuf::from)
}

/// What `./dev testbed env` says. Only where `PORTOLAN_E2E` says that this is a testbed: else it may be anybody's cluster.
pub fn variable(key: &str) -> String {
    let given = std::env::var_os("PORTOLAN_E2E").and_then(|_| std::env::var(key).ok());
    given.unwrap_or_else(|| panic!("this needs a testbed of its own: ./dev test --only e2e"))
}

/// The testbed's command, for the testbed whose environment we have: `["kill", "apiserver"]`.
pub fn testbed(arguments: &[&str]) {
    let state = variable("TESTBED_STATE");
    let name = state.rsplit('/').next().unwrap();
    let done = Command::new("./dev")
        .current_dir(root())
        .arg("testbed")
        .args(arguments)
        .args(["--name", name])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "./dev testbed {arguments:?}: {said}");
}
