//! An image for one or more platforms, as one archive.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::str::FromStr;

use serde_json::{Value, json};
use tar::Builder;

use crate::USER;
use crate::digest::sha256;
use crate::layer::{Layer, header};
use crate::reference::Reference;

/// What a program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Platform {
    /// x86-64.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl Platform {
    /// Its name in images: that of Go.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Amd64, Self::Arm64]
            .into_iter()
            .find(|platform| platform.name() == text)
            .ok_or_else(|| format!("{text} is no platform; there are amd64 and arm64"))
    }
}

/// What an image is called and what it does.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its name.
    pub reference: Reference,
    /// The program that it runs, with a slash in front.
    pub program: String,
    /// What stands in its labels (OCI Image Format Specification, "Annotations"): without `org.opencontainers.image.`.
    pub labels: BTreeMap<String, String>,
    /// When it was made, in seconds since 1970.
    pub epoch: u64,
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Writes the archive. Where there are several platforms, the runtime takes its own; an old `docker load`, which knows no
/// indexes, takes the first.
pub fn write(
    image: &Image,
    layers: &BTreeMap<Platform, Layer>,
    output: impl Write,
) -> io::Result<()> {
    let mut blobs = Blobs::default();
    let mut manifests = Vec::new();
    let mut docker = None;
    for (platform, layer) in layers {
        let (manifest, config) = blobs.image(image, *platform, layer)?;
        manifests.push(manifest);
        docker.get_or_insert((config, path(&sha256(&layer.bytes))));
    }
    let (config, layer) =
        docker.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no platform"))?;
    let mut top = match manifests.as_slice() {
        [only] => only.clone(),
        all => blobs.json(
            INDEX,
            &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": all}),
        ),
    };
    top["annotations"] = json!({
        "io.containerd.image.name": image.reference.to_string(),
        "org.opencontainers.image.ref.name": image.reference.tag(),
    });
    let mut files: BTreeMap<String, Vec<u8>> = blobs.0;
    let mut add =
        |name: &str, value: &Value| files.insert(name.to_owned(), value.to_string().into());
    add("oci-layout", &json!({"imageLayoutVersion": "1.0.0"}));
    add(
        "index.json",
        &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [top]}),
    );
    // `docker save` (Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format").
    let docker =
        json!([{"Config": config, "RepoTags": [image.reference.to_string()], "Layers": [layer]}]);
    add("manifest.json", &docker);

    let mut builder = Builder::new(output);
    for (name, bytes) in &files {
        let mut header = header(0o644, image.epoch, bytes.len() as u64);
        builder.append_data(&mut header, name, bytes.as_slice())?;
    }
    builder.into_inner()?.flush()
}

/// The parts of an archive, by their path.
#[derive(Default)]
struct Blobs(BTreeMap<String, Vec<u8>>);

fn path(digest: &str) -> String {
    format!("blobs/sha256/{digest}")
}

impl Blobs {
    /// Adds a part, and describes it (OCI Image Format Specification, "Content Descriptors").
    fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let digest = sha256(&bytes);
        let descriptor = json!({
            "mediaType": media_type,
            "digest": format!("sha256:{digest}"),
            "size": bytes.len(),
        });
        self.0.insert(path(&digest), bytes);
        descriptor
    }

    fn json(&mut self, media_type: &str, value: &Value) -> Value {
        self.add(media_type, value.to_string().into())
    }

    /// Adds the image of a platform: the descriptor of its manifest, and the path of its configuration.
    fn image(
        &mut self,
        image: &Image,
        platform: Platform,
        layer: &Layer,
    ) -> io::Result<(Value, String)> {
        let created = i64::try_from(image.epoch)
            .ok()
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no such time"))?
            .to_string();
        let labels: BTreeMap<String, &String> = image
            .labels
            .iter()
            .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value))
            .collect();
        let config = json!({
            "architecture": platform.name(),
            "os": "linux",
            "created": created,
            "config": {
                "User": format!("{USER}:{USER}"),
                "Entrypoint": [image.program],
                "WorkingDir": "/",
                "Labels": labels,
            },
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", layer.uncompressed)]},
            "history": [{"created": created, "created_by": "./dev image"}],
        });
        let config = self.json(CONFIG, &config);
        let config_path = path(
            config["digest"]
                .as_str()
                .unwrap_or_default()
                .trim_start_matches("sha256:"),
        );
        let layer = self.add(LAYER, layer.bytes.clone());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config,
            "layers": [layer],
            "annotations": labels,
        });
        let mut manifest = self.json(MANIFEST, &manifest);
        manifest["platform"] = json!({"architecture": platform.name(), "os": "linux"});
        Ok((manifest, config_path))
    }
}
