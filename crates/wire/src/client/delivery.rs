//! The task that delivers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::answer::{Verdict, to_question, to_report};
use super::backoff::Backoff;
use super::batch::Batch;
use super::body;
use super::connection::{Answer, Connection};
use super::failure::Failure;
use super::folder::Folder;
use super::keeping::Keeping;
use super::limits::{CONNECT_TIME, LAST_WRITES, MAX_BATCH_BYTES};
use super::settings::{MapperUrl, Settings, SettingsError};
use super::shared::Shared;
use super::stats::Reason;
use super::tls::Trust;
use super::token::Token;
use crate::Known;

/// Delivers what is offered to a [`Reporter`](super::Reporter).
#[derive(Debug)]
pub struct Delivery {
    shared: Arc<Shared>,
    mapper: Mapper,
    keeping: Option<Keeping>,
    ending: watch::Receiver<Option<Instant>>,
    done: watch::Sender<bool>,
    backoff: Backoff,
}

/// The mapper, and the connection to it.
#[derive(Debug)]
struct Mapper {
    url: MapperUrl,
    timeout: Duration,
    trust: Option<Trust>,
    token: Option<Token>,
    connection: Option<Connection>,
}

/// What to do before the next request.
#[derive(Debug)]
enum Next {
    AtOnce,
    Wait(Option<Duration>),
}

/// What a request has brought.
#[derive(Debug)]
enum Sent {
    /// Of so many items, the verdict of that map.
    Judged(usize, Verdict, Option<String>),
    /// The mapper has no place for anything in it: it was not sent.
    NoPlace,
}

impl Delivery {
    pub(super) fn new(
        settings: Settings,
        shared: Arc<Shared>,
        (ending, done): (watch::Receiver<Option<Instant>>, watch::Sender<bool>),
        seed: u64,
    ) -> Result<Self, SettingsError> {
        let Settings {
            mapper: url,
            timeout,
            token_file,
            ca_file,
            memory: _,
            folder,
        } = settings;
        let trust = match ca_file.filter(|_| url.tls) {
            Some(path) => Some(
                Trust::new(path, &url.host)
                    .map_err(|error| SettingsError::Tls(format!("{}: {error}", url.host)))?,
            ),
            None if url.tls => return Err(SettingsError::NoAuthority(url)),
            None => None,
        };
        if !url.tls && token_file.is_some() {
            tracing::warn!(%url, "the token is not sent: without TLS everybody on the way could read it");
        }
        let started = (shared.now)();
        let keeping = folder
            .map(|folder| Keeping::new(Arc::clone(&shared), Folder::new(folder.path, started)));
        Ok(Self {
            shared,
            mapper: Mapper {
                token: token_file.filter(|_| url.tls).map(Token::new),
                url,
                timeout,
                trust,
                connection: None,
            },
            keeping,
            ending,
            done,
            backoff: Backoff::new(seed),
        })
    }

    /// Delivers until [`Reporter::flush`](super::Reporter::flush), or until all handles are gone.
    pub async fn run(mut self) {
        let keeping = self.keeping.clone();
        let ending = self.ending.clone();
        let work = async {
            if let Some(keeping) = &keeping {
                keeping.recover().await;
            }
            let write = async {
                match &keeping {
                    Some(keeping) => keeping.write().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.deliver() => {}
                () = write => {}
            }
        };
        tokio::select! {
            () = work => {}
            () = is_over(ending) => {}
        }
        self.end().await;
    }

    /// What is left is put into the folder, or is lost.
    async fn end(&self) {
        self.shared.spool.lock().again(false);
        if let Some(keeping) = &self.keeping {
            self.shared.spool.lock().close_file();
            if timeout(LAST_WRITES, keeping.write_all()).await.is_err() {
                tracing::warn!("the spool folder takes too long: what is not in it yet is lost");
            }
        }
        let mut spool = self.shared.spool.lock();
        spool.end();
        let stats = spool.stats();
        drop(spool);
        let (lost, kept) = (stats.dropped(Reason::Ended), stats.held);
        if lost > 0 || kept > 0 {
            tracing::warn!(lost, kept, "not all could be delivered");
        }
        self.done.send_replace(true);
    }

    /// Delivers until nothing is left at the end.
    async fn deliver(&mut self) {
        loop {
            if let Some(keeping) = &self.keeping {
                keeping.load().await;
            }
            let most_bytes = self.mapper.most_bytes();
            let batch = {
                let mut spool = self.shared.spool.lock();
                spool.expire((self.shared.now)());
                spool.take(most_bytes)
            };
            if let Some(batch) = batch {
                let next = self.send(&batch).await;
                // What comes back may be more than the memory should hold.
                self.shared.look_at_memory();
                if let Next::Wait(asked) = next {
                    let wait = self.backoff.wait(asked);
                    self.pause(wait).await;
                }
                continue;
            }
            let (is_empty, has_file) = {
                let spool = self.shared.spool.lock();
                (spool.is_empty(), spool.has_file_to_do())
            };
            if is_empty && self.is_ending() {
                return;
            }
            if !has_file {
                self.more().await;
            }
        }
    }

    /// Waits for something to deliver, or the end.
    async fn more(&mut self) {
        tokio::select! {
            () = self.shared.more.notified() => {}
            () = begins(&mut self.ending) => {}
        }
    }

    fn is_ending(&self) -> bool {
        self.ending.borrow().is_some()
    }

    /// Waits for that time; the end cuts it short, once.
    async fn pause(&mut self, time: Duration) {
        tokio::select! {
            () = sleep(time) => {}
            () = begins(&mut self.ending) => {}
        }
    }

    /// Sends what is in flight, and tells the spool what became of it.
    async fn send(&mut self, batch: &Batch) -> Next {
        match self.mapper.report(batch).await {
            Ok(Sent::Judged(items, Verdict::Taken, map)) => {
                // First: whoever sees that it was delivered must not miss that the map is another one.
                self.shared.taken_by(map);
                let unknown = batch.items.saturating_sub(items);
                self.shared
                    .spool
                    .lock()
                    .delivered(unknown, (self.shared.now)());
                self.recovered();
                Next::AtOnce
            }
            Ok(Sent::NoPlace) => {
                self.shared.spool.lock().give_up(Reason::Unknown);
                Next::AtOnce
            }
            Ok(Sent::Judged(_, verdict, _)) => self.not_taken(batch, verdict),
            Err(failure) => {
                // Whatever is on the connection now belongs to this request.
                self.mapper.connection = None;
                self.again(&failure.to_string(), None)
            }
        }
    }

    fn not_taken(&mut self, batch: &Batch, verdict: Verdict) -> Next {
        match verdict {
            Verdict::Taken => Next::AtOnce,
            Verdict::Again {
                why,
                after,
                is_token,
            } => {
                if is_token && let Some(token) = &mut self.mapper.token {
                    token.refused();
                }
                self.again(&why, after)
            }
            // Perhaps the mapper was replaced by one that knows less: it is asked again, once for each batch.
            Verdict::Refused { status: 422, .. } if !batch.is_suspect => {
                if let Some(connection) = &mut self.mapper.connection {
                    connection.known = None;
                }
                self.shared.spool.lock().again(true);
                Next::AtOnce
            }
            Verdict::Refused { why, .. } => self.halve(Reason::Refused, &why),
            Verdict::Large { why } => {
                if let Some(connection) = &mut self.mapper.connection {
                    let half = batch.json.len() / 2;
                    connection.most_bytes = connection.most_bytes.min(half);
                }
                self.halve(Reason::Large, &why)
            }
        }
    }

    /// To be sent again after a while.
    fn again(&self, why: &str, after: Option<Duration>) -> Next {
        self.shared.spool.lock().again(false);
        if self.shared.failed(why) {
            tracing::warn!("reports are held until the mapper takes them: {why}");
        }
        Next::Wait(after)
    }

    /// To be sent in two halves at once, so that what is good in it gets through; what has no halves is dropped.
    fn halve(&self, reason: Reason, why: &str) -> Next {
        if self.shared.spool.lock().halve() {
            return Next::AtOnce;
        }
        self.shared.spool.lock().give_up(reason);
        self.shared.refused(why);
        tracing::warn!(
            reason = reason.label(),
            "the mapper refuses an item, which is dropped: {why}"
        );
        Next::AtOnce
    }

    fn recovered(&mut self) {
        self.backoff.reset();
        if self.shared.is_well() {
            tracing::info!(mapper = %self.mapper.url, "the mapper takes reports again");
        }
    }
}

impl Mapper {
    fn most_bytes(&self) -> usize {
        let connection = self.connection.as_ref();
        connection.map_or(MAX_BATCH_BYTES, |connection| connection.most_bytes)
    }

    /// Sends a batch, over a new connection if need be.
    async fn report(&mut self, batch: &Batch) -> Result<Sent, Failure> {
        let known = match self.known().await? {
            Ok(known) => known,
            Err(verdict) => return Ok(Sent::Judged(0, verdict, None)),
        };
        let body = batch.body(&known).map_err(Failure::Spooled)?;
        let Some((body, items)) = body else {
            return Ok(Sent::NoPlace);
        };
        let answer = self.post(body).await?;
        let verdict = to_report(batch.kind, &answer);
        Ok(Sent::Judged(items, verdict, answer.map))
    }

    /// What the mapper knows: it is asked on each new connection.
    async fn known(&mut self) -> Result<Result<Arc<Known>, Verdict>, Failure> {
        self.connect().await?;
        let connection = self.connection.as_ref();
        if let Some(known) = connection.and_then(|connection| connection.known.clone()) {
            return Ok(Ok(known));
        }
        let answer = self.post(body::known_fields()).await?;
        let known = to_question(&answer).map(Arc::new);
        if let (Some(connection), Ok(known)) = (&mut self.connection, &known) {
            connection.known = Some(Arc::clone(known));
        }
        Ok(known)
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        if self
            .connection
            .as_ref()
            .is_some_and(|open| !open.is_closed())
        {
            return Ok(());
        }
        self.connection = None;
        let open = Connection::open(&self.url, self.trust.as_mut());
        let late = |_| Failure::ConnectTime {
            url: self.url.clone(),
            within: CONNECT_TIME,
        };
        self.connection = Some(timeout(CONNECT_TIME, open).await.map_err(late)??);
        Ok(())
    }

    async fn post(&mut self, body: Bytes) -> Result<Answer, Failure> {
        let token: Option<HeaderValue> = match &mut self.token {
            Some(token) => Some(token.header().await?),
            None => None,
        };
        self.connect().await?;
        let Some(connection) = &mut self.connection else {
            return Err(Failure::Ends);
        };
        let answer = connection.post(&self.url, token, body);
        let late = |_| Failure::Time {
            url: self.url.clone(),
            within: self.timeout,
        };
        timeout(self.timeout, answer).await.map_err(late)?
    }
}

/// Waits until the end begins, if it has not.
async fn begins(ending: &mut watch::Receiver<Option<Instant>>) {
    // An error says that all handles are gone: then `is_over` has ended all of this.
    if ending.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits for the end, and for the time that was given until then.
async fn is_over(mut ending: watch::Receiver<Option<Instant>>) {
    let end = match ending.wait_for(Option::is_some).await {
        Ok(end) => *end,
        // All handles are gone.
        Err(_) => None,
    };
    if let Some(end) = end {
        tokio::time::sleep_until(end).await;
    }
}
