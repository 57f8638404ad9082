use super::read::MAX_REFERENCES;
use super::write::MAX_DEPTH;
use super::*;
use crate::relay::catalogue::{Gathered, Kind, Source};
use crate::relay::identity::Identity;
use jsonrpc::scan;
use serde_json::{json, Value};

fn made(schema: &str) -> Option<Made> {
    without_references(schema, MAX_GROWTH, &mut MAX_SCHEMA_WORK.clone())
}

/// A schema without references; it must be JSON, and whole.
#[track_caller]
fn inlined(schema: &str) -> String {
    let made = made(schema).expect("it has references");
    assert!(!made.is_cut, "{schema}");
    assert!(scan::is_json(&made.text), "{}", made.text);
    made.text
}

#[test]
fn a_reference_is_replaced_by_what_it_names() {
    for (schema, expected) in [
        (
            r##"{"$defs":{"P":{"type":"string"}},"properties":{"p":{"$ref":"#/$defs/P"}},"type":"object"}"##,
            r#"{"properties":{"p":{"type":"string"}},"type":"object"}"#,
        ),
        (
            r##"{"properties":{"p": [ {"$ref" : "#/definitions/P"} ] },"definitions":{"P": true}}"##,
            r##"{"properties":{"p": [ {} ] }}"##,
        ),
        (
            r##"{"items":{"anyOf":[{"$ref":"#/$defs/A"},{"type":"null"}]},"$defs":{"A":{"items":{"$ref":"#/$defs/B"}},"B":{"n":1.50}}}"##,
            r##"{"items":{"anyOf":[{"items":{"n":1.50}},{"type":"null"}]}}"##,
        ),
        // What is named need not be a definition: zod writes such.
        (
            r##"{"properties":{"a":{"anyOf":[{"type":"number"},{"minimum":1}]},"b":{"$ref":"#/properties/a"},"c":{"$ref":"#/properties/a/anyOf/1"}}}"##,
            r#"{"properties":{"a":{"anyOf":[{"type":"number"},{"minimum":1}]},"b":{"anyOf":[{"type":"number"},{"minimum":1}]},"c":{"minimum":1}}}"#,
        ),
        // A whole schema that is a reference, as of a recursive model.
        (
            r##"{"$ref":"#/$defs/N","$defs":{"N":{"type":"object","properties":{"next":{"$ref":"#/$defs/N"}}}}}"##,
            r#"{"type":"object","properties":{"next":{}}}"#,
        ),
    ] {
        assert_eq!(inlined(schema), expected);
    }
}

#[test]
fn a_pointer_is_read_with_all_its_escapes() {
    for name in ["a/b", "a~b", "a~1b", "查 询", "a%b", "a\"b\\", "List[Item]", ""] {
        let pointer = name.replace('~', "~0").replace('/', "~1");
        let escaped: String = pointer
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'~' => char::from(byte).to_string(),
                _ => format!("%{byte:02x}"),
            })
            .collect();
        for pointer in [pointer, escaped] {
            let schema = json!({
                "properties": {"p": {"$ref": format!("#/$defs/{pointer}")}},
                "$defs": {name: {"const": 5}, "other": {}}
            });
            let read: Value = serde_json::from_str(&inlined(&schema.to_string())).unwrap();
            assert_eq!(read, json!({"properties": {"p": {"const": 5}}}), "{pointer}");
        }
    }
    // A key may have escapes, too, and so may the address.
    let schema = r#"{"properties":{"p":{"\u0024ref":"\u0023\/$defs\/\u0050"}},"$\u0064efs":{"\u0050":{"x":1}}}"#;
    assert_eq!(inlined(schema), r#"{"properties":{"p":{"x":1}}}"#);
}

#[test]
fn what_stands_beside_a_reference_stays_and_wins() {
    for (p, expected) in [
        (r##"{"$ref":"#/$defs/P","default":1}"##, r#"{"type":"integer","title":"P","default":1}"#),
        (r##"{"title":"x","$ref":"#/$defs/P"}"##, r#"{"type":"integer","title":"x"}"#),
        // Through two references.
        (
            r##"{"type":"null","$ref":"#/$defs/Q"}"##,
            r#"{"title":"P","items":{"type":"integer","title":"P"},"type":"null"}"#,
        ),
        (
            r##"{"$ref":"#/$defs/Q","items":{"$ref":"#/$defs/P"},"title":"q"}"##,
            r#"{"type":"integer","items":{"type":"integer","title":"P"},"title":"q"}"#,
        ),
        (r##"{"$ref":"#/$defs/T","x":1}"##, r#"{"x":1}"#),
        // One that leads elsewhere stays.
        (r##"{"$ref":"#/$defs/R","x":1}"##, r#"{"$ref":"https://example.com","x":1}"#),
    ] {
        let schema = format!(
            r##"{{"properties":{{"p":{p}}},"$defs":{{"P":{{"type":"integer","title":"P"}},"Q":{{"$ref":"#/$defs/P","items":{{"$ref":"#/$defs/P"}}}},"R":{{"$ref":"https://example.com"}},"T":true}}}}"##
        );
        assert_eq!(inlined(&schema), format!(r#"{{"properties":{{"p":{expected}}}}}"#));
    }
}

#[test]
fn what_only_looks_like_a_reference_stays_as_it_is() {
    let like = r##"{"$ref":"#/$defs/P"}"##;
    for schema in [
        format!(r#"{{"default":{like},"enum":[{like}],"const":{like},"examples":[{like}]}}"#),
        format!(r#"{{"properties":{{"p":{{"default":{like},"enum":[{like},"$ref"]}}}}}}"#),
        r##"{"properties":{"$ref":{"type":"string"},"p":{"description":"\"$ref\""}}}"##.to_owned(),
        r##"{"properties":{"p":{"$ref":5},"q":{"$ref":"https://example.com/a#/$defs/P"}}}"##
            .to_owned(),
        format!(r#"{{"$defs":{{"P":{{"default":{like}}}}}}}"#),
        format!("[{like}]"),
        "true".to_owned(),
    ] {
        assert!(made(&schema).is_none(), "{schema}");
    }
    let schema = format!(
        r#"{{"properties":{{"$ref":{like},"q":{{"const":{like}}}}},"$defs":{{"P":{{"enum":[{like}]}}}}}}"#
    );
    let expected =
        format!(r#"{{"properties":{{"$ref":{{"enum":[{like}]}},"q":{{"const":{like}}}}}}}"#);
    assert_eq!(inlined(&schema), expected);
}

#[test]
fn what_names_nothing_allows_anything() {
    for to in
        ["#/$defs/Q", "#/$defs", "#/$defs/P/enum", "#P", "#/", "#/$defs/P/enum/0", "#/a/b", "#%zz"]
    {
        let schema = format!(
            r#"{{"properties":{{"p":{{"$ref":"{to}"}},"q":{{"title":"t","$ref":"{to}"}}}},"$defs":{{"P":{{"enum":[{{"x":1}}]}}}}}}"#
        );
        assert_eq!(inlined(&schema), r#"{"properties":{"p":{},"q":{"title":"t"}}}"#, "{to}");
    }
}

#[test]
fn a_cycle_ends_in_a_schema_that_allows_anything() {
    for (schema, expected) in [
        (r##"{"properties":{"p":{"$ref":"#"}}}"##, r#"{"properties":{"p":{}}}"#),
        (r##"{"$ref":"#","title":"t"}"##, r#"{"title":"t"}"#),
        (
            r##"{"properties":{"p":{"$ref":"#/$defs/A"}},"$defs":{"A":{"$ref":"#/$defs/B"},"B":{"$ref":"#/$defs/A","x":1}}}"##,
            r#"{"properties":{"p":{"x":1}}}"#,
        ),
        (
            r##"{"properties":{"p":{"items":{"$ref":"#/properties/p"}}}}"##,
            r#"{"properties":{"p":{"items":{"items":{}}}}}"#,
        ),
    ] {
        assert_eq!(inlined(schema), expected);
    }
}

/// A schema whose definition number `n` refers to the next one `times` times.
fn chain(length: usize, times: usize, member: &str) -> String {
    let definition = |n: usize| {
        let next = format!(r##"{{"$ref":"#/$defs/{}"}}"##, n + 1);
        format!(r#""{n}":{{"{member}":[{}]}}"#, vec![next; times].join(","))
    };
    let all: Vec<String> = (0..length).map(definition).collect();
    format!(
        r##"{{"properties":{{"p":{{"$ref":"#/$defs/0"}}}},"$defs":{{{},"{length}":{{"type":"null"}}}}}}"##,
        all.join(",")
    )
}

fn depth(value: &Value) -> usize {
    let inside: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Array(list) => Box::new(list.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => return 0,
    };
    1 + inside.map(depth).max().unwrap_or_default()
}

#[test]
fn growth_and_depth_are_bounded_and_reported() {
    // 10^20 elements, were they all written.
    let schema = chain(20, 10, "anyOf");
    let made = made(&schema).unwrap();
    assert!(made.is_cut && made.text.len() <= schema.len() + MAX_GROWTH, "{}", made.text.len());
    assert!(made.text.contains("{}") && !made.text.contains("$ref"));
    assert!(scan::is_json(&made.text));
    let whole =
        super::without_references(&chain(20, 1, "anyOf"), MAX_GROWTH, &mut MAX_SCHEMA_WORK.clone())
            .unwrap();
    assert!(!whole.is_cut && whole.text.contains("null"));
    let deep = super::without_references(
        &chain(100, 1, "anyOf"),
        MAX_GROWTH,
        &mut MAX_SCHEMA_WORK.clone(),
    )
    .unwrap();
    assert!(deep.is_cut);
    let read: Value = serde_json::from_str(&deep.text).unwrap();
    assert!(depth(&read) <= MAX_DEPTH + 3, "{}", depth(&read));
    // References that refer to another do not make anything deeper.
    let names: Vec<String> =
        (0..1000).map(|n| format!(r##""{n}":{{"$ref":"#/$defs/{}"}}"##, n + 1)).collect();
    let chain = format!(
        r##"{{"properties":{{"p":{{"$ref":"#/$defs/0"}}}},"$defs":{{{}}}}}"##,
        names.join(",")
    );
    assert!(
        super::without_references(&chain, MAX_GROWTH, &mut MAX_SCHEMA_WORK.clone()).unwrap().is_cut
    );
}

#[test]
fn a_schema_with_very_many_references_is_not_read() {
    let many = |count: usize| {
        let all = vec![r##"{"$ref":"#/$defs/P"}"##; count].join(",");
        format!(r#"{{"anyOf":[{all}],"$defs":{{"P":{{}}}}}}"#)
    };
    assert_ne!(made(&many(MAX_REFERENCES)).unwrap().text, UNRESTRICTED);
    let made = made(&many(MAX_REFERENCES + 1)).unwrap();
    assert_eq!((made.is_cut, &*made.text), (true, UNRESTRICTED));
}

/// The schemas of a list of tools.
fn schemas_of(tools: &[String]) -> (Offers, Schemas) {
    let mut gathered = Gathered::default();
    let page = format!(r#"{{"tools":[{}]}}"#, tools.join(","));
    gathered.read_page(Kind::Tools, &page).unwrap();
    let items = std::rc::Rc::new(gathered.finish());
    let mut offers = Offers::default();
    let sources = [Source { identity: Identity::of(1), label: "l", items: &items }];
    offers.merge(Kind::Tools, &sources, Default::default());
    let mut schemas = Schemas::default();
    let mut end = 0;
    while end < offers.len() {
        end = schemas.make(&offers, end).0;
    }
    (offers, schemas)
}

#[test]
fn a_list_is_made_once_and_bounded_as_a_whole() {
    let tool = |name: usize, size: usize| {
        format!(
            r##"{{"name":"t{name}","inputSchema":{{"properties":{{"p":{{"$ref":"#/$defs/P"}}}},"$defs":{{"P":{{"title":"{}"}}}}}}}}"##,
            "x".repeat(size)
        )
    };
    let mut tools: Vec<String> = (0..100).map(|name| tool(name, 30_000)).collect();
    tools.insert(0, r#"{"name":"plain","inputSchema":{"default":"$ref"}}"#.to_owned());
    let (offers, schemas) = schemas_of(&tools);
    let (name, count) = schemas.cut().unwrap();
    assert_eq!(schemas.made.len(), 100);
    assert!((30..100).contains(&count) && name.starts_with('t'), "{name} {count}");
    assert!(schemas.memory() < MAX_LIST, "{}", schemas.memory());
    let mut element = offers.element(0).unwrap().1;
    schemas.put(0, offers.raw(0), &mut element);
    assert_eq!(element.pieces().concat(), tools[0]);
    for at in 1..=100 {
        let mut element = offers.element(at).unwrap().1;
        schemas.put(at, offers.raw(at), &mut element);
        let text = element.pieces().concat();
        assert!(scan::is_json(&text) && !text.contains("$ref"), "{text}");
    }
    assert!(schemas.is_of(&offers));
    assert!(!Schemas::default().is_of(&Offers::default()));
}
