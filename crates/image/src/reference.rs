//! What an image is called.

use std::fmt;
use std::str::FromStr;

/// The whole name of an image, with its registry and its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    repository: String,
    tag: String,
}

/// The text is no name of an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no name of an image: expected REPOSITORY/IMAGE:TAG, in small letters")]
pub struct ReferenceError(String);

impl Reference {
    /// Its tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    /// A short name is one of Docker's registry, as container runtimes take it (`distribution/reference`, "normalize").
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ReferenceError(text.to_owned());
        let (name, tag) = text.rsplit_once(':').ok_or_else(error)?;
        let known = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if tag.is_empty() || !tag.chars().all(known) {
            return Err(error());
        }
        let (first, rest) = name.split_once('/').unwrap_or(("", name));
        let is_registry = first.contains(['.', ':']) || first == "localhost";
        let path = if is_registry { rest } else { name };
        let is_path = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
        if !path.chars().all(is_path) || path.split('/').any(str::is_empty) {
            return Err(error());
        }
        let repository = match (is_registry, first) {
            (true, _) => name.to_owned(),
            (false, "") => format!("docker.io/library/{name}"),
            (false, _) => format!("docker.io/{name}"),
        };
        Ok(Self {
            repository,
            tag: tag.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_one_of_dockers_registry() {
        for (text, whole) in [
            ("a:1", "docker.io/library/a:1"),
            ("portolan/a:0.1.0", "docker.io/portolan/a:0.1.0"),
            ("registry.example/a:1", "registry.example/a:1"),
            ("localhost:5000/x/a:1", "localhost:5000/x/a:1"),
            ("localhost/a:1", "localhost/a:1"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), whole);
        }
    }

    #[test]
    fn what_is_no_name_is_said() {
        for text in ["a", "a:", "A/b:1", "a//b:1", "a:1/2", ":1", "a b:1"] {
            assert_eq!(
                text.parse::<Reference>(),
                Err(ReferenceError(text.to_owned()))
            );
        }
    }
}
