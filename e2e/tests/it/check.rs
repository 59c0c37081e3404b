//! `portolan-sniffer --check` where something is really missing: it says what, and what to do.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use e2e::mapper::Mapper;
use e2e::node::{self, Node};
use e2e::scene::Scene;
use e2e::sniffer::program;
use serde_json::json;

/// Not root, and no groups: as the chart runs it.
const USER: [&str; 5] = ["--reuid", "65532", "--regid", "65532", "--clear-groups"];

/// `CAP_NET_RAW` alone, passed on without a file's help.
const RAW: [&str; 4] = [
    "--no-new-privs",
    "--inh-caps=-all,+net_raw",
    "--ambient-caps=-all,+net_raw",
    "--bounding-set=-all,+net_raw",
];

/// What it said, and whether the basic job can be done.
#[derive(Debug)]
struct Checked {
    said: String,
    can_work: bool,
}

impl Checked {
    /// The line about it says so, with this mark.
    fn tells(&self, mark: char, about: &str, word: &str) -> &Self {
        let mut lines = self.said.lines();
        let start = format!("{mark} {about} ");
        let found = lines.any(|line| line.starts_with(&start) && line.contains(word));
        assert!(found, "no {start:?} with {word:?}:\n{}", self.said);
        self
    }

    /// It says that this is to be done.
    fn wants(&self, todo: &str) -> &Self {
        let mut lines = self.said.lines();
        let found = lines.any(|line| line.contains('→') && line.contains(todo));
        assert!(found, "no {todo:?}:\n{}", self.said);
        self
    }

    fn fails(&self) -> &Self {
        assert!(!self.can_work, "{}", self.said);
        self
    }
}

/// Runs a check of this program as that user, by that command.
fn check(mut command: Command, rights: &[&str], program: &Path, arguments: &[&str]) -> Checked {
    command
        .args(USER)
        .args(rights)
        .arg(program)
        .args(["--check", "--node-name", "n"])
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null());
    for [flag, value] in [
        ["--host-proc-dir", "/proc"],
        ["--mapper-api-url", "http://127.0.0.1:1/query"],
    ] {
        if !arguments.contains(&flag) {
            command.args([flag, value]);
        }
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let cries = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 1)), "{code:?} {said}{cries}");
    assert!(cries.is_empty(), "{cries}");
    Checked {
        said,
        can_work: code == Some(0),
    }
}

fn plain() -> Command {
    Command::new("setpriv")
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn check_is_content_where_everything_is_there() {
    if !node::is_allowed() {
        return;
    }
    let mut scenes = [Scene::new(105, "checked")];
    let pod = scenes[0].deployment("server");
    let proxy = e2e::kube::Proxy::start();
    let mapper = Mapper::ready("checked", &["--access", "open"]);
    e2e::scene::set_up(&proxy, &mapper, &mut scenes);
    let mut node = Node::new(105);
    let _pod = node.pod(&pod, scenes[0].uid(&pod.name));
    let url = format!("http://127.0.0.1:{}/query", mapper.address.port());
    let spool = tempfile::tempdir().unwrap();
    let spool = spool.path().to_str().unwrap();
    std::os::unix::fs::chown(spool, Some(65_532), Some(65_532)).unwrap();
    let arguments = ["--mapper-api-url", &url, "--spool-dir", spool];

    let fine = check(plain(), &RAW, &program(), &arguments);
    fine.tells('✓', "packets   ", "the check's own")
        .tells('✓', "network   ", "the node's own")
        .tells('✓', "processes ", "network namespaces")
        .tells('✓', "pods      ", "address")
        .tells('✓', "mapper    ", "with all that this sniffer tells")
        .tells('✓', "spool     ", spool)
        .tells('✓', "more      ", "CAP_SYS_ADMIN is not needed");
    assert!(fine.can_work, "{}", fine.said);
    assert_eq!(fs::read_dir(spool).unwrap().count(), 0);

    let as_json = [&arguments[..], &["--log-format", "json"]].concat();
    let read = check(plain(), &RAW, &program(), &as_json).said;
    let read: serde_json::Value = serde_json::from_str(&read).unwrap();
    assert_eq!(read["canWork"], json!(true));

    // In a network of its own, it sees its own packets only.
    let outside = format!("http://{}:{}/query", node.outside(), mapper.address.port());
    check(
        node.command("setpriv"),
        &RAW,
        &program(),
        &["--mapper-api-url", &outside],
    )
    .fails()
    .tells('✓', "packets   ", "the check's own")
    .tells('✗', "network   ", "only packets of this pod")
    .wants("hostNetwork: true")
    .tells('✓', "mapper    ", "takes reports");

    // Without the door open, senders without a token are refused, and told so.
    let closed = Mapper::ready("checked2", &[]);
    let url = format!("http://{}:{}/query", node.outside(), closed.address.port());
    let refused = ["--mapper-api-url", &url];
    let refused = check(node.command("setpriv"), &RAW, &program(), &refused);
    refused.fails().tells('✗', "mapper    ", "status");
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn check_tells_where_the_capability_was_lost() {
    if !node::is_allowed() {
        return;
    }
    let dropped = ["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"];
    check(plain(), &dropped, &program(), &[])
        .fails()
        .tells('✗', "packets   ", "dropped by the container")
        .wants("capabilities.add")
        .tells('✗', "mapper    ", "refused")
        .tells('✓', "network   ", "the node's own");
    let bounded = "--bounding-set=-all,+net_raw";
    check(plain(), &["--inh-caps=-all", bounded], &program(), &[])
        .fails()
        .tells('✗', "packets   ", "this file does not carry it")
        .wants("setcap cap_net_raw+p");

    // An image whose file carries it.
    let image = tempfile::tempdir_in("/var/tmp").unwrap();
    let file = image.path().join("portolan-sniffer");
    fs::copy(program(), &file).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(image.path(), open).unwrap();
    let set = Command::new("setcap")
        .arg("cap_net_raw+p")
        .arg(&file)
        .status();
    assert!(set.unwrap().success());
    check(plain(), &["--inh-caps=-all", bounded], &file, &[]).tells(
        '✓',
        "packets   ",
        "the check's own",
    );
    // A runtime that has changed the user before it forbids to gain anything.
    let forbidden = ["--inh-caps=-all", bounded, "setpriv", "--no-new-privs"];
    check(plain(), &forbidden, &file, &[])
        .fails()
        .tells('✗', "packets   ", "no_new_privs forbids to gain it")
        .wants("allowPrivilegeEscalation: true");

    // Root of a user namespace is not root of the node's network.
    let mut inner = Command::new("unshare");
    inner.args(["--user", "--map-root-user", "--", "env"]);
    inner
        .arg(program())
        .args(["--check", "--host-proc-dir", "/proc"]);
    let output = inner.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let checked = Checked {
        said,
        can_work: output.status.success(),
    };
    checked
        .fails()
        .tells('✗', "packets   ", "another user namespace")
        .wants("hostUsers: true");
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn check_tells_what_hides_processes() {
    if !node::is_allowed() {
        return;
    }
    for (options, word, todo) in [
        ("hidepid=1", "hidepid=", "without hidepid"),
        ("hidepid=2", "hidepid=", "without hidepid"),
        ("hidepid=2,gid=27", "hidepid=", "add 27 to"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let proc = folder.path().to_str().unwrap();
        let mut command = Command::new("unshare");
        let script = "mount -t proc -o \"$1\" proc \"$2\"; shift 2; exec setpriv \"$@\"";
        command.args(["--mount", "sh", "-ec", script, "sh", options, proc]);
        check(command, &RAW, &program(), &["--host-proc-dir", proc])
            .fails()
            .tells('✗', "processes ", word)
            .tells('!', "network   ", "cannot be looked at")
            .wants(todo);
    }
    check(plain(), &RAW, &program(), &["--host-proc-dir", "/nowhere"])
        .fails()
        .tells('✗', "processes ", "/nowhere cannot be read")
        .wants("mount the node's /proc");
    check(plain(), &RAW, &program(), &["--host-proc-dir", "/sys"])
        .fails()
        .tells('✗', "processes ", "/sys is no /proc");
    // A container without the mount has processes of its own.
    let mut own = Command::new("unshare");
    own.args(["--pid", "--fork", "--mount-proc", "setpriv"]);
    check(own, &RAW, &program(), &[]).fails().tells(
        '✗',
        "processes ",
        "this container's own /proc",
    );
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn check_tells_of_memory_and_of_folders() {
    if !node::is_allowed() {
        return;
    }
    // The ring does not fit into the memory that the process may have.
    let mut command = Command::new("prlimit");
    command.args(["--as=201326592", "setpriv"]);
    check(command, &RAW, &program(), &["--ring-size", "256Mi"])
        .fails()
        .tells('✗', "packets   ", "no memory for a ring of 262144 KiB")
        .wants("ring-size");
    check(plain(), &RAW, &program(), &["--spool-dir", "/proc/spool"]).tells(
        '!',
        "spool     ",
        "/proc/spool cannot be written",
    );
    let name = ["--mapper-api-url", "http://no-such-host.invalid:9090"];
    check(plain(), &RAW, &program(), &name)
        .fails()
        .tells('✗', "mapper    ", "no-such-host.invalid")
        .wants("ClusterFirstWithHostNet");
}
