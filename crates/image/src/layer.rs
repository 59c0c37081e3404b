//! The files of an image, as one layer.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use crate::capability::{Capability, PAX_KEY};
use crate::digest::sha256;

/// A file of a layer; it is root's, and nobody may write to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Whether it is a program.
    pub is_program: bool,
    /// What it gives to whoever runs it.
    pub capability: Option<Capability>,
}

impl File {
    /// A file to read.
    pub fn text(text: &str) -> Self {
        Self {
            bytes: text.as_bytes().to_vec(),
            is_program: false,
            capability: None,
        }
    }
}

/// A layer, compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Compressed with gzip.
    pub bytes: Vec<u8>,
    /// The digest of what is compressed, by which configurations name a layer.
    pub uncompressed: String,
}

impl Layer {
    /// Of files by their paths, without a slash in front. `epoch` is when all of them were last changed, in seconds since
    /// 1970. The same files give the same bytes.
    pub fn new(files: &BTreeMap<String, File>, epoch: u64) -> io::Result<Self> {
        let mut builder = Builder::new(Vec::new());
        for folder in folders(files) {
            let mut header = header(0o755, epoch, 0);
            header.set_entry_type(EntryType::Directory);
            builder.append_data(&mut header, format!("{folder}/"), io::empty())?;
        }
        for (path, file) in files {
            if let Some(capability) = file.capability {
                let attribute = capability.attribute();
                builder.append_pax_extensions([(PAX_KEY, attribute.as_slice())])?;
            }
            let mode = if file.is_program { 0o755 } else { 0o644 };
            let mut header = header(mode, epoch, file.bytes.len() as u64);
            builder.append_data(&mut header, path, file.bytes.as_slice())?;
        }
        let plain = builder.into_inner()?;
        let uncompressed = sha256(&plain);
        // Without a name and a time in it.
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&plain)?;
        Ok(Self {
            bytes: encoder.finish()?,
            uncompressed,
        })
    }
}

/// The head of an entry that belongs to root.
pub(crate) fn header(mode: u32, epoch: u64, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(epoch);
    header.set_size(size);
    header
}

/// All folders that hold these paths, parents first.
fn folders(files: &BTreeMap<String, File>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for path in files.keys() {
        for (at, _) in path.match_indices('/') {
            all.insert(path[..at].to_owned());
        }
    }
    all
}
