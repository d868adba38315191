//! Thrift messages of every dialect, cut anywhere; verdicts of the sniffer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom_thrift::fuzz::decode(data);
    wireloom_thrift::fuzz::edits(data);
    wireloom_thrift::fuzz::sniff(data);
});
