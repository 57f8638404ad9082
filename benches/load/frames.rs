//! All frames, built in advance: during a measurement only the digits of ids are written.

/// The mask of every client frame here. A real one is random; removing it costs the same.
pub(crate) const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// The position of the id in every message here.
pub(crate) const ID_AT: usize = HEAD.len();

/// The number of digits in the ids of robots.
pub(crate) const ID_DIGITS: usize = 6;

/// The largest number of digits in an id that a relay may send.
const MAX_ID_DIGITS: usize = 10;

/// The start of every message here.
const HEAD: &str = r#"{"jsonrpc":"2.0","id":"#;

/// The header of a text frame, with the mask if there is one.
pub(crate) fn header(size: usize, mask: Option<[u8; 4]>) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![0x81];
    match size {
        0..=125 => bytes.push(masked | size as u8),
        126..=0xFFFF => {
            bytes.push(masked | 126);
            bytes.extend((size as u16).to_be_bytes());
        }
        _ => {
            bytes.push(masked | 127);
            bytes.extend((size as u64).to_be_bytes());
        }
    }
    bytes.extend(mask.unwrap_or_default().iter().take(if mask.is_some() { 4 } else { 0 }));
    bytes
}

/// The start and end of the payload of the first frame in `bytes`, and its mask. `None` if the header
/// is incomplete.
pub(crate) fn measure(bytes: &[u8]) -> Option<(usize, usize, [u8; 4])> {
    let short = usize::from(bytes.get(1)? & 0x7F);
    let (start, size) = match short {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize),
        _ => (2, short),
    };
    if bytes[1] & 0x80 == 0 {
        return Some((start, start + size, [0; 4]));
    }
    let mask = bytes.get(start..start + 4)?.try_into().ok()?;
    Some((start + 4, start + 4 + size, mask))
}

/// A text as a frame of a client.
pub(crate) fn masked(text: &str) -> Vec<u8> {
    let mut bytes = header(text.len(), Some(MASK));
    bytes.extend(text.bytes().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// Writes the digits of an id into a frame made by [`masked`].
pub(crate) fn write_id(frame: &mut [u8], start: usize, digits: &[u8]) {
    for (place, digit) in digits.iter().enumerate() {
        frame[start + ID_AT + place] = digit ^ MASK[(ID_AT + place) % 4];
    }
}

/// A `tools/call` as robots send it.
pub(crate) fn call(name: &str) -> Vec<u8> {
    masked(&format!(
        r#"{HEAD}100000,"method":"tools/call","params":{{"name":"{name}","arguments":{{"room":"living room","brightness":80,"color":"warm white"}}}}}}"#
    ))
}

/// The answers of a tool server to calls with ids of every length.
#[derive(Clone)]
pub(crate) struct Answers {
    frames: Vec<Vec<u8>>,
    /// The answer to a robot's id, as it must arrive.
    pub plain: String,
}

impl Answers {
    /// Answers of about `size` bytes.
    pub(crate) fn new(size: usize) -> Self {
        let text = |digits: usize| {
            let id = "1".repeat(digits);
            let open = r#","result":{"content":[{"type":"text","text":""#;
            let close = r#""}],"isError":false}}"#;
            let room = size.saturating_sub(HEAD.len() + ID_DIGITS + open.len() + close.len());
            // Most tools answer with JSON inside a text.
            let fill = r#"{\"success\": true, \"room\": \"living room\"} "#;
            let body =
                format!("{}{}", fill.repeat(room / fill.len()), "x".repeat(room % fill.len()));
            format!("{HEAD}{id}{open}{body}{close}")
        };
        let frames = (0..=MAX_ID_DIGITS).map(|digits| masked(&text(digits))).collect();
        Answers { frames, plain: text(ID_DIGITS) }
    }

    /// Adds the answer to the call with this id to `out`.
    pub(crate) fn push(&self, digits: &[u8], out: &mut Vec<u8>) {
        let frame = &self.frames[digits.len()];
        let start = out.len();
        out.extend_from_slice(frame);
        let (payload, ..) = measure(frame).expect("a whole frame");
        write_id(&mut out[start..], payload, digits);
    }
}
