//! The Huffman code of HPACK (RFC 7541 appendix B).
//!
//! It is canonical: symbols that are sorted by the length of their code and then by value have codes in ascending order, so
//! the lengths tell all of it.

use std::collections::HashMap;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

/// Symbols by the length of their codes. The end of a string, symbol 256, is the last one of 30 bits.
const SYMBOLS: [(u32, &[u8]); 21] = [
    (5, b"012aceiost"),
    (6, b" %-./3456789=A_bdfghlmnpru"),
    (7, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, b"&*,;XZ"),
    (10, b"!\"()?"),
    (11, b"'+|"),
    (12, b"#>"),
    (13, b"\x00$@[]~"),
    (14, b"^}"),
    (15, b"<`{"),
    (19, &[92, 195, 208]),
    (20, &[128, 130, 131, 162, 184, 194, 224, 226]),
    (
        21,
        &[
            153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230,
        ],
    ),
    (
        22,
        &[
            129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185,
            186, 187, 189, 190, 196, 198, 228, 232, 233,
        ],
    ),
    (
        23,
        &[
            1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166,
            168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239,
        ],
    ),
    (
        24,
        &[9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237],
    ),
    (25, &[199, 207, 234, 235]),
    (
        26,
        &[
            192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255,
        ],
    ),
    (
        27,
        &[
            203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252,
            253, 254,
        ],
    ),
    (
        28,
        &[
            2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28,
            29, 30, 31, 127, 220, 249,
        ],
    ),
    (30, &[10, 13, 22]),
];

/// Symbols by length and code.
fn codes() -> &'static HashMap<(u32, u32), u8> {
    static CODES: OnceLock<HashMap<(u32, u32), u8>> = OnceLock::new();
    CODES.get_or_init(|| {
        let mut codes = HashMap::new();
        let (mut next, mut before) = (0, 5);
        for (length, symbols) in SYMBOLS {
            next <<= length - before;
            before = length;
            for symbol in symbols {
                codes.insert((length, next), *symbol);
                next += 1;
            }
        }
        codes
    })
}

/// What the bytes stand for.
///
/// # Errors
/// If they end within a code, or with something else than ones.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let (mut code, mut length) = (0, 0);
    for byte in bytes {
        for bit in (0..8).rev() {
            code = code << 1 | u32::from(byte >> bit & 1);
            length += 1;
            if let Some(symbol) = codes().get(&(length, code)) {
                text.push(*symbol);
                (code, length) = (0, 0);
            }
            ensure!(length < 30, "a code that there is not");
        }
    }
    ensure!(
        length < 8 && code + 1 == 1u32.checked_shl(length).context("too long a code")?,
        "a string that ends within a code"
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_examples_of_the_standard() {
        // RFC 7541 C.4.1, C.6.1.
        let host = hex::decode("f1e3c2e5f23a6ba0ab90f4ff").unwrap();
        assert_eq!(decode(&host).unwrap(), b"www.example.com");
        let date = hex::decode("d07abe941054d444a8200595040b8166e082a62d1bff").unwrap();
        assert_eq!(decode(&date).unwrap(), b"Mon, 21 Oct 2013 20:13:21 GMT");
    }
}
