use super::*;
use crate::random::Random;
use crate::token::percent;

const PATHS: [&str; 7] = [
    "/",
    "/mcp_endpoint/",
    "/mcp_endpoint/mcp/",
    "/mcp_endpoint/call/",
    "/mcp_endpoint/health",
    "/health",
    "/stats",
];

#[test]
fn the_root_redirects_to_the_start_page() {
    for target in ["/", "/?a=b", "//", "http://h", "http://h/", "HTTPS://h:1?x"] {
        let got = got(&settings(), &format!("GET {target} HTTP/1.1"));
        assert_eq!((got.status, got.header("Location")), (307, Some("/mcp_endpoint/")), "{target}");
    }
}

#[test]
fn the_start_page_states_name_and_version() {
    for target in ["/mcp_endpoint/", "/mcp_endpoint", "/mcp_endpoint/?x=y", "//mcp_endpoint//"] {
        let got = got(&settings(), &format!("GET {target} HTTP/1.1"));
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":null,"result":{{"message":"MCP Endpoint Server","version":"{}","status":"running"}}}}"#,
            crate::VERSION
        );
        assert_eq!((got.status, got.body), (200, body), "{target}");
    }
}

#[test]
fn health_needs_no_key_and_has_no_names() {
    let got = got(&settings(), "GET /health HTTP/1.1");
    let body = format!(
        r#"{{"status":"healthy","version":"{}","uptime_seconds":61,"connections":{{"tool_connections":0,"robot_connections":0,"total_connections":0,"mcp_server_connections":0,"total_tools":0}}}}"#,
        crate::VERSION
    );
    assert_eq!((got.status, got.body), (200, body));
}

#[test]
fn stats_have_names_only_with_the_key() {
    let got = |head: &str| got(&settings(), head).json();
    let without = got("GET /stats?key=wrong HTTP/1.1");
    assert_eq!(without["status"], "success");
    assert_eq!(without["data"]["tool_connections"], 0);
    assert_eq!(without["data"]["traffic"]["from_tools"], 0);
    assert_eq!(without["data"]["errors"]["timed_out"], 0);
    assert_eq!(without["data"]["server"]["accepted"], 7);
    assert_eq!(without["data"]["server"]["connections"], 3);
    assert_eq!(without["data"]["uptime_seconds"], 61);
    for member in ["robot_connections_by_agent", "mcp_servers", "available_agents"] {
        assert_eq!(without["data"].get(member), None);
    }
    let key = percent::encode(KEY, b"");
    let with = got(&format!("GET /stats?key={key} HTTP/1.1"));
    assert_eq!(with["data"]["mcp_servers"], serde_json::json!({}));
    assert_eq!(with["data"]["available_agents"], serde_json::json!([]));
    assert_eq!(with["data"]["traffic"], without["data"]["traffic"]);
}

#[test]
fn the_health_page_accepts_the_key_in_every_spelling() {
    let escaped: String = KEY.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let form = percent::encode(KEY, b" ").replace(' ', "+");
    let raw = percent::encode(KEY, b"+/=");
    for head in [
        format!("GET /mcp_endpoint/health?key={} HTTP/1.1", percent::encode(KEY, b"")),
        format!("GET /mcp_endpoint/health/?a&b=c&key=&key={escaped}&key=x HTTP/1.1"),
        format!("GET /mcp_endpoint/health?key={form} HTTP/1.1"),
        format!("GET /mcp_endpoint/health?%6Bey={raw} HTTP/1.1"),
        format!("GET /mcp_endpoint/health HTTP/1.1\nAuthorization: Bearer {KEY}"),
        format!("GET /mcp_endpoint/health?key=x HTTP/1.1\nauthorization:bearer   {KEY} "),
    ] {
        let got = got(&settings(), &head);
        let body = concat!(
            r#"{"jsonrpc":"2.0","id":null,"result":{"status":"success","connections":{"tool_connections":0,"#,
            r#""robot_connections":0,"total_connections":0,"robot_connections_by_agent":{},"#,
            r#""mcp_server_connections":0,"mcp_servers":{},"total_tools":0,"multi_server_support":true,"#,
            r#""available_agents":[]},"managed_servers":{"#,
            r#""home":{"kind":"","state":"misconfigured","restarts":0,"last_error":"exit status 1","stderr":[],"#,
            r#""tools_count":2,"agents_count":1,"agents":["kitchen"],"memory_bytes":77},"#,
            r#""time":{"kind":"stdio","state":"restarting","restarts":3,"last_error":"exit status 1","#,
            r#""stderr":["no \"zone\"","bye"],"tools_count":2,"agents_count":1,"agents":null,"memory_bytes":77}}}}"#
        );
        assert_eq!((got.status, got.body.as_str()), (200, body), "{head}");
    }
}

#[test]
fn a_wrong_or_missing_key_is_refused_without_the_word_success() {
    for head in [
        "GET /mcp_endpoint/health HTTP/1.1".to_owned(),
        "GET /mcp_endpoint/health?key= HTTP/1.1".to_owned(),
        "GET /mcp_endpoint/health?key=success HTTP/1.1".to_owned(),
        "GET /mcp_endpoint/health?key HTTP/1.1\nAuthorization: Bearer".to_owned(),
        format!("GET /mcp_endpoint/health?KEY={} HTTP/1.1", percent::encode(KEY, b"")),
        format!("GET /mcp_endpoint/health HTTP/1.1\nAuthorization: Basic {KEY}"),
    ] {
        let got = got(&settings(), &head);
        let body = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32004,"message":"密钥验证失败","data":{"details":"提供的密钥无效或缺失"}}}"#;
        assert_eq!((got.status, got.body.as_str()), (401, body), "{head}");
    }
    let mut english = settings();
    english.server.language = Language::En;
    let got = got(&english, "GET /mcp_endpoint/health HTTP/1.1");
    assert_eq!((got.status, got.body.contains("success")), (401, false));
    assert_eq!(got.header("WWW-Authenticate"), Some("Bearer"));
}

#[test]
fn an_empty_key_is_never_accepted() {
    let mut settings = settings();
    settings.server.key = String::new();
    assert_eq!(got(&settings, "GET /mcp_endpoint/health?key= HTTP/1.1").status, 401);
    assert_eq!(got(&settings, "GET /mcp_endpoint/health HTTP/1.1").status, 401);
}

#[test]
fn every_route_answers_with_and_without_the_prefix() {
    for prefix in ["/foo", "/a/b", "/小 智", "/mcp_endpoint"] {
        let settings = under(prefix);
        for path in PATHS {
            let escaped = percent::encode(prefix, b"/");
            let plain = got(&settings, &format!("GET {path} HTTP/1.1"));
            let below = got(&settings, &format!("GET {escaped}{path} HTTP/1.1"));
            assert_ne!(plain.status, 404, "{path}");
            if (prefix, path) == ("/mcp_endpoint", "/")
                || (prefix, path) == ("/mcp_endpoint", "/health")
            {
                continue; // This is also a path without the prefix, which takes precedence.
            }
            assert_eq!(plain.status, below.status, "{prefix}{path}");
            let location = below.header("Location").map(str::to_owned);
            assert_eq!(location, (path == "/").then(|| format!("{escaped}/mcp_endpoint/")));
        }
        assert_eq!(got(&settings, "GET /foobar/health HTTP/1.1").status, 404);
        assert_eq!(got(&settings, "GET /foo2/stats HTTP/1.1").status, 404);
    }
    assert_eq!(
        got(&under("/foo"), "GET /foo HTTP/1.1").header("Location"),
        Some("/foo/mcp_endpoint/")
    );
}

#[test]
fn head_works_wherever_get_does() {
    for path in PATHS {
        let get = got(&settings(), &format!("GET {path} HTTP/1.1"));
        let head = got(&settings(), &format!("HEAD {path} HTTP/1.1"));
        assert_eq!((get.status, get.headers), (head.status, head.headers), "{path}");
    }
}

#[test]
fn another_method_gets_the_allowed_methods() {
    for path in PATHS {
        for method in ["POST", "PUT", "DELETE", "get", "TRACE"] {
            let got = got(&settings(), &format!("{method} {path} HTTP/1.1"));
            assert_eq!((got.status, got.header("Allow")), (405, Some("GET, HEAD, OPTIONS")));
            assert_eq!(got.json()["error"]["code"], 405);
        }
    }
}

#[test]
fn an_unknown_path_gets_the_known_paths() {
    for path in ["/nope", "/metric", "/Health", "/mcp_endpoint/../health", "*", "/stats/x", "h:1"] {
        for method in ["GET", "POST", "OPTIONS"] {
            let got = got(&settings(), &format!("{method} {path} HTTP/1.1"));
            assert_eq!(got.status, 404, "{method} {path}");
            let details = got.json()["error"]["data"]["details"].as_str().unwrap().to_owned();
            for known in PATHS {
                assert!(details.contains(known), "{details}");
            }
        }
    }
}

#[test]
fn an_unknown_path_is_repeated_escaped_and_cut() {
    let got_for = |path: &str| got(&settings(), &format!("GET {path} HTTP/1.1"));
    let got = got_for("/%22%0D%0ASet-Cookie:%20a=b%00%FF");
    assert_eq!(got.header("Set-Cookie"), None);
    let details = got.json()["error"]["data"]["details"].as_str().unwrap().to_owned();
    assert!(details.contains("/\"\r\nSet-Cookie: a=b\0\u{FFFD}"), "{details:?}");
    assert!(!got.body.contains(['\r', '\n', '\0']));
    let long = got_for(&format!("/{}", "%E5%B0%8F".repeat(800)));
    assert!(long.body.len() < 1500, "{}", long.body.len());
    assert!(long.body.contains("小…"));
}

#[test]
fn errors_are_in_the_configured_language() {
    let mut english = settings();
    english.server.language = Language::En;
    for head in ["GET /x HTTP/1.1", "POST / HTTP/1.1", "GET /mcp_endpoint/mcp/ HTTP/1.1"] {
        let [zh, en] = [settings(), english.clone()].map(|settings| got(&settings, head));
        assert_eq!((zh.status, zh.body.is_ascii()), (en.status, false), "{head}");
        assert!(en.body.is_ascii(), "{}", en.body);
    }
}

#[test]
fn upgrade_headers_on_a_plain_path_do_not_matter() {
    let upgrade = "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13";
    assert_eq!(got(&settings(), &format!("GET /health HTTP/1.1\n{upgrade}")).status, 200);
}

#[test]
fn any_origin_may_read_everything_by_default() {
    for origin in ["", "\nOrigin: https://a.example", "\nOrigin: null"] {
        for path in ["/health", "/nope", "/mcp_endpoint/health", "/mcp_endpoint/mcp/"] {
            let got = got(&settings(), &format!("GET {path} HTTP/1.1{origin}"));
            assert_eq!(got.header("Access-Control-Allow-Origin"), Some("*"));
            assert_eq!(got.header("Vary"), None);
        }
    }
}

#[test]
fn with_a_list_only_its_origins_may_read() {
    let settings = only(&["https://a.example", "http://B.example:81/"]);
    for (origin, allowed) in [
        ("https://a.example", true),
        ("HTTPS://A.example", true),
        ("http://b.example:81", true),
        ("http://a.example", false),
        ("https://a.example:444", false),
        ("https://a.example.evil", false),
        ("null", false),
        ("", false),
    ] {
        let got = got(&settings, &format!("GET /health HTTP/1.1\nOrigin: {origin}"));
        assert_eq!(got.status, 200);
        assert_eq!(
            got.header("Access-Control-Allow-Origin"),
            allowed.then_some(origin),
            "{origin}"
        );
        assert_eq!(got.header("Vary"), Some("Origin"));
    }
    assert_eq!(got(&settings, "GET /health HTTP/1.1").header("Vary"), Some("Origin"));
}

#[test]
fn a_preflight_request_gets_what_is_allowed() {
    let head = "OPTIONS /mcp_endpoint/health HTTP/1.1\nOrigin: https://a.example\nAccess-Control-RequestHead-Method: GET";
    for (settings, origin) in
        [(settings(), "*"), (only(&["https://a.example"]), "https://a.example")]
    {
        let got = got(&settings, head);
        assert_eq!((got.status, got.body.as_str()), (204, ""));
        assert_eq!(got.header("Access-Control-Allow-Origin"), Some(origin));
        assert_eq!(got.header("Access-Control-Allow-Methods"), Some("GET, HEAD, OPTIONS"));
        assert_eq!(got.header("Access-Control-Allow-Headers"), Some("Authorization, Content-Type"));
        assert!(got.header("Access-Control-Max-Age").unwrap().parse::<u32>().unwrap() > 0);
    }
}

#[test]
fn without_cors_there_are_no_cors_headers() {
    let mut settings = only(&["https://a.example"]);
    settings.security.enable_cors = false;
    for method in ["GET", "OPTIONS"] {
        let head = format!("{method} /health HTTP/1.1\nOrigin: https://a.example");
        let got = got(&settings, &head);
        assert!(!got
            .headers
            .iter()
            .any(|(name, _)| name.starts_with("Access-Control") || name == "Vary"));
        assert_eq!(got.header("Allow").is_some(), method == "OPTIONS");
    }
}

#[test]
fn every_error_has_the_same_form() {
    for (error, status) in [
        (RequestError::BadHead, 400),
        (RequestError::HeadTooSlow, 408),
        (RequestError::TargetTooLong, 414),
        (RequestError::HeadTooLarge, 431),
        (RequestError::TooManyConnections, 503),
        (RequestError::WrongVersion, 505),
    ] {
        for language in [Language::Zh, Language::En] {
            let response = error_response(error, language);
            let got = Got::read(&response.bytes);
            every_response_has_this(&got, false);
            assert_eq!((got.status, response.status), (status, status));
            assert_eq!(got.json()["error"]["code"], status);
            assert_eq!(got.body.is_ascii(), language == Language::En);
            assert_eq!(got.header("Retry-After").is_some(), status == 503);
        }
    }
}

#[test]
fn every_target_gets_an_answer() {
    const PIECES: [&str; 16] = [
        "/",
        "?",
        "&",
        "=",
        "%",
        "%2",
        "%F0%9F",
        "mcp_endpoint",
        "/mcp",
        "/call/",
        "token",
        "key",
        "http://",
        "小",
        "*",
        "server_id=",
    ];
    let settings = under("/小");
    let mut random = Random::new(1);
    for _ in 0..3000 {
        let mut target = String::new();
        for _ in 0..8 {
            target.push_str(PIECES[random.place(PIECES.len())]);
        }
        got(&settings, &format!("GET {target} HTTP/1.1"));
        let upgrade = "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13";
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
        if let Action::Upgrade(upgrade) =
            asked(&settings, &format!("GET {target} HTTP/1.1\n{upgrade}\n{key}"))
        {
            assert!(upgrade.agent.is_err(), "{target}");
        }
    }
}

#[test]
fn a_well_known_path_is_a_plain_404() {
    for head in [
        "GET /.well-known/oauth-protected-resource HTTP/1.1\nHost: x",
        "GET /foo/.well-known/oauth-authorization-server/mcp_endpoint/call HTTP/1.1\nHost: x",
        "POST /.well-known/openid-configuration HTTP/1.1\nHost: x",
    ] {
        let got = got(&under("/foo"), head);
        assert_eq!((got.status, &*got.body), (404, "Not Found\n"), "{head}");
        assert_eq!(got.header("Content-Type"), Some("text/plain; charset=utf-8"));
    }
}
