//! What hostile bodies cost in memory. A process of its own, for the high-water mark is the process's.
#![cfg(target_os = "linux")]
#![allow(missing_docs)]

use wireloom_hessian::{Dialect, Reader, decode_all};

/// The peak resident size so far, in KiB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn hostile_bodies_cost_bounded_memory() {
    let mib = 1 << 20;
    let mut bodies = vec![
        // 2^31 - 1 elements claimed in four ways.
        (Dialect::Final, hex::decode("58497fffffff90").unwrap()),
        (Dialect::Final, hex::decode("430161497fffffff0161").unwrap()),
        (Dialect::Draft, hex::decode("566c7fffffff90").unwrap()),
        (Dialect::Draft, hex::decode("4f9161497fffffff0161").unwrap()),
        // Four million levels, chunks and class definitions.
        (Dialect::Final, vec![0x79; 4 * mib]),
        (Dialect::Draft, b"Vn\x01".repeat(mib)),
        (Dialect::Final, b"R\0\x01a".repeat(mib)),
        (Dialect::Final, b"C\0\x90".repeat(mib)),
        // Four million ints in lists of seven.
        (
            Dialect::Final,
            [&[0x7f][..], &[0x90; 7]].concat().repeat(mib / 2),
        ),
    ];
    // A field name of a mebibyte, and a million objects that have it.
    let mut named = b"C\x01a\x91".to_vec();
    for _ in 0..32 {
        named.extend(b"R\x80\0");
        named.extend(vec![b'n'; 0x8000]);
    }
    named.push(0);
    named.push(0x57);
    named.extend(b"`\x90".repeat(mib));
    named.push(b'Z');
    bodies.push((Dialect::Final, named));

    let before = peak().unwrap();
    for (dialect, body) in &bodies {
        let mut reader = Reader::new(body, *dialect);
        while !reader.is_empty() && reader.skip_value().is_ok() {}
    }
    let skipped = peak().unwrap() - before;
    assert!(skipped < 1024, "skipping took {skipped} KiB");
    for (dialect, body) in &bodies {
        drop(decode_all(body, *dialect));
    }
    let decoded = peak().unwrap() - before;
    assert!(decoded < 64 * 1024, "decoding took {decoded} KiB");
}
