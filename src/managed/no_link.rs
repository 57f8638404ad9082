//! The link of builds that have none.

use super::link::{Link, LinkEvent, Outside, ToServer};
use super::supervisor::EndStep;
use mio::event::Event;

/// There is none, so the compiler leaves out what uses it.
#[derive(Debug)]
pub(super) enum NoLink {}

impl Link for NoLink {
    fn kind(&self) -> &'static str {
        match *self {}
    }

    fn start(&mut self, _outside: &mut Outside<'_>) -> Result<String, String> {
        match *self {}
    }

    fn queue(&mut self) -> &mut dyn ToServer {
        match *self {}
    }

    fn end(&mut self, _step: EndStep, _outside: &mut Outside<'_>) {
        match *self {}
    }

    fn note_event(&mut self, _part: usize, _event: &Event) {
        match *self {}
    }

    fn has_work(&self) -> bool {
        match *self {}
    }

    fn work(
        &mut self,
        _outside: &mut Outside<'_>,
        _may_have_ended: bool,
        _receive: &mut dyn FnMut(&str, &mut dyn ToServer),
    ) -> Option<LinkEvent> {
        match *self {}
    }

    fn memory(&self) -> usize {
        match *self {}
    }

    fn drop_memory(&mut self) {
        match *self {}
    }
}
