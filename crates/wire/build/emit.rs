//! Emits the files of `OUT_DIR`: `message.rs`, `record.rs`, `api.rs`, `all.rs`.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::names::snake_case;
use crate::schema::{Api, Message, Schema};
use crate::structs;

macro_rules! line {
    ($out:expr, $($text:tt)*) => { writeln!($out, $($text)*).expect("a String takes all") };
}

/// Names and texts of the files.
pub(crate) fn files(schema: &Schema) -> [(&'static str, String); 4] {
    let (records, messages): (Vec<&Message>, Vec<&Message>) = schema
        .messages
        .iter()
        .partition(|message| is_record(message));
    [
        (
            "message.rs",
            messages.iter().map(|message| module(message)).collect(),
        ),
        ("record.rs", record_families(&records)),
        ("api.rs", api(schema)),
        ("all.rs", all(schema)),
    ]
}

fn is_record(message: &Message) -> bool {
    matches!(message.kind.as_str(), "key" | "value" | "record")
}

/// A module of its own per message: nested structures of different messages share names.
fn module(message: &Message) -> String {
    let mut out = String::new();
    line!(out, "/// `{}` and its structures.", message.name);
    line!(
        out,
        "pub mod {} {{\nuse crate::codec::generated::*;",
        snake_case(&message.name)
    );
    for item in &message.structs {
        structs::emit(&mut out, message, item);
    }
    message_impl(&mut out, message);
    match message.kind.as_str() {
        "request" => {
            let api = message.name.trim_end_matches("Request");
            line!(out, "impl Request for {} {{", message.name);
            line!(out, "const KEY: ApiKey = ApiKey::{api};");
            line!(
                out,
                "type Response = crate::message::{}_response::{api}Response;\n}}",
                snake_case(api)
            );
        }
        "key" | "value" | "record" => {
            let key = message.key.expect("every record has a type");
            line!(
                out,
                "impl Record for {} {{\nconst TYPE: i16 = {key};\n}}",
                message.name
            );
        }
        _ => {}
    }
    out.push_str("}\n");
    out
}

fn message_impl(out: &mut String, message: &Message) {
    let (max, unstable) = stable(message);
    line!(out, "impl Message for {} {{", message.name);
    line!(out, "const NAME: &'static str = {:?};", message.name);
    line!(
        out,
        "const VERSIONS: VersionRange = VersionRange::new({}, {max});",
        message.versions.min
    );
    line!(out, "const UNSTABLE: Option<i16> = {unstable};");
    let flexible = message.flexible.min;
    line!(
        out,
        "fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {{"
    );
    line!(out, "decode(r, version, {flexible})\n}}");
    line!(
        out,
        "fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {{"
    );
    line!(out, "encode(self, w, version, {flexible})\n}}\n}}");
}

/// The highest stable version, and the unstable one as an expression.
fn stable(message: &Message) -> (i16, String) {
    let max = message.versions.max;
    if message.unstable {
        (max - 1, format!("Some({max})"))
    } else {
        (max, "None".to_owned())
    }
}

/// A module per family of records, with the messages' own types lifted into it.
fn record_families(records: &[&Message]) -> String {
    let mut families: BTreeMap<&str, Vec<&Message>> = BTreeMap::new();
    for record in records {
        families.entry(&record.family).or_default().push(record);
    }
    let mut out = String::new();
    for (family, records) in families {
        line!(
            out,
            "/// The records of `{family}.schema`.\npub mod {family} {{"
        );
        for record in records {
            line!(
                out,
                "pub use {}::{};",
                snake_case(&record.name),
                record.name
            );
            out.push_str(&module(record));
        }
        out.push_str("}\n");
    }
    out
}

/// The enum of the APIs, and a table of what is known of each, by its key.
fn api(schema: &Schema) -> String {
    let mut out = String::new();
    line!(
        out,
        "/// Every API of Kafka 4.3, those included that no client listener offers."
    );
    line!(
        out,
        "#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]"
    );
    line!(out, "#[repr(i16)]\npub enum ApiKey {{");
    for Api { key, name } in &schema.apis {
        line!(out, "/// {name}, key {key}.\n{name} = {key},");
    }
    line!(out, "}}\nconst TABLE: &[Row] = &[");
    for (at, api) in schema.apis.iter().enumerate() {
        assert_eq!(at, api.key as usize, "the keys leave no gaps");
        let request = format!("{}Request", api.name);
        let versions = schema
            .messages
            .iter()
            .find(|message| message.name == request);
        let versions = versions.map_or("None".to_owned(), |request| {
            let (max, unstable) = stable(request);
            let (min, flexible_from) = (request.versions.min, request.flexible.min);
            let stable = format!("VersionRange::new({min}, {max})");
            format!("Some(ApiVersions {{ stable: {stable}, unstable: {unstable}, flexible_from: {flexible_from} }})")
        });
        line!(
            out,
            "Row {{ api: ApiKey::{0}, name: {0:?}, versions: {versions} }},",
            api.name
        );
    }
    line!(out, "];");
    out
}

/// A macro that hands the path of every message to another macro: for tests that cover all of them.
fn all(schema: &Schema) -> String {
    let mut out =
        String::from("macro_rules! all_messages {\n($callback:ident) => {\n$callback! {\n");
    for message in &schema.messages {
        let place = if is_record(message) {
            format!("record::{}", message.family)
        } else {
            "message".to_owned()
        };
        line!(
            out,
            "crate::{place}::{}::{},",
            snake_case(&message.name),
            message.name
        );
    }
    out.push_str("}\n};\n}\n");
    out
}
