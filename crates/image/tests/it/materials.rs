use image::{Bom, BomError, Part};
use serde_json::Value;

const TREE: &str = "\
0sniffer v0.1.0 (/src/crates/sniffer)\tApache-2.0\t
1app v0.1.0 (/src/crates/app)\tApache-2.0\t
2serde v1.0.228\tMIT OR Apache-2.0\thttps://github.com/serde-rs/serde
3serde_core v1.0.228\tMIT/Apache-2.0\t
1serde v1.0.228\tMIT OR Apache-2.0\thttps://github.com/serde-rs/serde (*)
";

const LOCK: &str = "\
version = 4

[[package]]
name = \"serde\"
version = \"1.0.228\"
source = \"registry+https://github.com/rust-lang/crates.io-index\"
checksum = \"aa\"
dependencies = [
 \"serde_core\",
]

[[package]]
name = \"serde_core\"
version = \"1.0.228\"
checksum = \"bb\"
";

fn document(bom: &Bom) -> Value {
    let std = Part {
        name: "std".to_owned(),
        version: "1.95.0".to_owned(),
        licence: "MIT OR Apache-2.0".to_owned(),
        source: String::new(),
        is_ours: true,
    };
    serde_json::from_str(&bom.cyclone(("portolan-sniffer", "cc"), &[std])).unwrap()
}

#[test]
fn every_crate_is_listed_once_with_what_it_needs() {
    let bom = Bom::read(TREE, LOCK).unwrap();
    assert_eq!(bom.parts().count(), 4);
    let document = document(&bom);
    let program = &document["metadata"]["component"];
    assert_eq!(program["name"], "portolan-sniffer");
    assert_eq!(program["hashes"][0]["content"], "cc");
    let components = document["components"].as_array().unwrap();
    let of = |name: &str| components.iter().find(|part| part["name"] == name).unwrap();
    assert_eq!(components.len(), 4);
    assert_eq!(of("serde")["purl"], "pkg:cargo/serde@1.0.228");
    assert_eq!(of("serde")["hashes"][0]["content"], "aa");
    assert_eq!(
        of("serde")["externalReferences"][0]["url"],
        "https://github.com/serde-rs/serde"
    );
    assert_eq!(
        of("serde_core")["licenses"][0]["expression"],
        "MIT OR Apache-2.0"
    );
    // Those that no registry has get no name in one.
    assert!(of("app")["purl"].is_null() && of("std")["purl"].is_null());
    let needs = document["dependencies"].as_array().unwrap();
    let of = |name: &str| {
        let found = needs.iter().find(|part| part["ref"] == name).unwrap();
        found["dependsOn"].clone()
    };
    assert_eq!(
        of("sniffer@0.1.0"),
        serde_json::json!(["app@0.1.0", "pkg:cargo/serde@1.0.228", "std@1.95.0"])
    );
    assert_eq!(
        of("pkg:cargo/serde@1.0.228"),
        serde_json::json!(["pkg:cargo/serde_core@1.0.228"])
    );
}

#[test]
fn what_cannot_be_read_is_said() {
    assert_eq!(Bom::read("", LOCK), Err(BomError::Empty));
    for line in [
        "sniffer",
        "0sniffer",
        "0sniffer 1",
        "x v1\t\t",
        "1app v1 (/a)\t\t",
    ] {
        let found = Bom::read(line, LOCK);
        assert_eq!(found, Err(BomError::Line(line.to_owned())), "{line}");
    }
    let unlocked = BomError::Unlocked("serde".to_owned(), "2.0.0".to_owned());
    assert_eq!(Bom::read("0serde v2.0.0\tMIT\t\n", LOCK), Err(unlocked));
}
