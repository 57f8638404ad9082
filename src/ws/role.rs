//! The two ends of a connection: a client masks its frames, a server does not (RFC 6455, section 5.3).

use crate::frame::apply_mask;
use tungstenite::protocol::frame::coding::OpCode;
use tungstenite::protocol::frame::FrameHeader;

/// Which end of a connection this is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The end that was dialled. It accepts masked frames only.
    #[default]
    Server,
    /// The end that dialled.
    Client,
}

/// Appends `pieces` to `bytes` as one frame of a client. `mask` must be random and new for each frame.
pub fn append_masked(bytes: &mut Vec<u8>, opcode: OpCode, pieces: &[&[u8]], mask: [u8; 4]) {
    let size: usize = pieces.iter().map(|piece| piece.len()).sum();
    let header = FrameHeader { opcode, mask: Some(mask), ..FrameHeader::default() };
    bytes.reserve(crate::frame::MAX_HEADER_LEN + size);
    // Writing to a `Vec` does not fail.
    let _ = header.format(size as u64, bytes);
    let start = bytes.len();
    for piece in pieces {
        bytes.extend_from_slice(piece);
    }
    apply_mask(bytes.get_mut(start..).unwrap_or_default(), mask);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FrameError, Incoming, Input, Receiver, SendQueue, SpareBuffers};
    use tungstenite::protocol::frame::coding::{Control, Data};

    /// What `receiver` makes of the first frame in `bytes`.
    fn first(mut receiver: Receiver, bytes: &[u8]) -> Result<String, FrameError> {
        let (mut bytes, mut spares) = (bytes.to_vec(), SpareBuffers::default());
        let mut input = Input::new(&mut bytes);
        let message = receiver.next(&mut input, 1 << 20, &mut spares)?;
        Ok(message.map_or(String::new(), |message| format!("{message:?}")))
    }

    #[test]
    fn a_server_reads_what_a_client_sends() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let text = "x".repeat(length);
            let mut bytes = Vec::new();
            let pieces = [text.as_bytes(), b"y"];
            append_masked(&mut bytes, OpCode::Data(Data::Text), &pieces, [9, 8, 7, 6]);
            let message = first(Receiver::new(Role::Server), &bytes);
            assert_eq!(message, Ok(format!("{:?}", Incoming::Text(&(text + "y")))));
        }
        let mut bytes = Vec::new();
        append_masked(&mut bytes, OpCode::Control(Control::Ping), &[b"p"], [9, 8, 7, 6]);
        assert_eq!(first(Receiver::default(), &bytes), Ok(format!("{:?}", Incoming::Ping(b"p"))));
    }

    #[test]
    fn a_client_reads_what_a_server_sends_and_a_server_refuses_it() {
        let (mut queue, mut spares) = (SendQueue::default(), SpareBuffers::default());
        queue.push_text(&["{}"], &mut spares);
        let mut bytes = Vec::new();
        queue.write_to(&mut bytes, &mut spares).unwrap();
        let text = format!("{:?}", Incoming::Text("{}"));
        assert_eq!(first(Receiver::new(Role::Client), &bytes), Ok(text));
        assert_eq!(first(Receiver::new(Role::Server), &bytes), Err(FrameError::Unmasked));
    }

    #[test]
    fn a_client_finds_the_same_violations() {
        for (bytes, error) in [
            (&[0xC1, 0x00][..], FrameError::ReservedBits),
            (&[0x80, 0x00], FrameError::NothingToContinue),
            (&[0x89, 126, 0x40, 0x00], FrameError::ControlTooLong),
            (&[0x88, 0x02, 0x03, 0xED], FrameError::CloseCode(1005)),
            (&[0x81, 0x01, 0xFF], FrameError::TextNotUtf8),
        ] {
            assert_eq!(first(Receiver::new(Role::Client), bytes), Err(error));
        }
    }
}
