//! A real browser: headless Chromium, driven by its `chromedriver` (W3C `WebDriver`). The libraries for that protocol
//! bring a licence that `deny.toml` does not take, for five requests.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bed;
use crate::http::Client;
use crate::mapper::free_address;
use crate::process::Process;
use crate::time::wait;

/// Keys that are no letters (W3C `WebDriver`, "Keyboard actions", table of normalised key values).
pub mod key {
    /// Enter.
    pub const ENTER: &str = "\u{e007}";
    /// Escape.
    pub const ESCAPE: &str = "\u{e00c}";
    /// The left arrow.
    pub const LEFT: &str = "\u{e012}";
}

/// As root, as tests with network namespaces are, Chromium runs without its sandbox only. What it opens here is ours.
const ARGUMENTS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--window-size=1400,1000",
];

/// A browser with one window. It ends when it is dropped.
#[derive(Debug)]
pub struct Browser {
    // Dropped in this order: the window is closed before its driver is killed.
    session: Session,
    _driver: Process,
    _profile: TempDir,
}

impl Browser {
    /// Starts one.
    pub fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let address = free_address();
        let log = bed::log_folder().join(format!("chromedriver-{}.log", address.port()));
        let driver = Command::new("chromedriver")
            .arg(format!("--port={}", address.port()))
            .stdin(Stdio::null())
            .stdout(File::create(&log).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver: {error}"));
        let driver = Process::new(driver, log);
        let is_ready = || {
            let answer = Client::new(address).send("GET", "/status", &[], b"").ok()?;
            (answer.json()["value"]["ready"] == true).then_some(())
        };
        assert!(wait(Duration::from_secs(30), is_ready).is_some());
        Self {
            session: Session::new(address, profile.path()),
            _driver: driver,
            _profile: profile,
        }
    }

    /// Opens an address.
    pub fn open(&mut self, url: &str) {
        self.session.post("url", &json!({ "url": url }));
    }

    /// What a script returns, which is the body of a function.
    pub fn run(&mut self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.session.post("execute/sync", &body)
    }

    /// Clicks into the middle of the element that a selector finds first.
    pub fn click(&mut self, selector: &str) {
        let element = self.session.element(selector);
        let path = format!("element/{element}/click");
        self.session.post(&path, &json!({}));
    }

    /// Types into an element: letters, and those of [`key`].
    pub fn type_into(&mut self, selector: &str, keys: &str) {
        let element = self.session.element(selector);
        let path = format!("element/{element}/value");
        self.session.post(&path, &json!({ "text": keys }));
    }

    /// Presses the main button at a point of the window, moves to another, and lets go.
    pub fn drag(&mut self, from: (i32, i32), to: (i32, i32)) {
        let at = |(x, y), duration| json!({ "type": "pointerMove", "duration": duration, "x": x, "y": y });
        self.session.act(&json!({
            "type": "pointer",
            "id": "mouse",
            "actions": [
                at(from, 0),
                { "type": "pointerDown", "button": 0 },
                at(to, 100),
                { "type": "pointerUp", "button": 0 },
            ],
        }));
    }

    /// Turns the wheel at a point of the window.
    pub fn wheel(&mut self, (x, y): (i32, i32), by: i32) {
        self.session.act(&json!({
            "type": "wheel",
            "id": "wheel",
            "actions": [
                { "type": "scroll", "x": x, "y": y, "deltaX": 0, "deltaY": by, "duration": 0 },
            ],
        }));
    }

    /// What the browser complains of since the last call: errors of scripts, what a policy refused, what did not load.
    pub fn complaints(&mut self) -> Vec<String> {
        let log = self.session.post("se/log", &json!({ "type": "browser" }));
        let lines = log.as_array().unwrap().iter();
        lines.map(|line| line["message"].to_string()).collect()
    }
}

#[derive(Debug)]
struct Session {
    client: Client,
    path: String,
}

impl Session {
    fn new(address: SocketAddr, profile: &Path) -> Self {
        let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).into();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let mut session = Self {
            client: Client::new(address),
            path: "/session".into(),
        };
        let body = json!({ "capabilities": { "alwaysMatch": wanted } });
        let made = session.post("", &body);
        session.path = format!("/session/{}", made["sessionId"].as_str().unwrap());
        session
    }

    fn post(&mut self, command: &str, body: &Value) -> Value {
        let path = match command {
            "" => self.path.clone(),
            command => format!("{}/{command}", self.path),
        };
        let fields = [("content-type", "application/json")];
        let body = body.to_string();
        let answer = self.client.send("POST", &path, &fields, body.as_bytes());
        let mut answer = answer.unwrap().json();
        assert!(answer["value"]["error"].is_null(), "{command}: {answer}");
        answer["value"].take()
    }

    fn element(&mut self, selector: &str) -> String {
        let body = json!({ "using": "css selector", "value": selector });
        let found = self.post("element", &body);
        let (_, id) = found.as_object().unwrap().iter().next().unwrap();
        id.as_str().unwrap().to_owned()
    }

    fn act(&mut self, device: &Value) {
        self.post("actions", &json!({ "actions": [device] }));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _closed = self.client.send("DELETE", &self.path, &[], b"");
    }
}
