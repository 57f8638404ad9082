//! What tools and robots say: mostly what real ones do, now and then something else.

/// Bytes to choose by; zeros once there are no more.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn one(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn some(&mut self, count: usize) -> &'a [u8] {
        let (some, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        some
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.one()) % choices.len()]
    }
}

/// A request that a tool has been sent.
#[derive(Clone, Debug)]
pub struct Asked {
    pub id: u32,
    pub method: String,
}

const IDS: [&str; 14] = [
    "1",
    "2",
    "3",
    "0",
    "-5",
    "1.5",
    "1E2",
    r#""""#,
    r#""null""#,
    r#""1""#,
    r#""\u5c0f""#,
    "1180591620717411303424",
    "null",
    "true",
];
const NAMES: [&str; 10] =
    ["a", "b", "search", "查", r"a\u0062", "ab", "pi__a", "calc__search", "tool__b", "nobody"];
const URIS: [&str; 5] = ["a://1", "a://2", "file:///{path}", "file:///x", "{"];
const OTHERS: [&str; 7] = [
    "completion/complete",
    "logging/setLevel",
    "prompts/get",
    "resources/read",
    "resources/subscribe",
    "foo/bar",
    "",
];
const LISTS: [&str; 4] =
    ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];
const NOTIFICATIONS: [&str; 8] = [
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/roots/list_changed",
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/message",
    "tools/call",
];

/// What a robot may say.
pub fn of_robot(bytes: &mut Bytes<'_>, marker: &str) -> String {
    let kind = bytes.one() % 14;
    let id = bytes.of(&IDS);
    let ask = |method: &str, params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
    };
    let text = match kind {
        0 => {
            let client = bytes.of(&["XiaozhiMCPEndpointClient", "xiaozhi-manager"]);
            let info = format!(r#"{{"name":"{client}","version":"{marker}"}}"#);
            ask(
                "initialize",
                &format!(
                    r#"{{"protocolVersion":"2024-11-05","capabilities":{{}},"clientInfo":{info}}}"#
                ),
            )
        }
        1 => r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(),
        2 => ask("ping", "{}"),
        3 | 4 => ask("tools/list", r#"{"cursor":""}"#),
        5..=7 => {
            let name = bytes.of(&NAMES);
            let meta = bytes.of(&[
                "",
                r#","_meta":{"progressToken":"t"}"#,
                r#","_meta":{"progressToken":0}"#,
                r#","_meta":{"progressToken":1,"progressToken":2}"#,
            ]);
            ask(
                "tools/call",
                &format!(r#"{{"name":"{name}","arguments":{{"by":"{marker}"}}{meta}}}"#),
            )
        }
        8 => ask(bytes.of(&LISTS), "{}"),
        9 => {
            let method = bytes.of(&OTHERS);
            let (name, uri) = (bytes.of(&NAMES), bytes.of(&URIS));
            ask(method, &format!(r#"{{"uri":"{uri}","name":"{name}"}}"#))
        }
        10 | 11 => format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":"{marker}"}}}}"#
        ),
        12 => {
            let method = bytes.of(&NOTIFICATIONS);
            match bytes.one() % 3 {
                0 => format!(r#"{{"method":"{method}","params":{{"by":"{marker}"}}}}"#),
                _ => ask(method, r#"{"requestId":1}"#),
            }
        }
        _ => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#),
    };
    mutated(text, bytes)
}

/// How a tool may answer.
pub fn answer(bytes: &mut Bytes<'_>, asked: &Asked, marker: &str) -> String {
    let way = bytes.one();
    let id = asked.id;
    let text = match way >> 4 {
        12 => {
            format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-1,"message":"{marker}"}}}}"#)
        }
        13 => format!(r#"{{"jsonrpc":"2.0","id":"{id}","result":{{}}}}"#),
        14 => {
            let whole =
                format!(r#"{{"id":{id}.0,"error":null,"result":{{"by":"{marker}","n":NaN}}}}"#);
            match way & 7 {
                0 => format!(r#"{{"type":"mcp","payload":{whole}}}"#),
                1 => format!("{whole}\n{whole}"),
                2 => format!("[{whole},{whole}]"),
                3 => format!("\u{feff}{whole}"),
                4 => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"text":"a	b"}}}}"#),
                5 => whole.chars().take(30).collect(),
                6 => whole,
                _ => format!(r#"{{"jsonrpc":"2.0","id":{id}}}"#),
            }
        }
        15 => format!(r#"{{"id":{id},"result":null,"error":{{}}}}"#),
        _ => format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{}}}"#,
            result(way, &asked.method, marker)
        ),
    };
    mutated(text, bytes)
}

fn result(way: u8, method: &str, marker: &str) -> String {
    let capabilities = [
        r#"{"tools":{"listChanged":true},"prompts":{},"resources":{"subscribe":true},"completions":{}}"#,
        r#"{"tools":{},"logging":{},"resources":{"listChanged":true}}"#,
        r#"{"tools":{"listChanged":true}}"#,
        "{}",
    ][usize::from(way) % 4];
    let name = ["calc", "pi", "calc", ""][usize::from(way >> 2) % 4];
    let items = |name_of: &dyn Fn(usize) -> String| {
        let few = (0..NAMES.len()).filter(|n| (way.rotate_left(*n as u32)) & 3 == 0).map(name_of);
        few.collect::<Vec<_>>().join(",")
    };
    let next = if way & 0x70 == 0x70 { r#","nextCursor":"\u0070""# } else { "" };
    let named = |n: usize| format!(r#"{{"description":"{marker}","name":"{}"}}"#, NAMES[n]);
    let addressed =
        |n: usize| format!(r#"{{"uri":"{}","uriTemplate":"{}"}}"#, URIS[n % 5], URIS[n % 5]);
    match method {
        "initialize" => format!(
            r#"{{"protocolVersion":"2025-06-18","capabilities":{capabilities},"serverInfo":{{"name":"{name}","by":"{marker}"}},"instructions":"do"}}"#
        ),
        "tools/list" => format!(r#"{{"tools":[{}]{next}}}"#, items(&named)),
        "prompts/list" => format!(r#"{{"prompts":[{}]{next}}}"#, items(&named)),
        "resources/list" => format!(r#"{{"resources":[{}]{next}}}"#, items(&addressed)),
        "resources/templates/list" => {
            format!(r#"{{"resourceTemplates":[{}]{next}}}"#, items(&addressed))
        }
        "ping" => "{}".to_owned(),
        _ if way & 1 == 0 => format!(r#"{{"content":[{{"type":"text","text":"{marker}"}}]}}"#),
        _ => {
            format!(r#"{{"content":[{{"type":"text","text":"no \"{marker}\""}}],"isError":true}}"#)
        }
    }
}

/// What a tool may say unasked.
pub fn of_tool(bytes: &mut Bytes<'_>, asked: &[Asked], marker: &str) -> String {
    let kind = bytes.one() % 8;
    let id = bytes.of(&IDS);
    let text = match kind {
        0 | 1 => {
            let which = usize::from(bytes.one());
            let token = asked.get(which % asked.len().max(1)).map_or(7, |asked| asked.id);
            format!(
                r#"{{"method":"notifications/progress","params":{{"progressToken":{token},"progress":1,"message":"{marker}"}}}}"#
            )
        }
        2..=4 => format!(r#"{{"jsonrpc":"2.0","method":"{}"}}"#, bytes.of(&NOTIFICATIONS)),
        5 => {
            let method = bytes.of(&["ping", "initialize", "roots/list", "notifications/message"]);
            format!(r#"{{"id":{id},"method":"{method}","params":{{"protocolVersion":"1"}}}}"#)
        }
        6 => format!(r#"{{"id":{id},"result":{{"by":"{marker}"}}}}"#),
        _ => "starting up…".to_owned(),
    };
    mutated(text, bytes)
}

/// Any text, which names no agent.
pub fn raw(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('⟦', "[")
}

/// Now and then a few letters are others, more or fewer.
fn mutated(text: String, bytes: &mut Bytes<'_>) -> String {
    const LETTERS: [char; 20] = [
        '"', '\\', '{', '}', '[', ']', ',', ':', '\n', '\r', '\t', ' ', '0', '1', '-', 'e', 'u',
        '小', '\u{7f}', '\u{0}',
    ];
    let count = match bytes.one() {
        0..=223 => return text,
        many => many % 4 + 1,
    };
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..count {
        let at = usize::from(bytes.one()) % letters.len().max(1);
        let way = bytes.one();
        let letter = bytes.of(&LETTERS);
        match way % 3 {
            0 => letters.insert(at.min(letters.len()), letter),
            1 if !letters.is_empty() => letters[at] = letter,
            _ if !letters.is_empty() => {
                letters.remove(at);
            }
            _ => (),
        }
    }
    letters.into_iter().collect()
}
