//! What the pods of tests run: it calls and answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it talks to the test by standard output, and may fail loudly"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

const USAGE: &str = "serve ADDRESS… | connect ADDRESS… | hold ADDRESS…";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verb, rest) = arguments.split_first().expect(USAGE);
    match verb.as_str() {
        "serve" => serve(rest),
        "connect" => drop(connect(rest)),
        "hold" => {
            let streams = connect(rest);
            wait();
            drop(streams);
        }
        _ => panic!("{USAGE}"),
    }
}

/// A line for the test.
fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

/// Until the test closes our standard input.
fn wait() {
    let _closed = std::io::stdin().read_to_end(&mut Vec::new());
}

fn serve(addresses: &[String]) {
    let listeners: Vec<TcpListener> = addresses
        .iter()
        .map(|address| TcpListener::bind(address).unwrap_or_else(|e| panic!("{address}: {e}")))
        .collect();
    say("listening");
    for listener in listeners {
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                std::thread::spawn(move || {
                    let mut bytes = [0; 64];
                    while matches!(stream.read(&mut bytes), Ok(1..)) {}
                });
            }
        });
    }
    wait();
}

fn connect(addresses: &[String]) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for address in addresses {
        let address: SocketAddr = address.parse().unwrap();
        match TcpStream::connect_timeout(&address, Duration::from_millis(800)) {
            Ok(stream) => {
                say("open");
                streams.push(stream);
            }
            Err(error) => say(&format!("{:?}", error.kind())),
        }
    }
    streams
}
