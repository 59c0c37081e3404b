//! The command as people use it: real files in, what it prints and how it ends out.
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail loudly, in its helpers too"
)]

mod bad_input;
mod forms;
mod maps;
mod old;
mod recordings;
mod snapshots;
mod summary;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What one run printed, and its exit code.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// It went well.
    fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self
    }

    /// It ended with this code, and said all of these.
    fn failed(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.err);
        assert!(self.err.starts_with("error: "), "{}", self.err);
        self.said(words);
    }

    fn said(&self, words: &[&str]) {
        for word in words {
            assert!(self.err.contains(word), "not said: {word}\n{}", self.err);
        }
    }
}

fn portolan(args: &[&str]) -> Ran {
    Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(args)
        .output()
        .unwrap()
        .into()
}

/// `portolan replay` with these words, separated by spaces.
fn replay(args: &str) -> Ran {
    let args: Vec<&str> = std::iter::once("replay").chain(args.split(' ')).collect();
    portolan(&args)
}

/// The path of a recorded file.
fn recorded(name: &str, file: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/recordings");
    path(&root.join(name).join(file))
}

fn path(path: &Path) -> String {
    let text = path.to_str().unwrap().to_owned();
    assert!(!text.contains(' '), "the tests split at spaces: {text}");
    text
}

/// A folder for one test, with files that are written into it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let file = self.0.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, bytes).unwrap();
        path(&file)
    }

    fn path(&self, name: &str) -> String {
        path(&self.0.path().join(name))
    }
}
