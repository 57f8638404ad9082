//! What a test says that cannot run here.

/// Says why a test is skipped, so that it is seen although the test succeeds: tests keep back what
/// `eprintln!` says. In one piece, as other tests say something, too.
pub(crate) fn skip(reason: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(format!("skipped: {reason}\n").as_bytes());
}
