//! Heads of HTTP/1 responses.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom_http::h1::fuzz::response(data);
});
