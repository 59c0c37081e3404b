use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use image::{Capability, File, Image, Layer, Platform, sha256, write};
use serde_json::Value;
use tar::Archive;

const EPOCH: u64 = 1_764_000_000;

fn image() -> Image {
    Image {
        reference: "portolan/portolan-sniffer:0.1.0".parse().unwrap(),
        program: "/portolan-sniffer".to_owned(),
        labels: BTreeMap::from([("version".to_owned(), "0.1.0".to_owned())]),
        epoch: EPOCH,
    }
}

fn layer(program: &str) -> Layer {
    let program = File {
        bytes: program.into(),
        is_program: true,
        capability: Some(Capability::NetRaw),
    };
    let files = BTreeMap::from([
        ("portolan-sniffer".to_owned(), program),
        ("etc/passwd".to_owned(), File::text("root:x:0:0:root:/:/\n")),
        ("usr/share/sbom/list".to_owned(), File::text("{}")),
    ]);
    Layer::new(&files, EPOCH).unwrap()
}

fn archive(layers: &[(Platform, Layer)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&image(), &layers.iter().cloned().collect(), &mut bytes).unwrap();
    bytes
}

/// The files of an archive, by name.
fn unpacked(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in Archive::new(bytes).entries().unwrap() {
        let mut entry = entry.unwrap();
        assert_eq!(entry.header().mtime().unwrap(), EPOCH);
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert!(files.insert(path, content).is_none());
    }
    files
}

fn json(files: &BTreeMap<String, Vec<u8>>, path: &str) -> Value {
    serde_json::from_slice(&files[path]).unwrap()
}

/// What a descriptor describes, which must have its size and its digest.
fn blob<'f>(files: &'f BTreeMap<String, Vec<u8>>, descriptor: &Value) -> &'f [u8] {
    let digest = descriptor["digest"].as_str().unwrap();
    let digest = digest.strip_prefix("sha256:").unwrap();
    let bytes = &files[&format!("blobs/sha256/{digest}")];
    assert_eq!(sha256(bytes), digest);
    assert_eq!(descriptor["size"], bytes.len());
    bytes
}

/// The configuration and the layer of the image that a manifest describes.
fn content<'f>(files: &'f BTreeMap<String, Vec<u8>>, manifest: &Value) -> (Value, &'f [u8]) {
    let manifest: Value = serde_json::from_slice(blob(files, manifest)).unwrap();
    let config = serde_json::from_slice(blob(files, &manifest["config"])).unwrap();
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    (config, blob(files, &manifest["layers"][0]))
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let once = archive(&[(Platform::Amd64, layer("ELF"))]);
    assert_eq!(once, archive(&[(Platform::Amd64, layer("ELF"))]));
    assert_ne!(once, archive(&[(Platform::Amd64, layer("FLE"))]));
}

#[test]
fn the_layout_is_found_by_oci_and_by_docker() {
    let files = unpacked(&archive(&[(Platform::Amd64, layer("ELF"))]));
    assert_eq!(json(&files, "oci-layout")["imageLayoutVersion"], "1.0.0");
    let index = json(&files, "index.json");
    let top = &index["manifests"][0];
    let name = "docker.io/portolan/portolan-sniffer:0.1.0";
    assert_eq!(top["annotations"]["io.containerd.image.name"], name);
    assert_eq!(top["platform"]["architecture"], "amd64");
    let (config, layer) = content(&files, top);
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Entrypoint"][0], "/portolan-sniffer");
    assert_eq!(config["created"], "2025-11-24T16:00:00Z");
    let mut plain = Vec::new();
    GzDecoder::new(layer).read_to_end(&mut plain).unwrap();
    let digest = format!("sha256:{}", sha256(&plain));
    assert_eq!(config["rootfs"]["diff_ids"][0], digest);

    let docker = json(&files, "manifest.json");
    assert_eq!(docker[0]["RepoTags"][0], name);
    let path = docker[0]["Config"].as_str().unwrap();
    assert_eq!(json(&files, path), config);
    assert_eq!(files[docker[0]["Layers"][0].as_str().unwrap()], layer);
}

#[test]
fn two_platforms_share_a_name() {
    let both = [
        (Platform::Arm64, layer("arm")),
        (Platform::Amd64, layer("amd")),
    ];
    let files = unpacked(&archive(&both));
    let index = json(&files, "index.json");
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    let inner: Value = serde_json::from_slice(blob(&files, &index["manifests"][0])).unwrap();
    let manifests = inner["manifests"].as_array().unwrap();
    let names: Vec<&Value> = manifests
        .iter()
        .map(|manifest| &manifest["platform"]["architecture"])
        .collect();
    assert_eq!(names, ["amd64", "arm64"]);
    for manifest in manifests {
        let (config, _) = content(&files, manifest);
        assert_eq!(config["architecture"], manifest["platform"]["architecture"]);
    }
}

#[test]
fn an_image_without_a_platform_is_refused() {
    assert!(write(&image(), &BTreeMap::new(), Vec::new()).is_err());
}

#[test]
fn files_are_roots_and_the_program_carries_its_capability() {
    let layer = layer("ELF");
    let mut plain = Vec::new();
    GzDecoder::new(layer.bytes.as_slice())
        .read_to_end(&mut plain)
        .unwrap();
    let mut archive = Archive::new(plain.as_slice());
    let mut found = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let (uid, gid) = (entry.header().uid().unwrap(), entry.header().gid().unwrap());
        assert_eq!((uid, gid), (0, 0));
        let attribute = entry.pax_extensions().unwrap().map(|all| {
            let all: Vec<_> = all.map(Result::unwrap).collect();
            assert_eq!(all.len(), 1);
            assert_eq!(all[0].key(), Ok("SCHILY.xattr.security.capability"));
            all[0].value_bytes().to_vec()
        });
        let capability = Capability::NetRaw.attribute().to_vec();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            attribute,
            (path == "portolan-sniffer").then_some(capability)
        );
        found.push((path, entry.header().mode().unwrap()));
    }
    let expected = [
        ("etc/", 0o755),
        ("usr/", 0o755),
        ("usr/share/", 0o755),
        ("usr/share/sbom/", 0o755),
        ("etc/passwd", 0o644),
        ("portolan-sniffer", 0o755),
        ("usr/share/sbom/list", 0o644),
    ];
    assert_eq!(found, expected.map(|(path, mode)| (path.to_owned(), mode)));
}
