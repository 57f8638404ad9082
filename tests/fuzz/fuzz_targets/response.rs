//! A response of an HTTP service, with a stream of events in it: read the same in any pieces, in bounded memory.
//!
//! The first byte chooses the pieces, the rest is the response.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_endpoint_server::managed::http::events::{Event, EventReader, EventTooLong};
use mcp_endpoint_server::managed::http::response::{Head, Part, ResponseError, ResponseReader};

/// The longest event, in bytes.
const LIMIT: usize = 200;

/// What a response was read as.
#[derive(Debug, PartialEq)]
struct Found {
    head: Option<Head>,
    body: Vec<u8>,
    /// The events, up to one that is too long.
    events: Vec<Event>,
    is_too_long: bool,
    last_id: Option<Box<str>>,
    end: Result<(), ResponseError>,
}

fuzz_target!(|data: &[u8]| {
    let [step, response @ ..] = data else { return };
    let whole = read(response, usize::MAX);
    let pieces = read(response, usize::from(*step).max(1));
    assert_eq!(whole, pieces);
    assert!(whole.body.len() <= response.len());
    let head = whole.head.unwrap_or_default();
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    assert!(head.session.is_none_or(|session| is_plain(&session)));
    let is_line = |id: &str| !id.contains(char::is_control);
    assert!(whole.last_id.is_none_or(|id| is_line(&id)));
    for event in whole.events {
        assert!(!event.data.contains('\r') && event.data.len() <= 3 * LIMIT);
    }
});

fn read(bytes: &[u8], step: usize) -> Found {
    let (mut reader, mut events) = (ResponseReader::default(), EventReader::default());
    let mut found = Found {
        head: None,
        body: Vec::new(),
        events: Vec::new(),
        is_too_long: false,
        last_id: None,
        end: Ok(()),
    };
    found.end = bytes.chunks(step.min(bytes.len().max(1))).try_for_each(|mut piece| loop {
        assert!(reader.memory() < 1 << 16 && events.memory() < 1 << 16);
        match reader.next(&mut piece)? {
            Part::Incomplete => return Ok(()),
            Part::End => return Ok(()),
            Part::Head(head) => assert!(found.head.replace(head).is_none()),
            Part::Body(mut body) => {
                found.body.extend_from_slice(body);
                while !found.is_too_long {
                    match events.next(&mut body, LIMIT) {
                        Ok(Some(event)) => found.events.push(event),
                        Ok(None) => break,
                        Err(EventTooLong) => found.is_too_long = true,
                    }
                }
            }
        }
    });
    found.end = found.end.and_then(|()| reader.end());
    if !found.is_too_long {
        found.last_id = events.last_id.take();
    }
    found
}
