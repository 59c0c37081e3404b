//! What somebody may do.

use std::fmt;
use std::ops::BitOr;

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl Roles {
    /// None: what everybody may, such as the query `health`.
    pub const NONE: Self = Self(0);
    /// Somebody whom we know: may ask which fields there are.
    pub const KNOWN: Self = Self(1);
    /// May report.
    pub const REPORT: Self = Self(2);
    /// May read the map.
    pub const READ: Self = Self(4);
    /// May make the map forget.
    pub const RESET: Self = Self(8);
    /// All of them.
    pub const ALL: Self = Self(15);

    /// The roles that can be given, with their names and the settings that give them.
    const GIVEN: [(Self, &'static str, &'static str); 3] = [
        (Self::REPORT, "report", "--report-subjects"),
        (Self::READ, "read", "--read-subjects"),
        (Self::RESET, "reset", "--reset-subjects"),
    ];

    /// Whether all of these are among them.
    pub const fn contain(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those that are not among the others.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The settings that give these roles.
    pub fn settings(self) -> impl Iterator<Item = &'static str> {
        let of = Self::GIVEN.into_iter();
        of.filter_map(move |(role, _, setting)| self.contain(role).then_some(setting))
    }
}

impl BitOr for Roles {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = Self::GIVEN.into_iter();
        let first = names.find(|(role, ..)| self.contain(*role));
        let Some((_, name, _)) = first else {
            return f.write_str("none");
        };
        f.write_str(name)?;
        for (_, name, _) in names.filter(|(role, ..)| self.contain(*role)) {
            write!(f, " and {name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_named() {
        assert_eq!(Roles::KNOWN.to_string(), "none");
        assert_eq!(Roles::READ.to_string(), "read");
        let two = Roles::REPORT | Roles::RESET;
        assert_eq!(two.to_string(), "report and reset");
        assert_eq!(
            two.settings().collect::<Vec<_>>(),
            ["--report-subjects", "--reset-subjects"]
        );
    }

    #[test]
    fn a_set_contains_its_parts_only() {
        assert!(Roles::ALL.contain(Roles::READ | Roles::RESET));
        assert!(Roles::NONE.contain(Roles::NONE));
        assert!(!Roles::READ.contain(Roles::READ | Roles::KNOWN));
        assert_eq!(
            Roles::ALL.without(Roles::KNOWN | Roles::READ),
            Roles::REPORT | Roles::RESET
        );
    }
}
