//! [`Value`]s to bytes, in the shortest forms that the reference encoders write.
//!
//! The final form follows hessian-lite, the draft sofa-hessian 3.x, both of Java. Known differences, all of
//! them forms that every reader of the dialect accepts:
//!
//! * Binaries are chunked by [`CHUNK`] bytes; hessian-lite chunks by what its 8 KiB buffer has left.
//! * Lists have a length, never the form with an end tag (which hessian-lite writes but cannot read).
//! * -0.0 keeps its sign, by eight bytes; Java writes 0.

use std::collections::HashMap;

use bytes::{BufMut, Bytes, BytesMut};

use crate::strings::{self, CHUNK, put_int, put_low_byte, put_string, put_u16_len};
use crate::value::{Name, Value};
use crate::{Dialect, Error, Limits, Result};

/// Writes a body value by value. Classes, types and references hold for the whole body.
///
/// After an error the body is incomplete and must be dropped.
#[derive(Debug, Clone)]
pub struct Encoder {
    out: BytesMut,
    dialect: Dialect,
    /// Field names of each class defined, and the indexes of the classes of a name.
    classes: Vec<Vec<Name>>,
    by_name: HashMap<Name, Vec<usize>>,
    types: HashMap<Name, usize>,
    /// Lists, maps and objects begun: what references count.
    containers: usize,
}

/// A body of these values.
pub fn encode<'v>(values: impl IntoIterator<Item = &'v Value>, dialect: Dialect) -> Result<Bytes> {
    let mut encoder = Encoder::new(dialect);
    for value in values {
        encoder.value(value)?;
    }
    Ok(encoder.finish())
}

impl Encoder {
    /// An empty body.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            out: BytesMut::new(),
            dialect,
            classes: Vec::new(),
            by_name: HashMap::new(),
            types: HashMap::new(),
            containers: 0,
        }
    }

    /// The body so far.
    pub fn finish(self) -> Bytes {
        self.out.freeze()
    }

    /// Appends a string.
    pub fn string(&mut self, text: &str) -> &mut Self {
        put_string(&mut self.out, self.dialect, text);
        self
    }

    /// Appends an int.
    pub fn int(&mut self, value: i32) -> &mut Self {
        put_int(&mut self.out, value);
        self
    }

    /// Appends null.
    pub fn null(&mut self) -> &mut Self {
        strings::put_null(&mut self.out);
        self
    }

    /// Appends a value.
    ///
    /// Fails on nesting beyond [`Limits::MAX_VALUE_DEPTH`], on a reference to what has not begun yet and
    /// on a length that does not fit its field.
    pub fn value(&mut self, value: &Value) -> Result<&mut Self> {
        self.nested(value, 0)?;
        Ok(self)
    }

    fn nested(&mut self, value: &Value, depth: usize) -> Result<()> {
        match value {
            Value::Null => strings::put_null(&mut self.out),
            Value::Bool(value) => strings::put_bool(&mut self.out, *value),
            Value::Int(value) => put_int(&mut self.out, *value),
            Value::Long(value) => self.long(*value),
            Value::Double(value) => self.double(*value),
            Value::Date(millis) => self.date(*millis),
            Value::String(text) => put_string(&mut self.out, self.dialect, text),
            Value::Binary(bytes) => self.binary(bytes),
            Value::Ref(index) => self.reference(*index)?,
            Value::List { .. } | Value::Map { .. } | Value::Object { .. } => {
                if depth >= Limits::MAX_VALUE_DEPTH {
                    return Err(Error::TooDeep {
                        limit: Limits::MAX_VALUE_DEPTH,
                    });
                }
                self.container(value, depth + 1)?;
            }
        }
        Ok(())
    }

    fn container(&mut self, value: &Value, depth: usize) -> Result<()> {
        match value {
            Value::List { type_name, items } => {
                self.containers += 1;
                let ended = self.list_head(type_name.as_ref(), items.len())?;
                for item in items {
                    self.nested(item, depth)?;
                }
                if ended {
                    self.end();
                }
            }
            Value::Map { type_name, entries } => {
                self.containers += 1;
                self.map_head(type_name.as_ref(), entries)?;
                for (key, value) in entries {
                    self.nested(key, depth)?;
                    self.nested(value, depth)?;
                }
                self.end();
            }
            Value::Object { class, fields } => {
                let index = self.class(class, fields)?;
                self.containers += 1;
                match (self.dialect, index) {
                    (Dialect::Final, 0..=15) => put_low_byte(&mut self.out, 0x60, index),
                    (Dialect::Final, _) => {
                        self.out.put_u8(b'O');
                        self.count("the class index", index)?;
                    }
                    (Dialect::Draft, _) => {
                        self.out.put_u8(b'o');
                        self.count("the class index", index)?;
                    }
                }
                for (_, value) in fields {
                    self.nested(value, depth)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn long(&mut self, value: i64) {
        let [.., b2, b1, b0] = value.to_be_bytes();
        match (value, i32::try_from(value)) {
            (-8..=15, _) => self.out.put_u8(b0.wrapping_add(0xe0)),
            (-0x800..=0x7ff, _) => self.out.put_slice(&[b1.wrapping_add(0xf8), b0]),
            (-0x40000..=0x3ffff, _) => self.out.put_slice(&[b2.wrapping_add(0x3c), b1, b0]),
            (_, Ok(int)) => {
                self.out.put_u8(if self.is_final() { 0x59 } else { 0x77 });
                self.out.put_i32(int);
            }
            _ => {
                self.out.put_u8(b'L');
                self.out.put_i64(value);
            }
        }
    }

    fn double(&mut self, value: f64) {
        // The base of the five compact forms: zero, one, i8, i16, and the four-byte one.
        let base = if self.is_final() { 0x5b } else { 0x67 };
        // Saturating, as in Java; the comparisons catch what does not fit.
        let int = value as i32;
        let is_int = f64::from(int) == value && !(value == 0.0 && value.is_sign_negative());
        if is_int {
            if int == 0 || int == 1 {
                return self.out.put_u8(base + int.unsigned_abs().to_be_bytes()[3]);
            }
            if let Ok(byte) = i8::try_from(int) {
                self.out.put_u8(base + 2);
                return self.out.put_i8(byte);
            }
            if let Ok(short) = i16::try_from(int) {
                self.out.put_u8(base + 3);
                return self.out.put_i16(short);
            }
        }
        let single = value as f32;
        if self.is_final() {
            let mills = (value * 1000.0) as i32;
            if 0.001 * f64::from(mills) == value && value != 0.0 {
                self.out.put_u8(base + 4);
                return self.out.put_i32(mills);
            }
        } else if f64::from(single) == value && value != 0.0 {
            self.out.put_u8(base + 4);
            return self.out.put_f32(single);
        }
        self.out.put_u8(b'D');
        // One NaN, as Java's doubleToLongBits has it.
        self.out.put_f64(if value.is_nan() {
            f64::from_bits(0x7ff8 << 48)
        } else {
            value
        });
    }

    fn date(&mut self, millis: i64) {
        let minutes = i32::try_from(millis / 60_000)
            .ok()
            .filter(|_| millis % 60_000 == 0);
        match (self.dialect, minutes) {
            (Dialect::Final, Some(minutes)) => {
                self.out.put_u8(0x4b);
                self.out.put_i32(minutes);
            }
            (Dialect::Final, None) => {
                self.out.put_u8(0x4a);
                self.out.put_i64(millis);
            }
            (Dialect::Draft, _) => {
                self.out.put_u8(b'd');
                self.out.put_i64(millis);
            }
        }
    }

    fn binary(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((chunk, more)) = rest.split_at_checked(CHUNK).filter(|(_, m)| !m.is_empty())
        {
            self.out.put_u8(if self.is_final() { b'A' } else { b'b' });
            put_u16_len(&mut self.out, chunk.len());
            self.out.put_slice(chunk);
            rest = more;
        }
        let chunked = rest.len() < bytes.len();
        match (self.dialect, rest.len()) {
            // Draft readers that fill a caller's buffer take only `B` behind other chunks.
            (dialect, 0..=0x0f) if dialect == Dialect::Final || !chunked => {
                put_low_byte(&mut self.out, 0x20, rest.len());
            }
            (Dialect::Final, 0..=0x3ff) => {
                put_low_byte(&mut self.out, 0x34, rest.len() >> 8);
                put_low_byte(&mut self.out, 0, rest.len() & 0xff);
            }
            _ => {
                self.out.put_u8(b'B');
                put_u16_len(&mut self.out, rest.len());
            }
        }
        self.out.put_slice(rest);
    }

    fn reference(&mut self, index: u32) -> Result<()> {
        let known = self.containers;
        let bad = Error::BadRef {
            index: i64::from(index),
            known,
            at: self.out.len(),
        };
        let index = i32::try_from(index).map_err(|_| bad)?;
        if usize::try_from(index).is_ok_and(|index| index >= known) {
            return Err(bad);
        }
        match (self.dialect, u8::try_from(index), u16::try_from(index)) {
            (Dialect::Final, _, _) => {
                self.out.put_u8(b'Q');
                put_int(&mut self.out, index);
            }
            (Dialect::Draft, Ok(byte), _) => self.out.put_slice(&[0x4a, byte]),
            (Dialect::Draft, _, Ok(short)) => {
                self.out.put_u8(0x4b);
                self.out.put_u16(short);
            }
            (Dialect::Draft, _, _) => {
                self.out.put_u8(b'R');
                self.out.put_i32(index);
            }
        }
        Ok(())
    }

    /// Returns whether an end tag is due behind the values.
    fn list_head(&mut self, type_name: Option<&Name>, len: usize) -> Result<bool> {
        if !self.is_final() {
            return self.draft_list_head(type_name.filter(|name| !name.is_empty()), len);
        }
        match (type_name, len) {
            (Some(name), 0..=7) => {
                put_low_byte(&mut self.out, 0x70, len);
                self.type_name(name)?;
            }
            (None, 0..=7) => put_low_byte(&mut self.out, 0x78, len),
            (Some(name), _) => {
                self.out.put_u8(b'V');
                self.type_name(name)?;
                self.count("a list", len)?;
            }
            (None, _) => {
                self.out.put_u8(0x58);
                self.count("a list", len)?;
            }
        }
        Ok(false)
    }

    fn draft_list_head(&mut self, type_name: Option<&Name>, len: usize) -> Result<bool> {
        if let Some(known) = type_name.and_then(|name| self.types.get(name)).copied() {
            self.out.put_u8(b'v');
            self.count("the types", known)?;
            self.count("a list", len)?;
            return Ok(false);
        }
        self.out.put_u8(b'V');
        if let Some(name) = type_name {
            self.draft_type(name)?;
        }
        match u8::try_from(len) {
            Ok(len) => self.out.put_slice(&[b'n', len]),
            Err(_) => {
                self.out.put_u8(b'l');
                let len = i32::try_from(len).map_err(|_| Error::Unwritable {
                    what: "a list",
                    len,
                })?;
                self.out.put_i32(len);
            }
        }
        Ok(true)
    }

    fn map_head(&mut self, type_name: Option<&Name>, entries: &[(Value, Value)]) -> Result<()> {
        match (self.dialect, type_name) {
            (Dialect::Final, None) => self.out.put_u8(b'H'),
            (Dialect::Final, Some(name)) => {
                self.out.put_u8(b'M');
                self.type_name(name)?;
            }
            (Dialect::Draft, name) => {
                self.out.put_u8(b'M');
                match name.filter(|name| !name.is_empty()) {
                    Some(name) => self.draft_type(name)?,
                    // Java takes a `T` here for a type, so a map that begins with the key true states one.
                    None if matches!(entries.first(), Some((Value::Bool(true), _))) => {
                        self.draft_type(&Name::from("java.util.HashMap"))?;
                    }
                    None => {}
                }
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        self.out.put_u8(if self.is_final() { b'Z' } else { b'z' });
    }

    /// A type in the final form: its name the first time, its index later.
    fn type_name(&mut self, name: &Name) -> Result<()> {
        match self.types.get(name).copied() {
            Some(known) => self.count("the types", known),
            None => {
                self.types.insert(Name::clone(name), self.types.len());
                put_string(&mut self.out, self.dialect, name);
                Ok(())
            }
        }
    }

    fn draft_type(&mut self, name: &Name) -> Result<()> {
        if let Some(known) = self.types.get(name).copied() {
            self.out.put_u8(b'u');
            return self.count("the types", known);
        }
        self.types.insert(Name::clone(name), self.types.len());
        let len = strings::utf16_len(name);
        let units = u16::try_from(len).map_err(|_| Error::Unwritable {
            what: "a type name",
            len,
        })?;
        self.out.put_u8(b't');
        self.out.put_u16(units);
        strings::put_cesu8(&mut self.out, name);
        Ok(())
    }

    /// The index of the class with this name and these fields, defined now if it is new.
    fn class(&mut self, class: &Name, fields: &[(Name, Value)]) -> Result<usize> {
        let same = |names: &Vec<Name>| names.iter().eq(fields.iter().map(|(name, _)| name));
        let known = self.by_name.get(class).and_then(|indexes| {
            indexes
                .iter()
                .copied()
                .find(|index| self.classes.get(*index).is_some_and(same))
        });
        if let Some(index) = known {
            return Ok(index);
        }
        match self.dialect {
            Dialect::Final => {
                self.out.put_u8(b'C');
                put_string(&mut self.out, self.dialect, class);
            }
            Dialect::Draft => {
                self.out.put_u8(b'O');
                self.count("a class name", strings::utf16_len(class))?;
                strings::put_cesu8(&mut self.out, class);
            }
        }
        self.count("an object", fields.len())?;
        for (name, _) in fields {
            put_string(&mut self.out, self.dialect, name);
        }
        let index = self.classes.len();
        self.classes
            .push(fields.iter().map(|(name, _)| Name::clone(name)).collect());
        self.by_name
            .entry(Name::clone(class))
            .or_default()
            .push(index);
        Ok(index)
    }

    fn count(&mut self, what: &'static str, len: usize) -> Result<()> {
        let len = i32::try_from(len).map_err(|_| Error::Unwritable { what, len })?;
        put_int(&mut self.out, len);
        Ok(())
    }

    fn is_final(&self) -> bool {
        self.dialect == Dialect::Final
    }
}
