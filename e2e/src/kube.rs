//! The API server, through `kubectl proxy`: plain HTTP on loopback, with the administrator's rights.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::bed;
use crate::http::{Answer, Client};

/// A running proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    process: Child,
    address: SocketAddr,
}

impl Proxy {
    /// Starts one.
    pub fn start() -> Self {
        let mut process = Command::new(bed::variable("KUBECTL"))
            .args(["proxy", "--port=0", "--disable-filter=true"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap();
        Self {
            process,
            address: address.parse().unwrap(),
        }
    }

    /// A client of its own connection.
    pub fn client(&self) -> Kube {
        Kube(Client::new(self.address))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _code = self.process.wait();
    }
}

/// A client of the API server.
#[derive(Debug)]
pub struct Kube(Client);

/// The path of a resource in a namespace, such as `pods` or `apis/apps/v1/deployments`.
pub fn path(namespace: &str, resource: &str, name: &str) -> String {
    let (group, plural) = resource.rsplit_once('/').unwrap_or(("api/v1", resource));
    let scope = if namespace.is_empty() {
        String::new()
    } else {
        format!("/namespaces/{namespace}")
    };
    let name = if name.is_empty() {
        String::new()
    } else {
        format!("/{name}")
    };
    format!("/{group}{scope}/{plural}{name}")
}

impl Kube {
    /// One request with a JSON body.
    pub fn send(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let kind = if method == "PATCH" {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let fields = [("content-type", kind)];
        let body = body.to_string();
        self.0
            .send(method, path, &fields, body.as_bytes())
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Creates an object, and gives its UID.
    pub fn create(&mut self, namespace: &str, resource: &str, object: &Value) -> String {
        let answer = self.send("POST", &path(namespace, resource, ""), object);
        assert_eq!(answer.status, 201, "{object}\n{}", answer.text());
        answer.json()["metadata"]["uid"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Sets the status of an object.
    pub fn set_status(&mut self, namespace: &str, resource: &str, name: &str, status: &Value) {
        let path = path(namespace, resource, name) + "/status";
        let answer = self.send("PATCH", &path, &json!({ "status": status }));
        assert_eq!(answer.status, 200, "{path} {status}\n{}", answer.text());
    }

    /// Deletes an object, with so many seconds of grace.
    pub fn delete(&mut self, namespace: &str, resource: &str, name: &str, grace: u32) {
        let path = path(namespace, resource, name);
        let answer = self.send("DELETE", &path, &json!({"gracePeriodSeconds": grace}));
        assert!(answer.status < 300, "{path}\n{}", answer.text());
    }

    /// A namespace in which pods can be made; whatever an earlier one of this name held is not looked at.
    pub fn namespace(&mut self, name: &str) {
        self.create("", "namespaces", &json!({"metadata": {"name": name}}));
        let account = json!({"metadata": {"name": "default"}});
        self.create(name, "serviceaccounts", &account);
    }
}
