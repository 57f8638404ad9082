use super::*;
use CloseReason::{TokenMalformed, TokenMissing, TokenUndecipherable, TokenWithoutAgent};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Key, agent and token, made with Python's `json.dumps` and the package `cryptography`.
const MADE_ELSEWHERE: [(&str, &str, &str); 32] = [
    ("", "éjzPde小IgxL", "XIggd5+f6whyAvcl8RZ8SAIsR+UjzsyRBgBf4b7nO7Y9bJGUG0FRK1YU0kHGQsKY"),
    ("h", "ncfBAepfJBd小KhéoO", "qB81fLbGXpSk9dyqwR8iElnfgE0duKkbM6rQ5BUnLT/ZCVImwruRHEu0AAg5dIq+"),
    ("hY", "oc", "GTHhXvfNuBO/RKNisjxFNF9N7FA2xQkF8FOD8fNPK18="),
    ("rL1", "IhKtJ", "dTMhULlFgX8S5cINjHUUOKXxixjV44k/Ggzx0Bpdkjs="),
    ("xnyV", "JTeK", "bHuPRd19aWnl90h5y2GE+1ekpT+9ke29BovvJ2cErjc="),
    ("hA-!2", "DL DxtpYlSX", "4elYVuIsqbeobysc2hStmSoczNd3g7YoJzFmhE0LpxY="),
    ("FkM -R", "sMehGAkWvj FAcQ", "sQUaMZB3CI+uV9Rt7zNhKV87WZD/rRsk2YwHFL6QUdg="),
    ("jORS-6i", "érE", "BW2Ybd77EVHg5Ze3K2oOzxHYepV9w9YZaaMgt5L5B4Q="),
    (
        "ihN5KXSc",
        "wkNhFdnXsiVpzz😀",
        "R9sjPS5XIr5UcEAKkslujCryTyrYwdRqaXYU1bmRWHl19Zf0B9aKibmEJ856NOjc",
    ),
    ("-kv5ZJr3J", "wR\nyojfljoQoaF", "soDrzHg9FsRnPm3+r521kZJAIqRA9uL23hGpXTZDX10="),
    (
        "xHKas1!VOq",
        "éNPRVdD\u{7f}\\Xé\\RZJzz",
        "Y6/x4f3F1N81kzSndTaiQhtE8bSuWMhaISrn40TF9NvYFWNpclNHE6YAdk5s/BtgQ7rZsb6xxjEff5A6bVAODQ==",
    ),
    ("ZYn9ZhyiA4u", "vMdg", "oEUNoSX/YgpYAcYlmpEOw0j9yo8psoo9K5sH9X+3ynQ="),
    (
        "at!mUdjAWtGS",
        "xEhh\"FDEEtfjgVvVqE智S",
        "K3C25PFJxKahIEZgAPxgcbGJnDYuHJtsH/Xzu5VOZWo5+MoicBeei52Q9lehmkpB",
    ),
    (
        "u=cA Us钥d MlH",
        "x😀kwXoIIXGvOoNZYW",
        "Ur6MtN8ES0IeIGJLrcnFtX4hlmxVp4xlHn9Ag+nRkHbaxrSpYhqt/75UwqN9+PMw",
    ),
    (
        "yEZDz=-TddJ8Hy",
        "wCZ UwxfogoEmvnEN\u{7f}N智",
        "6ojjcBfkH5KrBv5CbqgZHGJ+Me929vOJkoDHSiu4wWKDpdT0YbP+Q+7BRUZ/Y6yG",
    ),
    ("a9SkpXz9w3QlY7Z", "Ukk", "rpHD35bSOfxcJp+3lccNDmJI6CeNffSdaMtcJkkjC2Y="),
    ("qdt7s8Stqcbn r3y", "bqnsGpW", "se9wLWXWVRUq26uW4RWTyblEWW/tFIxdo758BqTo6WY="),
    ("PH钥1qhT6=1+q!t /c4xa", "ljENU", "0iIWg3WkGNGY/hCQ1uaOT7Dm8MjUI+hCtn7ZTjRnsKk="),
    (
        "phP= 9nhFyJfm+5di4P+/zJ",
        "GIZEGépSH\n\né q ",
        "lj2jztKPaOMXfKqygGnSkqfALR6QntDoJ9giM+mmC6GehCfNQH2+MuhN7vEL829r",
    ),
    (
        "z5r1pY4OjE2jBMptUsGr7CmY",
        "kQ智okTBGzvAmwufU",
        "FKdqOqHG5bga9Pp+v+RONM5Rfr840wudQR2XHPFckkLB8RNWOZUsE1RgA5daDZ4V",
    ),
    ("UcR64cXQ=L/ioDnkHIfxIq2HZ", "I😀GKF", "tOT9QZ0Tpba0mQ83bgPhaq0aboGxsAngzTMS6TSJZWE="),
    ("PlJhx2jIclHkCiHp6bR1Iqf EouHgx", " tOtHWn", "dec/f1uP/YfmVFFFplUJi/ciziP8bk+EN5ZSgBjwPI0="),
    ("L5+wIScGebc+y/8F5n3-钥Y+NBDRzrZS", "智i", "Xd16uLnkt0BOY55g6TNfw05sV5pekRAk8JeXTpd5Pig="),
    ("bjG3uhkW+KFLf6xuI5aHUQPFeNBTxaQW", "ErG", "4NpL7GOZznm59rJkZmqgpXkckBNyn2neTEeQ6QrHFYY="),
    ("zF+alHlsZfYcMMDk tXP-tKsf/2+r +cD", "bci", "amm20qahHn8lqupF1WE+Va+zCu3ZD/7efVJmoi5ch7g="),
    (
        "UnW5gc!F_Ha6i+!l i8GjHEAD6-Wj9KfzjsQ",
        "PVStNKiaE",
        "AA1of36i/tzFNFf7nxZNsWYJf85CjBwFs7eb4Nwqg5I=",
    ),
    (
        "h_ImB_L=K777pzNk8cL6j+5IXAAjls HUq/JoUD-",
        "zbkaéFRCztUjAwyu",
        "vNkpgmwWzgwmoHG1IxSj+ibfhasJv+DBt4ZptFFhuP7DJNkaoML/o9AfpDvO4vU3",
    ),
    (
        "pQaPRYpzbLGViYXjU2JgJngKtFI3/OyV2dZAkg05rK_gqv81",
        "stqVVPqzPpt",
        "7weq+kkGahdDy5loNQIoeCcPFbiMRos4xEL1uDVCHB8=",
    ),
    (
        "9YpvujA+-C5Q52ryFlwRlOEVHzc0X0 AWIRh-JUq+ BlIFXZ53",
        "\"小\\bicBTW\u{7f}",
        "vIQ/Z8HCCDAmGiMzT8oFvhPfBC4FxJZiWWlCx1JzVQdKF/PSDhz63rPQC+JPYGcG",
    ),
    (
        "8_ajY 75FnCtt=n6kfaqDeMqG 3omjM yXHCab!M6JOF8 EFd0Nhcy-1kGD2",
        "oFcSvTAxRzma",
        "GFc0HutcSHFUyMUnbcOS1+FSXcmHzTXipYEhoM02tbg=",
    ),
    (
        "L+iA-zNyD7CHLn-xC_1hsYgBds1ghxY5OokvQyx 7eNWVQ4vnakJkS1pAWTN3lg",
        "mxI😀CmuxV\u{7f}EbOApZ",
        "jvKmyjVpowzDy8SnftjROGV0ACF70fRplmYJJYVoRcptiI+8wbLmZVp5DLXc4bSE",
    ),
    (
        "ZfWe7ihGyiRUIQfHOJMaidDn87XG3-q-xbMtEPO6Uk/zYuF0ie9钥Pu2njHkAm1-5",
        "oiADN\u{7f}",
        "M+uoMIYQAuWN+oXlla2CSLqux6q4SMxFCaDXEXMn0cY=",
    ),
];

fn read(token: &str) -> Result<String, CloseReason> {
    Token::read(KEY, token.as_bytes())
}

/// The result of reading a token that contains `text`.
fn read_text(text: &str) -> Result<String, CloseReason> {
    read(&encrypt(KEY, text))
}

/// A token of whole blocks, without further padding.
fn token_of_blocks(bytes: &[u8]) -> String {
    let mut bytes = bytes.to_vec();
    cipher(KEY, &mut bytes, CipherDirection::Encrypt);
    STANDARD.encode(bytes)
}

#[test]
fn tokens_are_the_same_as_those_made_elsewhere() {
    for (key, agent, token) in MADE_ELSEWHERE {
        assert_eq!(Token::new(key, agent).as_str(), token, "a key of {} bytes", key.len());
        assert_eq!(Token::read(key, token.as_bytes()).as_deref(), Ok(agent));
    }
}

#[test]
fn a_token_is_read_in_every_encoding() {
    let mut letters = [false; 2];
    for number in 0..64 {
        let agent = format!("agent-{number}");
        let token = Token::new(KEY, &agent);
        let plain = token.as_str();
        letters[0] |= plain.contains('+');
        letters[1] |= plain.contains('/');
        let url_safe = plain.replace('+', "-").replace('/', "_");
        for spelling in [
            plain.to_owned(),
            plain.trim_end_matches('=').to_owned(),
            url_safe.clone(),
            url_safe.trim_end_matches('=').to_owned(),
            plain.replace('+', " "),
            plain.replace('+', "%20"),
            percent::encode(plain, b""),
            percent::encode(plain, b"/"),
            plain.bytes().map(|byte| format!("%{byte:02x}")).collect(),
            token.in_address(),
            format!("{plain}\r\n"),
        ] {
            assert_eq!(read(&spelling).as_ref(), Ok(&agent), "{spelling}");
        }
    }
    assert_eq!(letters, [true, true], "the sample is too small");
}

#[test]
fn a_text_is_read_however_it_is_spelled() {
    for text in [
        r#"{"agentId":"小智"}"#,
        r#"{"agentId": "\u5c0f\u667a"}"#,
        " \t\r\n{ \"agentId\" : \"小智\" } \n",
        r#"{"a":{"agentId":"no"},"agentId":"小智","exp":12.5,"z":null}"#,
        r#"{"agentId":"first","agentId":"小智"}"#,
    ] {
        assert_eq!(read_text(text).as_deref(), Ok("小智"), "{text}");
    }
}

#[test]
fn an_empty_token_is_missing() {
    assert_eq!(read(""), Err(TokenMissing));
}

#[test]
fn a_token_of_another_key_is_undecipherable() {
    let token = Token::new(KEY, "agent");
    let plain = token.as_str();
    for text in [
        "x",
        " ",
        "%",
        "====",
        "你好",
        "AAAA",
        "not base64!",
        "abc=def=",
        &plain[..plain.len() - 4],
        &format!("A{plain}"),
        &format!("{plain}{plain}"),
        &STANDARD.encode([0; 15]),
        &STANDARD.encode([0; 32]),
        "null",
    ] {
        assert_eq!(read(text), Err(TokenUndecipherable), "{text}");
    }
    let other = Token::new("another key of more than 32 letters", "agent");
    assert_eq!(read(other.as_str()), Err(TokenUndecipherable));
}

#[test]
fn a_wrong_padding_is_undecipherable() {
    for pad in [0, 2, 17, 32, 255] {
        let mut block = *b"{\"agentId\":\"a\"}\x01";
        assert_eq!(read(&token_of_blocks(&block)).as_deref(), Ok("a"));
        block[15] = pad;
        assert_eq!(read(&token_of_blocks(&block)), Err(TokenUndecipherable), "{pad}");
    }
    let mut blocks = b"{\"agentId\":\"ab\"}".to_vec();
    blocks.extend([16; 16]);
    assert_eq!(read(&token_of_blocks(&blocks)).as_deref(), Ok("ab"));
    blocks[16] = 15;
    assert_eq!(read(&token_of_blocks(&blocks)), Err(TokenUndecipherable));
}

#[test]
fn a_text_that_is_not_utf_8_is_undecipherable() {
    let mut block = [1; 16];
    block[0] = 0xFF;
    assert_eq!(read(&token_of_blocks(&block)), Err(TokenUndecipherable));
}

#[test]
fn a_text_that_is_not_a_json_object_is_malformed() {
    let deep = format!("{{\"agentId\":\"a\",\"x\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    for text in [
        "",
        " ",
        "agent",
        "null",
        "1",
        "\"agent\"",
        "[]",
        "[\"agentId\",\"a\"]",
        "{",
        "{}{}",
        &deep,
    ] {
        assert_eq!(read_text(text), Err(TokenMalformed), "{text}");
    }
}

#[test]
fn an_object_that_names_no_agent_is_without_agent() {
    for text in [
        "{}",
        r#"{"agentid":"a"}"#,
        r#"{"agentId":""}"#,
        r#"{"agentId":null}"#,
        r#"{"agentId":7}"#,
        r#"{"agentId":["a"]}"#,
        r#"{"agentId":{"agentId":"a"}}"#,
        r#"{"agentId":"a","agentId":""}"#,
    ] {
        assert_eq!(read_text(text), Err(TokenWithoutAgent), "{text}");
    }
}

#[test]
fn an_agent_may_be_256_bytes_long_and_no_longer() {
    for agent in ["a".repeat(256), "小".repeat(85), "\u{1}".repeat(256)] {
        assert_eq!(read(Token::new(KEY, &agent).as_str()), Ok(agent));
    }
    for agent in ["a".repeat(257), "小".repeat(86), String::new()] {
        assert_eq!(read(Token::new(KEY, &agent).as_str()), Err(TokenWithoutAgent));
    }
}

#[test]
fn an_oversized_token_is_refused() {
    let text = format!(r#"{{"agentId":"a","x":"{}"}}"#, "x".repeat(5000));
    let fits = encrypt(KEY, &text);
    assert_eq!(read(&fits).as_deref(), Ok("a"));
    let over = encrypt(KEY, &format!("{text}{}", " ".repeat(3000)));
    assert!(over.len() > MAX_TOKEN_BYTES);
    assert_eq!(read(&over), Err(TokenUndecipherable));
}

#[test]
fn debug_output_does_not_show_a_token() {
    assert_eq!(format!("{:?}", Token::new(KEY, "agent")), "Token(…)");
}

#[test]
fn words_that_clients_reject_are_escaped_in_an_address() {
    for (plain, written) in [
        ("aKeyB", "a%4BeyB"),
        ("keyKEY", "%6Bey%4BEY"),
        ("CallcaLL", "%43all%63aLL"),
        ("k+ey/call=", "k%2Bey%2F%63all%3D"),
        ("ke", "ke"),
        ("cal", "cal"),
    ] {
        let token = Token(plain.to_owned());
        assert_eq!(token.in_address(), written);
        assert_eq!(percent::decode(written.as_bytes()), plain.as_bytes());
    }
}

#[test]
fn only_the_key_itself_is_the_key() {
    assert!(same_key(KEY.as_bytes(), KEY.as_bytes()));
    let twice = KEY.repeat(2);
    for other in
        ["", "0", &KEY[1..], &KEY[..31], &twice, &KEY.to_uppercase(), &KEY.replace('0', "1")]
    {
        assert!(!same_key(other.as_bytes(), KEY.as_bytes()), "{other}");
    }
    assert!(!same_key(b"", b""));
    assert!(!same_key(b"a", b""));
}

#[test]
fn text_pasted_around_a_token_is_dropped() {
    let key = "0123456789abcdef0123456789abcdef";
    for number in 0..300 {
        let agent = format!("agent-{number}");
        let token = Token::new(key, &agent);
        if token.as_str().starts_with('+') || token.as_str().ends_with('+') {
            // Decoded to a space, it would look like a space around the token.
            continue;
        }
        for (before, after) in [
            ("", ""),
            ("<", ">"),
            ("\"", "\""),
            ("'", "'"),
            ("%22", "%22"),
            ("%20", "%20"),
            (" ", "\n"),
            ("%3C%20", "%20%3E"),
            ("“", "”"),
        ] {
            for middle in [token.as_str(), &token.in_address(), &token.as_str().replace('+', " ")] {
                let pasted = format!("{before}{middle}{after}");
                assert_eq!(Token::read(key, pasted.as_bytes()), Ok(agent.clone()), "{pasted}");
            }
        }
    }
}
