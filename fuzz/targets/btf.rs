//! The kernel's description of its types: what is looked for is found or not, and no walk is endless.
#![no_main]

use kernel::btf::Btf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(btf) = Btf::parse(bytes) else { return };
    for name in ["daddr", "saddr", "flag", "port", "last"] {
        let _ = btf.offset("sock", name);
    }
    let _ = btf.value("ids", "two_id");
});
