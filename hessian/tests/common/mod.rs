//! The vectors: bytes that real encoders wrote.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic
)]

use serde::Deserialize;
use serde_json::Value as Json;
use wireloom_hessian::Dialect;

#[derive(Deserialize)]
pub struct Vector {
    pub name: String,
    hex: String,
    dialect: String,
    /// What the encoder was given; absent where the value is only named.
    #[serde(default)]
    pub expect: Json,
    pub top_level_values: usize,
}

impl Vector {
    pub fn bytes(&self) -> Vec<u8> {
        hex::decode(&self.hex).expect("vectors are hex")
    }

    pub fn dialect(&self) -> Dialect {
        match self.dialect.as_str() {
            "final" => Dialect::Final,
            "draft" => Dialect::Draft,
            other => panic!("no dialect {other}"),
        }
    }
}

pub fn vectors() -> Vec<Vector> {
    #[derive(Deserialize)]
    struct File {
        vectors: Vec<Vector>,
    }
    let parse = |text| {
        serde_json::from_str::<File>(text)
            .expect("vector files are JSON")
            .vectors
    };
    let mut all = parse(include_str!("../../vectors/hessian2.json"));
    assert_eq!(all.len(), 189);
    all.extend(parse(include_str!("../../vectors/hessian-draft.json")));
    assert_eq!(all.len(), 189 + 65);
    all.extend(parse(include_str!("../../vectors/sofa-hessian.json")));
    assert_eq!(all.len(), 189 + 65 + 67);
    all
}
