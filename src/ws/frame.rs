//! A frame as it comes: its header, and the mask on its payload (RFC 6455, section 5).

use std::io::Cursor;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::FrameHeader;

/// What was wrong with a peer's frames (RFC 6455).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// A reserved bit is set, though no extension was agreed on.
    ReservedBits,
    /// There is no such opcode.
    Opcode,
    /// The frame is not masked.
    Unmasked,
    /// A control frame comes in pieces.
    ControlInPieces,
    /// A control frame is longer than 125 bytes.
    ControlTooLong,
    /// A continuation of no message.
    NothingToContinue,
    /// A message begins before the one before it has ended.
    MessageInMessage,
    /// A close frame of one byte.
    CloseTooShort,
    /// A close code that nobody may send.
    CloseCode(u16),
    /// The words of a close frame are not UTF-8.
    CloseNotUtf8,
    /// A text is not UTF-8.
    TextNotUtf8,
    /// A message is larger than `max_message_size`.
    TooBig,
}

/// The longest a header can be, in bytes.
pub(crate) const MAX_HEADER: usize = 14;

/// The header that nearly every frame has, that of a whole text of less than 64 KiB: itself, its
/// length in bytes, and that of the payload. It is sound where no other message is coming in parts and
/// the text is not too long. Reading it at once saves the twentieth part of all that is done for a
/// small message.
#[inline]
pub(crate) fn usual_header(bytes: &[u8]) -> Option<(FrameHeader, usize, usize)> {
    let (mask, start, size) = match *bytes {
        [0x81, short @ 0x80..=0xFD, a, b, c, d, ..] => ([a, b, c, d], 6, usize::from(short & 0x7F)),
        [0x81, 0xFE, high, low, a, b, c, d, ..] => {
            ([a, b, c, d], 8, usize::from(u16::from_be_bytes([high, low])))
        }
        _ => return None,
    };
    let opcode = OpCode::Data(Data::Text);
    Some((FrameHeader { opcode, mask: Some(mask), ..FrameHeader::default() }, start, size))
}

/// Any header: itself, its length in bytes, and that of the payload. Nothing where it has not come
/// whole.
///
/// # Errors
/// What can be no header.
pub(crate) fn any_header(bytes: &[u8]) -> Result<Option<(FrameHeader, usize, u64)>, FrameError> {
    let bytes = bytes.get(..MAX_HEADER).unwrap_or(bytes);
    let mut cursor = Cursor::new(bytes);
    let parsed = FrameHeader::parse(&mut cursor).map_err(|_| FrameError::Opcode)?;
    let start = usize::try_from(cursor.position()).unwrap_or(MAX_HEADER);
    Ok(parsed.map(|(header, size)| (header, start, size)))
}

/// Takes the mask off, or puts it on.
pub(crate) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    const FOUR_TIMES: u128 = 1 | 1 << 32 | 1 << 64 | 1 << 96;
    let four = u32::from_ne_bytes(mask);
    let wide = u128::from(four) * FOUR_TIMES;
    let mut sixteens = payload.chunks_exact_mut(16);
    for letters in &mut sixteens {
        if let Ok(letters) = <&mut [u8; 16]>::try_from(letters) {
            *letters = (u128::from_ne_bytes(*letters) ^ wide).to_ne_bytes();
        }
    }
    let mut fours = sixteens.into_remainder().chunks_exact_mut(4);
    for letters in &mut fours {
        if let Ok(letters) = <&mut [u8; 4]>::try_from(letters) {
            *letters = (u32::from_ne_bytes(*letters) ^ four).to_ne_bytes();
        }
    }
    for (byte, mask) in fours.into_remainder().iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_header_is_read_as_any_other() {
        let heads = (0..=u16::MAX).map(u16::to_be_bytes);
        let tails = [[0; 12], [0xFF; 12], [0x12, 0x34, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]];
        let mut usual = 0;
        for bytes in heads.flat_map(|head| tails.map(|tail| [&head[..], &tail].concat())) {
            for length in 0..=bytes.len() {
                let bytes = &bytes[..length];
                if let Some((header, start, size)) = usual_header(bytes) {
                    let any = any_header(bytes).unwrap().unwrap();
                    assert_eq!((header, start, size as u64), any, "{bytes:?}");
                    usual += 1;
                }
            }
        }
        // 126 short ones of 6 to 14 bytes, and a longer one of 8 to 14.
        assert_eq!(usual, 3 * (126 * 9 + 7));
    }

    #[test]
    fn a_mask_is_taken_off_whatever_the_length() {
        let mask = [0x11, 0x22, 0x44, 0x88];
        for length in 0..70 {
            let plain: Vec<u8> = (0..length).collect();
            let mut payload: Vec<u8> =
                plain.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            unmask(&mut payload, mask);
            assert_eq!(payload, plain);
        }
    }
}
