//! Header blocks of HTTP/2 (RFC 7541): written without any compression, and read with all of it.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail, ensure};

use super::huffman;

/// A field as it is on the wire, or its parts as text.
pub type Field = (String, String);

const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// An integer with a prefix of `bits`, in a byte whose other bits are those of `first`.
pub fn integer(bits: u32, first: u8, mut value: u64) -> Vec<u8> {
    let most = (1u64 << bits) - 1;
    if value < most {
        return vec![first | value as u8];
    }
    let mut bytes = vec![first | most as u8];
    value -= most;
    while value >= 128 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn string(text: &[u8]) -> Vec<u8> {
    [integer(7, 0, text.len() as u64), text.to_vec()].concat()
}

/// A field that enters no table.
pub fn literal(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Vec<u8> {
    [vec![0], string(name.as_ref()), string(value.as_ref())].concat()
}

/// A field that becomes number 62 of the table.
pub fn remembered(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Vec<u8> {
    [vec![0x40], string(name.as_ref()), string(value.as_ref())].concat()
}

/// The field with this number in the tables.
pub fn indexed(number: u64) -> Vec<u8> {
    integer(7, 0x80, number)
}

/// A block of fields that enter no table.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields
        .iter()
        .flat_map(|(name, value)| literal(name, value))
        .collect()
}

/// Reads blocks, one after the other.
#[derive(Debug)]
pub struct Decoder {
    table: VecDeque<Field>,
    size: usize,
    limit: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            table: VecDeque::new(),
            size: 0,
            limit: 4096,
        }
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.0.split_first().context("a block that breaks off")?;
        self.0 = rest;
        Ok(*first)
    }

    fn integer(&mut self, bits: u32) -> Result<usize> {
        let most = (1usize << bits) - 1;
        let mut value = usize::from(self.byte()?) & most;
        if value < most {
            return Ok(value);
        }
        for shift in (0..28).step_by(7) {
            let byte = usize::from(self.byte()?);
            value += (byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        bail!("a number that is too long")
    }

    fn string(&mut self) -> Result<String> {
        let huffman = self.0.first().is_some_and(|byte| byte & 128 != 0);
        let length = self.integer(7)?;
        let (text, rest) = self
            .0
            .split_at_checked(length)
            .context("a string that breaks off")?;
        self.0 = rest;
        let text = match huffman {
            true => huffman::decode(text)?,
            false => text.to_vec(),
        };
        Ok(text.into_iter().map(char::from).collect())
    }
}

impl Decoder {
    /// The fields of a block, in order.
    ///
    /// # Errors
    /// If it is none.
    pub fn decode(&mut self, block: &[u8]) -> Result<Vec<Field>> {
        let mut input = Input(block);
        let mut fields = Vec::new();
        while let Some(first) = input.0.first().copied() {
            if first & 0x80 != 0 {
                let number = input.integer(7)?;
                fields.push(self.get(number)?);
            } else if first & 0xe0 == 0x20 {
                self.limit = input.integer(5)?;
                self.evict();
            } else {
                let keep = first & 0x40 != 0;
                let name = match input.integer(if keep { 6 } else { 4 })? {
                    0 => input.string()?,
                    number => self.get(number)?.0,
                };
                let field = (name, input.string()?);
                if keep {
                    self.size += size(&field);
                    self.table.push_front(field.clone());
                    self.evict();
                }
                fields.push(field);
            }
        }
        Ok(fields)
    }

    fn get(&self, number: usize) -> Result<Field> {
        ensure!(number > 0, "field number 0");
        if let Some((name, value)) = STATIC.get(number - 1) {
            return Ok(((*name).to_owned(), (*value).to_owned()));
        }
        let field = self.table.get(number - 1 - STATIC.len());
        field.cloned().context("a field that is in no table")
    }

    fn evict(&mut self) {
        while self.size > self.limit {
            match self.table.pop_back() {
                Some(field) => self.size -= size(&field),
                None => break,
            }
        }
    }
}

fn size((name, value): &Field) -> usize {
    name.len() + value.len() + 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_examples_of_the_standard() {
        // RFC 7541 C.4: three requests on one connection.
        let mut decoder = Decoder::default();
        for (block, last) in [
            (
                "828684418cf1e3c2e5f23a6ba0ab90f4ff",
                (":authority", "www.example.com"),
            ),
            ("828684be5886a8eb10649cbf", ("cache-control", "no-cache")),
            (
                "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
                ("custom-key", "custom-value"),
            ),
        ] {
            let fields = decoder.decode(&hex::decode(block).unwrap()).unwrap();
            let (name, value) = fields.last().unwrap();
            assert_eq!((name.as_str(), value.as_str()), last);
            assert_eq!(fields[0].0, ":method");
        }
    }

    #[test]
    fn reads_what_it_writes() {
        let long = "x".repeat(5000);
        let mut bytes = block(&[("a", "1"), ("long", &long)]);
        bytes.extend(remembered("kept", "2"));
        bytes.extend(indexed(62));
        let fields = Decoder::default().decode(&bytes).unwrap();
        assert_eq!(fields[1].1, long);
        assert_eq!(fields[2], fields[3]);
    }
}
