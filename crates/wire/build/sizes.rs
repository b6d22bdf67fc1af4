//! Lower bounds of encodings: what an array length is checked against.

use crate::schema::{Field, Message, Struct, Type};

/// The fewest bytes a structure takes in this version.
pub(crate) fn struct_size(message: &Message, item: &Struct, version: i16) -> usize {
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
