//! What a process may do.

/// A set of capabilities, by their numbers in `linux/capability.h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// Whether the capability of this number is in it.
    pub const fn has(self, number: u32) -> bool {
        self.0 & (1 << (number & 63)) != 0
    }
}

/// The permitted set of a file, from its extended attribute `security.capability` (`struct vfs_cap_data` in
/// `linux/capability.h`: a revision, then a permitted and an inheritable set for each 32 capabilities).
pub fn file_capabilities(attribute: &[u8]) -> Option<Capabilities> {
    let word = |place: usize| {
        let bytes = attribute.get(4 * place..4 * place + 4)?;
        Some(u64::from(u32::from_le_bytes(bytes.try_into().ok()?)))
    };
    match word(0)? >> 24 {
        1 => word(1).map(Capabilities),
        2 | 3 => Some(Capabilities(word(1)? | word(3)? << 32)),
        _ => None,
    }
}

/// What is told of a process in `/proc/<pid>/status` (`proc_pid_status(5)`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessStatus {
    /// The effective user.
    pub user: u32,
    /// What it may raise.
    pub permitted: Capabilities,
    /// What counts.
    pub effective: Capabilities,
    /// What no program that it starts can have more of.
    pub bounding: Capabilities,
    /// What programs without file capabilities get.
    pub ambient: Capabilities,
    /// Whether no program that it starts gains rights; an older kernel does not say.
    pub no_new_privileges: bool,
    /// Whether a filter of system calls is in force.
    pub is_filtered: bool,
    /// In how many namespaces of processes it has a number, from that of this `/proc` inwards.
    pub levels: usize,
}

/// Reads `/proc/<pid>/status`; what is not in it is as by default.
pub fn process_status(status: &[u8]) -> ProcessStatus {
    let mut found = ProcessStatus::default();
    for line in super::lines(status) {
        let Some((name, value)) = std::str::from_utf8(line)
            .ok()
            .and_then(|line| line.split_once(':'))
        else {
            continue;
        };
        let mut fields = value.split_ascii_whitespace();
        let set = || Capabilities(u64::from_str_radix(value.trim(), 16).unwrap_or(0));
        let is_on = || value.trim() != "0";
        match name {
            // Real, effective, saved, of files.
            "Uid" => found.user = fields.nth(1).and_then(|id| id.parse().ok()).unwrap_or(0),
            "CapPrm" => found.permitted = set(),
            "CapEff" => found.effective = set(),
            "CapBnd" => found.bounding = set(),
            "CapAmb" => found.ambient = set(),
            "NoNewPrivs" => found.no_new_privileges = is_on(),
            "Seccomp" => found.is_filtered = is_on(),
            "NSpid" => found.levels = fields.count(),
            _ => {}
        }
    }
    found
}
