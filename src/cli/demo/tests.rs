//! The tool server of `demo`: what it calculates, and what it answers.

use super::*;
use crate::random::Random;
use serde_json::Value;

/// The result of an expression, or the kind of the error.
fn result(expression: &str) -> String {
    calculate(expression).unwrap_or_else(|error| {
        let kind = match error {
            ArithmeticError::Unexpected(_) | ArithmeticError::EndsEarly => "! syntax",
            ArithmeticError::TooLong => "! too long",
            ArithmeticError::TooDeep => "! too deep",
            ArithmeticError::Number(NumberError::TooLarge) => "! too large",
            ArithmeticError::Number(NumberError::DivisionByZero) => "! division by zero",
            ArithmeticError::Number(NumberError::NotReal) => "! not real",
        };
        kind.to_owned()
    })
}

#[test]
fn expressions_have_the_results_that_python_gives() {
    let table = include_str!("python.txt").lines().skip(1);
    let pairs: Vec<_> = table.map(|line| line.split_once(" => ").unwrap()).collect();
    assert!(pairs.len() > 200);
    for (expression, expected) in pairs {
        assert_eq!(result(expression), expected, "{expression}");
    }
}

#[test]
fn quotients_of_large_numbers_are_rounded_once() {
    // From Python: the integers lie beside halves of floats.
    for (a, b, expected) in [
        (1_i128 << 126, 3, "2.8356863910078204e+37"),
        ((1_i128 << 54) + 1, 1, "1.8014398509481984e+16"),
        ((1_i128 << 54) + 3, 1, "1.8014398509481988e+16"),
        ((1_i128 << 100) + (1_i128 << 47), 1, "1.2676506002282294e+30"),
        ((1_i128 << 100) + (1_i128 << 47) + 1, 1, "1.2676506002282297e+30"),
        (((1_i128 << 100) + (1_i128 << 47)) * 3 + 1, 3, "1.2676506002282297e+30"),
        (1, (1_i128 << 53) + 1, "1.1102230246251564e-16"),
    ] {
        assert_eq!(result(&format!("{a} / {b}")), expected, "{a} / {b}");
    }
}

#[test]
fn an_error_says_where_the_expression_is_wrong() {
    for (expression, expected) in [
        ("1 + x", ArithmeticError::Unexpected(5)),
        ("小 + 1", ArithmeticError::Unexpected(1)),
        ("1 小", ArithmeticError::Unexpected(3)),
        ("2 × 3", ArithmeticError::Unexpected(3)),
        ("0x10", ArithmeticError::Unexpected(2)),
        ("1 # one", ArithmeticError::Unexpected(3)),
        ("2 * * 3", ArithmeticError::Unexpected(5)),
        ("012", ArithmeticError::Unexpected(1)),
        ("1)", ArithmeticError::Unexpected(2)),
        ("(1", ArithmeticError::EndsEarly),
        ("1 + ", ArithmeticError::EndsEarly),
        ("", ArithmeticError::EndsEarly),
    ] {
        assert_eq!(calculate(expression), Err(expected), "{expression}");
    }
}

#[test]
fn length_and_depth_are_bounded() {
    let nested = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(result(&nested(99)), "1");
    assert_eq!(result(&nested(100)), "! too deep");
    assert_eq!(result(&("-".repeat(100) + "1")), "! too deep");
    assert_eq!(result(&vec!["1"; 101].join("**")), "! too deep");
    assert_eq!(result(&vec!["1"; 1000].join("+")), "1000");
    assert_eq!(result(&"(".repeat(4097)), "! too long");
}

#[test]
fn no_input_makes_it_panic() {
    let pieces = [
        "1",
        "0",
        "9007199254740993",
        "170141183460469231731687303715884105727",
        "1e308",
        "5e-324",
        ".5",
        "1e999",
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "**",
        "(",
        ")",
        " ",
        "_",
        "e",
        "小",
        "\0",
    ];
    let mut random = Random::new(1);
    for _ in 0..20_000 {
        let mut expression = String::new();
        for _ in 0..10 {
            expression += pieces[random.place(pieces.len())];
        }
        if let Ok(result) = calculate(&expression) {
            assert!(serde_json::from_str::<Value>(&result).is_ok(), "{expression}: {result}");
        }
        for end in 0..expression.len() {
            answer(&expression.as_bytes()[..end], Language::En);
        }
    }
}

/// The answer to a line, as JSON.
fn reply(line: &str) -> Option<Value> {
    answer(line.as_bytes(), Language::En).map(|text| {
        assert!(!text.contains('\n'), "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["jsonrpc"], "2.0");
        value
    })
}

/// A call's text, and whether it is an error.
fn call(name: &str, arguments: &str) -> (String, bool) {
    let params = format!(r#"{{"name":"{name}","arguments":{arguments}}}"#);
    let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
    let result = reply(&line).unwrap()["result"].clone();
    let text = result["content"][0]["text"].as_str().unwrap().to_owned();
    (text, result["isError"].as_bool().unwrap())
}

#[test]
fn a_known_protocol_version_is_accepted_and_another_gets_the_newest() {
    for (asked, expected) in [
        (r#"{"protocolVersion":"2024-11-05"}"#, "2024-11-05"),
        (r#"{"protocolVersion":"2025-06-18"}"#, "2025-06-18"),
        (r#"{"protocolVersion":"2099-01-01"}"#, "2025-11-25"),
        (r#"{"protocolVersion":7}"#, "2025-11-25"),
        ("[]", "2025-11-25"),
    ] {
        let line =
            format!(r#"{{"jsonrpc":"2.0","id":"a","method":"initialize","params":{asked}}}"#);
        let answer = reply(&line).unwrap();
        assert_eq!(
            (&answer["id"], &answer["result"]["protocolVersion"]),
            (&"a".into(), &expected.into())
        );
        assert_eq!(answer["result"]["serverInfo"]["version"], crate::VERSION);
        assert!(answer["result"]["capabilities"]["tools"].is_object());
    }
}

#[test]
fn its_tools_are_listed_in_the_language_of_the_caller() {
    for (language, word) in [(Language::Zh, "算术"), (Language::En, "arithmetic")] {
        let list: Value = serde_json::from_str(&listed(language)).unwrap();
        let tools = list["tools"].as_array().unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["calculator", "now", "roll_dice"]);
        assert!(tools.iter().all(|tool| tool["inputSchema"]["type"] == "object"));
        assert!(tools[0]["description"].as_str().unwrap().contains(word));
    }
}

#[test]
fn the_calculator_answers_or_says_why_not() {
    let of = |expression: &str| {
        call("calculator", &format!(r#"{{"python_expression":{}}}"#, quoted(expression)))
    };
    let right = |result: &str| (format!(r#"{{"success": true, "result": {result}}}"#), false);
    assert_eq!(of("130000 * 130000"), right("16900000000"));
    assert_eq!(call("calculator", r#"{"python_expression": 5}"#), right("5"));
    for (expression, word) in [
        ("2 ** 200", "128 bits"),
        ("1 / 0", "division by zero"),
        ("(-1) ** 0.5", "real"),
        ("import os", "character 1 "),
        ("1 +", "incomplete"),
    ] {
        let (text, is_error) = of(expression);
        assert!(is_error && text.contains(word), "{expression}: {text}");
    }
    for arguments in ["{}", "null", "[]", "7", r#"{"python_expression":null}"#] {
        let (text, is_error) = call("calculator", arguments);
        assert!(is_error && text.contains("python_expression"), "{arguments}: {text}");
    }
}

#[test]
fn the_time_comes_with_the_day_of_the_week() {
    for (time, day) in [
        ("2026-11-25T12:52:13.000+08:00", "Wednesday"),
        ("2024-02-29T00:00:00.000Z", "Thursday"),
        ("2000-01-01T00:00:00.000Z", "Saturday"),
        ("2100-03-01T00:00:00.000Z", "Monday"),
        ("nonsense", "Sunday"),
    ] {
        let shown: Value = serde_json::from_str(&time_as_json(time)).unwrap();
        assert_eq!((&shown["now"], &shown["weekday"]), (&time.into(), &day.into()));
    }
    let (text, is_error) = call("now", "{}");
    assert!(!is_error && text.contains(r#""now": "20"#), "{text}");
}

#[test]
fn dice_have_the_wanted_number_and_sides() {
    for (arguments, count, sides) in [
        ("{}", 1, 6),
        (r#"{"count": 100, "sides": 2}"#, 100, 2),
        (r#"{"count": "3", "sides": 20.0}"#, 3, 20),
    ] {
        let (text, _) = call("roll_dice", arguments);
        let rolled: Value = serde_json::from_str(&text).unwrap();
        let rolls = rolled["rolls"].as_array().unwrap();
        let rolls: Vec<_> = rolls.iter().map(|roll| roll.as_u64().unwrap()).collect();
        assert!(rolls.len() == count && rolls.iter().all(|roll| (1..=sides).contains(roll)));
        assert_eq!(rolled["total"], rolls.iter().sum::<u64>());
    }
    for arguments in [r#"{"count":0}"#, r#"{"count":101}"#, r#"{"sides":1}"#, r#"{"sides":-6}"#] {
        assert!(call("roll_dice", arguments).1, "{arguments}");
    }
}

#[test]
fn what_is_no_request_gets_an_error_or_silence() {
    let code = |line: &str| reply(line).map(|answer| answer["error"]["code"].as_i64().unwrap());
    for (line, expected) in [
        (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, None),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, None),
        ("", None),
        (" \r\n", None),
        (r#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#, Some(-32601)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, Some(-32602)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#, Some(-32602)),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, Some(-32600)),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, Some(-32600)),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, Some(-32600)),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, Some(-32600)),
        ("{}", Some(-32600)),
        ("7", Some(-32600)),
        ("hello", Some(-32700)),
        (&"[".repeat(100_000), Some(-32700)),
    ] {
        assert_eq!(code(line), expected, "{}", line.get(..80).unwrap_or(line));
    }
    assert_eq!(reply("{\"id\":1.50,\"method\":\"ping\"}\r\n").unwrap()["id"], 1.5);
    assert!(reply("\u{feff}{\"id\":1,\"method\":\"ping\"}").unwrap()["result"].is_object());
    assert!(answer(b"{\"id\":1,\"method\":\"\xff\"}", Language::En).unwrap().contains("-32700"));
}

#[test]
fn a_conversation_ends_with_its_input_and_outlives_a_long_line() {
    let ping = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
    let long = format!(r#"{{"id":2,"method":"{}"}}"#, "x".repeat(3 * MAX_LINE_BYTES));
    // The last line has no end.
    let input = [ping("1"), long, ping("3")].join("\n");
    let mut output = Vec::new();
    converse(&mut input.as_bytes(), &mut output, Language::En).unwrap();
    let text = String::from_utf8(output).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines.len() == 3 && lines[1].contains("-32600"), "{text}");
    assert_eq!(lines[2], r#"{"jsonrpc":"2.0","id":3,"result":{}}"#);
}
