//! Reads the schema notation.

use std::fs;
use std::path::Path;

/// All there is to generate.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    pub(crate) apis: Vec<Api>,
    pub(crate) messages: Vec<Message>,
}

/// One row of `apis.schema`.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) key: i16,
    pub(crate) name: String,
}

/// A message: its own structure comes first in `structs`.
#[derive(Debug)]
pub(crate) struct Message {
    /// The file it stands in, without extension.
    pub(crate) family: String,
    pub(crate) kind: String,
    pub(crate) key: Option<i16>,
    pub(crate) name: String,
    pub(crate) versions: Range,
    pub(crate) flexible: Range,
    pub(crate) unstable: bool,
    pub(crate) structs: Vec<Struct>,
}

/// A structure with its fields in wire order.
#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) versions: Range,
    pub(crate) fields: Vec<Field>,
}

/// One field.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Type,
    pub(crate) versions: Range,
    pub(crate) nullable: Range,
    pub(crate) default: Option<String>,
    pub(crate) tag: Option<u32>,
    pub(crate) classic: bool,
    pub(crate) ignorable: bool,
    /// The line it was read from.
    pub(crate) line: String,
}

/// The type of a field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Type {
    /// `int8` and so on, by Kafka's name; `bytes`, `records`, `string` and `uuid` too.
    Plain(String),
    Struct(String),
    Array(Box<Type>),
}

/// An inclusive range of versions; open above if `max` is `i16::MAX`; empty if `min > max`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    pub(crate) min: i16,
    pub(crate) max: i16,
}

impl Range {
    pub(crate) const NONE: Range = Range {
        min: i16::MAX,
        max: -1,
    };

    /// `3`, `0-12` or `3+`.
    pub(crate) fn parse(text: &str) -> Option<Range> {
        if let Some(min) = text.strip_suffix('+') {
            return Some(Range {
                min: min.parse().ok()?,
                max: i16::MAX,
            });
        }
        let (min, max) = text.split_once('-').unwrap_or((text, text));
        Some(Range {
            min: min.parse().ok()?,
            max: max.parse().ok()?,
        })
    }

    pub(crate) fn contains(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }

    pub(crate) fn meet(self, other: Range) -> Range {
        Range {
            min: self.min.max(other.min),
            max: self.max.min(other.max),
        }
    }
}

impl Schema {
    /// Reads every `.schema` file of the folder; an error names file and line.
    pub(crate) fn read(folder: &Path) -> Result<Schema, String> {
        let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "schema")
        });
        paths.sort();
        let mut schema = Schema::default();
        for path in paths {
            let family = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .unwrap_or_default();
            let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
            schema
                .read_file(family, &text)
                .map_err(|error| format!("{family}.schema: {error}"))?;
        }
        Ok(schema)
    }

    fn read_file(&mut self, family: &str, text: &str) -> Result<(), String> {
        let mut open: Vec<Open> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let depth = (line.len() - line.trim_start().len()) / 2;
            let words: Vec<&str> = line.split_whitespace().collect();
            let parsed = match words[0] {
                "api" => self.api(&words),
                _ if depth == 0 => self.message(family, &words, &mut open),
                _ => self.member(depth, &words, &mut open),
            };
            parsed.ok_or_else(|| format!("not understood: {line:?}"))?;
        }
        Ok(())
    }

    fn api(&mut self, words: &[&str]) -> Option<()> {
        let [_, key, name, _listeners] = words else {
            return None;
        };
        self.apis.push(Api {
            key: key.parse().ok()?,
            name: (*name).to_owned(),
        });
        Some(())
    }

    fn message(&mut self, family: &str, words: &[&str], open: &mut Vec<Open>) -> Option<()> {
        let (key, rest) = match words.get(1)?.parse().ok() {
            Some(key) => (Some(key), &words[2..]),
            None => (None, &words[1..]),
        };
        let (name, versions) = ((*rest.first()?).to_owned(), Range::parse(rest.get(1)?)?);
        let mut message = Message {
            family: family.to_owned(),
            kind: words[0].to_owned(),
            key,
            versions,
            flexible: Range::NONE,
            unstable: false,
            structs: vec![Struct {
                name: name.clone(),
                versions,
                fields: Vec::new(),
            }],
            name,
        };
        for word in &rest[2..] {
            match word.split_once('=') {
                Some(("flexible", range)) => message.flexible = Range::parse(range)?,
                None if *word == "unstable" => message.unstable = true,
                _ => return None,
            }
        }
        self.messages.push(message);
        *open = vec![Open { depth: 1, at: 0 }];
        Some(())
    }

    /// A field, or a named structure, of the structure that is open at this depth.
    fn member(&mut self, depth: usize, words: &[&str], open: &mut Vec<Open>) -> Option<()> {
        let message = self.messages.last_mut()?;
        if words[0] == "struct" {
            let [_, name, versions] = words else {
                return None;
            };
            message.begin((*name).to_owned(), Range::parse(versions)?, depth + 1, open);
            return Some(());
        }
        open.retain(|open| open.depth <= depth);
        let parent = open.last().filter(|open| open.depth == depth)?.at;
        let field = field(words)?;
        let (inner, versions) = (field.kind.inner().clone(), field.versions);
        message.structs[parent].fields.push(field);
        match inner {
            // The fields of a structure that is not there yet follow.
            Type::Struct(name) if !message.structs.iter().any(|s| s.name == name) => {
                message.begin(name, versions, depth + 1, open);
            }
            _ => {}
        }
        Some(())
    }
}

/// A structure that takes the fields of its depth, by its place in `Message::structs`.
#[derive(Debug)]
struct Open {
    depth: usize,
    at: usize,
}

impl Message {
    fn begin(&mut self, name: String, versions: Range, depth: usize, open: &mut Vec<Open>) {
        // One named structure may use another that the file declares only later.
        let declared = self.structs.iter().position(|known| known.name == name);
        let at = declared.unwrap_or(self.structs.len());
        open.retain(|open| open.depth < depth);
        open.push(Open { depth, at });
        if declared.is_none() {
            self.structs.push(Struct {
                name,
                versions,
                fields: Vec::new(),
            });
        }
    }
}

impl Type {
    fn parse(text: &str) -> Type {
        if let Some(element) = text.strip_prefix("[]") {
            Type::Array(Box::new(Type::parse(element)))
        } else if text.starts_with(|c: char| c.is_ascii_uppercase()) {
            Type::Struct(text.to_owned())
        } else {
            Type::Plain(text.to_owned())
        }
    }

    /// The element of an array, else the type itself.
    pub(crate) fn inner(&self) -> &Type {
        if let Type::Array(element) = self {
            element
        } else {
            self
        }
    }
}

fn field(words: &[&str]) -> Option<Field> {
    let [name, kind, versions, attributes @ ..] = words else {
        return None;
    };
    let versions = Range::parse(versions)?;
    let mut field = Field {
        name: (*name).to_owned(),
        kind: Type::parse(kind.trim_end_matches('?')),
        versions,
        nullable: if kind.ends_with('?') {
            versions
        } else {
            Range::NONE
        },
        default: None,
        tag: None,
        classic: false,
        ignorable: false,
        line: words.join(" "),
    };
    for attribute in attributes {
        match attribute.split_once('=') {
            Some(("null", range)) => field.nullable = Range::parse(range)?,
            Some(("default", value)) => field.default = Some(value.to_owned()),
            Some(("tag", tag)) => field.tag = Some(tag.parse().ok()?),
            Some(("flexible", "none")) => field.classic = true,
            None if *attribute == "ignorable" => field.ignorable = true,
            _ => return None,
        }
    }
    Some(field)
}
