//! The arguments of a call: from the words of the command line to JSON, typed by the tool's schema. Pure.

use crate::cli::client::http::written;
use crate::escape::visible_start;
use crate::spelling::edits;
use crate::text::Language;
use jsonrpc::message::quoted;
use serde_json::Value;

/// How deep `anyOf` and `$ref` may be nested in the schema of an argument.
const MAX_DEPTH: usize = 16;

/// How many characters of a value or a name are repeated.
const MAX_SHOWN_CHARS: usize = 60;

/// How many names or values are listed.
const MAX_LISTED: usize = 20;

/// The arguments as they were written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arguments {
    /// One JSON object.
    Json(String),
    /// Names and values.
    Pairs(Vec<(String, String)>),
}

impl Arguments {
    /// Reads the words of the command line.
    ///
    /// # Errors
    /// Why they cannot be arguments.
    pub(super) fn read(words: &[String], language: Language) -> Result<Self, String> {
        let is_json = |word: &String| word.trim_start().starts_with('{');
        if let Some(json) = words.iter().find(|word| is_json(word)) {
            if words.len() > 1 {
                return Err(language.arguments_mixed());
            }
            let broken = |error: serde_json::Error| {
                language.arguments_not_json(error.line(), error.column())
            };
            serde_json::from_str::<Value>(json).map_err(broken)?;
            return Ok(Arguments::Json(json.clone()));
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for word in words {
            let pair = word.split_once('=').filter(|(name, _)| !name.is_empty());
            let (name, value) = pair.ok_or_else(|| language.argument_without_name(&shown(word)))?;
            if pairs.iter().any(|(known, _)| known == name) {
                return Err(language.argument_twice(&shown(name)));
            }
            pairs.push((name.to_owned(), value.to_owned()));
        }
        Ok(Arguments::Pairs(pairs))
    }

    /// The JSON object for `tool`, whose `inputSchema` is `schema`.
    ///
    /// # Errors
    /// Which argument the tool cannot take, and what it takes.
    pub(super) fn json(
        &self,
        tool: &str,
        schema: &Value,
        language: Language,
    ) -> Result<String, String> {
        let pairs = match self {
            Arguments::Json(json) => return Ok(json.clone()),
            Arguments::Pairs(pairs) => pairs,
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        // A schema that names no arguments may take any. One that names some and says nothing about
        // others takes no others, as far as a person with a slip of the finger is concerned.
        let takes_others = match schema.get("additionalProperties") {
            None => properties.is_none(),
            Some(others) => others.as_bool() != Some(false),
        };
        let mut json = String::from("{");
        for (name, text) in pairs {
            let property = properties.and_then(|properties| properties.get(name));
            if property.is_none() && !takes_others {
                let names = properties.into_iter().flatten().map(|(name, _)| name.as_str());
                return Err(unknown(tool, name, &names.collect::<Vec<_>>(), language));
            }
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(&quoted(name));
            json.push(':');
            json.push_str(&typed(name, text, property.unwrap_or(&Value::Null), schema, language)?);
        }
        json.push('}');
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let is_missing = |name: &&str| pairs.iter().all(|(given, _)| given != name);
        let missing: Vec<&str> = required.filter_map(Value::as_str).filter(is_missing).collect();
        match missing.is_empty() {
            true => Ok(json),
            false => Err(language.arguments_missing(&shown(tool), &listed(&missing, language))),
        }
    }
}

fn unknown(tool: &str, name: &str, names: &[&str], language: Language) -> String {
    let (tool, given) = (shown(tool), shown(name));
    match nearest(name, names) {
        _ if names.is_empty() => language.argument_unwanted(&tool, &given),
        Some(near) => language.argument_misspelt(&tool, &given, &shown(near)),
        None => language.argument_unknown(&tool, &given, &listed(names, language)),
    }
}

/// The name among `names` that was probably meant: with few letters changed, or with more before or behind.
pub(super) fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    let alike = names.iter().min_by_key(|known| edits(known, name));
    let alike = alike.filter(|known| edits(known, name) <= 2.max(name.chars().count() / 4));
    let lower = name.to_ascii_lowercase();
    let contains = |known: &&&str| name.len() > 2 && known.to_ascii_lowercase().contains(&lower);
    alike.or_else(|| names.iter().find(contains)).copied()
}

/// Names in a line; not all of very many.
pub(super) fn listed(names: &[&str], language: Language) -> String {
    let first: Vec<String> = names.iter().take(MAX_LISTED).map(|name| shown(name)).collect();
    match names.len() {
        count if count > MAX_LISTED => language.more_names(&first.join(", "), count),
        _ => first.join(", "),
    }
}

/// A text as it can be shown in a message.
pub(super) fn shown(text: &str) -> String {
    visible_start(text, MAX_SHOWN_CHARS)
}

/// `text` as JSON of a type that `property`, a part of `schema`, accepts.
fn typed(
    name: &str,
    text: &str,
    property: &Value,
    schema: &Value,
    language: Language,
) -> Result<String, String> {
    let mut accepted = Accepted::default();
    accepted.add(property, schema, MAX_DEPTH);
    let is_meant = |value: &&&Value| value.as_str() == Some(text) || written(value) == text;
    if let Some(value) = accepted.values.iter().find(is_meant) {
        return Ok(written(value));
    }
    let trimmed = text.trim();
    let parsed: Option<Value> = serde_json::from_str(trimmed).ok();
    for kind in &accepted.kinds {
        let fits = match (*kind, &parsed) {
            ("integer", Some(Value::Number(_))) => !trimmed.contains(['.', 'e', 'E']),
            ("number", Some(Value::Number(_)))
            | ("array", Some(Value::Array(_)))
            | ("object", Some(Value::Object(_)))
            | ("null", Some(Value::Null)) => true,
            ("boolean", _) if trimmed.eq_ignore_ascii_case("true") => return Ok("true".to_owned()),
            ("boolean", _) if trimmed.eq_ignore_ascii_case("false") => {
                return Ok("false".to_owned())
            }
            (ANY, Some(value)) => !value.is_string(),
            _ => false,
        };
        if fits {
            return Ok(trimmed.to_owned());
        }
    }
    if accepted.kinds.iter().any(|kind| matches!(*kind, "string" | ANY)) {
        return Ok(quoted(text));
    }
    let (name, value) = (shown(name), shown(text));
    if !accepted.values.is_empty() {
        let choices: Vec<String> = accepted.values.iter().map(|value| plain(value)).collect();
        let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
        return Err(language.argument_of_choice(&name, &value, &listed(&choices, language)));
    }
    let types: Vec<String> = accepted.kinds.iter().map(|kind| kind_named(kind, language)).collect();
    Err(language.argument_of_type(&name, &value, &types.join(", ")))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| written(value), str::to_owned)
}

fn kind_named(kind: &str, language: Language) -> String {
    match kind {
        "integer" => language.type_integer(),
        "number" => language.type_number(),
        "boolean" => language.type_boolean(),
        "array" => language.type_array(),
        "object" => language.type_object(),
        other => shown(other),
    }
}

/// The kind of a schema that says none.
const ANY: &str = "";

/// What a schema accepts, as far as it matters for a text.
#[derive(Default)]
struct Accepted<'a> {
    /// Its types.
    kinds: Vec<&'a str>,
    /// The values that an `enum` or `const` lists.
    values: Vec<&'a Value>,
}

impl<'a> Accepted<'a> {
    /// Adds what `part`, a part of `schema`, accepts.
    fn add(&mut self, part: &'a Value, schema: &'a Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return self.kinds.push(ANY) };
        let before = (self.kinds.len(), self.values.len());
        if let Some(path) = part.get("$ref").and_then(Value::as_str) {
            let names = path.split('/').skip(1);
            let found = names.fold(schema, |part, name| part.get(name).unwrap_or(&Value::Null));
            self.add(found, schema, depth);
        }
        for name in ["anyOf", "oneOf", "allOf"] {
            for part in part.get(name).and_then(Value::as_array).into_iter().flatten() {
                self.add(part, schema, depth);
            }
        }
        let values = part.get("enum").and_then(Value::as_array).into_iter().flatten();
        self.values.extend(values.chain(part.get("const")));
        if before != (self.kinds.len(), self.values.len()) {
            return;
        }
        match part.get("type") {
            Some(Value::String(kind)) => self.kinds.push(kind),
            Some(Value::Array(kinds)) => self.kinds.extend(kinds.iter().filter_map(Value::as_str)),
            _ => self.kinds.push(ANY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// What is sent for these words to a tool with these properties.
    fn sent(properties: Value, given: &[&str]) -> Result<String, String> {
        let schema = json!({ "type": "object", "properties": properties, "$defs": {
            "Color": { "enum": ["red", "green"], "type": "string" },
        } });
        Arguments::read(&words(given), Language::En)?.json("t", &schema, Language::En)
    }

    #[test]
    fn a_value_gets_the_type_that_the_schema_says() {
        for (property, text, expected) in [
            (json!({ "type": "string" }), "5", r#""5""#),
            (json!({ "type": "string" }), " a=\"b\" ", r#"" a=\"b\" ""#),
            (json!({ "type": "integer" }), "-5", "-5"),
            (json!({ "type": "integer" }), "1180591620717411303424", "1180591620717411303424"),
            (json!({ "type": "number" }), "1.50", "1.50"),
            (json!({ "type": "number" }), "3", "3"),
            (json!({ "type": "boolean" }), "True", "true"),
            (json!({ "type": "array" }), "[1, 2]", "[1, 2]"),
            (json!({ "type": "object" }), r#"{"a":1}"#, r#"{"a":1}"#),
            (json!({ "anyOf": [{ "type": "integer" }, { "type": "null" }] }), "7", "7"),
            (json!({ "anyOf": [{ "type": "integer" }, { "type": "null" }] }), "null", "null"),
            (json!({ "type": ["string", "null"] }), "x", r#""x""#),
            (json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }] }), "7", "7"),
            (json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }] }), "a", r#""a""#),
            (json!({ "$ref": "#/$defs/Color" }), "red", r#""red""#),
            (json!({ "allOf": [{ "$ref": "#/$defs/Color" }] }), "green", r#""green""#),
            (json!({ "enum": [1, 2] }), "2", "2"),
            (json!({ "const": "x" }), "x", r#""x""#),
            (json!({}), "7", "7"),
            (json!({}), "seven", r#""seven""#),
            (json!({}), "\"seven\"", r#""\"seven\"""#),
            (json!({ "$ref": "#/properties/v" }), "x", r#""x""#),
        ] {
            let said = sent(json!({ "v": property }), &[&format!("v={text}")]);
            assert_eq!(said, Ok(format!(r#"{{"v":{expected}}}"#)), "{text}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused_with_what_is_accepted() {
        for (property, text, named) in [
            (json!({ "type": "integer" }), "1.5", "a whole number"),
            (json!({ "type": "integer" }), "", "a whole number"),
            (json!({ "type": "number" }), "one", "a number"),
            (json!({ "type": "boolean" }), "yes", "true or false"),
            (json!({ "type": "array" }), "a,b", "a JSON list"),
            (json!({ "type": "object" }), "[]", "a JSON object"),
            (json!({ "$ref": "#/$defs/Color" }), "blue", "allowed values: red, green"),
            (json!({ "enum": [1, "x"] }), "2", "allowed values: 1, x"),
        ] {
            let said = sent(json!({ "v": property }), &[&format!("v={text}")]).unwrap_err();
            assert!(said.contains(named) && said.contains(" v "), "{said}");
        }
    }

    #[test]
    fn names_are_checked_against_the_schema() {
        let two = || json!({ "expression": {}, "digits": {} });
        let said = sent(two(), &["expresion=1"]).unwrap_err();
        assert!(said.contains("did you mean `expression`?"), "{said}");
        let said = sent(two(), &["zzz=1"]).unwrap_err();
        assert!(said.contains("digits, expression"), "{said}");
        assert!(sent(json!({}), &["x=1"]).unwrap_err().contains("takes no arguments"));
        for (schema, given, expected) in [
            (json!({ "type": "object" }), "x=1", Ok(r#"{"x":1}"#)),
            (json!({ "properties": {}, "additionalProperties": true }), "x=1", Ok(r#"{"x":1}"#)),
            (json!({ "required": ["a", "b"] }), "a=1", Err("for the tool t: b;")),
            (Value::Null, "a=b=c", Ok(r#"{"a":"b=c"}"#)),
        ] {
            let said = Arguments::read(&words(&[given]), Language::En).unwrap();
            match (said.json("t", &schema, Language::En), expected) {
                (Ok(said), Ok(expected)) => assert_eq!(said, expected),
                (Err(said), Err(part)) => assert!(said.contains(part), "{said}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn words_are_one_object_or_names_with_values() {
        let read = |given: &[&str]| Arguments::read(&words(given), Language::En);
        assert_eq!(read(&[]), Ok(Arguments::Pairs(Vec::new())));
        let text = r#" {"a": 1.50, "b": [NaN]}"#;
        assert!(read(&[text]).unwrap_err().contains("line 1, column"));
        let text = r#" {"a": 1.50}"#;
        let json = read(&[text]).unwrap();
        assert_eq!(json.json("t", &json!({}), Language::En), Ok(text.to_owned()));
        for (given, part) in [
            (&["1+1"][..], "NAME=VALUE"),
            (&["=1"], "NAME=VALUE"),
            (&["[1]"], "NAME=VALUE"),
            (&["a=1", "a=2"], "twice"),
            (&["{}", "a=1"], "nothing can be added"),
            (&["{]"], "not valid JSON"),
        ] {
            let said = read(given).unwrap_err();
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn the_name_that_was_meant_is_found() {
        let names = ["calculator", "roll_dice", "home__light_on"];
        for (given, expected) in [
            ("calculater", Some("calculator")),
            ("calc", Some("calculator")),
            ("Light", Some("home__light_on")),
            ("xyz", None),
            ("", None),
            ("rollidce", Some("roll_dice")),
        ] {
            assert_eq!(nearest(given, &names), expected, "{given}");
        }
    }
}
