//! WebSocket frames, made and read by hand (RFC 6455, section 5).

/// Opcode: goes on with the message before.
pub const CONTINUATION: u8 = 0;
/// Opcode: a text.
pub const TEXT: u8 = 1;
/// Opcode: bytes.
pub const BINARY: u8 = 2;
/// Opcode: the end.
pub const CLOSE: u8 = 8;
/// Opcode: are you there?
pub const PING: u8 = 9;
/// Opcode: yes.
pub const PONG: u8 = 10;

/// One frame. Nothing keeps it from being a wrong one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whether it is the last of its message.
    pub last: bool,
    /// The three reserved bits.
    pub reserved: u8,
    /// What it is.
    pub opcode: u8,
    /// Whether it is masked, as every frame of a client must be.
    pub masked: bool,
    /// What it carries, unmasked.
    pub payload: Vec<u8>,
}

const MASK: [u8; 4] = [0x9e, 0x37, 0x79, 0xb9];

impl Frame {
    /// A proper frame of a client, which is a whole message.
    pub fn new(opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        let payload = payload.as_ref().to_vec();
        Frame { last: true, reserved: 0, opcode, masked: true, payload }
    }

    /// A text.
    pub fn text(text: &str) -> Self {
        Frame::new(TEXT, text)
    }

    /// A close frame.
    pub fn close(code: u16, reason: &str) -> Self {
        Frame::new(CLOSE, [&code.to_be_bytes()[..], reason.as_bytes()].concat())
    }

    /// The same frame with more of its message to follow.
    pub fn unfinished(self) -> Self {
        Frame { last: false, ..self }
    }

    /// The same frame without a mask.
    pub fn unmasked(self) -> Self {
        Frame { masked: false, ..self }
    }

    /// The bytes on the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.last) << 7 | self.reserved << 4 | self.opcode];
        let mask_bit = u8::from(self.masked) << 7;
        match self.payload.len() {
            length @ 0..=125 => bytes.push(mask_bit | length as u8),
            length @ 126..=0xffff => {
                bytes.push(mask_bit | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                bytes.push(mask_bit | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        if self.masked {
            bytes.extend(MASK);
            bytes
                .extend(self.payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
        } else {
            bytes.extend(&self.payload);
        }
        bytes
    }

    /// Any payload of any size on the wire, masked with zeros: it costs little to make.
    pub fn bytes_masked_with_zeros(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Self::head_without_mask(first, payload.len() as u64);
        bytes.extend(payload);
        bytes
    }

    /// The same for a text.
    pub fn bytes_of_text(text: &str) -> Vec<u8> {
        Self::bytes_masked_with_zeros(0x80 | TEXT, text.as_bytes())
    }

    /// The head of a frame of this size whose mask is zeros.
    pub fn head_without_mask(first: u8, size: u64) -> Vec<u8> {
        let mut head = vec![first, 0x80 | 127];
        head.extend(size.to_be_bytes());
        head.extend([0; 4]);
        head
    }

    /// Takes one frame of the server off the front of `bytes`, if it is there as a whole. Panics
    /// where a server must not send it: masked, with reserved bits, or longer than it need be.
    pub fn take(bytes: &mut Vec<u8>) -> Option<Self> {
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        assert_eq!(second & 0x80, 0, "a server's frame is not masked");
        assert_eq!(first & 0x70, 0, "no extension was agreed on, so no reserved bit is set");
        let (start, length) = match second & 0x7f {
            126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()))),
            127 => {
                let length = u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap());
                (10, usize::try_from(length).unwrap())
            }
            length => (2, usize::from(length)),
        };
        let shortest = if length <= 125 {
            2
        } else if length <= 0xffff {
            4
        } else {
            10
        };
        assert_eq!(start, shortest, "the length is written in as few bytes as will do");
        let payload = bytes.get(start..start + length)?.to_vec();
        bytes.drain(..start + length);
        let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
        Some(Frame { last, reserved: 0, opcode, masked: false, payload })
    }
}
