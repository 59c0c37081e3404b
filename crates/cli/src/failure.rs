//! What went wrong, on what, and what to do about it.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

/// An error for people: one line that names the thing, one that names the remedy.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    message: String,
    remedy: Option<String>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Ran but failed: exit code 1.
    Run,
    /// Wrong use or unreadable input: exit code 2.
    Input,
}

impl Failure {
    /// Something failed on the way.
    pub(crate) fn run(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Run,
            message: message.into(),
            remedy: None,
        }
    }

    /// What was typed cannot be used.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Input,
            message: message.into(),
            remedy: None,
        }
    }

    /// An input cannot be used.
    pub(crate) fn input(path: &Path, what: impl fmt::Display) -> Self {
        Self {
            kind: Kind::Input,
            message: format!("{}: {what}", shown(path)),
            remedy: None,
        }
    }

    /// What to do about it.
    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// What the process ends with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Run => ExitCode::from(1),
            Kind::Input => ExitCode::from(2),
        }
    }

    /// What to do about it, where that is known.
    pub(crate) fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// How a path is named in messages.
pub(crate) fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}
