//! What a program is made of: a bill of materials in the form of `CycloneDX` 1.5.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// A crate that is in a program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// As an SPDX expression; empty when it names none.
    pub licence: String,
    /// Where its source is; empty when it does not say.
    pub source: String,
    /// Whether no registry has it: it is one of this project, or of the compiler.
    pub is_ours: bool,
}

/// What a program is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bom {
    root: Part,
    /// What each part is made of, in the order of names.
    needs: BTreeMap<Part, BTreeSet<Part>>,
    /// The SHA-256 of each crate's archive, by name and version.
    checksums: BTreeMap<(String, String), String>,
}

/// The list of crates cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BomError {
    /// A line has another form.
    #[error("\"{0}\" is no line of `cargo tree --prefix depth --format '{{p}}\\t{{l}}\\t{{r}}'`")]
    Line(String),
    /// There is none.
    #[error("the list of crates is empty: is the package's name right?")]
    Empty,
    /// A crate of a registry is not in the lock file.
    #[error("{0} {1} is not in Cargo.lock: run cargo with --locked")]
    Unlocked(String, String),
}

impl Bom {
    /// From what `cargo tree --prefix depth --format '{p}\t{l}\t{r}'` prints, and the text of `Cargo.lock`.
    pub fn read(tree: &str, lock: &str) -> Result<Self, BomError> {
        let checksums = checksums(lock);
        let mut needs: BTreeMap<Part, BTreeSet<Part>> = BTreeMap::new();
        let mut above: Vec<Part> = Vec::new();
        for line in tree.lines().filter(|line| !line.is_empty()) {
            let (depth, part) = part(line).ok_or_else(|| BomError::Line(line.to_owned()))?;
            if depth > above.len() {
                return Err(BomError::Line(line.to_owned()));
            }
            let key = (part.name.clone(), part.version.clone());
            if !part.is_ours && !checksums.contains_key(&key) {
                return Err(BomError::Unlocked(key.0, key.1));
            }
            above.truncate(depth);
            if let Some(parent) = above.last() {
                needs
                    .entry(parent.clone())
                    .or_default()
                    .insert(part.clone());
            }
            needs.entry(part.clone()).or_default();
            above.push(part);
        }
        let root = above.into_iter().next().ok_or(BomError::Empty)?;
        Ok(Self {
            root,
            needs,
            checksums,
        })
    }

    /// The crates, the program's own among them.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.needs.keys()
    }

    /// As JSON. `program` is the file's name and the SHA-256 of its bytes; `built_in` is what the compiler adds, with
    /// versions and licences.
    pub fn cyclone(&self, program: (&str, &str), built_in: &[Part]) -> String {
        let (name, digest) = program;
        let mut root = self.component(&self.root, "application");
        root["name"] = json!(name);
        root["hashes"] = json!([{"alg": "SHA-256", "content": digest}]);
        let others = self.parts().filter(|part| **part != self.root);
        let components: Vec<Value> = others
            .map(|part| self.component(part, "library"))
            .chain(built_in.iter().map(|part| self.component(part, "library")))
            .collect();
        let dependencies = self.needs.iter().map(|(part, needs)| {
            let mut all: Vec<String> = needs.iter().map(id).collect();
            if *part == self.root {
                all.extend(built_in.iter().map(id));
            }
            json!({"ref": id(part), "dependsOn": all})
        });
        let dependencies: Vec<Value> = dependencies.collect();
        let document = json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "metadata": {"component": root},
            "components": components,
            "dependencies": dependencies,
        });
        format!("{document:#}\n")
    }

    fn component(&self, part: &Part, kind: &str) -> Value {
        let mut component = json!({
            "type": kind,
            "bom-ref": id(part),
            "name": part.name,
            "version": part.version,
        });
        if !part.licence.is_empty() {
            component["licenses"] = json!([{"expression": part.licence}]);
        }
        let checksum = self
            .checksums
            .get(&(part.name.clone(), part.version.clone()));
        if let Some(checksum) = checksum.filter(|_| !part.is_ours) {
            component["purl"] = json!(id(part));
            component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
        }
        if part.source.starts_with("https://") {
            component["externalReferences"] = json!([{"type": "vcs", "url": part.source}]);
        }
        component
    }
}

/// What a part is called in the document: a crate of the registry as everybody calls it (package-url, "cargo").
fn id(part: &Part) -> String {
    let registry = if part.is_ours { "" } else { "pkg:cargo/" };
    format!("{registry}{}@{}", part.name, part.version)
}

/// `2name v1.0.0 (where it is, or what else) (*)`, a tab, the licence, a tab, the source.
fn part(line: &str) -> Option<(usize, Part)> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (depth, rest) = line.split_at_checked(digits)?;
    let mut fields = rest
        .split('\t')
        .map(|field| field.trim_end_matches("(*)").trim());
    let mut words = fields.next()?.split(' ');
    let name = words.next().filter(|name| !name.is_empty())?;
    let version = words.next()?.strip_prefix('v')?;
    let is_ours = words.any(|word| word.starts_with("(/"));
    // A slash is what licences were separated by before SPDX.
    let licence = fields.next()?.replace('/', " OR ");
    let part = Part {
        name: name.to_owned(),
        version: version.to_owned(),
        licence,
        source: fields.next()?.to_owned(),
        is_ours,
    };
    Some((depth.parse().ok()?, part))
}

/// Of the packages of a lock file: `name`, `version` and `checksum` stand in lines of their own, in this order.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut all = BTreeMap::new();
    let (mut name, mut version) = ("", "");
    for line in lock.lines() {
        let Some((key, value)) = line.split_once(" = ") else {
            continue;
        };
        let value = value.trim_matches('"');
        match key {
            "name" => name = value,
            "version" => version = value,
            "checksum" => {
                all.insert((name.to_owned(), version.to_owned()), value.to_owned());
            }
            _ => {}
        }
    }
    all
}
