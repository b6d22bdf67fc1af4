//! Generates the messages from `schema/*.schema`; `schema/README.md` describes the notation.

#[path = "build/emit.rs"]
mod emit;
#[path = "build/names.rs"]
mod names;
#[path = "build/schema.rs"]
mod schema;
#[path = "build/sizes.rs"]
mod sizes;
#[path = "build/structs.rs"]
mod structs;
#[path = "build/values.rs"]
mod values;

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=schema");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let schema =
        schema::Schema::read(&root.join("schema")).unwrap_or_else(|error| panic!("schema/{error}"));
    for (name, text) in emit::files(&schema) {
        write(&out.join(name), &text);
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
