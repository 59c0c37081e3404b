//! Commands in containers (Kubernetes API reference, pods, `exec`), and what they write.
//!
//! The service account needs `create` on `pods/exec`; API servers before 1.35 ask for `get` where, as here, it is by websocket.

use std::fmt;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::AttachParams;
use kube::{Api, Client};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::request::{connection, short};

/// Bytes that wait to be taken: what the API server sends at a time.
const BUFFER: usize = 32 << 10;

/// What is kept of what a command complains of.
const MAX_COMPLAINT: usize = 4 << 10;

/// Runs commands; a cheap handle.
#[derive(Clone)]
pub struct Commands(Client);

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commands")
    }
}

/// What is run, and where.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    /// The pod's namespace.
    pub namespace: &'a str,
    /// The pod's name.
    pub pod: &'a str,
    /// The container's name.
    pub container: &'a str,
    /// The program and its arguments. No shell reads them.
    pub words: &'a [&'a str],
}

/// Why a command did not run to a good end.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The service account lacks the right.
    #[error(
        "commands may not be run in it: let the service account create and get pods/exec there: {0}"
    )]
    Forbidden(String),
    /// The API server, or the kubelet behind it, did not start it.
    #[error("no command is run in it: {0}")]
    Refused(String),
    /// It ended badly, or there is no such program.
    #[error("the command failed: {0}")]
    Failed(String),
    /// The connection ended before the command did.
    #[error("what the command wrote breaks off")]
    Broken,
    /// Whoever takes what it writes wants no more.
    #[error("the command was left")]
    Left,
}

impl Commands {
    /// By this client.
    pub const fn new(client: Client) -> Self {
        Self(client)
    }

    /// Runs a command, and gives what it writes piece by piece as it comes, as long as `piece` says that it goes on. May be
    /// dropped at any point; there is no limit of time here.
    pub async fn run(
        &self,
        command: &Command<'_>,
        piece: &mut (impl FnMut(&[u8]) -> bool + Send),
    ) -> Result<(), CommandError> {
        let pods: Api<Pod> = Api::namespaced(self.0.clone(), command.namespace);
        let streams = AttachParams {
            container: Some(command.container.to_owned()),
            max_stdout_buf_size: Some(BUFFER),
            ..AttachParams::default()
        };
        let opened = pods.exec(command.pod, command.words.iter().copied(), &streams);
        let mut process = opened.await.map_err(|error| refused(&error))?;
        let ended = process.take_status();
        let (written, complained) = (process.stdout(), process.stderr());
        // Both are read at once, as the one waits behind the other.
        let ((), complaint) = tokio::try_join!(
            async {
                each(written, piece)
                    .await
                    .then_some(())
                    .ok_or(CommandError::Left)
            },
            async { Ok(kept(complained).await) },
        )?;
        let status = match ended {
            Some(ended) => ended.await,
            None => None,
        };
        verdict(status.as_ref(), &complaint)
    }
}

/// Whether all was wanted.
async fn each(
    from: Option<impl AsyncRead + Unpin>,
    piece: &mut (impl FnMut(&[u8]) -> bool + Send),
) -> bool {
    let Some(mut from) = from else { return true };
    let mut bytes = vec![0; BUFFER];
    // It fails only where it has ended.
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        if !piece(bytes.get(..length).unwrap_or_default()) {
            return false;
        }
    }
    true
}

async fn kept(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let _goes_on = each(from, &mut |bytes| {
        let room = MAX_COMPLAINT.saturating_sub(kept.len());
        kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        true
    })
    .await;
    kept
}

fn refused(error: &kube::Error) -> CommandError {
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            CommandError::Forbidden(short(&status.message))
        }
        kube::Error::Api(status) => CommandError::Refused(short(&status.message)),
        other => CommandError::Refused(connection(other).to_string()),
    }
}

/// The last word comes on a channel of its own (Kubernetes' `remotecommand`, channel 3): none says that it broke off.
fn verdict(status: Option<&Status>, complaint: &[u8]) -> Result<(), CommandError> {
    let status = status.ok_or(CommandError::Broken)?;
    if status.status.as_deref() == Some("Success") {
        return Ok(());
    }
    let message = status.message.as_deref().unwrap_or("without saying why");
    let complaint = String::from_utf8_lossy(complaint);
    Err(CommandError::Failed(short(&format!(
        "{message}: {}",
        complaint.trim()
    ))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str) -> Status {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn only_a_good_end_is_one() {
        assert!(verdict(Some(&status(r#"{"status":"Success"}"#)), b"a warning").is_ok());
        assert!(matches!(verdict(None, b""), Err(CommandError::Broken)));
        let failed = status(r#"{"status":"Failure","message":"exit code 7"}"#);
        let said = verdict(Some(&failed), b"no such \xff path\n").unwrap_err();
        assert_eq!(
            said.to_string(),
            "the command failed: exit code 7: no such \u{fffd} path"
        );
    }

    #[tokio::test]
    async fn who_wants_no_more_gets_no_more_and_complaints_are_cut() {
        let mut pieces = 0;
        let endless = tokio::io::repeat(b'x');
        assert!(
            !each(Some(endless), &mut |_| {
                pieces += 1;
                pieces < 3
            })
            .await
        );
        assert_eq!(pieces, 3);
        let long = vec![b'x'; MAX_COMPLAINT + 9];
        assert_eq!(kept(Some(&*long)).await.len(), MAX_COMPLAINT);
    }
}
