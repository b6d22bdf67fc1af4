//! Emits one structure: the type, its defaults, its reading and writing.

use std::fmt::Write;

use crate::names::field_name;
use crate::schema::{Field, Message, Range, Struct, Type};
use crate::sizes::struct_size;
use crate::values::{default_value, is_set, rust_type};

/// Appends the type and its implementations.
pub(crate) fn emit(out: &mut String, message: &Message, item: &Struct) {
    let scope = Scope {
        message,
        item,
        range: message.versions.meet(item.versions),
    };
    scope.declaration(out);
    scope.default(out);
    writeln!(out, "impl Wire for {} {{", item.name).expect("a String takes all");
    scope.min_size(out);
    scope.read(out);
    scope.write(out);
    out.push_str("}\n");
}

/// A structure within its message.
struct Scope<'a> {
    message: &'a Message,
    item: &'a Struct,
    /// The versions in which the structure exists at all.
    range: Range,
}

macro_rules! line {
    ($out:expr, $($text:tt)*) => { writeln!($out, $($text)*).expect("a String takes all") };
}

impl Scope<'_> {
    fn declaration(&self, out: &mut String) {
        let derived = if self
            .item
            .fields
            .iter()
            .all(|field| self.zero_default(field))
        {
            ", Default"
        } else {
            ""
        };
        let name = &self.item.name;
        line!(
            out,
            "/// `{name}`{}",
            if *name == self.message.name {
                self.versions_doc()
            } else {
                String::new()
            }
        );
        line!(
            out,
            "#[derive(Clone, Debug, PartialEq{derived})]\npub struct {name} {{"
        );
        for field in &self.item.fields {
            line!(
                out,
                "/// `{}`\npub {}: {},",
                field.line,
                field_name(&field.name),
                rust_type(field)
            );
        }
        if self.is_flexible() {
            line!(
                out,
                "/// Tagged fields that the schema does not know.\npub tagged: TaggedFields,"
            );
        }
        out.push_str("}\n");
    }

    fn versions_doc(&self) -> String {
        let Range { min, max } = self.message.versions;
        let flexible = if self.is_flexible() {
            format!(", flexible from {}", self.message.flexible.min)
        } else {
            String::new()
        };
        format!(
            ", versions {min} to {max}{flexible}{}.",
            if self.message.unstable {
                ", the last unstable"
            } else {
                ""
            }
        )
    }

    fn default(&self, out: &mut String) {
        if self
            .item
            .fields
            .iter()
            .all(|field| self.zero_default(field))
        {
            return;
        }
        line!(
            out,
            "impl Default for {} {{\nfn default() -> Self {{\nSelf {{",
            self.item.name
        );
        for field in &self.item.fields {
            line!(
                out,
                "{}: {},",
                field_name(&field.name),
                default_value(field)
            );
        }
        if self.is_flexible() {
            line!(out, "tagged: TaggedFields::default(),");
        }
        line!(out, "}}\n}}\n}}");
    }

    fn zero_default(&self, field: &Field) -> bool {
        matches!(default_value(field).as_str(), "Default::default()" | "None")
    }

    /// The smallest encoding, as a `match` over runs of versions.
    fn min_size(&self, out: &mut String) {
        let mut arms: Vec<(i16, usize)> = Vec::new();
        for version in self.range.min..=self.range.max {
            let size = struct_size(self.message, self.item, version);
            match arms.last_mut() {
                Some((last, same)) if *same == size => *last = version,
                _ => arms.push((version, size)),
            }
        }
        let (_, rest) = arms.pop().unwrap_or_default();
        line!(out, "fn min_size(v: Version) -> usize {{");
        if arms.is_empty() {
            line!(out, "let _ = v; {rest}\n}}");
            return;
        }
        line!(out, "match v.number {{");
        for (last, size) in arms {
            line!(out, "..={last} => {size},");
        }
        line!(out, "_ => {rest},\n}}\n}}");
    }

    fn read(&self, out: &mut String) {
        line!(
            out,
            "fn read(r: &mut Reader, v: Version) -> Result<Self, DecodeError> {{"
        );
        line!(out, "let mut s = Self::default();");
        for field in self.item.fields.iter().filter(|field| field.tag.is_none()) {
            match self.present(field) {
                Some(condition) => line!(out, "if {condition} {{ {} }}", self.read_field(field)),
                None => line!(out, "{}", self.read_field(field)),
            }
        }
        let tagged: Vec<&Field> = self
            .item
            .fields
            .iter()
            .filter(|field| field.tag.is_some())
            .collect();
        if tagged.is_empty() && self.is_flexible() {
            line!(out, "s.tagged = TaggedFields::read_unknown(r, v)?;");
        } else if !tagged.is_empty() {
            line!(
                out,
                "let tagged = TaggedFields::read(r, v, |r, tag| {{\nmatch tag {{"
            );
            for field in tagged {
                let guard = self
                    .present(field)
                    .map(|condition| format!(" if {condition}"))
                    .unwrap_or_default();
                line!(
                    out,
                    "{}{guard} => {{ {} }}",
                    field.tag.unwrap_or_default(),
                    self.read_field(field)
                );
            }
            line!(
                out,
                "_ => return Ok(false),\n}}\nOk(true)\n}})?;\ns.tagged = tagged;"
            );
        }
        line!(out, "Ok(s)\n}}");
    }

    fn read_field(&self, field: &Field) -> String {
        let name = field_name(&field.name);
        let read = if field.classic {
            "Wire::read(r, v.classic())?"
        } else {
            "Wire::read(r, v)?"
        };
        match self.nullable(field) {
            Nullable::Everywhere if in_tag(field) => {
                format!("s.{name} = read_tagged_nullable(r, v)?;")
            }
            Nullable::Everywhere | Nullable::Never => format!("s.{name} = {read};"),
            Nullable::If(null) => {
                format!("s.{name} = if {null} {{ {read} }} else {{ Some({read}) }};")
            }
        }
    }

    fn write(&self, out: &mut String) {
        line!(
            out,
            "fn write(&self, w: &mut Writer, v: Version) -> Result<(), EncodeError> {{"
        );
        for field in self.item.fields.iter().filter(|field| field.tag.is_none()) {
            match self.present(field) {
                Some(condition) if field.ignorable => {
                    line!(out, "if {condition} {{ {} }}", self.write_field(field));
                }
                Some(condition) => {
                    let write = self.write_field(field);
                    line!(
                        out,
                        "if {condition} {{ {write} }} else if {} {{ {} }}",
                        is_set(field),
                        self.absent(field)
                    );
                }
                None => line!(out, "{}", self.write_field(field)),
            }
        }
        let mut tags = self
            .item
            .fields
            .iter()
            .filter(|field| field.tag.is_some())
            .collect::<Vec<_>>();
        tags.sort_by_key(|field| field.tag);
        if tags.is_empty() {
            let tail = if self.is_flexible() {
                "self.tagged.write(w, v)"
            } else {
                "Ok(())"
            };
            let unused = if self.item.fields.is_empty() && !self.is_flexible() {
                "let _ = (w, v); "
            } else {
                ""
            };
            line!(out, "{unused}{tail}\n}}");
            return;
        }
        line!(out, "let mut tags = Tags::default();");
        for field in tags {
            let (set, tag, name) = (
                is_set(field),
                field.tag.unwrap_or_default(),
                field_name(&field.name),
            );
            let add = if in_tag(field) { "add_nullable" } else { "add" };
            let add = format!("tags.{add}(w, {tag}, &self.{name}, v)?;");
            match self.present(field) {
                None => line!(out, "if {set} {{ {add} }}"),
                Some(condition) if field.ignorable => {
                    line!(out, "if {condition} && {set} {{ {add} }}")
                }
                Some(condition) => {
                    line!(
                        out,
                        "if {set} {{ if {condition} {{ {add} }} else {{ {} }} }}",
                        self.absent(field)
                    );
                }
            }
        }
        line!(out, "tags.write(w, v, &self.tagged)\n}}");
    }

    fn write_field(&self, field: &Field) -> String {
        let name = field_name(&field.name);
        let version = if field.classic { "v.classic()" } else { "v" };
        match self.nullable(field) {
            Nullable::Everywhere | Nullable::Never => format!("self.{name}.write(w, {version})?;"),
            Nullable::If(null) => format!(
                "if {null} {{ self.{name}.write(w, {version})?; }} else {{ required(&self.{name}, {:?}, v)?.write(w, {version})?; }}",
                self.path(field)
            ),
        }
    }

    fn absent(&self, field: &Field) -> String {
        format!("return Err(absent({:?}, v));", self.path(field))
    }

    fn path(&self, field: &Field) -> String {
        format!("{}.{}", self.item.name, field.name)
    }

    fn is_flexible(&self) -> bool {
        self.message.flexible.min <= self.range.max
    }

    /// The condition under which the field is there; `None` if it always is.
    fn present(&self, field: &Field) -> Option<String> {
        within(field.versions, self.range)
    }

    fn nullable(&self, field: &Field) -> Nullable {
        if field.nullable == Range::NONE {
            return Nullable::Never;
        }
        match within(field.nullable, self.range.meet(field.versions)) {
            None => Nullable::Everywhere,
            Some(condition) => Nullable::If(condition),
        }
    }
}

/// True for a nullable structure in a tagged field: null has a mark of its own there.
fn in_tag(field: &Field) -> bool {
    field.tag.is_some() && field.nullable != Range::NONE && matches!(field.kind, Type::Struct(_))
}

enum Nullable {
    Never,
    Everywhere,
    If(String),
}

/// The condition for a version of `outer` to lie in `range`; `None` if all do.
fn within(range: Range, outer: Range) -> Option<String> {
    let from = format!("v.number >= {}", range.min);
    let to = format!("v.number <= {}", range.max);
    match (range.min > outer.min, range.max < outer.max) {
        (false, false) => None,
        (true, false) => Some(from),
        (false, true) => Some(to),
        (true, true) if range.min == range.max => Some(format!("v.number == {}", range.min)),
        (true, true) => Some(format!(
            "({}..={}).contains(&v.number)",
            range.min, range.max
        )),
    }
}
