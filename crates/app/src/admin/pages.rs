//! What is answered to a request.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::health::{self, Health};
use crate::metrics::{self, Metrics};

const TEXT: &str = "text/plain; charset=utf-8";

/// Which pages there are.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    /// `/metrics`.
    pub metrics: Option<Metrics>,
    /// `/healthz` and `/readyz`.
    pub health: Option<Health>,
}

impl Pages {
    /// `/metrics` only.
    pub fn metrics(metrics: &Metrics) -> Self {
        Self {
            metrics: Some(metrics.clone()),
            health: None,
        }
    }

    /// `/healthz` and `/readyz` only.
    pub fn health(health: &Health) -> Self {
        Self {
            metrics: None,
            health: Some(health.clone()),
        }
    }

    /// `/metrics` too.
    #[must_use]
    pub fn and_metrics(self, metrics: &Metrics) -> Self {
        Self {
            metrics: Some(metrics.clone()),
            ..self
        }
    }

    pub(super) fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = page(
                StatusCode::METHOD_NOT_ALLOWED,
                TEXT,
                "only GET and HEAD\n".to_owned(),
            );
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match (request.uri().path(), &self.metrics, &self.health) {
            ("/metrics", Some(metrics), _) => {
                page(StatusCode::OK, metrics::CONTENT_TYPE, metrics.text())
            }
            ("/healthz", _, Some(health)) => probe(health.alive()),
            ("/readyz", _, Some(health)) => probe(health.ready()),
            _ => page(StatusCode::NOT_FOUND, TEXT, "no such page\n".to_owned()),
        }
    }
}

fn probe(answer: health::Answer) -> Response<Full<Bytes>> {
    let status = if answer.ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    page(status, TEXT, answer.text)
}

fn page(status: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
