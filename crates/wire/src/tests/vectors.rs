//! Messages as bytes, made from the notation alone.

use std::path::Path;

use super::schema::{Field, Message, Schema, Struct, Type};

/// A small generator of numbers (SplitMix64): the same seed, the same vectors.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

pub(super) fn schema() -> Schema {
    Schema::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schema"))
        .expect("the build script has read it")
}

/// A message with random content, unknown tagged fields among it.
pub(super) fn random(message: &Message, version: i16, rng: &mut Rng) -> Vec<u8> {
    vector(message, version, Some(rng))
}

/// A message in which every field has its default.
pub(super) fn default(message: &Message, version: i16) -> Vec<u8> {
    vector(message, version, None)
}

fn vector(message: &Message, version: i16, rng: Option<&mut Rng>) -> Vec<u8> {
    let flexible = message.flexible.contains(version);
    let mut maker = Maker {
        message,
        version,
        flexible,
        rng,
        out: Vec::new(),
        depth: 0,
    };
    maker.structure(&message.structs[0]);
    maker.out
}

struct Maker<'a> {
    message: &'a Message,
    version: i16,
    flexible: bool,
    /// Without it every value is the default.
    rng: Option<&'a mut Rng>,
    out: Vec<u8>,
    depth: usize,
}

impl<'a> Maker<'a> {
    fn structure(&mut self, item: &'a Struct) {
        let there = |field: &&Field| field.versions.contains(self.version);
        let (tagged, plain): (Vec<&Field>, Vec<&Field>) = item
            .fields
            .iter()
            .filter(there)
            .partition(|field| field.tag.is_some());
        for field in plain {
            let flexible = self.flexible;
            self.flexible &= !field.classic;
            self.field(field);
            self.flexible = flexible;
        }
        if self.flexible {
            self.tags(tagged);
        }
    }

    fn tags(&mut self, mut known: Vec<&'a Field>) {
        known.sort_by_key(|field| field.tag);
        let mut fields: Vec<(u32, Vec<u8>)> = Vec::new();
        for field in known {
            let content = self.apart(|maker| maker.field(field));
            let rng = self.rng.take();
            let default = self.apart(|maker| maker.field(field));
            self.rng = rng;
            if content != default {
                fields.push((field.tag.unwrap_or_default(), content));
            }
        }
        if self.chance(8) {
            for tag in [70, 300_000] {
                let len = self.below(40);
                fields.push((tag, (0..len).map(|_| self.below(256) as u8).collect()));
            }
        }
        self.uvarint(fields.len() as u32);
        for (tag, content) in fields {
            self.uvarint(tag);
            self.uvarint(content.len() as u32);
            self.out.extend(content);
        }
    }

    fn apart(&mut self, make: impl FnOnce(&mut Self)) -> Vec<u8> {
        let outer = std::mem::take(&mut self.out);
        make(self);
        std::mem::replace(&mut self.out, outer)
    }

    fn field(&mut self, field: &'a Field) {
        let nullable = field.nullable.contains(self.version);
        let records = field.kind == Type::Plain("records".to_owned());
        let null = match self.rng {
            Some(_) => self.chance(4),
            None => field.default.as_deref() == Some("null") || records,
        };
        if nullable && null {
            return self.null(field);
        }
        if let (Type::Struct(_), true) = (&field.kind, nullable) {
            self.out.push(1);
        }
        self.value(&field.kind, field.default.as_deref());
    }

    fn null(&mut self, field: &Field) {
        match &field.kind {
            Type::Struct(_) if field.tag.is_some() => self.out.push(0),
            Type::Struct(_) => self.out.push(0xff),
            _ if self.flexible => self.out.push(0),
            Type::Plain(name) if name == "string" => self.out.extend((-1i16).to_be_bytes()),
            _ => self.out.extend((-1i32).to_be_bytes()),
        }
    }

    fn value(&mut self, kind: &'a Type, default: Option<&str>) {
        match kind {
            Type::Struct(name) => {
                let item = self.message.structs.iter().find(|item| item.name == *name);
                self.depth += 1;
                self.structure(item.unwrap_or_else(|| panic!("no structure {name}")));
                self.depth -= 1;
            }
            Type::Array(element) => {
                let most = if self.depth < 3 { 4 } else { 2 };
                let len = self.below(most);
                self.len(len, false);
                for _ in 0..len {
                    self.value(element, None);
                }
            }
            Type::Plain(name) => self.plain(name, default),
        }
    }

    fn plain(&mut self, kind: &str, default: Option<&str>) {
        let size = match kind {
            "bool" => {
                let default = default == Some("true");
                let value = if self.rng.is_some() {
                    self.chance(2)
                } else {
                    default
                };
                return self.out.push(u8::from(value));
            }
            "string" => return self.text(),
            "bytes" | "records" => {
                let len = if self.chance(10) {
                    1500
                } else {
                    self.below(30)
                };
                self.len(len, false);
                return (0..len).for_each(|at| self.out.push(at as u8));
            }
            "int8" => 1,
            "int16" | "uint16" => 2,
            "int32" | "uint32" => 4,
            "int64" | "float64" => 8,
            "uuid" => 16,
            other => panic!("unknown type {other}"),
        };
        let default: i64 = default.map_or(0, |text| text.parse().expect("a number"));
        match &mut self.rng {
            Some(rng) => (0..size).for_each(|_| self.out.push(rng.next() as u8)),
            None if size > 8 => self.out.extend([0; 16]),
            None => self.out.extend(&default.to_be_bytes()[8 - size..]),
        }
    }

    fn text(&mut self) {
        let text = match self.below(10) {
            0..3 => String::new(),
            3 => "ünïcode😀".to_owned(),
            4 => "long".repeat(50),
            n => "t".repeat(n),
        };
        self.len(text.len(), true);
        self.out.extend(text.as_bytes());
    }

    fn len(&mut self, len: usize, short: bool) {
        if self.flexible {
            self.uvarint(len as u32 + 1);
        } else if short {
            self.out.extend((len as i16).to_be_bytes());
        } else {
            self.out.extend((len as i32).to_be_bytes());
        }
    }

    fn uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    /// Zero where only defaults are wanted.
    fn below(&mut self, bound: usize) -> usize {
        self.rng.as_mut().map_or(0, |rng| rng.below(bound))
    }

    /// True one time in `n`; never where only defaults are wanted.
    fn chance(&mut self, n: usize) -> bool {
        self.rng.as_mut().is_some_and(|rng| rng.below(n) == 0)
    }
}
