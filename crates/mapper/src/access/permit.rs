//! What one request may do.

use compact_str::CompactString;

use super::refusal::{Reason, Refusal};
use super::roles::Roles;

/// What one request may do, and what is said when that is not enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    roles: Roles,
    holder: Holder,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Holder {
    /// Loopback, or everybody.
    Anybody,
    /// Somebody with a token.
    User {
        name: CompactString,
        node: Option<CompactString>,
    },
    /// Somebody for whom this is all there is.
    Refused(Refusal),
}

impl Permit {
    /// Everything, as on loopback.
    pub const fn all() -> Self {
        Self {
            roles: Roles::ALL,
            holder: Holder::Anybody,
        }
    }

    /// The roles of a user, whose token may be bound to a node.
    pub const fn of(name: CompactString, node: Option<CompactString>, roles: Roles) -> Self {
        Self {
            roles,
            holder: Holder::User { name, node },
        }
    }

    /// What everybody may; anything else is refused with this.
    pub const fn least(refusal: Refusal) -> Self {
        Self {
            roles: Roles::NONE,
            holder: Holder::Refused(refusal),
        }
    }

    /// Whether it goes beyond what everybody may.
    pub const fn is_known(&self) -> bool {
        self.roles.contain(Roles::KNOWN)
    }

    /// Whether it is that of a token, which may end or be taken back.
    pub const fn is_of_user(&self) -> bool {
        matches!(self.holder, Holder::User { .. })
    }

    /// The node for which alone it may report.
    pub fn node(&self) -> Option<&str> {
        match &self.holder {
            Holder::User { node, .. } => node.as_deref(),
            _ => None,
        }
    }

    /// Whether these roles are among its own.
    pub fn check(&self, needs: Roles) -> Result<(), Refusal> {
        let lacking = needs.without(self.roles);
        if lacking == Roles::NONE {
            return Ok(());
        }
        Err(match &self.holder {
            Holder::Refused(refusal) => refusal.clone(),
            Holder::User { name, .. } => {
                let settings: Vec<_> = lacking.settings().collect();
                let settings = settings.join(" and ");
                let more = format!("{name} needs {lacking}; add it to {settings} of the mapper");
                Refusal::because(Reason::Role, &more)
            }
            Holder::Anybody => Refusal::of(Reason::Role),
        })
    }

    /// The refusal of a report for this other node.
    pub fn refuse_node(&self, other: &str) -> Refusal {
        let own = self.node().unwrap_or_default();
        let other: String = other.chars().take(wire::limits::MAX_NAME).collect();
        let more = format!("this one is of {own:?}, and the report is for {other:?}");
        Refusal::because(Reason::Node, &more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lacks_a_role_reads_which_and_where_it_is_given() {
        let permit = Permit::of("jane".into(), None, Roles::KNOWN | Roles::REPORT);
        assert_eq!(permit.check(Roles::NONE), Ok(()));
        assert_eq!(permit.check(Roles::KNOWN | Roles::REPORT), Ok(()));
        let refusal = permit.check(Roles::REPORT | Roles::READ).unwrap_err();
        assert_eq!(refusal.reason, Reason::Role);
        let text = "jane needs read; add it to --read-subjects of the mapper";
        assert!(refusal.text.ends_with(text), "{}", refusal.text);
    }

    #[test]
    fn what_everybody_may_is_nothing_but_health() {
        let permit = Permit::least(Refusal::of(Reason::Plain));
        assert_eq!(permit.check(Roles::NONE), Ok(()));
        for needs in [Roles::KNOWN, Roles::READ, Roles::REPORT, Roles::RESET] {
            assert_eq!(permit.check(needs).unwrap_err().reason, Reason::Plain);
        }
        assert_eq!(Permit::all().check(Roles::ALL), Ok(()));
    }
}
