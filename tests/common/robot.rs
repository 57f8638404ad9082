//! An MCP client at the robot endpoint.

use super::{Client, Message};
use serde_json::{json, Value};

/// A robot. It numbers its requests itself unless it is told an id.
#[derive(Debug)]
pub struct Robot {
    /// The connection below.
    pub ws: Client,
    /// What came while an answer was waited for.
    pub aside: Vec<Message>,
    last_id: u32,
}

impl Robot {
    /// A robot on a connection.
    pub fn new(ws: Client) -> Self {
        Robot { ws, aside: Vec::new(), last_id: 0 }
    }

    /// Does the handshake, and returns the answer to `initialize`.
    pub fn start(&mut self) -> Message {
        self.start_as("test-robot")
    }

    /// Does the handshake under a name.
    pub fn start_as(&mut self, name: &str) -> Message {
        let answer = self.ask(
            "initialize",
            json!({
                "protocolVersion": "2024-11-05",
                "capabilities": {},
                "clientInfo": { "name": name, "version": "1.0.0" },
            }),
        );
        self.notify("notifications/initialized", json!({}));
        answer
    }

    /// Sends a text as it is.
    pub fn send(&self, text: &str) {
        self.ws.send(text);
    }

    /// Sends a request whose id is spelt as given.
    pub fn request(&self, id: &str, method: &str, params: Value) {
        self.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":{},"params":{params}}}"#,
            json!(method)
        ));
    }

    /// Sends a call whose id is spelt as given, and waits for nothing.
    pub fn request_call(&self, id: &str, tool: &str, arguments: Value) {
        self.request(id, "tools/call", json!({ "name": tool, "arguments": arguments }));
    }

    /// Sends a notification.
    pub fn notify(&self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string());
    }

    /// Sends a request and waits for its answer.
    pub fn ask(&mut self, method: &str, params: Value) -> Message {
        self.last_id += 1;
        let id = self.last_id.to_string();
        self.request(&id, method, params);
        self.answer_to(&id)
    }

    /// Calls a tool and waits for the answer.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Message {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// The names of the tools it is offered, in order.
    pub fn list(&mut self) -> Vec<String> {
        let answer = self.ask("tools/list", json!({}));
        let tools = answer.result()["tools"].as_array().unwrap().clone();
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits for the answer to the request whose id is spelt so. What else comes is put aside.
    pub fn answer_to(&mut self, id: &str) -> Message {
        if let Some(at) = self.aside.iter().position(|message| message.answers(id)) {
            return self.aside.remove(at);
        }
        loop {
            let message = self.ws.recv_message();
            if message.answers(id) {
                return message;
            }
            self.aside.push(message);
        }
    }

    /// The next message that was not looked at yet.
    pub fn next(&mut self) -> Message {
        if self.aside.is_empty() {
            self.ws.recv_message()
        } else {
            self.aside.remove(0)
        }
    }

    /// Waits for a notification.
    pub fn notification(&mut self, method: &str) -> Message {
        if let Some(at) = self.aside.iter().position(|message| message.method == method) {
            return self.aside.remove(at);
        }
        loop {
            let message = self.ws.recv_message();
            if message.method == method {
                return message;
            }
            self.aside.push(message);
        }
    }

    /// Asks something, and panics where anything but its answer comes next: so the server had
    /// nothing else to say.
    pub fn expect_silence(&mut self) {
        self.request("\"silence?\"", "ping", json!({}));
        let message = self.next();
        assert!(message.answers("\"silence?\""), "nothing was to come: {}", message.text);
    }
}
