//! The table.

use crate::common::{Frame, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

/// `max_message_size` of the server, in bytes.
pub(crate) const LIMIT: usize = 128 * 1024;

/// A request that is answered without any connection.
pub(crate) const ASK: &str = r#"{"jsonrpc":"2.0","id":7,"method":"initialize","params":{}}"#;

/// What must come of a case, one thing after another.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    /// An answer with this id.
    Answer(&'static str),
    /// A pong with this payload.
    Pong(Vec<u8>),
    /// A close frame with one of these codes (1005: without a code), and the end.
    Closed(&'static [u16]),
}

/// Bytes, and what must come of them.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: Vec<Expected>,
    /// Whether it may come byte by byte: not where a peer goes on after it has closed, for then
    /// the connection is over before the last of them.
    pub(crate) in_pieces: bool,
}

use Expected::{Answer, Closed, Pong};

const WRONG: Expected = Closed(&[1002]);
const BAD_TEXT: Expected = Closed(&[1007]);
const TOO_BIG: Expected = Closed(&[1009]);

/// The whole table.
pub(crate) fn all() -> Vec<Case> {
    let mut table = Table(Vec::new());
    headers(&mut table);
    control(&mut table);
    closes(&mut table);
    bad_texts(&mut table);
    good_texts(&mut table);
    fragments(&mut table);
    lengths(&mut table);
    sizes(&mut table);
    table.0
}

struct Table(Vec<Case>);

impl Table {
    fn add(
        &mut self,
        name: impl Into<String>,
        frames: &[Frame],
        expected: impl Into<Vec<Expected>>,
    ) {
        let bytes = frames.iter().flat_map(Frame::bytes).collect();
        self.raw(name, bytes, expected);
    }

    fn raw(&mut self, name: impl Into<String>, bytes: Vec<u8>, expected: impl Into<Vec<Expected>>) {
        let (name, expected) = (name.into(), expected.into());
        self.0.push(Case { name, bytes, expected, in_pieces: true });
    }
}

fn headers(table: &mut Table) {
    for reserved in 1..=7 {
        let frame = Frame { reserved, ..Frame::text(ASK) };
        table.add(format!("reserved bits {reserved:03b} on a text"), &[frame], [WRONG]);
    }
    table.add("a reserved bit on a ping", &[Frame { reserved: 4, ..ping("x") }], [WRONG]);
    let close = Frame { reserved: 1, ..Frame::close(1000, "") };
    table.add("a reserved bit on a close", &[close], [WRONG]);
    for opcode in (3..=7).chain(11..=15) {
        table.add(format!("opcode {opcode}"), &[Frame::new(opcode, "x")], [WRONG]);
        table.add(format!("opcode {opcode}, empty"), &[Frame::new(opcode, "")], [WRONG]);
    }
    for (what, frame) in [
        ("text", Frame::text(ASK)),
        ("empty text", Frame::text("")),
        ("binary", Frame::new(BINARY, "x")),
        ("ping", ping("x")),
        ("pong", Frame::new(PONG, "x")),
        ("close", Frame::close(1000, "")),
    ] {
        table.add(format!("an unmasked {what}"), &[frame.unmasked()], [WRONG]);
    }
    let late = [Frame::text(ASK), Frame::text(ASK).unmasked()];
    table.add("an unmasked text behind a masked one", &late, [Answer("7"), WRONG]);
    table.raw("a mask of zeros", with_mask([0; 4]), [Answer("7")]);
    table.raw("a mask of ones", with_mask([0xff; 4]), [Answer("7")]);
}

fn control(table: &mut Table) {
    for size in [0, 1, 124, 125] {
        let payload = vec![0xfe; size];
        table.add(format!("a ping of {size}"), &[Frame::new(PING, &payload)], [Pong(payload)]);
    }
    for (what, opcode) in [("ping", PING), ("pong", PONG), ("close", CLOSE)] {
        for size in [126, 127, 65_536] {
            let frame = Frame::new(opcode, vec![3; size]);
            table.add(format!("a {what} of {size}"), &[frame], [WRONG]);
        }
        let open = Frame::new(opcode, [3, 0xe8]).unfinished();
        table.add(format!("a {what} that is not the last of its message"), &[open], [WRONG]);
    }
    let header = vec![0x80 | PING, 0x80 | 127, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3, 4];
    table.raw("a ping that claims two gigabytes", header, [WRONG]);
    table.add("a pong unasked", &[Frame::new(PONG, "unasked")], []);
    table.add("a pong unasked of 125", &[Frame::new(PONG, [9; 125])], []);
    let pings: Vec<Frame> = (0..10).map(|n| ping(&n.to_string())).collect();
    let pongs: Vec<Expected> = (0..10).map(|n| pong(&n.to_string())).collect();
    table.add("ten pings are answered in order", &pings, pongs);
    let both = [ping("one"), Frame::text(ASK), ping("two")];
    table.add("pings around a text", &both, [pong("one"), Answer("7"), pong("two")]);
}

fn closes(table: &mut Table) {
    for code in [0, 1, 999, 1004, 1005, 1006, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        table.add(format!("a close with {code}"), &[Frame::close(code, "")], [WRONG]);
    }
    for (code, echo) in [
        (1000, &[1000]),
        (1001, &[1001]),
        (1002, &[1002]),
        (1003, &[1003]),
        (1007, &[1007]),
        (1008, &[1008]),
        (1009, &[1009]),
        (1010, &[1010]),
        (1011, &[1011]),
        (1012, &[1012]),
        (1013, &[1013]),
        (3000, &[3000]),
        (3999, &[3999]),
        (4000, &[4000]),
        (4999, &[4999]),
    ] {
        table.add(format!("a close with {code}"), &[Frame::close(code, "why")], [Closed(echo)]);
    }
    table.add("a close without a code", &[Frame::new(CLOSE, "")], [Closed(&[1000, 1005])]);
    table.add("a close of one byte", &[Frame::new(CLOSE, [3])], [WRONG]);
    let longest = Frame::close(1000, &"r".repeat(123));
    table.add("a close with the longest reason", &[longest], [Closed(&[1000])]);
    for bad in [&[0xff][..], &[0xc3], &[0xe6, 0x99], &[0xed, 0xa0, 0x80]] {
        let close = Frame::new(CLOSE, [&[3, 0xe8], bad].concat());
        table.add(format!("a close whose reason is {bad:02x?}"), &[close], [BAD_TEXT]);
    }
    let behind = [Frame::close(1000, ""), Frame::text(ASK), ping("x")];
    table.add("nothing behind a close is heard", &behind, [Closed(&[1000])]);
    let wrong_behind = [Frame::close(1000, ""), Frame::text(ASK).unmasked()];
    table.add("not even what is wrong", &wrong_behind, [Closed(&[1000])]);
    table.0.iter_mut().rev().take(2).for_each(|case| case.in_pieces = false);
    let before = [Frame::text(ASK), Frame::close(1001, "")];
    table.add("what comes before a close is answered", &before, [Answer("7"), Closed(&[1001])]);
    let within = [Frame::text("{").unfinished(), Frame::close(1000, "")];
    table.add("a close within a message", &within, [Closed(&[1000])]);
}

/// Bytes that are not UTF-8, alone and over fragments, cut at every place.
fn bad_texts(table: &mut Table) {
    let bad: [&[u8]; 14] = [
        &[0x80],
        &[0xbf],
        &[0xc0, 0xaf],
        &[0xc1, 0xbf],
        &[0xc3, 0x28],
        &[0xe0, 0x80, 0xaf],
        &[0xe6, 0x99],
        &[0xed, 0xa0, 0x80],
        &[0xed, 0xbf, 0xbf],
        &[0xf0, 0x80, 0x80, 0x80],
        &[0xf0, 0x9f, 0x98],
        &[0xf4, 0x90, 0x80, 0x80],
        &[0xf5, 0x80, 0x80, 0x80],
        &[0xfe],
    ];
    for bytes in bad {
        let text = [&b"\"a"[..], bytes, b"z\""].concat();
        table.add(format!("a text with {bytes:02x?}"), &[Frame::new(TEXT, &text)], [BAD_TEXT]);
        let end = [&b"\"a"[..], bytes].concat();
        table.add(
            format!("a text that ends in {bytes:02x?}"),
            &[Frame::new(TEXT, end)],
            [BAD_TEXT],
        );
        for cut in 1..text.len() {
            let name = format!("a text with {bytes:02x?}, cut at {cut}");
            table.add(name, &cut_in_two(&text, cut), [BAD_TEXT]);
        }
    }
    let binary = [Frame::new(BINARY, [0xff, 0xfe]), Frame::text(ASK)];
    table.add("a binary frame need not be text", &binary, [Answer("7")]);
}

/// Characters of two, three and four bytes, cut at every place.
fn good_texts(table: &mut Table) {
    let text = r#"{"jsonrpc":"2.0","id":"é智😀","method":"initialize"}"#.as_bytes();
    let (start, end) = (22, 22 + "é智😀".len() + 2);
    for cut in start..=end {
        let answer = Answer("\"é智😀\"");
        table.add(format!("characters cut at {cut}"), &cut_in_two(text, cut), [answer]);
    }
    let each: Vec<Frame> = in_fragments(text.iter().map(|byte| vec![*byte]).collect());
    table.add("a fragment for each byte", &each, [Answer("\"é智😀\"")]);
    table.add("the last code point", &[id_text("\u{10ffff}")], [Answer("\"\u{10ffff}\"")]);
    table.add("the last before the surrogates", &[id_text("\u{d7ff}")], [Answer("\"\u{d7ff}\"")]);
    table.add("a byte order mark inside", &[id_text("\u{feff}")], [Answer("\"\u{feff}\"")]);
}

fn fragments(table: &mut Table) {
    let next = |text: &str| Frame::new(CONTINUATION, text);
    table.add("a continuation of nothing", &[next("x")], [WRONG]);
    table.add("an unfinished continuation of nothing", &[next("x").unfinished()], [WRONG]);
    table.add(
        "a continuation behind a whole text",
        &[Frame::text(ASK), next("x")],
        [Answer("7"), WRONG],
    );
    for (what, second) in [
        ("text", Frame::text(ASK)),
        ("empty text", Frame::text("")),
        ("unfinished text", Frame::text(ASK).unfinished()),
        ("binary", Frame::new(BINARY, "x")),
    ] {
        let frames = [Frame::text("{").unfinished(), second];
        table.add(format!("a {what} within a text"), &frames, [WRONG]);
    }
    let frames = [Frame::new(BINARY, "x").unfinished(), Frame::text(ASK)];
    table.add("a text within a binary message", &frames, [WRONG]);
    let (one, two) = ASK.split_at(20);
    let parts = [
        Frame::text(one).unfinished(),
        ping("a"),
        Frame::new(PONG, "b"),
        next("").unfinished(),
        ping("c"),
        next(two),
        ping("d"),
    ];
    table.add(
        "control frames between fragments",
        &parts,
        [pong("a"), pong("c"), Answer("7"), pong("d")],
    );
    let twice = [cut_in_two(ASK.as_bytes(), 9), cut_in_two(ASK.as_bytes(), 30)].concat();
    table.add("two fragmented texts in a row", &twice, [Answer("7"), Answer("7")]);
    let empty = in_fragments(vec![vec![], vec![], ASK.into(), vec![], vec![]]);
    table.add("empty fragments around a text", &empty, [Answer("7")]);
    let start = [Frame::text(ASK).unfinished(), next("")];
    table.add("an empty last fragment", &start, [Answer("7")]);
    let binary = [Frame::new(BINARY, "{").unfinished(), next("x"), Frame::text(ASK)];
    table.add(
        "a fragmented binary message is read as text",
        &binary,
        [Answer("null"), Answer("7")],
    );
    let whole = [Frame::new(BINARY, &ASK[..20]).unfinished(), next(&ASK[20..])];
    table.add("a binary message that holds text", &whole, [Answer("7")]);
    let other = [Frame::new(BINARY, [0xe6]).unfinished(), next("{"), Frame::text(ASK)];
    table.add("a fragmented binary message that is no text", &other, [Answer("7")]);
    table.add("an empty text", &[Frame::text("")], [Answer("null")]);
    let nothing = in_fragments(vec![vec![], vec![], vec![]]);
    table.add("a text of empty fragments", &nothing, [Answer("null")]);
    table.add("an empty binary message", &[Frame::new(BINARY, ""), ping("x")], [pong("x")]);
    let reserved = [Frame::text("{").unfinished(), Frame { reserved: 4, ..next("}") }];
    table.add("a reserved bit on a continuation", &reserved, [WRONG]);
    table.add(
        "an unmasked continuation",
        &[Frame::text("{").unfinished(), next("}").unmasked()],
        [WRONG],
    );
}

/// Lengths at the borders of their three spellings, and spelt longer than need be.
fn lengths(table: &mut Table) {
    for size in [124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537] {
        table.add(format!("a text of {size}"), &[Frame::text(&padded(size))], [Answer("7")]);
        let two = cut_in_two(padded(size + 100).as_bytes(), size);
        table.add(format!("a fragment of {size}"), &two, [Answer("7")]);
    }
    for (name, length) in [
        ("7 bits in 16", vec![0x80 | 126, 0, ASK.len() as u8]),
        ("7 bits in 64", vec![0x80 | 127, 0, 0, 0, 0, 0, 0, 0, ASK.len() as u8]),
    ] {
        table.raw(format!("a length of {name}"), with_length(length, ASK), [Answer("7")]);
    }
    let text = padded(300);
    let length = vec![0x80 | 127, 0, 0, 0, 0, 0, 0, 1, 44];
    table.raw("a length of 16 bits in 64", with_length(length, &text), [Answer("7")]);
    let top = vec![0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 5];
    table.raw("a length whose top bit is set", with_length(top, "12345"), [Closed(&[1002, 1009])]);
    table.raw("the largest length", with_length(vec![0xff; 9], "12345"), [Closed(&[1002, 1009])]);
    let large = vec![0x80 | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    table.raw("the largest length without it", with_length(large, "12345"), [TOO_BIG]);
    let over_32_bits = vec![0x80 | 127, 0, 0, 0, 1, 0, 0, 0, 5];
    table.raw("five bytes and four gigabytes", with_length(over_32_bits, "12345"), [TOO_BIG]);
}

fn sizes(table: &mut Table) {
    table.add("a message at the limit", &[Frame::text(&padded(LIMIT))], [Answer("7")]);
    table.add("a message over the limit", &[Frame::text(&padded(LIMIT + 1))], [TOO_BIG]);
    let claim = Frame::text(&padded(LIMIT + 1)).bytes()[..14].to_vec();
    table.raw("a header over the limit", claim, [TOO_BIG]);
    let binary = Frame::new(BINARY, vec![0; LIMIT + 1]);
    table.add("a binary message over the limit", &[binary], [TOO_BIG]);
    let at = padded(LIMIT);
    let in_two = cut_in_two(at.as_bytes(), 1000);
    table.add("fragments at the limit", &in_two, [Answer("7")]);
    let with_end = in_fragments(vec![at.clone().into_bytes(), vec![]]);
    table.add("fragments at the limit, the last empty", &with_end, [Answer("7")]);
    let over = in_fragments(vec![at.clone().into_bytes(), vec![b' ']]);
    table.add("fragments over the limit by one", &over, [TOO_BIG]);
    let with_ping = [Frame::text(&at).unfinished(), ping("x"), Frame::new(CONTINUATION, "")];
    table.add("a ping within a message at the limit", &with_ping, [pong("x"), Answer("7")]);
    let again = [Frame::text(&at), Frame::text(&at)];
    table.add("two messages at the limit", &again, [Answer("7"), Answer("7")]);
}

fn ping(payload: &str) -> Frame {
    Frame::new(PING, payload)
}

fn pong(payload: &str) -> Expected {
    Pong(payload.as_bytes().to_vec())
}

/// The request, made `size` bytes long with blanks.
fn padded(size: usize) -> String {
    format!("{ASK}{}", " ".repeat(size - ASK.len()))
}

/// A request with this id.
fn id_text(id: &str) -> Frame {
    Frame::text(&format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"initialize"}}"#))
}

fn cut_in_two(text: &[u8], cut: usize) -> Vec<Frame> {
    in_fragments(vec![text[..cut].to_vec(), text[cut..].to_vec()])
}

fn in_fragments(parts: Vec<Vec<u8>>) -> Vec<Frame> {
    let last = parts.len() - 1;
    let fragment = |(number, part): (usize, Vec<u8>)| {
        let frame = Frame::new(if number == 0 { TEXT } else { CONTINUATION }, part);
        if number == last {
            frame
        } else {
            frame.unfinished()
        }
    };
    parts.into_iter().enumerate().map(fragment).collect()
}

/// A text frame with the length spelt as given, and a mask of zeros.
fn with_length(length: Vec<u8>, text: &str) -> Vec<u8> {
    [vec![0x80 | TEXT], length, vec![0; 4], text.as_bytes().to_vec()].concat()
}

fn with_mask(mask: [u8; 4]) -> Vec<u8> {
    let masked = ASK.bytes().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key);
    let header = [&[0x80 | TEXT, 0x80 | ASK.len() as u8][..], &mask].concat();
    header.into_iter().chain(masked).collect()
}
