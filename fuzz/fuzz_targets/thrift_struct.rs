//! Thrift structs: their ends, and the way to the other protocol and back.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom_thrift::fuzz::walk(data);
    wireloom_thrift::fuzz::rewrite(data);
});
