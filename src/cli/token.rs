//! The addresses of an agent.

use super::client::own;
use super::output::{complain, say, wrong_use, End};
use crate::settings::Loaded;
use crate::text::Language;
use crate::token::address::addresses;
use crate::token::{MAX_AGENT_ID_BYTES, SINGLE_MODULE};

/// Prints them: the addresses on standard output, what there is to say about them on standard
/// error, so that a script gets the addresses alone. The console's address, which has the key in
/// it, is shown only where no agent is named.
pub(super) fn print(loaded: &Loaded, agent: Option<&str>, language: Language) -> End {
    let settings = &loaded.settings;
    if settings.server.key.is_empty() {
        return wrong_use(&language.no_key_yet(loaded.file.display()));
    }
    if settings.server.port == 0 && settings.server.public_url.is_none() {
        return wrong_use(&language.port_unknown());
    }
    let name = match agent_name(agent, language) {
        Ok(name) => name,
        Err(problem) => return wrong_use(&problem),
    };
    let (base, hint) = own::base(settings, &own::listening(settings));
    let printed = addresses(&base, &settings.server.key, name, language);
    if agent.is_none() {
        say(&language.console_address(&printed.console));
        complain(&language.console_address_goes());
    }
    if name == SINGLE_MODULE {
        say(&language.module_address(&printed.tool));
    } else {
        say(&language.tool_address(&printed.tool));
    }
    complain(&language.tool_address_goes());
    say(&language.robot_address(&printed.robot));
    complain(&language.robot_address_goes());
    if agent.is_none() {
        say(&language.page_address(&printed.page));
    }
    for line in hint.map(|hint| hint.said(language)).into_iter().chain(printed.warning) {
        complain(&line);
    }
    End::Well
}

/// The agent that is meant: this one, or that of a stand-alone deployment.
///
/// # Errors
/// Why there cannot be such an agent.
pub(super) fn agent_name(agent: Option<&str>, language: Language) -> Result<&str, String> {
    let name = agent.unwrap_or(SINGLE_MODULE);
    match name.is_empty() || name.len() > MAX_AGENT_ID_BYTES {
        true => Err(language.agent_too_long(MAX_AGENT_ID_BYTES)),
        false => Ok(name),
    }
}
