//! A JSON-RPC message as it came, with a look inside.

use serde_json::value::RawValue;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;

/// One message: its text to the byte, and what it says.
#[derive(Clone)]
pub struct Message {
    /// The text as it came.
    pub text: String,
    /// What it says. A member that Rust has no number for (`1E400`) is `null` here.
    pub json: Value,
    /// The id as it was spelt; `None` where there is none.
    pub id: Option<String>,
    /// The method, empty in a reply.
    pub method: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Message {
    /// Reads a text. Panics where it is not a JSON object.
    pub fn read(text: &str) -> Self {
        let members: HashMap<String, Box<RawValue>> =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in: {text}"));
        let id = members.get("id").map(|id| id.get().to_owned());
        let json: serde_json::Map<String, Value> = members
            .into_iter()
            .map(|(name, value)| (name, serde_json::from_str(value.get()).unwrap_or_default()))
            .collect();
        let json = Value::Object(json);
        let method = json["method"].as_str().unwrap_or_default().to_owned();
        Message { text: text.to_owned(), json, id, method }
    }

    /// Whether it is an answer to the request with this id, spelt so.
    pub fn answers(&self, id: &str) -> bool {
        self.method.is_empty() && self.id.as_deref() == Some(id)
    }

    /// The result. Panics where it is an error, or has an `error` beside the result.
    pub fn result(&self) -> &Value {
        assert!(self.json.get("error").is_none(), "an error: {}", self.text);
        self.json.get("result").unwrap_or_else(|| panic!("no result: {}", self.text))
    }

    /// The error's code. Panics where it is a success, or has a `result` beside the error.
    pub fn error(&self) -> i64 {
        assert!(self.json.get("result").is_none(), "not an error: {}", self.text);
        self.json["error"]["code"].as_i64().unwrap_or_else(|| panic!("no code: {}", self.text))
    }

    /// The text of the first content of a `tools/call` result.
    pub fn content(&self) -> &str {
        self.result()["content"][0]["text"]
            .as_str()
            .unwrap_or_else(|| panic!("no text content: {}", self.text))
    }
}
