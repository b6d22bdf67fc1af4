//! `docs/apis.md` is the table: this test writes it with `ONCE_BLESS=1` and compares otherwise.

use super::TABLE;
use std::fmt::Write;
use std::path::Path;

fn document() -> String {
    let mut text = String::from(
        "# APIs\n\n\
         What `once broker` serves, by API key: generated from the broker's table by\n\
         `ONCE_BLESS=1 cargo test -p once-broker document`. An API or version that is not listed is\n\
         not served: ApiVersions does not advertise it. Produce is advertised from version 0, as\n\
         Apache Kafka 4 does; its versions 0–2 answer UNSUPPORTED_VERSION.\n\n\
         | key | API | versions | Apache Kafka 4.3 |\n|---|---|---|---|\n",
    );
    for row in TABLE {
        let (own, codec) = (row.versions, row.codec);
        let _ = writeln!(
            text,
            "| {} | {} | {}–{} | {}–{} |",
            row.key.key(),
            row.key.name(),
            own.min,
            own.max,
            codec.min,
            codec.max
        );
    }
    text
}

#[test]
fn the_document_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/apis.md");
    if std::env::var_os("ONCE_BLESS").is_some() {
        std::fs::write(&path, document()).expect("docs/ can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        written,
        document(),
        "run with ONCE_BLESS=1 to write docs/apis.md anew"
    );
}
