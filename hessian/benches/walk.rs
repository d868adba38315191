//! What reading a request's routing strings costs: `cargo bench -p wireloom-hessian`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Instant;

use wireloom_hessian::{Dialect, Encoder, Reader, Value, decode_all};

fn report(what: &str, bytes: usize, mut run: impl FnMut()) {
    let rounds = (50_000_000 / bytes.max(100)).max(50);
    let start = Instant::now();
    for _ in 0..rounds {
        run();
    }
    let each = start.elapsed().as_nanos() as f64 / rounds as f64;
    println!(
        "{what:<44} {each:>10.0} ns {:>8.0} MB/s",
        bytes as f64 * 1000.0 / each
    );
}

fn main() {
    let order = Value::object(
        "com.acme.Order",
        [
            ("id", Value::Long(1 << 40)),
            ("sku", "A-1".into()),
            ("price", Value::Double(12.25)),
        ],
    );
    let args = Value::list(std::iter::repeat_n(order, 1000));
    let mut request = Encoder::new(Dialect::Final);
    request
        .string("2.0.2")
        .string("com.acme.DemoService")
        .string("1.0.0")
        .string("place");
    request.string("Ljava/util/List;");
    let strings = request.value(&Value::Null).unwrap().clone().finish();
    request.value(&args).unwrap();
    let attachments = [
        ("path", "com.acme.DemoService"),
        ("group", "blue"),
        ("timeout", "3000"),
    ];
    let request = request
        .value(&Value::map(attachments))
        .unwrap()
        .clone()
        .finish();

    report("five routing strings", strings.len(), || {
        let mut reader = Reader::new(black_box(&strings), Dialect::Final);
        for _ in 0..5 {
            black_box(reader.read_str().unwrap());
        }
    });
    report(
        "strings, 1000 objects skipped, attachments",
        request.len(),
        || {
            let mut reader = Reader::new(black_box(&request), Dialect::Final);
            reader.skip_values(7).unwrap();
            let mut map = reader.enter_map().unwrap().unwrap();
            while let Some(key) = reader.next_key(&mut map).unwrap() {
                black_box((key, reader.str_or_skip().unwrap()));
            }
        },
    );
    for (what, text) in [
        ("64 KiB of ASCII skipped", "a".repeat(32)),
        ("96 KiB of CJK skipped", "中".repeat(32)),
    ] {
        let mut body = Encoder::new(Dialect::Final);
        let body = body.string(&text.repeat(1024 / 16 * 32)).clone().finish();
        report(what, body.len(), || {
            Reader::new(black_box(&body), Dialect::Final)
                .skip_value()
                .unwrap();
        });
    }
    report("the request decoded (tools only)", request.len(), || {
        black_box(decode_all(black_box(&request), Dialect::Final).unwrap());
    });
}
