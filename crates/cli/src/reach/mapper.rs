//! HTTP/1.1 with a mapper, on whatever connection leads there.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::request::Builder;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use kube::api::Portforwarder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use super::causes;
use crate::failure::Failure;

/// How long to wait for the first byte of an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the whole map may take: a million edges over a slow line.
const WHOLE: Duration = Duration::from_mins(10);

/// Bytes of a map; a million edges take less than one GiB.
const MAX_ANSWER: usize = 4 << 30;

/// How long a broken port-forward may take to say why.
const WHY: Duration = Duration::from_secs(1);

/// A mapper that was reached.
pub(crate) struct Mapper {
    place: Place,
    sender: SendRequest<Full<Bytes>>,
    /// What carries the connection, where that is a port-forward, and the port.
    forward: Option<(Portforwarder, u16)>,
}

/// Where a mapper is.
pub(super) struct Place {
    /// What messages call it.
    pub(super) name: String,
    /// The host of its requests.
    pub(super) host: String,
    /// What comes before its paths; empty at the root.
    pub(super) folder: String,
    pub(super) token: Option<HeaderValue>,
}

/// What a mapper answered, whatever it is.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    body: Bytes,
}

#[derive(Serialize)]
struct Question<'q, V> {
    #[serde(rename = "operationName")]
    operation: Option<&'q str>,
    query: &'q str,
    variables: V,
}

impl Mapper {
    pub(super) async fn on(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        place: Place,
    ) -> Result<Self, Failure> {
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Failure::run(format!("{}: {}", place.name, causes(&error))))?;
        // Its errors come with the request that meets them.
        tokio::spawn(async move {
            let _told = connection.await;
        });
        Ok(Self {
            place,
            sender,
            forward: None,
        })
    }

    /// The same, on a port-forward.
    pub(super) fn by(mut self, forward: Portforwarder, port: u16) -> Self {
        self.forward = Some((forward, port));
        self
    }

    /// Something failed with this mapper.
    pub(crate) fn failed(&self, what: impl std::fmt::Display) -> Failure {
        Failure::run(format!("{}: {what}", self.place.name))
    }

    /// Fetches what is at a path.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        let response = self.open(path).await?;
        self.read(response).await
    }

    /// Opens what is at a path, to be read as it comes.
    pub(crate) async fn open(&mut self, path: &str) -> Result<Response<Incoming>, Failure> {
        let request = self.request(Method::GET, path);
        self.send(request, Bytes::new()).await
    }

    /// Asks by a GraphQL document.
    pub(crate) async fn ask(
        &mut self,
        operation: Option<&str>,
        query: &str,
        variables: impl Serialize,
    ) -> Result<Answer, Failure> {
        let question = Question {
            operation,
            query,
            variables,
        };
        let body = serde_json::to_vec(&question).map_err(|error| self.failed(error))?;
        let request = self
            .request(Method::POST, "/query")
            .header(CONTENT_TYPE, "application/json");
        let response = self.send(request, body.into()).await?;
        self.read(response).await
    }

    /// Asks, and takes only a good answer.
    pub(crate) async fn answer<T: DeserializeOwned>(
        &mut self,
        operation: Option<&str>,
        query: &str,
        variables: impl Serialize,
    ) -> Result<T, Failure> {
        let answer = self.ask(operation, query, variables).await?;
        data(self, &answer)
    }

    fn request(&self, method: Method, path: &str) -> Builder {
        let uri = format!("{}{path}", self.place.folder);
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(HOST, &self.place.host);
        match &self.place.token {
            Some(token) => request.header(AUTHORIZATION, token),
            None => request,
        }
    }

    async fn send(&mut self, request: Builder, body: Bytes) -> Result<Response<Incoming>, Failure> {
        let request = request
            .body(Full::new(body))
            .map_err(|error| self.failed(error))?;
        match tokio::time::timeout(PATIENCE, self.sender.send_request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                let why = self.why().await.unwrap_or_else(|| causes(&error));
                Err(self.failed(why).with_remedy(RUNS))
            }
            Err(_) => Err(self.failed("no answer within 30 s").with_remedy(RUNS)),
        }
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Answer, Failure> {
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect();
        match tokio::time::timeout(WHOLE, body).await {
            Ok(Ok(body)) => Ok(Answer {
                status,
                body: body.to_bytes(),
            }),
            Ok(Err(error)) => Err(self.failed(format!("the answer breaks off: {error}"))),
            Err(_) => Err(self.failed("the answer took more than 10 minutes")),
        }
    }

    /// What the other end of the port-forward says went wrong.
    async fn why(&mut self) -> Option<String> {
        let (forward, port) = self.forward.as_mut()?;
        let error = forward.take_error(*port)?;
        let said = tokio::time::timeout(WHY, error).await.ok()??;
        Some(format!("the port-forward broke: {}", said.trim()))
    }

    /// The body of a good answer.
    pub(crate) fn well(&self, answer: Answer) -> Result<Bytes, Failure> {
        if answer.status == StatusCode::OK {
            Ok(answer.body)
        } else {
            Err(self.refused(&answer))
        }
    }

    /// What an answer that is not good means.
    pub(crate) fn refused(&self, answer: &Answer) -> Failure {
        let said = String::from_utf8_lossy(&answer.body);
        let said = said.lines().next().unwrap_or_default();
        let failure = self.failed(format!("answered {}: {said}", answer.status));
        match answer.status {
            StatusCode::UNAUTHORIZED => failure.with_remedy(
                "--token-file FILE, with a token of audience `portolan`; by a port-forward none is needed",
            ),
            StatusCode::FORBIDDEN => failure.with_remedy(
                "have the role given to whom the token names (`read`, and `reset` to reset): see docs/access.md",
            ),
            StatusCode::UNPROCESSABLE_ENTITY | StatusCode::NOT_FOUND => {
                failure.with_remedy("is a mapper of this version there? `portolan list` and `portolan export -o clientintents` of an older one: portolan network-mapper")
            }
            _ => failure,
        }
    }
}

const RUNS: &str =
    "look whether the mapper runs: kubectl get pods -A -l app=otterize-network-mapper";

#[derive(Deserialize)]
struct Said<T> {
    data: Option<T>,
    errors: Option<Vec<Complaint>>,
}

#[derive(Deserialize)]
struct Complaint {
    message: String,
}

/// What a good answer to a GraphQL document holds.
pub(crate) fn data<T: DeserializeOwned>(mapper: &Mapper, answer: &Answer) -> Result<T, Failure> {
    let said: Result<Said<T>, _> = serde_json::from_slice(&answer.body);
    match said {
        Ok(Said {
            errors: Some(errors),
            ..
        }) if !errors.is_empty() => {
            let errors: Vec<String> = errors.into_iter().map(|error| error.message).collect();
            Err(mapper.refused(&Answer {
                status: answer.status,
                body: errors.join("; ").into(),
            }))
        }
        _ if answer.status != StatusCode::OK => Err(mapper.refused(answer)),
        Ok(Said {
            data: Some(data), ..
        }) => Ok(data),
        Ok(Said { data: None, .. }) => Err(mapper.failed("the answer holds nothing")),
        Err(error) => Err(mapper
            .failed(format!("what came is no answer: {error}"))
            .with_remedy("is a mapper behind that address?")),
    }
}
