//! The kinds of links that this build has.

#[cfg(all(unix, feature = "children"))]
use super::child_link::ChildLink;
use super::http::HttpLink;
use crate::settings::servers::{ServerConfig, Transport};
use crate::text::Language;

/// A link of any kind that this build has.
#[cfg(all(unix, feature = "children"))]
pub(super) type AnyLink = Box<dyn super::link::Link>;

/// A link of any kind that this build has.
#[cfg(not(all(unix, feature = "children")))]
pub(super) type AnyLink = Box<HttpLink>;

/// Makes the link of an entry, which is down.
///
/// # Errors
/// Why there is none of this kind, as people read it. The entry is misconfigured then.
pub(super) fn open(
    name: &str,
    config: &ServerConfig,
    language: Language,
) -> Result<AnyLink, String> {
    match &config.transport {
        #[cfg(all(unix, feature = "children"))]
        Transport::Stdio { .. } => Ok(Box::new(ChildLink::new(name, config))),
        #[cfg(not(all(unix, feature = "children")))]
        Transport::Stdio { .. } => {
            let _ = name;
            Err(language.no_children_here())
        }
        Transport::Http { .. } => Ok(Box::new(HttpLink::new(config, language)?)),
    }
}
