//! Thrift requests on their way into each dialect.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom_thrift::fuzz::translate(data);
});
