//! Who has which role, as the settings say.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use cluster::TokenUser;

use super::roles::Roles;

/// `--access`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "server", derive(clap::ValueEnum))]
pub enum Access {
    /// Whoever is not on loopback shows a token over TLS.
    #[default]
    Token,
    /// Everybody may do everything, over plain HTTP too: for sniffers of the replaced system.
    Open,
}

/// The mode and the subjects of each role.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The mode.
    pub access: Access,
    /// Who may report.
    pub report: Subjects,
    /// Who may read.
    pub read: Subjects,
    /// Who may reset.
    pub reset: Subjects,
}

impl Rules {
    /// The roles of somebody whom the API server knows.
    pub fn roles(&self, user: &TokenUser) -> Roles {
        let all = [
            (&self.report, Roles::REPORT),
            (&self.read, Roles::READ),
            (&self.reset, Roles::RESET),
        ];
        let given = all.into_iter().filter(|(subjects, _)| subjects.hold(user));
        given.fold(Roles::KNOWN, |roles, (_, role)| roles | role)
    }
}

/// Users and groups, separated by white space: `namespace:serviceaccount`, `user:NAME`, `group:NAME`, or the full name
/// of a user, such as `system:serviceaccount:NAMESPACE:NAME` or `jane@example.com`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subjects {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
}

/// A word is no subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no subject: expected namespace:serviceaccount, user:NAME, group:NAME or the full name of a user, separated by blanks"
)]
pub struct SubjectError(String);

impl Subjects {
    /// Whether this user is one of them, or in one of the groups.
    pub fn hold(&self, user: &TokenUser) -> bool {
        self.users.contains(user.name.as_str())
            || user
                .groups
                .iter()
                .any(|group| self.groups.contains(group.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }

    fn add(&mut self, word: &str) -> Result<(), SubjectError> {
        let error = || SubjectError(word.to_owned());
        let some = |name: &str| {
            (!name.is_empty())
                .then(|| name.to_owned())
                .ok_or_else(error)
        };
        if let Some(name) = word.strip_prefix("group:") {
            self.groups.insert(some(name)?);
        } else if let Some(name) = word.strip_prefix("user:") {
            self.users.insert(some(name)?);
        } else if word.starts_with("system:") || !word.contains(':') {
            self.users.insert(word.to_owned());
        } else {
            let (namespace, name) = word.split_once(':').ok_or_else(error)?;
            if !is_name(namespace) || !is_name(name) {
                return Err(error());
            }
            let user = format!("system:serviceaccount:{namespace}:{name}");
            self.users.insert(user);
        }
        Ok(())
    }
}

/// An object's name: a DNS subdomain (Kubernetes documentation, "Object Names and IDs").
fn is_name(text: &str) -> bool {
    let is_known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    !text.is_empty() && text.bytes().all(is_known)
}

impl FromStr for Subjects {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut subjects = Self::default();
        for word in text.split_whitespace() {
            subjects.add(word)?;
        }
        Ok(subjects)
    }
}

impl fmt::Display for Subjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users = self.users.iter().map(|name| format!("user:{name}"));
        let groups = self.groups.iter().map(|name| format!("group:{name}"));
        f.write_str(&users.chain(groups).collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, groups: &[&str]) -> TokenUser {
        TokenUser {
            name: name.into(),
            groups: groups.iter().map(|group| (*group).into()).collect(),
            ..TokenUser::default()
        }
    }

    #[test]
    fn subjects_are_accounts_users_and_groups() {
        let text = "portolan:sniffer system:serviceaccount:ops:reader\tjane@example.com\nuser:oidc:joe group:system:masters";
        let subjects: Subjects = text.parse().unwrap();
        for name in [
            "system:serviceaccount:portolan:sniffer",
            "system:serviceaccount:ops:reader",
            "jane@example.com",
            "oidc:joe",
        ] {
            assert!(subjects.hold(&user(name, &[])), "{name}");
        }
        assert!(subjects.hold(&user("admin", &["system:authenticated", "system:masters"])));
        for (name, groups) in [
            ("portolan:sniffer", &[][..]),
            ("system:serviceaccount:portolan:sniffer2", &[]),
            ("system:masters", &[]),
            ("group:system:masters", &[]),
            ("joe", &["jane@example.com"]),
            ("", &[""]),
        ] {
            assert!(!subjects.hold(&user(name, groups)), "{name}");
        }
        assert_eq!(subjects.to_string().parse(), Ok(subjects));
    }

    #[test]
    fn no_subjects_hold_nobody() {
        let none: Subjects = " \n".parse().unwrap();
        assert!(none.is_empty());
        assert!(!none.hold(&user("", &[""])));
    }

    #[test]
    fn what_is_no_subject_is_said() {
        for word in [
            ":",
            "a:",
            ":b",
            "a:b:c",
            "A:b",
            "a:B",
            "group:",
            "user:",
            "oidc:jane@example.com",
        ] {
            let error = word.parse::<Subjects>().unwrap_err();
            assert_eq!(error, SubjectError(word.to_owned()));
        }
    }

    #[test]
    fn roles_are_those_whose_subjects_hold_the_user() {
        let rules = Rules {
            access: Access::Token,
            report: "portolan:sniffer".parse().unwrap(),
            read: "portolan:sniffer group:readers".parse().unwrap(),
            reset: Subjects::default(),
        };
        let sniffer = user("system:serviceaccount:portolan:sniffer", &[]);
        assert_eq!(
            rules.roles(&sniffer),
            Roles::KNOWN | Roles::REPORT | Roles::READ
        );
        assert_eq!(
            rules.roles(&user("x", &["readers"])),
            Roles::KNOWN | Roles::READ
        );
        assert_eq!(rules.roles(&user("x", &[])), Roles::KNOWN);
    }
}
