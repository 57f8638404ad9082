//! A server that never answers, and agents whose calls hang.

use super::*;

/// The ids that the server is asked for, without those that are cancelled.
fn under_way(trial: &mut Trial) -> Vec<Value> {
    let mut ids = Vec::new();
    while !trial.pipe.is_quiet() {
        let message = trial.pipe.next();
        match &message["method"] {
            method if method == "notifications/cancelled" => {
                let id = &message["params"]["requestId"];
                assert!(ids.contains(id), "{message} of {ids:?}");
                ids.retain(|known| known != id);
            }
            _ => ids.push(message["id"].clone()),
        }
    }
    ids
}

/// docs/protocol.md#share-of-a-tool-server
#[test]
fn a_server_that_never_answers_has_few_requests_under_way() {
    let mut trial = ready(2);
    for id in 0..100 {
        trial.asks(0, id, "tools/list", json!({}));
        trial.asks(0, 1000 + id, "tools/list", json!({"cursor": id.to_string()}));
    }
    let listed = under_way(&mut trial);
    assert!(listed.len() <= 33, "{listed:?}");
    // Nobody waits any more.
    trial.shared.leave_seat(0, &mut trial.pipe);
    while !trial.pipe.is_quiet() {
        assert_eq!(trial.pipe.next()["method"], "notifications/cancelled");
    }
    // Seats that come, subscribe and go.
    let mut ended = Vec::new();
    for number in 0..50 {
        let seat = trial.shared.take_seat(Peer::seat(number, 2));
        trial.asks(seat, 1, "resources/subscribe", json!({"uri": "file:///a"}));
        let id = trial.pipe.next()["id"].clone();
        trial.says(&json!({"jsonrpc": "2.0", "id": id, "result": {}}).to_string());
        trial.shared.leave_seat(seat, &mut trial.pipe);
        while !trial.pipe.is_quiet() {
            let message = trial.pipe.next();
            match &message["params"]["requestId"] {
                Value::Null => ended.push(message["id"].clone()),
                id => ended.retain(|known| known != id),
            }
        }
    }
    assert!((1..=17).contains(&ended.len()), "{ended:?}");
    let requests = trial.shared.requests.forget(0, &|_| true);
    assert_eq!(requests.len(), ended.len());
}

/// docs/protocol.md#share-of-a-tool-server
#[test]
fn agents_whose_calls_hang_leave_places_to_the_others() {
    let mut trial = ready(5);
    trial.pipe.places = 32;
    let call = |id: u32| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call"}).to_string();
    let counts: Vec<usize> = (0..5)
        .map(|seat| (0..100).filter(|id| trial.relay(seat, &call(*id)).is_ok()).count())
        .collect();
    assert_eq!(counts, [16, 8, 4, 2, 1]);
}
