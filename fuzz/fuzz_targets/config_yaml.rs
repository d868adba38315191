//! Configuration files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom::config::fuzz::parse(data);
});
