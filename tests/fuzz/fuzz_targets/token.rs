//! Tokens and the key: any bytes may come as a token, and every agent's own token opens its door.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_endpoint_server::text::Language;
use mcp_endpoint_server::token::address::{addresses, Base};
use mcp_endpoint_server::token::{percent, same_key, Token, MAX_AGENT_ID_BYTES};

fuzz_target!(|data: &[u8]| {
    // key, then agent, then a token, with a line end after each.
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let key = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let agent = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let token = parts.next().unwrap_or_default();

    if let Ok(agent) = Token::read(&key, token) {
        assert!((1..=MAX_AGENT_ID_BYTES).contains(&agent.len()));
        opens(&key, &agent);
    }
    opens(&key, &agent);
    assert_eq!(same_key(token, key.as_bytes()), !key.is_empty() && token == key.as_bytes());
    assert_eq!(percent::decode(percent::encode(&key, b"").as_bytes()), key.as_bytes());
    let form = percent::encode(&agent, b"");
    assert_eq!(percent::decode_form(form.as_bytes()), agent.as_bytes());

    let plain = addresses(&Base::local("192.168.1.5", 8004, ""), &key, &agent, Language::En);
    assert_eq!(plain.warning, None);
    clients_accept(&plain.tool);
    // Whatever host, prefix or address an owner has: where clients will refuse it, it is said.
    let text = String::from_utf8_lossy(token);
    for base in [Base::local(&text, 1, &agent), Base::public(&text)] {
        let printed = addresses(&base, &key, &agent, Language::Zh);
        if printed.warning.is_none() {
            clients_accept(&printed.tool);
        }
    }
});

/// Every spelling of the agent's own token is understood.
fn opens(key: &str, agent: &str) {
    let token = Token::new(key, agent);
    let expected = (1..=MAX_AGENT_ID_BYTES).contains(&agent.len()).then(|| agent.to_owned());
    let plain = token.as_str();
    let url_safe = plain.replace('+', "-").replace('/', "_");
    let blanks = plain.replace('+', " ");
    let address = token.in_address();
    assert!(address.bytes().all(|byte| byte == b'%' || percent::is_unreserved(byte)));
    for spelling in [plain, plain.trim_end_matches('='), &url_safe, &blanks, &address] {
        assert_eq!(Token::read(key, spelling.as_bytes()).ok(), expected, "{spelling}");
    }
}

fn clients_accept(tool: &str) {
    let lower = tool.to_ascii_lowercase();
    assert!(!lower.contains("key") && !lower.contains("call"), "{tool}");
    assert_eq!(tool.matches("/mcp/").count(), 1, "{tool}");
}
