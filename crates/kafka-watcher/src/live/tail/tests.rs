use std::fs::{self, OpenOptions};
use std::io::Write;

use tempfile::TempDir;

use super::*;

struct Log {
    folder: TempDir,
    tail: Tail,
    taken: String,
    rotations: u64,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tail = Tail::new(&folder.path().join("authz.log"));
        Self {
            folder,
            tail,
            taken: String::new(),
            rotations: 0,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("authz.log")
    }

    fn write(&self, text: &str) {
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create(true).open(self.path()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn look(&mut self) -> bool {
        let taken = &mut self.taken;
        let mut take = |bytes: &[u8]| taken.push_str(std::str::from_utf8(bytes).unwrap());
        let looked = self.tail.look(&mut take).unwrap();
        self.rotations += looked.rotations;
        looked.is_there
    }

    fn lines(&self) -> Vec<&str> {
        self.taken.lines().filter(|line| !line.is_empty()).collect()
    }
}

#[test]
fn what_is_there_at_the_start_is_of_the_past_but_for_a_line_that_is_being_written() {
    let mut log = Log::new();
    log.write("old\nolder\nhal");
    assert!(log.look());
    log.write("f\nnew\n");
    log.look();
    log.look();
    assert_eq!(log.lines(), ["half", "new"]);
}

#[test]
fn a_file_that_comes_later_is_read_from_its_beginning() {
    let mut log = Log::new();
    assert!(!log.look());
    log.write("a\n");
    assert!(log.look());
    log.write("b\n");
    log.look();
    assert_eq!((log.lines(), log.rotations), (vec!["a", "b"], 0));
}

#[test]
fn a_file_that_is_renamed_is_read_to_its_end_and_the_new_one_from_its_beginning() {
    let mut log = Log::new();
    log.write("past\n");
    log.look();
    log.write("a\n");
    fs::rename(log.path(), log.folder.path().join("authz.log.1")).unwrap();
    assert!(!log.look(), "there is none at the moment");
    log.write("b\nc\n");
    log.look();
    log.write("d\n");
    log.look();
    assert_eq!((log.lines(), log.rotations), (vec!["a", "b", "c", "d"], 1));
}

#[test]
fn a_file_that_is_copied_and_emptied_is_read_from_its_beginning_again() {
    let mut log = Log::new();
    log.look();
    log.write("line 1\nline 2\nhal");
    log.look();
    let file = OpenOptions::new().write(true).open(log.path()).unwrap();
    file.set_len(0).unwrap();
    log.write("line 3\n");
    log.look();
    assert_eq!(log.lines(), ["line 1", "line 2", "hal", "line 3"]);
    // It has grown beyond what was read before anybody looked again.
    file.set_len(0).unwrap();
    log.write("line 4, which is longer\nline 5\n");
    log.look();
    log.look();
    assert_eq!(log.lines()[4..], ["line 4, which is longer", "line 5"]);
    assert_eq!(log.rotations, 2);
}

#[test]
fn what_cannot_be_read_is_an_error_until_it_can() {
    let mut log = Log::new();
    fs::create_dir(log.path()).unwrap();
    assert!(log.tail.look(&mut |_| {}).is_err());
    fs::remove_dir(log.path()).unwrap();
    log.write("a\n");
    assert!(log.look());
    log.write("b\n");
    log.look();
    assert_eq!(log.lines().last(), Some(&"b"));
}
