//! `--test`: whether the configuration is right.

use super::output::{complain, say, wrong_use, End};
use crate::settings::{self, Sources};

pub(super) fn tell(sources: &Sources) -> End {
    let loaded = match settings::check_files(sources) {
        Ok(loaded) => loaded,
        Err(problems) => return wrong_use(&problems),
    };
    for warning in &loaded.warnings {
        complain(warning);
    }
    let server = &loaded.settings.server;
    let language = server.language;
    if !server.key.is_empty() && settings::key_is_wanted(sources, &loaded.settings) {
        complain(&language.key_would_be_replaced(settings::MIN_KEY_CHARS));
    }
    let file = loaded.file.display();
    if loaded.has_unknown_names {
        // It would run, but not as its owner means.
        return End::Badly;
    }
    say(&match loaded.file.exists() {
        true => language.config_is_right(file),
        false => language.config_is_made(file),
    });
    End::Well
}
