//! The schemas in our notation, one file per API and per family of records.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::json::{Field, Schema};

type Files = BTreeMap<String, String>;

/// File names (without extension) and their texts.
pub(crate) fn files(schemas: &[Schema], data: &[(&str, &str)]) -> Result<Files, String> {
    let mut requests: Vec<&Schema> = schemas
        .iter()
        .filter(|schema| schema.kind == "request")
        .collect();
    requests.sort_by_key(|request| request.key);

    let mut files = Files::new();
    files.insert("apis".to_owned(), apis(&requests)?);
    for request in requests {
        if request
            .listeners
            .iter()
            .any(|listener| listener == "broker")
        {
            let name = api_name(request)?;
            let response = schemas
                .iter()
                .find(|schema| schema.name == format!("{name}Response"));
            let response = response.ok_or_else(|| format!("{name} has no response"))?;
            let text = files.entry(snake_case(name)).or_default();
            message(text, request, request.unstable)?;
            // Kafka marks the request alone; the versions of an API are one.
            message(text, response, request.unstable)?;
        }
    }

    let mut rest: Vec<(&str, &Schema)> = schemas
        .iter()
        .filter_map(|s| Some((family(s, data)?, s)))
        .collect();
    rest.sort_by_key(|(_, schema)| (schema.key, &schema.kind, &schema.name));
    for (family, schema) in rest {
        message(
            files.entry(family.to_owned()).or_default(),
            schema,
            schema.unstable,
        )?;
    }
    Ok(files)
}

/// The file of a schema that is neither request nor response.
fn family<'a>(schema: &Schema, data: &[(&str, &'a str)]) -> Option<&'a str> {
    match schema.kind.as_str() {
        "header" => Some("header"),
        "metadata" => Some("metadata"),
        "coordinator-key" | "coordinator-value" if schema.name.starts_with("TransactionLog") => {
            Some("transaction_log")
        }
        "coordinator-key" | "coordinator-value" => Some("group"),
        _ => data
            .iter()
            .find(|(name, _)| *name == schema.name)
            .map(|(_, family)| *family),
    }
}

/// All the APIs there are, those without a schema here included.
fn apis(requests: &[&Schema]) -> Result<String, String> {
    let mut text = String::new();
    for request in requests {
        let key = request
            .key
            .ok_or_else(|| format!("{} has no key", request.name))?;
        let listeners = if request.listeners.is_empty() {
            "-".to_owned()
        } else {
            request.listeners.join(",")
        };
        writeln!(text, "api {key} {} {listeners}", api_name(request)?).expect("a String takes all");
    }
    Ok(text)
}

fn api_name(request: &Schema) -> Result<&str, String> {
    request
        .name
        .strip_suffix("Request")
        .ok_or_else(|| format!("{} is no request", request.name))
}

fn message(text: &mut String, schema: &Schema, unstable: bool) -> Result<(), String> {
    if !text.is_empty() {
        text.push('\n');
    }
    let kind = match schema.kind.as_str() {
        "coordinator-key" => "key",
        "coordinator-value" => "value",
        "metadata" => "record",
        kind => kind,
    };
    let key = schema.key.map(|key| format!(" {key}")).unwrap_or_default();
    write!(text, "{kind}{key} {} {}", schema.name, schema.versions).expect("a String takes all");
    if schema.flexible != "none" && !schema.flexible.is_empty() {
        write!(text, " flexible={}", schema.flexible).expect("a String takes all");
    }
    text.push_str(if unstable { " unstable\n" } else { "\n" });
    for common in &schema.common {
        writeln!(text, "  struct {} {}", common.name, common.versions).expect("a String takes all");
        fields(text, &common.fields, 2)?;
    }
    fields(text, &schema.fields, 1).map_err(|error| format!("{}: {error}", schema.name))
}

fn fields(text: &mut String, list: &[Field], depth: usize) -> Result<(), String> {
    for field in list {
        let everywhere = field.nullable == field.versions;
        let mark = if everywhere { "?" } else { "" };
        let indent = "  ".repeat(depth);
        write!(
            text,
            "{indent}{} {}{mark} {}",
            field.name, field.kind, field.versions
        )
        .expect("a String takes all");
        let mut attribute = |name: &str, value: &str| {
            if !value.is_empty() {
                write!(text, " {name}={value}").expect("a String takes all");
            }
        };
        if !everywhere {
            attribute("null", &field.nullable);
        }
        attribute("default", &default(field)?);
        attribute(
            "tag",
            &field.tag.map(|tag| tag.to_string()).unwrap_or_default(),
        );
        attribute("flexible", &field.flexible);
        text.push_str(if field.ignorable {
            " ignorable\n"
        } else {
            "\n"
        });
        fields(text, &field.fields, depth + 1)?;
    }
    Ok(())
}

/// The default as decimal, `true` or `null`; nothing if it is the type's own.
fn default(field: &Field) -> Result<String, String> {
    let parsed = match field.default.as_str() {
        "" | "false" => return Ok(String::new()),
        "true" | "null" => return Ok(field.default.clone()),
        hex if hex.starts_with("0x") => i64::from_str_radix(&hex[2..], 16),
        decimal => decimal.parse(),
    };
    match parsed {
        Ok(0) => Ok(String::new()),
        Ok(number) => Ok(number.to_string()),
        Err(_) => Err(format!(
            "{}: default {:?} is not understood",
            field.name, field.default
        )),
    }
}

fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for (at, c) in name.char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
