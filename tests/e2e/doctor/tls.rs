//! TLS where there should be none, none where there should be, and certificates nobody trusts.
//! They need the program `openssl`, here and in the doctor.

use super::visit::{folder, free_port, Visit};
use crate::common::{skip, Folder, Process, Server, TIMEOUT};
use std::process::{Command, Stdio};

/// Whether there is an `openssl`; without one the test is skipped, and says so.
fn have_openssl() -> bool {
    if !cfg!(feature = "doctor") {
        skip("needs a doctor that was built with openssl");
        return false;
    }
    let found = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    assert!(found || std::env::var_os("CI").is_none(), "needs the program openssl");
    if !found {
        skip("needs the program openssl");
    }
    found
}

/// What `openssl ca` wants to be told before it makes a certificate with dates of our choice.
const AUTHORITY: &str = "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\nserial = serial\n\
    new_certs_dir = .\ndefault_md = sha256\npolicy = any\nx509_extensions = names\n\
    [any]\ncommonName = supplied\n[names]\nsubjectAltName = DNS:localhost\n";

fn openssl(folder: &Folder, arguments: &[&str]) {
    let mut command = Command::new("openssl");
    command.current_dir(folder.path()).args(arguments).stdout(Stdio::null());
    assert!(command.stderr(Stdio::null()).status().unwrap().success(), "{arguments:?}");
}

/// A certificate for `name`, signed by itself, in a folder of its own.
fn certificate(name: &str) -> Folder {
    let folder = folder();
    let names = format!("subjectAltName={name}");
    let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test"];
    let files = ["-keyout", "key.pem", "-out", "cert.pem", "-addext", &names];
    openssl(&folder, &[&request[..], &files].concat());
    folder
}

/// A certificate for localhost that was over long ago.
fn expired() -> Folder {
    let folder = folder();
    folder.write("authority.cfg", AUTHORITY);
    folder.write("index.txt", "");
    folder.write("serial", "01\n");
    let request = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test"];
    openssl(&folder, &[&request[..], &["-keyout", "key.pem", "-out", "request.pem"]].concat());
    let dates = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"];
    let files = ["-keyfile", "key.pem", "-in", "request.pem", "-out", "cert.pem", "-notext"];
    let sign = ["ca", "-batch", "-selfsign", "-config", "authority.cfg"];
    openssl(&folder, &[&sign[..], &dates, &files].concat());
    folder
}

/// A server with TLS, which answers everything with a page about itself.
fn serve_tls(folder: &Folder) -> (Process, u16) {
    let port = free_port();
    let mut command = Command::new("openssl");
    command.current_dir(folder.path()).args(["s_server", "-www", "-accept"]);
    command.arg(format!("127.0.0.1:{port}")).args(["-cert", "cert.pem", "-key", "key.pem"]);
    let process = Process::start("openssl s_server", &mut command);
    process.wait_line("ACCEPT", 1, TIMEOUT);
    (process, port)
}

/// A visit to `host`, where only the certificate of `folder` is trusted.
fn trusting(folder: &Folder, host: &str, port: u16) -> Visit {
    let trusted = folder.path().join("cert.pem");
    let builder = Server::builder().env("SSL_CERT_FILE", trusted.display());
    Visit::with(builder, &["doctor", &format!("https://{host}:{port}")])
}

#[test]
fn a_certificate_nobody_signed_is_named() {
    if !have_openssl() {
        return;
    }
    let folder = certificate("DNS:localhost,IP:127.0.0.1");
    let (_process, port) = serve_tls(&folder);
    for host in ["localhost", "127.0.0.1"] {
        let visit = Visit::to(&format!("https://{host}:{port}"));
        visit.fails_at("server", &["certificate is not trusted", "self-signed"]);
    }
}

#[test]
fn a_certificate_that_has_expired_is_named() {
    if !have_openssl() {
        return;
    }
    let folder = expired();
    let (_process, port) = serve_tls(&folder);
    trusting(&folder, "localhost", port).fails_at("server", &["has expired"]);
}

#[test]
fn a_certificate_for_another_name_is_named() {
    if !have_openssl() {
        return;
    }
    let folder = certificate("DNS:mcp.example");
    let (_process, port) = serve_tls(&folder);
    for host in ["localhost", "127.0.0.1"] {
        trusting(&folder, host, port).fails_at("server", &["certificate is for another host name"]);
    }
}

#[test]
fn through_a_trusted_certificate_it_is_seen_who_answers() {
    if !have_openssl() {
        return;
    }
    let folder = certificate("DNS:localhost,IP:127.0.0.1");
    let (_process, port) = serve_tls(&folder);
    for host in ["localhost", "127.0.0.1"] {
        // It is openssl's own page, and not ours.
        trusting(&folder, host, port).fails_at("server", &["another server answers", "200"]);
    }
}

#[test]
fn a_server_behind_tls_passes_every_step() {
    if !have_openssl() {
        return;
    }
    let folder = certificate("DNS:localhost");
    let server = Server::start();
    let Some((_terminator, port)) = super::visit::terminate_tls(&folder, server.port()) else {
        return;
    };
    let address = server.console_address();
    let address = address.replace(
        &format!("http://127.0.0.1:{}", server.port()),
        &format!("https://localhost:{port}"),
    );
    let trusted = folder.path().join("cert.pem");
    let builder = Server::builder().env("SSL_CERT_FILE", trusted.display());
    Visit::with(builder, &["doctor", &address]).is_content();
}

#[test]
fn https_on_a_plain_port_is_named() {
    if !have_openssl() {
        return;
    }
    let server = Server::start();
    let visit = Visit::to(&server.console_address().replace("http://", "https://"));
    visit.fails_at("server", &["does not speak TLS", "change https:// to http://"]);
    let visit = Visit::to(&server.tool_address().replace("ws://", "wss://"));
    visit.fails_at("server", &["does not speak TLS"]);
}

#[test]
fn http_on_a_port_with_tls_is_named() {
    if !have_openssl() {
        return;
    }
    let folder = certificate("DNS:localhost");
    let (_process, port) = serve_tls(&folder);
    let visit = Visit::to(&format!("http://127.0.0.1:{port}"));
    visit.fails_at("server", &["TLS", "https://"]);
}

#[test]
fn without_openssl_it_is_said_what_to_do_instead() {
    let server = Server::start();
    let builder = Server::builder().env("PATH", "/nonexistent");
    let address = server.console_address().replace("http://", "https://");
    let visit = Visit::with(builder, &["doctor", &address]);
    visit.fails_at("server", &["needs the program `openssl`", "apt install openssl"]);
}
