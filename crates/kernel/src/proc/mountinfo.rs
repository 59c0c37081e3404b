//! What is mounted where.

/// One line of `/proc/<pid>/mountinfo` (`proc_pid_mountinfo(5)`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where; blanks in it are written `\040`.
    pub point: String,
    /// The type of the file system, such as `proc`.
    pub kind: String,
    /// The file system's own options, such as `rw,hidepid=invisible`.
    pub options: String,
}

impl Mount {
    /// The value of one of its options.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options
            .split(',')
            .find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
    }
}

/// The mount that holds this absolute path: the one with the longest matching point, and of several at one point the last,
/// which covers the others.
pub fn mount_of(mountinfo: &[u8], path: &str) -> Option<Mount> {
    super::lines(mountinfo)
        .filter_map(|line| mount(std::str::from_utf8(line).ok()?))
        .filter(|mount| holds(&mount.point, path))
        .max_by_key(|mount| mount.point.len())
}

fn holds(point: &str, path: &str) -> bool {
    let point = point.trim_end_matches('/');
    path.strip_prefix(point)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn mount(line: &str) -> Option<Mount> {
    // Any number of optional fields stands before the dash.
    let (before, behind) = line.split_once(" - ")?;
    let point = before.split(' ').nth(4)?;
    let mut behind = behind.split(' ');
    Some(Mount {
        point: point.to_owned(),
        kind: behind.next()?.to_owned(),
        options: behind.nth(1)?.to_owned(),
    })
}
