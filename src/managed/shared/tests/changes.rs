//! What agents are told of changes, and the lists that they get then.

use super::*;

#[test]
fn the_same_notification_many_times_is_one_for_each_seat() {
    let mut trial = ready(1000);
    trial.asks(3, 1, "resources/subscribe", json!({"uri": "a:b"}));
    let id = trial.pipe.next()["id"].clone();
    trial.says(&json!({"jsonrpc": "2.0", "id": id, "result": {}}).to_string());
    trial.got();
    let before = trial.shared.memory();
    let padding = "x".repeat(1000);
    for number in 0..1200 {
        let params = json!({"_meta": {"number": number, "padding": padding}});
        for method in ["tools/list_changed", "prompts/list_changed"] {
            trial.says(&json!({"jsonrpc": "2.0", "method": format!("notifications/{method}"), "params": params}).to_string());
        }
        trial.says(r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}"#);
    }
    let taken = trial.shared.memory() - before;
    assert!((2000..8000).contains(&taken), "{taken} bytes, however many seats there are");
    // A seat that has got one gets another one for a change after that.
    for seat in 0..3 {
        assert_eq!(trial.got().unwrap().0, seat);
    }
    trial.says(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    let mut counts = vec![0; 1000];
    while let Some((seat, message)) = trial.got() {
        counts[seat] += 1;
        assert!(seat == 3 || message["method"] != "notifications/resources/updated");
    }
    let expected: Vec<_> = (0..1000).map(|seat| if seat < 3 { 2 } else { 3 }).collect();
    assert_eq!((counts[3], &counts[..3], &counts[4..]), (4, &expected[..3], &expected[4..]));
}

#[test]
fn an_answer_from_before_a_change_does_not_stay_as_the_list() {
    let list = |id: &Value, tool: &str| {
        json!({"jsonrpc": "2.0", "id": id, "result": {"tools": [{"name": tool}]}}).to_string()
    };
    for is_late in [false, true] {
        let mut trial = ready(2);
        trial.asks(0, 1, "tools/list", json!({}));
        let before = trial.pipe.next()["id"].clone();
        trial.says(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
        assert_eq!([trial.got().unwrap().0, trial.got().unwrap().0], [0, 1]);
        trial.asks(0, 2, "tools/list", json!({}));
        let after = trial.pipe.next()["id"].clone();
        // It is the same question.
        trial.asks(1, 3, "tools/list", json!({}));
        assert!(trial.pipe.is_quiet());
        let mut answers = [list(&before, "old"), list(&after, "new")];
        if is_late {
            answers.reverse();
        }
        answers.iter().for_each(|answer| drop(trial.says(answer)));
        let mut got = HashMap::new();
        while let Some((seat, answer)) = trial.got() {
            let tool = answer["result"]["tools"][0]["name"].clone();
            assert_eq!(got.insert((seat, answer["id"].as_u64().unwrap()), tool), None);
        }
        let first = if is_late { "new" } else { "old" };
        assert_eq!(got[&(0, 1)], first, "who asked before asks again");
        assert_eq!((&got[&(0, 2)], &got[&(1, 3)], got.len()), (&json!("new"), &json!("new"), 3));
        trial.asks(1, 4, "tools/list", json!({}));
        assert_eq!(trial.got().unwrap().1["result"]["tools"][0]["name"], "new");
        assert!(trial.pipe.is_quiet());
    }
}
