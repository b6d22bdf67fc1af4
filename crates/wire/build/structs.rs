//! Emits one structure: the type, its defaults, its reading and writing.

use std::fmt::Write;

use crate::names::field_name;
use crate::schema::{Field, Message, Range, Struct, Type};

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

fn rust_type(field: &Field) -> String {
    let plain = type_name(&field.kind);
    if field.nullable == Range::NONE {
        plain
    } else {
        format!("Option<{plain}>")
    }
}

fn type_name(kind: &Type) -> String {
    match kind {
        Type::Array(element) => format!("Vec<{}>", type_name(element)),
        Type::Struct(name) => name.clone(),
        Type::Plain(name) => match name.as_str() {
            "bool" => "bool",
            "int8" => "i8",
            "int16" => "i16",
            "uint16" => "u16",
            "int32" => "i32",
            "uint32" => "u32",
            "int64" => "i64",
            "float64" => "f64",
            "string" => "String",
            "bytes" | "records" => "Bytes",
            "uuid" => "Uuid",
            other => panic!("unknown type {other}"),
        }
        .to_owned(),
    }
}

fn default_value(field: &Field) -> String {
    let nullable = field.nullable != Range::NONE;
    match field.default.as_deref() {
        Some("null") => "None".to_owned(),
        _ if nullable && field.kind == Type::Plain("records".to_owned()) => "None".to_owned(),
        None if nullable => "Some(Default::default())".to_owned(),
        None => "Default::default()".to_owned(),
        Some(value) => value.to_owned(),
    }
}

/// An expression that is true if the field differs from its default.
fn is_set(field: &Field) -> String {
    let name = field_name(&field.name);
    let default = default_value(field);
    match (&field.kind, default.as_str()) {
        (_, "None") => format!("self.{name}.is_some()"),
        (Type::Struct(kind), "Some(Default::default())") => {
            format!("self.{name} != Some({kind}::default())")
        }
        (_, "Some(Default::default())") => {
            format!("self.{name}.as_ref().is_none_or(|x| !x.is_empty())")
        }
        (Type::Array(_), _) => format!("!self.{name}.is_empty()"),
        (Type::Struct(kind), _) => format!("self.{name} != {kind}::default()"),
        (Type::Plain(kind), _) => match (kind.as_str(), default.as_str()) {
            ("string" | "bytes" | "records", _) => format!("!self.{name}.is_empty()"),
            ("uuid", _) => format!("!self.{name}.is_zero()"),
            ("bool", "true") => format!("!self.{name}"),
            ("bool", _) => format!("self.{name}"),
            ("float64", _) => format!("self.{name} != 0.0"),
            (_, "Default::default()") => format!("self.{name} != 0"),
            (_, value) => format!("self.{name} != {value}"),
        },
    }
}

/// The fewest bytes a structure takes in this version.
fn struct_size(message: &Message, item: &Struct, version: i16) -> usize {
    let flexible = message.flexible.contains(version);
    let there = item
        .fields
        .iter()
        .filter(|field| field.tag.is_none() && field.versions.contains(version));
    let fields: usize = there
        .map(|field| field_size(message, field, version, flexible && !field.classic))
        .sum();
    fields + usize::from(flexible)
}

fn field_size(message: &Message, field: &Field, version: i16, flexible: bool) -> usize {
    match &field.kind {
        Type::Array(_) => {
            if flexible {
                1
            } else {
                4
            }
        }
        Type::Struct(_) if field.nullable.contains(version) => 1,
        Type::Struct(name) => {
            let item = message.structs.iter().find(|item| item.name == *name);
            struct_size(
                message,
                item.unwrap_or_else(|| panic!("no structure {name}")),
                version,
            )
        }
        Type::Plain(name) => match name.as_str() {
            "bool" | "int8" => 1,
            "int16" | "uint16" => 2,
            "int32" | "uint32" => 4,
            "int64" | "float64" => 8,
            "uuid" => 16,
            _ if flexible => 1,
            "string" => 2,
            _ => 4,
        },
    }
}
