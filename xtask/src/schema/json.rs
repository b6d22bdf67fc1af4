//! Kafka's schema files as they stand in the jars: JSON with `//` comments.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

/// One schema file.
pub(crate) struct Schema {
    /// `request`, `response`, `header`, `data`, `metadata`, `coordinator-key` or `coordinator-value`.
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) key: Option<i64>,
    pub(crate) versions: String,
    pub(crate) flexible: String,
    pub(crate) unstable: bool,
    pub(crate) listeners: Vec<String>,
    pub(crate) common: Vec<Struct>,
    pub(crate) fields: Vec<Field>,
}

/// A structure that several fields share.
pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) versions: String,
    pub(crate) fields: Vec<Field>,
}

/// One field. An empty text means that the file does not say.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) versions: String,
    pub(crate) nullable: String,
    pub(crate) default: String,
    pub(crate) tag: Option<i64>,
    pub(crate) flexible: String,
    pub(crate) ignorable: bool,
    pub(crate) fields: Vec<Field>,
}

/// Every schema in the jar.
pub(crate) fn read_jar(path: &Path) -> Result<Vec<Schema>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut jar = zip::ZipArchive::new(file).map_err(|error| error.to_string())?;
    let mut schemas = Vec::new();
    for at in 0..jar.len() {
        let mut entry = jar.by_index(at).map_err(|error| error.to_string())?;
        let name = entry
            .name()
            .map_err(|error| error.to_string())?
            .into_owned();
        let wanted = name.starts_with("common/message/") || name.starts_with("common/metadata/");
        if wanted && name.ends_with(".json") {
            let mut text = String::new();
            entry
                .read_to_string(&mut text)
                .map_err(|error| error.to_string())?;
            schemas.push(parse(&text).map_err(|error| format!("{name}: {error}"))?);
        }
    }
    Ok(schemas)
}

fn parse(text: &str) -> Result<Schema, String> {
    let json: Value =
        serde_json::from_str(&without_comments(text)).map_err(|error| error.to_string())?;
    let common = json["commonStructs"].as_array().into_iter().flatten();
    Ok(Schema {
        kind: required(&json, "type")?,
        name: required(&json, "name")?,
        key: json["apiKey"].as_i64(),
        versions: required(&json, "validVersions")?,
        flexible: text_of(&json["flexibleVersions"]),
        unstable: json["latestVersionUnstable"].as_bool().unwrap_or(false),
        listeners: json["listeners"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text_of)
            .collect(),
        common: common.map(parse_struct).collect::<Result<_, _>>()?,
        fields: parse_fields(&json)?,
    })
}

fn parse_struct(json: &Value) -> Result<Struct, String> {
    Ok(Struct {
        name: required(json, "name")?,
        versions: required(json, "versions")?,
        fields: parse_fields(json)?,
    })
}

fn parse_fields(json: &Value) -> Result<Vec<Field>, String> {
    json["fields"]
        .as_array()
        .into_iter()
        .flatten()
        .map(parse_field)
        .collect()
}

fn parse_field(json: &Value) -> Result<Field, String> {
    let name = required(json, "name")?;
    let tagged = text_of(&json["taggedVersions"]);
    // A field may leave out `versions` and give `taggedVersions` alone.
    let versions = if json["versions"].is_null() {
        tagged.clone()
    } else {
        text_of(&json["versions"])
    };
    if versions.is_empty() || (!tagged.is_empty() && tagged != versions) {
        return Err(format!(
            "{name}: versions {versions:?} but tagged versions {tagged:?}"
        ));
    }
    Ok(Field {
        kind: required(json, "type")?,
        versions,
        nullable: text_of(&json["nullableVersions"]),
        // A JSON null says nothing; the text "null" says null.
        default: text_of(&json["default"]),
        tag: json["tag"].as_i64(),
        flexible: text_of(&json["flexibleVersions"]),
        ignorable: json["ignorable"].as_bool().unwrap_or(false),
        fields: parse_fields(json)?,
        name,
    })
}

fn required(json: &Value, key: &str) -> Result<String, String> {
    json[key]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("no {key:?}"))
}

fn text_of(json: &Value) -> String {
    match json {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Removes `//` comments; what stands in quotes is left alone.
fn without_comments(text: &str) -> String {
    text.lines()
        .map(|line| &line[..comment_start(line)])
        .collect::<Vec<_>>()
        .join("\n")
}

fn comment_start(line: &str) -> usize {
    let bytes = line.as_bytes();
    let mut quoted = false;
    for at in 0..bytes.len() {
        match bytes[at] {
            b'"' if at == 0 || bytes[at - 1] != b'\\' => quoted = !quoted,
            b'/' if !quoted && bytes.get(at + 1) == Some(&b'/') => return at,
            _ => {}
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_quoted_slashes_stay() {
        let text = "// licence\n{ \"a\": \"http://b\", // why\n \"c\": 1 }";
        assert_eq!(
            without_comments(text),
            "\n{ \"a\": \"http://b\", \n \"c\": 1 }"
        );
    }

    #[test]
    fn a_json_null_default_is_no_default() {
        let field = |default: &str| {
            let text =
                format!(r#"{{"name":"A","type":"string","versions":"0+","default":{default}}}"#);
            parse_field(&serde_json::from_str(&text).expect("valid JSON"))
                .expect("a field")
                .default
        };
        assert_eq!(field("null"), "");
        assert_eq!(field("\"null\""), "null");
        assert_eq!(field("-1"), "-1");
    }
}
