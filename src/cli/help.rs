//! What `--help` prints.

use super::commands::SUBCOMMANDS;
use crate::settings::table::TABLE;
use crate::settings::DEFAULT;
use crate::text::Language;
use std::fmt::Write;

/// What `--help` prints: of the program, or of the command with this name.
pub(super) fn text(language: Language, name: Option<&str>) -> String {
    let named = SUBCOMMANDS.iter().find(|command| Some(command.name()) == name);
    if let Some(page) = named.and_then(|command| (command.page)(language)) {
        return page;
    }
    let mut options = String::new();
    for row in TABLE {
        let Some(option) = row.option else { continue };
        let value = row.key.rsplit('_').next().unwrap_or_default().to_ascii_uppercase();
        let left = format!("    --{option} {value}");
        let meaning = row.meaning(language).lines().next().unwrap_or_default();
        let _ = writeln!(options, "  {left:<24} {meaning}");
    }
    let mut commands = String::new();
    for command in SUBCOMMANDS {
        let _ = writeln!(commands, "  {:<24} {}", command.usage, (command.meaning)(language));
    }
    language.help(crate::VERSION, commands.trim_end(), options.trim_end(), DEFAULT)
}

#[cfg(test)]
mod tests {
    use super::super::commands::SubCommand;
    use super::*;

    #[test]
    fn help_names_every_option_of_the_table_and_fits_a_screen() {
        for language in [Language::Zh, Language::En] {
            let help = text(language, None);
            for row in TABLE {
                assert!(row.option.is_none_or(|option| help.contains(&format!("--{option} "))));
            }
            let named = |command: &SubCommand| help.contains(&format!("\n  {} ", command.usage));
            assert!(SUBCOMMANDS.iter().all(named), "{help}");
            assert!(help.contains(DEFAULT) && help.lines().count() < 24, "{help}");
        }
    }
}
