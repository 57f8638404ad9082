//! Every sentence a person reads, in Chinese and in English.
//!
//! A sentence is a method of [`Language`]: what happened, then why, then what to do. Each file has
//! the sentences of one place where people read them.

use std::time::Duration;

/// The language of the sentences people read: `[server] language`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// 中文, the default.
    #[default]
    Zh,
    /// English.
    En,
}

/// Writes each sentence once as a method: its name, what it is told, and the two wordings.
macro_rules! sentences {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $kind:ty),*) { zh: $zh:literal; en: $en:literal; })*) => {
        impl Language {
            $(sentences!(@one $(#[$doc])* $name($($arg: $kind),*) $zh, $en);)*
        }
    };
    // A sentence that is told nothing is not formatted, which keeps many of them small.
    (@one $(#[$doc:meta])* $name:ident() $zh:literal, $en:literal) => {
        $(#[$doc])*
        pub fn $name(self) -> String {
            self.owned(concat!($zh, "\0", $en))
        }
    };
    (@one $(#[$doc:meta])* $name:ident($($arg:ident: $kind:ty),+) $zh:literal, $en:literal) => {
        $(#[$doc])*
        pub fn $name(self, $($arg: $kind),+) -> String {
            match self {
                Language::Zh => format!($zh),
                Language::En => format!($en),
            }
        }
    };
}

// These come behind the macro, which they use.
mod cli;
mod close;
mod demo;
mod doctor;
mod http;
mod log;
mod selection;
mod servers;
mod services;
mod settings;
mod tools;
mod wire;

impl Language {
    fn either(self, (zh, en): (&'static str, &'static str)) -> &'static str {
        match self {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    /// Its code in settings.
    pub fn code(self) -> &'static str {
        self.either(("zh", "en"))
    }

    /// The wording in this language, of two with a NUL between them.
    // Not inlined, and one text instead of two: a sentence is hardly more than a jump then.
    #[inline(never)]
    fn owned(self, wordings: &'static str) -> String {
        self.either(wordings.split_once('\0').unwrap_or_default()).to_owned()
    }

    /// A length of time as people say it, in one unit, rounded down.
    pub fn duration(self, time: Duration) -> String {
        match time.as_secs() {
            count @ 0..120 => self.seconds(count),
            count @ 120..7_200 => self.minutes(count / 60),
            count @ 7_200..172_800 => self.hours(count / 3600),
            count => self.days(count / 86_400),
        }
    }
}

sentences! {
    /// A length of time, in its largest unit.
    days(count: u64) { zh: "{count} 天"; en: "{count} d"; }
    /// A length of time, in its largest unit.
    hours(count: u64) { zh: "{count} 小时"; en: "{count} h"; }
    /// A length of time, in its largest unit.
    minutes(count: u64) { zh: "{count} 分钟"; en: "{count} min"; }
    /// A length of time, in its largest unit.
    seconds(count: u64) { zh: "{count} 秒"; en: "{count} s"; }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Every file of `folder` and its folders, but those of tests.
    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.ends_with("tests") {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    /// A file without tests, comments and blanks, so that a use looks the same everywhere.
    fn code(path: &Path) -> String {
        let text = fs::read_to_string(path).unwrap();
        let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = program.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.flat_map(str::split_whitespace).collect()
    }

    /// The names of the sentences in a file of `text`.
    fn names(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        let (mut names, mut head) = (Vec::new(), "");
        for line in text.lines().map(str::trim) {
            if let Some((before, _)) = line.split_once("zh: \"") {
                let of = if before.is_empty() { head } else { before };
                names.push(of.split('(').next().unwrap_or_default().to_owned());
            }
            head = line;
        }
        names
    }

    #[test]
    fn no_sentence_is_dead() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut paths = Vec::new();
        sources(&root, &mut paths);
        let (ours, others): (Vec<PathBuf>, Vec<PathBuf>) =
            paths.into_iter().partition(|path| path.starts_with(root.join("text")));
        let ours_code: String = ours.iter().map(|path| code(path)).collect();
        let others_code: String = others.iter().map(|path| code(path)).collect();
        let names: Vec<String> = ours.iter().flat_map(|path| names(path)).collect();
        assert!(names.len() > 300, "sentences were not found: {}", names.len());
        for name in names {
            // Functions of the same name exist elsewhere, so the language before it counts.
            let is_used = others_code.contains(&format!("language.{name}("))
                || others_code.contains(&format!("Language::{name},"))
                || ours_code.contains(&format!("self.{name}("));
            assert!(is_used, "nothing in src says the sentence `{name}`");
        }
    }
}
