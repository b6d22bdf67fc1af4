//! The Rust type of a field, its default, and the test that it differs from it.

use crate::names::field_name;
use crate::schema::{Field, Range, Type};

pub(crate) fn rust_type(field: &Field) -> String {
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

pub(crate) fn default_value(field: &Field) -> String {
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
pub(crate) fn is_set(field: &Field) -> String {
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
