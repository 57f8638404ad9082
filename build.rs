//! Asks the linker for a smaller program, in release builds for Linux.
//!
//! What a linker can do differs, and so does how it is spoken to: rustc calls it itself or by way of
//! `cc`. So each wish is tried on an empty program first, and dropped where that does not link. The
//! program is larger then, and otherwise the same.
//!
//! `cargo test --release` builds the program for unwinding all the same, whatever the profile says.
//! Without its tables a panic still says what happened, and then ends it, too.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// Functions whose machine code is the same become one. Rust promises nothing about their addresses.
const FOLD: &str = "--icf=all";

/// The tables by which one walks up the stack are a twelfth of the program, and nobody reads them:
/// it ends where it panics, and without symbols a backtrace is empty anyhow. A compiler's option
/// would drop them too, but cannot be given for release builds only, and tests need them.
const NO_TABLES: &str = "SECTIONS {
  /DISCARD/ : { *(.eh_frame .eh_frame_hdr .gcc_except_table .gcc_except_table.*) }
} INSERT AFTER .rodata;
";

/// A program that may be loaded anywhere has a table of its addresses, a fortieth of it. Packed, it is nearly
/// nothing, but the C library must know how to unpack it (glibc 2.36, musl 1.2.4).
const PACK_ADDRESSES: &str = "-zpack-relative-relocs";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A build with debug information is for a debugger, which reads the tables.
    let is = |name, value| env::var(name).is_ok_and(|found| found == value);
    if !is("PROFILE", "release") || !is("DEBUG", "false") || !is("CARGO_CFG_TARGET_OS", "linux") {
        return;
    }
    let Some(folder) = env::var_os("OUT_DIR").map(PathBuf::from) else { return };
    let script = folder.join("no-tables.ld");
    if fs::write(&script, NO_TABLES).is_err()
        || fs::write(folder.join("empty.rs"), "fn main() {}").is_err()
    {
        return;
    }
    for wish in [FOLD.to_owned(), format!("-T{}", script.display()), PACK_ADDRESSES.to_owned()] {
        let spellings = [format!("-Wl,{wish}"), wish.clone()];
        let works = |spelling: &&String| {
            links(&folder, spelling) && (wish != PACK_ADDRESSES || runs(&folder))
        };
        if let Some(spelling) = spellings.iter().find(works) {
            println!("cargo::rustc-link-arg-bins={spelling}");
        }
    }
}

/// Whether the program that was linked last starts on this machine. One for another kind of machine
/// does not, nor one for a newer C library.
fn runs(folder: &Path) -> bool {
    let status =
        Command::new(folder.join("empty")).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Whether an empty program for the target can be linked with this argument.
fn links(folder: &Path, argument: &str) -> bool {
    let variable = |name| env::var(name).unwrap_or_default();
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(folder).args(["empty.rs", "--edition=2021", "--target", &variable("TARGET")]);
    rustc.args(["-Cpanic=abort", "-Cstrip=symbols", &format!("-Clink-arg={argument}")]);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    let flags = variable("CARGO_ENCODED_RUSTFLAGS");
    rustc.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    // Why it does not link is nobody's concern.
    rustc.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
