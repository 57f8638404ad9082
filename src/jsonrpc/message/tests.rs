use super::*;
use crate::{read_line, Splice};

fn spliced(text: &str, parts: &[(&str, &str)]) -> String {
    let mut splice = Splice::of(text);
    parts.iter().for_each(|(part, new)| splice.put(part, new));
    splice.pieces().concat()
}

#[test]
fn only_the_id_is_written_anew() {
    let text = r#" {"b" :1.50, "id"	: 1E2 ,"x":"\u5c0f\/","method":"tools\/call" , "params":{ }}"#;
    let message = Message::read(text).unwrap();
    assert_eq!(message.id, Id::Given("1E2"));
    assert_eq!(message.method.as_deref(), Some("tools/call"));
    let Id::Given(id) = message.id else { panic!() };
    assert_eq!(spliced(text, &[(id, "7")]), text.replace("1E2", "7"));
}

#[test]
fn parts_are_written_in_whatever_order_they_come() {
    let text = "0123456789";
    let parts = [(&text[8..9], "<c>"), (&text[0..1], "<a>"), (&text[4..6], "<b>")];
    for [first, second, third] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    {
        let parts = [parts[first], parts[second], parts[third]];
        assert_eq!(spliced(text, &parts), "<a>123<b>67<c>9");
    }
    assert_eq!(spliced(text, &[(&text[1..1], "+")]), "0+123456789");
    assert_eq!(spliced(text, &[("3", "x")]), text, "it is no slice of it");
}

#[test]
fn every_spelling_of_an_id_is_distinguished() {
    let id = |text: &str| match Message::read(text).map(|e| e.id) {
        Ok(Id::Given(raw)) => raw.to_owned(),
        other => format!("{other:?}"),
    };
    for raw in ["0", "-5", "1.5", "1E2", "1180591620717411303424", r#""""#, r#""null""#, "\"小智\""]
    {
        assert_eq!(id(&format!(r#"{{"id":{raw},"method":"x"}}"#)), raw);
    }
    assert_eq!(id(r#"{"method":"x"}"#), "Ok(Absent)");
    assert_eq!(id(r#"{"id":null,"method":"x"}"#), "Ok(Null)");
    assert_eq!(id(r#"{"id":true,"method":"x"}"#), "Ok(Odd)");
    assert_eq!(id(r#"{"id":[1],"method":"x"}"#), "Ok(Odd)");
}

#[test]
fn what_is_no_message_is_said_to_be_none() {
    let error = |text| Message::read(text).err();
    for text in ["", "hello", "{", r#"{"id":1"#, "{\"a\":\"\u{1}\"}", "{}x", "[1"] {
        assert_eq!(error(text), Some(MessageError::NotJson), "{text}");
    }
    assert_eq!(error(r#"["2.0", 1, "ping"]"#), Some(MessageError::Batch));
    for text in ["1", "null", "\"x\"", r#"{"id":1,"id":2,"method":"x"}"#, r#"{"method":7}"#] {
        assert_eq!(error(text), Some(MessageError::NotAMessage), "{text}");
    }
    let id = |text| Message::take_apart(text).unwrap_err().id_in(text);
    assert_eq!(id(r#"{"id":4,"method":7}"#), Some("4"));
    assert_eq!(id(r#"{"id":4,"id":5}"#), None);
    assert_eq!(id(r#"["2.0",1]"#), None);
}

#[test]
fn a_result_of_null_is_a_result() {
    let message = Message::read(r#"{"id":1,"result":null}"#).unwrap();
    assert_eq!((message.result, message.error), (Some("null"), None));
    assert_eq!(message.answer(), Some(Ok("null")));
    let message = Message::read(r#"{"id":1,"result":null,"error":null}"#).unwrap();
    assert_eq!(message.answer(), Some(Ok("null")));
    for text in [r#"{"id":1}"#, r#"{"id":1,"error":null}"#] {
        assert_eq!(Message::read(text).unwrap().answer(), None, "{text}");
    }
}

#[test]
fn a_success_loses_its_error_and_an_error_its_result() {
    for (text, rest) in [
        (r#"{"id":1,"result":{},"error":null}"#, r#"{"id":1,"result":{}}"#),
        (r#"{"id":1,"error":null,"result":{}}"#, r#"{"id":1,"result":{}}"#),
        (r#"{"error":null,"id":1,"result":{}}"#, r#"{"id":1,"result":{}}"#),
        (r#"{"id":1,"error":false,"result":{}}"#, r#"{"id":1,"result":{}}"#),
        (r#"{"id":1,"method":"x","result":{}}"#, r#"{"id":1,"result":{}}"#),
        (r#"{"error":{},"id":1,"m\u0065thod" : "x" }"#, r#"{"error":{},"id":1 }"#),
        (r#"{ "id":1 , "result":1.0 , "err\u006fr" : null } "#, r#"{ "id":1 , "result":1.0  } "#),
        (r#"{ "err\u006fr"	: null	, "id":1,"result":1}"#, r#"{  "id":1,"result":1}"#),
        (r#"{"result":null,"error":{"code":1},"id":1}"#, r#"{"error":{"code":1},"id":1}"#),
        (r#"{"id":1,"error":"x","result":{"a":"}"}}"#, r#"{"id":1,"error":"x"}"#),
        (
            r#"{"x":"error","error":null,"result":"\"error\":null"}"#,
            r#"{"x":"error","result":"\"error\":null"}"#,
        ),
    ] {
        let message = Message::read(text).unwrap();
        let surplus = message.surplus_member().unwrap();
        assert_eq!(spliced(text, &[(surplus, "")]), rest);
        let again = Message::read(rest).unwrap();
        assert_eq!(again.answer(), message.answer(), "{text}");
        assert_eq!(again.surplus_member(), None, "{text}");
    }
    let failed = r#"{"id":1,"result":{"isError":true},"error":{}}"#;
    assert!(!Message::read(failed).unwrap().is_failure, "the result is not passed on");
}

#[test]
fn an_id_is_a_string_or_a_number() {
    for odd in ["NaN", "Infinity", "-Infinity"] {
        let text = format!(r#"{{"id":{odd},"method":"x","params":{{"a":[{odd}]}}}}"#);
        assert_eq!(Message::read(&text).map(|e| e.id), Ok(Id::Odd), "{odd}");
    }
}

#[test]
fn what_is_written_twice_is_known_to_be() {
    let params = |params: &str| {
        let text = format!(r#"{{"id":1,"method":"x","params":{params}}}"#);
        let params = Message::read(&text).unwrap().read_params();
        (params.asked_token.map(str::to_owned), params.has_unclear_token)
    };
    let token = |token: &str| (Some(token.to_owned()), false);
    assert_eq!(params(r#"{"name":"a","name":"b","_meta":{"progressToken":5}}"#), token("5"));
    assert_eq!(params(r#"{"_meta":{"a":1,"progress\u0054oken":"t"},"_meta2":{}}"#), token("\"t\""));
    for unclear in [
        r#"{"_meta":{"progressToken":5,"progressToken":6}}"#,
        r#"{"_meta":{"progressToken":5,"progress\u0054oken":6}}"#,
        r#"{"_meta":{"progressToken":5},"_meta":{}}"#,
        r#"{"_meta":{},"\u005fmeta":{"progressToken":5}}"#,
        r#"{"_meta":null,"_meta":null,"_meta":{"progressToken":5}}"#,
    ] {
        assert_eq!(params(unclear), (None, true), "{unclear}");
    }
    for none in [
        r#"{"_meta":{"progressToken":null}}"#,
        r#"{"_meta":{"progressToken":[5]}}"#,
        r#"{"_meta":[{"progressToken":5}]}"#,
        r#"{"progressToken":5,"progressToken":6}"#,
        "{}",
    ] {
        assert_eq!(params(none), (None, false), "{none}");
    }
    let text = r#"{"method":"x","params":{"progressToken":5,"progressToken":6,"requestId":1,"requestId":2}}"#;
    let params = Message::read(text).unwrap().read_params();
    assert_eq!((params.progress_token, params.request_id), (None, None));
}

#[test]
fn nesting_without_end_is_no_danger() {
    let deep = "[".repeat(500_000) + &"]".repeat(500_000);
    let text = format!(r#"{{"id":1,"method":"x","params":{{"name":"n","a":{deep}}}}}"#);
    let message = Message::read(&text).unwrap();
    assert_eq!(message.read_params().name.unwrap().0, "n");
    assert!(Message::read(&deep).is_err());
}

#[test]
fn params_are_read_as_far_as_they_go() {
    let text = r#"{"method":"x","params":{"name":"a\u0062","_meta":{"progressToken":"t"},"requestI\u0064": 9,"clientInfo":{"name":"c"}}}"#;
    let params = Message::read(text).unwrap().read_params();
    let (name, raw) = params.name.unwrap();
    assert_eq!((&*name, raw), ("ab", r#""a\u0062""#));
    assert_eq!(params.asked_token, Some("\"t\""));
    assert_eq!(params.request_id, Some("9"));
    assert_eq!(params.client_name.as_deref(), Some("c"));
    for odd in
        ["null", "[]", "7", r#"{"name":7}"#, r#"{"name":"a","name":"b"}"#, r#"{"_meta":null}"#]
    {
        let text = format!(r#"{{"method":"x","params":{odd}}}"#);
        let params = Message::read(&text).unwrap().read_params();
        assert!(params.name.is_none() && params.asked_token.is_none(), "{odd}");
    }
}

#[test]
fn line_breaks_become_blanks_and_the_ends_are_trimmed() {
    let received = |text: &str| {
        let mut received = None;
        read_line(&mut received, text, &mut |_, _| true, &mut |received, text, read| {
            let read = read.map(|message| assert_eq!(message.text, text));
            *received = Some((text.to_owned(), read.map_err(|unread| unread.why)));
        });
        received.unwrap()
    };
    let ping = r#"{"method":"ping"}"#;
    assert_eq!(received(&format!("{ping}\r\n\n")), (ping.to_owned(), Ok(())));
    assert_eq!(received(&format!("\n\r{ping}")), (ping.to_owned(), Ok(())));
    let spread = (r#"{   "method": "ping" }"#.to_owned(), Ok(()));
    assert_eq!(received("{\r\n \"method\": \"ping\"\n}\n"), spread);
    assert_eq!(received("[1,\n2]\n"), ("[1, 2]".to_owned(), Err(MessageError::Batch)));
    let id = "{\"id\":4,\n\"method\":7}";
    assert_eq!(received(id), (id.replace('\n', " "), Err(MessageError::NotAMessage)));
    let marked = format!("\u{feff}{ping}\n");
    assert_eq!(received(&marked), (ping.to_owned(), Ok(())));
    assert_eq!(received("\u{feff}{\n\"method\": \"ping\"}").1, Ok(()));
    assert_eq!(received("\u{feff}{").1, Err(MessageError::NotJson));
    assert_eq!(received("\u{feff}\u{feff}{}").1, Err(MessageError::NotJson));
    for broken in ["{\"method\":\"pi\nng\"}", "{\n", "", "{\"a\":\"b\n\"}"] {
        let kept = broken.trim_end().to_owned();
        assert_eq!(received(broken), (kept, Err(MessageError::NotJson)), "it does not become JSON");
    }
}

#[test]
fn a_wrapped_message_is_found() {
    let wrapped = |text| Message::read(text).ok().and_then(|message| message.wrapped());
    let text = r#"{"session_id":"x","type":"m\u0063p","payload":{"id":5, "result":{}}}"#;
    assert_eq!(wrapped(text), Some(r#"{"id":5, "result":{}}"#));
    for other in [r#"{"type":"tts","payload":{}}"#, r#"{"payload":{}}"#, r#"{"type":"mcp"}"#, "[]"]
    {
        assert_eq!(wrapped(other), None, "{other}");
    }
}

#[test]
fn a_text_with_line_breaks_is_copied_once_and_only_if_there_is_room() {
    let read = |text: &str, room: bool| {
        let (mut asked, mut why) = (Vec::new(), None);
        let mut has_room = |asked: &mut Vec<usize>, bytes| {
            asked.push(bytes);
            room
        };
        read_line(&mut asked, text, &mut has_room, &mut |_, line, read| {
            why = read.err().map(|unread| (unread.why, unread.id_in(line).map(str::to_owned)));
        });
        (asked, why)
    };
    let spread = "\n{\"id\":4,\n\"method\":\"x\"}\n";
    assert_eq!(read(spread, true), (vec![22], None));
    let id = Some("4".to_owned());
    assert_eq!(read(spread, false), (vec![22], Some((MessageError::NoRoom, id.clone()))));
    let odd = "{\"id\":4,\n\"method\":7}";
    assert_eq!(read(odd, false), (vec![20], Some((MessageError::NoRoom, id))));
    assert_eq!(read("[1,\n2]", false), (vec![6], Some((MessageError::NoRoom, None))));
    // A text that is not JSON, or is one line already, is not copied.
    for text in ["{\n}}", "{\n\"a\":\"\n\"}", "\n\n{\"a\":1}\n", "\u{feff}{}", "{", "[1]"] {
        assert!(read(text, false).0.is_empty(), "{text:?}");
    }
}

#[test]
fn messages_in_a_list_are_received_until_enough_are() {
    let received = |list, enough| {
        let mut texts = Vec::new();
        Message::each_of(list, &mut |message| {
            texts.push((message.text, crate::Fault::of_element(message).map(|fault| fault.at)));
            texts.len() < enough
        });
        texts
    };
    let list = r#"[7, {"id":1} ,[{}],{"id":1,"id":2},{"method":"x"}, {"a":[{}]}]"#;
    let (one, odd) = ((r#"{"id":1}"#, Some(7)), (r#"{"id":1,"id":2}"#, Some(13)));
    let rest = [(r#"{"method":"x"}"#, None), (r#"{"a":[{}]}"#, Some(9))];
    assert_eq!(received(list, 9), [&[one, odd][..], &rest].concat());
    assert_eq!(received(list, 2), [one, odd]);
    assert!(received("{}", 9).is_empty());
}

#[test]
fn a_member_is_found_however_the_text_begins_and_ends() {
    let beginnings = [
        r#"{"jsonrpc":"2.0","#,
        r#"{"jsonrpc": "2.0","#,
        r#"{"jsonrpc": "2.0", "#,
        r#"{ "jsonrpc" :"2.0", "#,
        r#"{"jsonrpc":"2.00","#,
        "{",
        " {",
    ];
    for beginning in beginnings {
        for padding in 0..20 {
            let rest = format!(r#""x":"{}"}}"#, "y".repeat(padding));
            let text = format!(
                r#"{beginning}"id":5,"method":"a\/b","params":{{"name":"n","uri":"\u0075","requestId":6,
                "progressToken":7,"protocolVersion":"1","_meta":{{"progressToken":8}},
                "clientInfo":{{"name":"c"}},{rest},{rest}"#
            );
            let text = text.replace("\n                ", "");
            let message = Message::read(&text).unwrap();
            let params = message.read_params();
            assert_eq!((message.id, message.method.as_deref()), (Id::Given("5"), Some("a/b")));
            assert_eq!(params.name, Some(("n".into(), r#""n""#)));
            assert_eq!(params.uri, Some(("u".into(), r#""\u0075""#)));
            let numbers = (params.request_id, params.progress_token, params.asked_token);
            assert_eq!(numbers, (Some("6"), Some("7"), Some("8")));
            assert_eq!(params.client_name.as_deref(), Some("c"));
            assert_eq!(params.protocol_version.as_deref(), Some("1"));
            let id = format!("\"{}\"", "z".repeat(padding));
            for key in ["id", "i\\u0064"] {
                let text = format!(r#"{beginning}"result":{{"isError":true}},"{key}":{id}}}"#);
                let message = Message::read(&text).unwrap();
                assert_eq!((message.id, message.is_failure), (Id::Given(&id), true));
            }
            let text = format!(r#"{beginning}"id":{id},"result":{{"isError":true}}}}"#);
            assert!(Message::read(&text).unwrap().is_failure);
        }
        for end in ["}", "\"id\"}", "\"id\":}", "\"result\":{}}", "\"params\":{\"name\":1,}}", ",}"]
        {
            let text = format!("{beginning}{end}");
            let is_json = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            assert_eq!(Message::read(&text).is_ok(), is_json, "{text}");
        }
    }
}

#[test]
fn a_key_that_is_nearly_one_is_another() {
    for key in
        ["", "i", "idx", "\\u0000id", "id\\u0000", "id id id", "ID", "\\u0000", "methodmethod"]
    {
        let text =
            format!(r#"{{"{key}":5,"method":"x","params":{{"{key}":1,"nam":1,"namee":1}}}}"#);
        let message = Message::read(&text).unwrap();
        assert_eq!((message.id, message.method.as_deref()), (Id::Absent, Some("x")), "{key}");
        assert!(message.read_params().name.is_none());
    }
    for key in ["i\\u0064", "\\u0069d"] {
        let text = format!(r#"{{"{key}":5,"method":"x"}}"#);
        assert_eq!(Message::read(&text).unwrap().id, Id::Given("5"));
    }
}
