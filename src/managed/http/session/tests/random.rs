//! Anything may happen in any order.

use super::*;

#[test]
fn whatever_servers_do_every_call_gets_one_answer_and_the_session_ends_once() {
    for seed in 0..400 {
        let mut random = crate::random::Random::new(seed);
        let mut dice = |sides: u64| random.below(sides);
        let mut test = test("http://h/mcp", dice(3) == 0);
        let (mut id, mut unanswered, mut sockets) = (1, Vec::new(), Vec::new());
        test.send(INITIALIZE);
        for _ in 0..300 {
            match dice(9) {
                0 if id < 50 => {
                    id += 1;
                    test.call(id);
                    unanswered.push(id);
                }
                1 => test.send(INITIALIZED),
                2 => test.pass(dice(7_000)),
                3 if dice(50) == 0 => {
                    test.session.end(test.now);
                    test.look();
                }
                _ => {
                    let new = test.dialled.drain(..).filter(|key| *key < 1000);
                    sockets.extend(new.collect::<Vec<_>>());
                    sockets.sort_unstable();
                    sockets.dedup();
                    if sockets.is_empty() {
                        continue;
                    }
                    let key = sockets[dice(sockets.len() as u64) as usize];
                    let pieces = [
                        "HTTP/1.1 200 OK\r\n",
                        "Content-Type: text/event-stream\r\n",
                        "Content-Type: application/json\r\n",
                        "Transfer-Encoding: chunked\r\n",
                        "Content-Length: 30\r\n",
                        "Location: /\r\n",
                        "\r\n",
                        "HTTP/1.1 202 OK\r\n\r\n",
                        "HTTP/1.1 307 OK\r\n",
                        "HTTP/1.1 404 OK\r\n\r\n",
                        "event: endpoint\ndata: /m\n\n",
                        "id: 5\ndata: {\"id\":1,\"result\":{}}\n\n",
                        "data: {\"id\":2,\"result\":{}}\n\n",
                        "{\"id\":3,\"result\":{}}",
                        "5\r\n",
                        "<html>",
                    ];
                    match dice(6) {
                        0 => test.session.connected(test.now, key),
                        1 => test.session.wrote(test.now, key, dice(9) as usize),
                        2 => test.session.closed(test.now, key),
                        3 => test.session.dial_failed(test.now, key, DialError::Refused),
                        _ => {
                            test.session.connected(test.now, key);
                            let count = 1 + dice(4);
                            for _ in 0..count {
                                let piece = pieces[dice(pieces.len() as u64) as usize];
                                test.session.read(test.now, key, piece.as_bytes());
                            }
                        }
                    }
                    test.look();
                }
            }
            sockets.retain(|key| !test.closed.contains(key));
            test.closed.clear();
            for message in std::mem::take(&mut test.messages) {
                let read = Message::read(&message).unwrap();
                if let (Id::Given(given), None) = (read.id, read.method) {
                    let given: u32 = given.parse().unwrap();
                    unanswered.retain(|id| *id != given);
                }
            }
            let unsent = test.session.waiting.iter().map(|e| e.message.len()).sum::<usize>();
            assert_eq!(unsent, test.session.waiting_bytes);
            if test.end.is_some() {
                assert!(test.session.exchanges.is_empty() && test.session.waiting.is_empty());
                break;
            }
            // Every call is known that has no answer.
            for id in &unanswered {
                let id = id.to_string();
                let is_it = |exchange: &Exchange| *exchange.id == *id;
                let is_known = test.session.waiting.iter().any(is_it)
                    || test.session.exchanges.iter().any(|(_, exchange)| is_it(exchange));
                assert!(is_known || test.session.is_old, "{seed}: {id} is lost");
            }
        }
    }
}
