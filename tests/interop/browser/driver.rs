//! A real browser, driven through `tests/interop/browser/driver.mjs`.

use serde_json::{json, Value};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// The browser's language.
    pub(crate) locale: &'static str,
    /// The width of the window, in pixels. Below 500 it is a phone.
    pub(crate) width: u32,
    /// Whether the person prefers dark colours.
    pub(crate) dark: bool,
    /// Whether the page may use the clipboard.
    pub(crate) clipboard: bool,
}

impl Default for Look {
    fn default() -> Self {
        Look { locale: "en-US", width: 1100, dark: false, clipboard: false }
    }
}

/// A browser with one page.
#[derive(Debug)]
pub(crate) struct Browser {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Browser {
    /// Starts one, or says why the test is skipped. Under `CI` nothing is skipped.
    pub(crate) fn find(look: Look) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/browser");
        let has_node = Command::new("node").arg("--version").output().is_ok();
        let chromium = chromium().filter(|_| has_node && folder.join("node_modules").exists());
        let Some(chromium) = chromium else {
            let needed =
                "needs node, Chromium, and `npm ci` in tests/interop/browser (CHROMIUM names the \
                          browser where it is not found), as .ci/setup installs them";
            assert!(std::env::var_os("CI").is_none(), "{needed}");
            crate::common::skip(needed);
            return None;
        };
        let mut command = Command::new("node");
        command.arg(folder.join("driver.mjs")).arg(chromium);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut browser = Browser { child, orders, answers };
        let Look { locale, width, dark, clipboard } = look;
        let height = if width < 500 { 740 } else { 900 };
        browser.order(json!({
            "do": "open", "locale": locale, "width": width, "height": height, "dark": dark, "clipboard": clipboard,
        }));
        Some(browser)
    }

    /// Gives an order and waits for its answer.
    #[track_caller]
    fn order(&mut self, order: Value) -> Value {
        writeln!(self.orders.as_mut().unwrap(), "{order}").expect("the browser takes orders");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the browser answers");
        let mut answer: Value = serde_json::from_str(&line).expect("the browser is there");
        assert!(answer["error"].is_null(), "{order}: {}", answer["error"].as_str().unwrap_or(""));
        answer["value"].take()
    }

    /// Opens an address.
    #[track_caller]
    pub(crate) fn goto(&mut self, url: &str) {
        self.order(json!({ "do": "goto", "url": url }));
    }

    /// Writes into a field.
    #[track_caller]
    pub(crate) fn fill(&mut self, at: &str, text: &str) {
        self.order(json!({ "do": "fill", "at": at, "text": text }));
    }

    /// Chooses from a list.
    #[track_caller]
    pub(crate) fn choose(&mut self, at: &str, text: &str) {
        self.order(json!({ "do": "choose", "at": at, "text": text }));
    }

    /// Clicks.
    #[track_caller]
    pub(crate) fn click(&mut self, at: &str) {
        self.order(json!({ "do": "click", "at": at }));
    }

    /// Presses a key.
    #[track_caller]
    pub(crate) fn press(&mut self, key: &str) {
        self.order(json!({ "do": "press", "text": key }));
    }

    /// Waits until an element that can be seen contains a text.
    #[track_caller]
    pub(crate) fn see(&mut self, at: &str, text: &str) {
        self.order(json!({ "do": "see", "at": at, "text": text }));
    }

    /// Waits until no element that can be seen contains a text.
    #[track_caller]
    pub(crate) fn miss(&mut self, at: &str, text: &str) {
        self.order(json!({ "do": "miss", "at": at, "text": text }));
    }

    /// Waits until an expression is true in the page.
    #[track_caller]
    pub(crate) fn until(&mut self, expression: &str) {
        self.order(json!({ "do": "until", "text": expression }));
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        self.order(json!({ "do": "evaluate", "text": expression }))
    }

    /// The text of the first element that is found.
    #[track_caller]
    pub(crate) fn text(&mut self, at: &str) -> String {
        let value = self.evaluate(&format!("document.querySelector({}).textContent", json!(at)));
        value.as_str().unwrap().to_owned()
    }

    /// Takes a picture, for a person: of the window, or of the whole page.
    #[track_caller]
    pub(crate) fn shoot(&mut self, name: &str, whole: bool) {
        let path = pictures().join(format!("{name}.png"));
        self.order(json!({ "do": "shoot", "text": path, "whole": whole }));
    }

    /// Every address the page has asked for.
    #[track_caller]
    pub(crate) fn requests(&mut self) -> Vec<String> {
        serde_json::from_value(self.order(json!({ "do": "requests" }))).unwrap()
    }

    /// Every request of the page that was not a GET: method, address, body.
    #[track_caller]
    pub(crate) fn writes(&mut self) -> Vec<Value> {
        serde_json::from_value(self.order(json!({ "do": "writes" }))).unwrap()
    }

    /// Nothing is wrong: no error, no dialog, nothing the page's own policy forbids, nothing wider
    /// than the window.
    #[track_caller]
    pub(crate) fn is_well(&mut self) {
        let troubles = self.order(json!({ "do": "troubles" }));
        assert_eq!(troubles, json!([]));
        let wide = self.evaluate("document.documentElement.scrollWidth - innerWidth");
        assert!(wide.as_i64().unwrap() <= 0, "{wide} pixels too wide");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser, and then itself.
        self.orders = None;
        let _ = self.child.wait();
    }
}

fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    places.iter().map(PathBuf::from).find(|place| place.exists())
}

/// Where pictures go: the folder in `SCREENSHOTS`, else `target/screenshots`.
fn pictures() -> PathBuf {
    let folder = std::env::var_os("SCREENSHOTS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots"),
        PathBuf::from,
    );
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
