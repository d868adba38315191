//! Heads of HTTP/1 requests, and detection.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom_http::h1::fuzz::request(data);
    wireloom_http::h1::fuzz::sniff(data);
});
