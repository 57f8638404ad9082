//! Asks the linker for a smaller program, in release builds for Linux.
//!
//! Linkers differ in what they support. They also differ in how they take arguments: rustc calls
//! the linker itself, or through `cc`. So this script links an empty program with each argument first,
//! and drops an argument that fails. The program then is larger, and behaves the same.
//!
//! `MCP_ENDPOINT_PLAIN_LINK=1` turns all of this off.
//!
//! `cargo test --release` builds the program for unwinding, whatever the profile says. Without unwind
//! tables a panic still prints its message, and then ends the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// Merges functions with identical machine code. Rust does not promise that functions have distinct
/// addresses.
const FOLD_FUNCTIONS: &str = "--icf=all";

/// Drops the unwind tables. The program aborts on panic, and a backtrace without symbols is empty, so
/// nothing reads them. A compiler flag could drop them too, but a flag cannot be limited to release
/// builds, and tests need the tables.
const DROP_UNWIND_TABLES: &str = "SECTIONS {
  /DISCARD/ : { *(.eh_frame .eh_frame_hdr .gcc_except_table .gcc_except_table.*) }
} INSERT AFTER .rodata;
";

/// Packs the table of relative relocations, which a position-independent program needs. The C library
/// must be able to unpack it (glibc 2.36, musl 1.2.4).
const PACK_RELOCATIONS: &str = "-zpack-relative-relocs";

const OPT_OUT: &str = "MCP_ENDPOINT_PLAIN_LINK";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={OPT_OUT}");
    let is = |name, value| env::var(name).is_ok_and(|found| found == value);
    // A build with debug information is for a debugger, which reads the unwind tables.
    let is_small_build =
        is("PROFILE", "release") && is("DEBUG", "false") && is("CARGO_CFG_TARGET_OS", "linux");
    if is(OPT_OUT, "1") || !is_small_build {
        return;
    }
    let Some(folder) = env::var_os("OUT_DIR").map(PathBuf::from) else { return };
    let script = folder.join("no-unwind-tables.ld");
    if fs::write(&script, DROP_UNWIND_TABLES).is_err()
        || fs::write(folder.join("empty.rs"), "fn main() {}").is_err()
    {
        return;
    }
    let drop_unwind_tables = format!("-T{}", script.display());
    for argument in [FOLD_FUNCTIONS, &drop_unwind_tables, PACK_RELOCATIONS] {
        let spellings = [format!("-Wl,{argument}"), argument.to_owned()];
        let works = |spelling: &&String| {
            links(&folder, spelling) && (argument != PACK_RELOCATIONS || runs(&folder))
        };
        if let Some(spelling) = spellings.iter().find(works) {
            println!("cargo::rustc-link-arg-bins={spelling}");
        }
    }
}

/// Whether the program that [`links`] made starts on this machine. A program for another processor
/// does not start, nor does one whose relocations the C library cannot unpack.
fn runs(folder: &Path) -> bool {
    let status =
        Command::new(folder.join("empty")).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Whether an empty program for the target links with this argument.
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
    // A failure is expected here, so its message would only confuse.
    rustc.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
