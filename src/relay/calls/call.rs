//! A request under way, as the table keeps it.

use super::CallKey;
use crate::moment::Moment;
use crate::relay::catalogue::Kind;
use crate::relay::items::print;
use crate::relay::memory::GROWS;
use ws::memory::allocated;

/// How many bytes of an id, with the name behind it, are kept without an allocation.
const MAX_INLINE: usize = 22;

/// A request under way to a tool server.
#[derive(Debug)]
pub(in crate::relay) enum Request {
    /// A robot's.
    Call(Call),
    /// `initialize`, by the relay.
    Initialize,
    /// A page of a list, for the relay.
    List(Kind),
    /// `ping`, by the relay.
    Ping,
    /// Another one by the relay, whose answer means nothing.
    Aside,
}

/// A robot's request at a tool server.
#[derive(Debug)]
pub(in crate::relay) struct Call {
    /// The robot's place in its agent.
    pub robot: usize,
    text: Text,
    /// The progress token the robot sent, as the robot spelled it.
    pub token: Option<Box<str>>,
    /// When it was passed on.
    pub since: Moment,
    /// A number made of the id.
    pub(super) tag: u32,
    /// Another call of the same request: one request may go to several tool servers. Set when the
    /// call is taken out of the table.
    pub rival: Option<CallKey>,
    id_length: u16,
    /// What kind of request it is, as far as that matters to its answer.
    pub nature: Nature,
}

impl Call {
    /// A robot's request of `id`, with the name of what it calls where an error may have to tell it.
    pub(in crate::relay) fn new(
        robot: usize,
        (id, name): (&str, &str),
        token: Option<&str>,
        nature: Nature,
        since: Moment,
    ) -> Self {
        let tag = print(id.as_bytes()) as u32;
        // Longer ids are refused.
        let id_length = u16::try_from(id.len()).unwrap_or(u16::MAX);
        let (text, token) = (Text::new(id, name), token.map(Into::into));
        Call { robot, text, token, since, tag, rival: None, id_length, nature }
    }

    /// The id the robot sent, as the robot spelled it.
    pub(in crate::relay) fn id(&self) -> &str {
        self.text.as_str().get(..self.id_length.into()).unwrap_or_default()
    }

    /// The name of what it calls, where that is known.
    pub(in crate::relay) fn name(&self) -> &str {
        self.text.as_str().get(self.id_length.into()..).unwrap_or_default()
    }

    /// How many bytes of memory it takes.
    pub(in crate::relay) fn memory(&self) -> usize {
        let length = match &self.text {
            Text::Inline(..) => 0,
            Text::Allocated(text) => text.len(),
        };
        memory_of_call(length, self.token.as_deref())
    }
}

/// What matters of a request when it is answered or given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::relay) enum Nature {
    /// `tools/call`: its failures may need to be put differently.
    ToolCall,
    /// `initialize`, which must not be cancelled.
    Initialize,
    /// Any other.
    Other,
}

/// A text that is mostly short.
#[derive(Debug)]
enum Text {
    Inline(u8, [u8; MAX_INLINE]),
    Allocated(Box<str>),
}

impl Text {
    fn new(one: &str, other: &str) -> Self {
        let mut bytes = [0; MAX_INLINE];
        let (head, rest) = bytes.split_at_mut(one.len().min(MAX_INLINE));
        match rest.get_mut(..other.len()) {
            Some(rest) if head.len() == one.len() => {
                head.copy_from_slice(one.as_bytes());
                rest.copy_from_slice(other.as_bytes());
                Text::Inline((one.len() + other.len()) as u8, bytes)
            }
            _ => Text::Allocated([one, other].concat().into()),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Text::Inline(length, bytes) => {
                let bytes = bytes.get(..usize::from(*length)).unwrap_or_default();
                std::str::from_utf8(bytes).unwrap_or_default()
            }
            Text::Allocated(text) => text,
        }
    }
}

/// How many bytes of memory a call takes, with an id of `length` bytes and what is kept behind it.
pub(in crate::relay) fn memory_of_call(length: usize, token: Option<&str>) -> usize {
    let text = if length > MAX_INLINE { allocated(length) } else { 0 };
    text + token.map_or(0, |token| allocated(token.len())) + GROWS * super::ENTRY_SIZE
}
