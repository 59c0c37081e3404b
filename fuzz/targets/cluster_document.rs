#![no_main]
libfuzzer_sys::fuzz_target!(|_file: &[u8]| {});
