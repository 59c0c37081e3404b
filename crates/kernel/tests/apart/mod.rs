//! Tests that run in a process of their own, apart from the others: in other namespaces, or under a filter.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "each test uses what it needs, may fail loudly, and says what it skips"
)]

use std::process::Command;

/// The ignored test of this name, by this command in front.
pub(crate) fn passes(name: &str, by: &[&str]) {
    let test = std::env::current_exe().unwrap();
    let mut command = match by.split_first() {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(&test);
            command
        }
        None => Command::new(&test),
    };
    let output = command.args(["--ignored", "--exact", name]).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What makes `lo` of a new namespace usable, and becomes the command behind it.
pub(crate) const WITH_LOOPBACK: [&str; 4] = ["sh", "-ec", "ip link set lo up; exec \"$@\"", "sh"];

/// Runs the ignored test of this name in new user and network namespaces. It needs no root where users may make them.
pub(crate) fn in_namespaces(name: &str) {
    let enter = ["unshare", "--user", "--map-root-user", "--net"];
    let [unshare, flags @ ..] = enter;
    let allowed = Command::new(unshare).args(flags).arg("true").status();
    if !allowed.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "CI must allow namespaces");
        println!("skipped {name}: this machine lets users make no namespaces (unshare -Urn true)");
        return;
    }
    passes(name, &[&enter[..], &WITH_LOOPBACK[..]].concat());
}
