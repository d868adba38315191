//! Fills `corpus/` with what real encoders wrote: the golden vectors, and the example configurations.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Longer seeds slow the fuzzer down and show it nothing new.
const LONGEST: usize = 8192;

/// Messages with everything that framing looks at.
const HTTP1: [&str; 6] = [
    "GET /a?b HTTP/1.1\r\nHost: h:80\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
    "HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n",
    "HTTP/1.0 304 Not Modified\r\nX: \t1 \r\n\r\n",
];

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().ok_or("fuzz/ stands in the repository")?;
    let mut seeds = Seeds {
        corpus: here.join("corpus"),
        written: 0,
    };
    for file in ["hessian2", "hessian-draft", "sofa-hessian"] {
        for (name, bytes, _) in vectors(root, &format!("hessian/vectors/{file}.json"))? {
            seeds.write("hessian_skip", &name, &bytes)?;
            seeds.write("hessian_value", &name, &bytes)?;
        }
    }
    for (name, bytes, expect) in vectors(root, "bolt/vectors/bolt.json")? {
        let number = |key: &str| usize::try_from(expect[key].as_u64().unwrap_or_default());
        let (content, header_len) = (number("content_offset")?, number("header_len")?);
        let end = content + number("content_len")?;
        seeds.write("bolt_frames", &name, &bytes)?;
        seeds.write("bolt_header", &name, &bytes[content - header_len..content])?;
        seeds.write("sofa_request", &name, &bytes[content..end])?;
    }
    for file in ["dubbo", "dubbo-3.3"] {
        for (name, bytes, _) in vectors(root, &format!("dubbo/vectors/{file}.json"))? {
            seeds.write("dubbo_frames", &name, &bytes)?;
            seeds.write("dubbo_invocation", &name, &bytes[16..])?;
        }
    }
    for (name, bytes, expect) in vectors(root, "thrift/vectors/thrift.json")? {
        seeds.write("thrift_frames", &name, &bytes)?;
        seeds.write("thrift_translate", &name, &bytes)?;
        // The struct comes last, behind the seqid in binary and behind the name in compact.
        if let Some(seqid) = expect["seqid_offset"].as_u64() {
            let name_len = expect["wire_name"].as_str().unwrap_or_default().len();
            let compact = expect["protocol"] == "compact";
            let seqid_len = match (compact, expect["seqid"].as_i64()) {
                (false, _) => 4,
                (true, Some(0..=127)) => 1,
                (true, Some(128..=16_383)) => 2,
                (true, _) => 5,
            };
            let name_len = if compact { 1 + name_len } else { 0 };
            let at = usize::try_from(seqid)? + seqid_len + name_len;
            seeds.write("thrift_struct", &name, bytes.get(at..).unwrap_or_default())?;
        }
    }
    for (number, text) in HTTP1.iter().enumerate() {
        let name = format!("message_{number}");
        let (head, body) = text.split_once("\r\n\r\n").ok_or("no head")?;
        let target = match head.starts_with("HTTP/") {
            true => "http1_response",
            false => "http1_request",
        };
        seeds.write(target, &name, text.as_bytes())?;
        if head.contains("chunked") {
            seeds.write("http1_chunked", &name, body.as_bytes())?;
        }
    }
    for entry in fs::read_dir(root.join("examples"))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            seeds.write("config_yaml", &name, &fs::read(&path)?)?;
        }
    }
    // Nobody writes these but the fuzzer; noise of this length makes some twenty routes.
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    for number in 0..64 {
        let bytes: Vec<u8> = (0..1000).map(|_| noise.next()).collect();
        seeds.write("route_match", &format!("noise_{number}"), &bytes)?;
    }
    println!("{} seeds in {}", seeds.written, seeds.corpus.display());
    Ok(())
}

/// Marsaglia's xorshift: the same seeds every time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u8
    }
}

struct Seeds {
    corpus: PathBuf,
    written: usize,
}

impl Seeds {
    fn write(&mut self, target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        if bytes.is_empty() || bytes.len() > LONGEST {
            return Ok(());
        }
        let folder = self.corpus.join(target);
        fs::create_dir_all(&folder)?;
        self.written += 1;
        fs::write(folder.join(name), bytes)
    }
}

/// The name, the bytes and what is expected of each vector of a file.
fn vectors(root: &Path, file: &str) -> Result<Vec<(String, Vec<u8>, Value)>, Box<dyn Error>> {
    let file: Value = serde_json::from_slice(&fs::read(root.join(file))?)?;
    let vectors = file["vectors"].as_array().ok_or("a file of vectors")?;
    vectors
        .iter()
        .map(|vector| {
            let name = vector["name"].as_str().ok_or("a vector has a name")?;
            let bytes = hex::decode(vector["hex"].as_str().ok_or("a vector has bytes")?)?;
            Ok((name.to_owned(), bytes, vector["expect"].clone()))
        })
        .collect()
}
