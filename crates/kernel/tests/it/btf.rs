use kernel::btf::{Btf, BtfError};
use proptest::prelude::*;

/// A description of types, built as `Documentation/bpf/btf.rst` says.
#[derive(Default)]
struct Types {
    types: Vec<u8>,
    names: Vec<u8>,
}

const STRUCT: u32 = 4;
const UNION: u32 = 5;

impl Types {
    fn new() -> Self {
        Self {
            types: Vec::new(),
            names: vec![0],
        }
    }

    fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let place = u32::try_from(self.names.len()).unwrap();
        self.names.extend(name.as_bytes());
        self.names.push(0);
        place
    }

    fn words(&mut self, words: &[u32]) {
        self.types
            .extend(words.iter().flat_map(|word| word.to_ne_bytes()));
    }

    /// Members are (name, type, offset).
    fn composite(&mut self, kind: u32, flag: u32, name: &str, members: &[(&str, u32, u32)]) {
        let count = u32::try_from(members.len()).unwrap();
        let name = self.name(name);
        self.words(&[name, flag << 31 | kind << 24 | count, 64]);
        for (name, of, offset) in members {
            let name = self.name(name);
            self.words(&[name, *of, *offset]);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let length = |part: &[u8]| u32::try_from(part.len()).unwrap();
        let mut bytes = 0xeb9f_u16.to_ne_bytes().to_vec();
        bytes.extend([1, 0]);
        let head = [
            24,
            0,
            length(&self.types),
            length(&self.types),
            length(&self.names),
        ];
        bytes.extend(head.iter().flat_map(|word| word.to_ne_bytes()));
        bytes.extend(&self.types);
        bytes.extend(&self.names);
        bytes
    }
}

/// As the kernel's sockets are: addresses in a structure in a union, bit fields, and other kinds of types between.
fn kernel() -> Types {
    let mut types = Types::new();
    let name = types.name("int");
    types.words(&[name, 1 << 24, 4, 32]); // 1: integer
    types.composite(STRUCT, 0, "", &[("daddr", 1, 0), ("saddr", 1, 32)]); // 2
    types.composite(UNION, 0, "", &[("pair", 1, 0), ("", 2, 0)]); // 3
    types.words(&[0, 3 << 24, 0, 1, 1, 8]); // 4: array
    types.words(&[0, 13 << 24 | 1, 1, 0, 1]); // 5: prototype
    let bits = |size: u32, offset: u32| size << 24 | offset;
    types.composite(
        STRUCT,
        1,
        "sock",
        &[
            ("", 3, bits(0, 64)),
            ("flag", 1, bits(3, 128)),
            ("port", 1, bits(0, 160)),
        ],
    ); // 6
    let name = types.name("ids");
    let (first, second) = (types.name("one_id"), types.name("two_id"));
    types.words(&[name, 6 << 24 | 2, 4, first, 0, second, 7]); // 7: enumeration
    types.composite(STRUCT, 0, "sockets", &[("port", 1, 8)]);
    types
}

#[test]
fn members_are_found_however_deep() {
    let bytes = kernel().bytes();
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.offset("sock", "daddr"), Ok(8));
    assert_eq!(btf.offset("sock", "saddr"), Ok(12));
    assert_eq!(btf.offset("sock", "port"), Ok(20));
    assert_eq!(btf.offset("sockets", "port"), Ok(1));
    assert_eq!(btf.value("ids", "two_id"), Ok(7));
}

#[test]
fn what_is_not_there_is_told() {
    let bytes = kernel().bytes();
    let btf = Btf::parse(&bytes).unwrap();
    // A bit field, parts of names, and none.
    for (of, name) in [
        ("sock", "flag"),
        ("sock", "dadd"),
        ("soc", "port"),
        ("ids", "one_id"),
    ] {
        assert_eq!(btf.offset(of, name), Err(BtfError::Missing { of, name }));
    }
    let (of, name) = ("ids", "three_id");
    assert_eq!(btf.value(of, name), Err(BtfError::Missing { of, name }));
    assert_eq!(Btf::parse(b"\x7fELF").unwrap_err(), BtfError::Malformed);
}

/// A structure that claims to be part of itself ends somewhere.
#[test]
fn a_circle_has_an_end() {
    let mut types = Types::new();
    types.composite(STRUCT, 0, "ring", &[("", 1, 8), ("last", 1, 16)]);
    let bytes = types.bytes();
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.offset("ring", "last"), Ok(2 + 15));
}

#[test]
#[cfg(target_os = "linux")]
fn the_kernel_here_tells_where_a_sockets_state_is() {
    let Ok(bytes) = std::fs::read("/sys/kernel/btf/vmlinux") else {
        return;
    };
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.offset("sock", "__sk_common"), Ok(0));
    assert!(btf.offset("sock_common", "skc_daddr").is_ok());
    assert!(btf.offset("tcp_sock", "snd_una").unwrap() > 100);
}

proptest! {
    #[test]
    fn damage_does_no_harm(place: prop::sample::Index, value: u8, cut: prop::sample::Index) {
        let mut bytes = kernel().bytes();
        let place = place.index(bytes.len());
        bytes[place] = value;
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Ok(btf) = Btf::parse(&bytes) {
            let _ = (btf.offset("sock", "saddr"), btf.value("ids", "two_id"));
        }
    }
}
