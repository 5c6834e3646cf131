//! The way to the server: a client of the driver's, which lives on threads of its own.
//!
//! The driver needs its runtime for all it does. It gets one that nobody else uses, so that calls from any executor get
//! through, also while the caller's is stuck.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::{SinkExt, StreamExt, stream};
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::options::{ClientOptions, ReturnDocument};
use mongodb::{Client, Database};
use seed::store::Documents;
use seed::{Error, ErrorKind, Result};
use tokio::runtime::Runtime;

use crate::error::{self, Fault, unexpected, unsafe_write};
use crate::options::{Options, limited};
use crate::values::from_raw;

/// After this long without an answer a call is given up.
const SILENT: Duration = Duration::from_secs(15);

/// How many documents a page of a find has.
const PAGE: u32 = 1_000;

/// A way to the server.
pub(crate) struct Link {
    url: String,
    database: Database,
    concern: Document,
    /// What the driver was told, names that were looked up included.
    told: ClientOptions,
    /// Taken only when the link is dropped.
    runtime: Option<Runtime>,
}

/// One document to change: the first that matches.
pub(crate) struct FindAndModify {
    pub(crate) filter: Document,
    pub(crate) order: Document,
    pub(crate) change: Change,
    pub(crate) array_filters: Option<Vec<Document>>,
    pub(crate) returns: ReturnDocument,
}

/// What becomes of a document.
pub(crate) enum Change {
    Update(Document),
    Replace(Document),
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The last handle may be dropped on a thread of somebody's runtime, where nothing may wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Link {
    /// Starts a client. It connects when it is first used.
    pub(crate) async fn start(options: &Options) -> Result<Self> {
        let runtime = new_runtime()?;
        let asked = options.clone();
        let told = run_on(&runtime, &options.shown, async move { asked.for_driver().await }).await;
        let told = told.map_err(|fault| fault.into_error(ErrorKind::Unsupported))?;
        Self::with(options, told, runtime)
    }

    /// Starts another client for the same server.
    pub(crate) fn start_another(&self, options: &Options) -> Result<Self> {
        Self::with(options, self.told.clone(), new_runtime()?)
    }

    fn with(options: &Options, told: ClientOptions, runtime: Runtime) -> Result<Self> {
        let client = {
            let _entered = runtime.enter();
            Client::with_options(told.clone())
        };
        let client = client
            .map_err(|cause| error::of_driver(&options.shown, &cause).into_error(ErrorKind::Unsupported))?;
        Ok(Self {
            url: options.shown.clone(),
            database: client.database(&options.database),
            concern: options.concern.clone(),
            told,
            runtime: Some(runtime),
        })
    }

    fn runtime(&self) -> &Runtime {
        self.runtime
            .as_ref()
            .expect("it is there until the link is dropped")
    }

    /// Sends a command and waits for its answer.
    pub(crate) async fn call(&self, command: Document) -> Result<Document, Fault> {
        self.call_within(command, Some(SILENT)).await
    }

    /// Sends a command that writes, and waits until that is as safe as was asked for.
    pub(crate) async fn write(&self, command: Document) -> Result<Document, Fault> {
        self.write_within(command, Some(SILENT)).await
    }

    /// As [`write`](Self::write), for what takes as long as the collection is large.
    pub(crate) async fn write_patiently(&self, command: Document) -> Result<Document, Fault> {
        self.write_within(command, None).await
    }

    async fn write_within(&self, mut command: Document, limit: Option<Duration>) -> Result<Document, Fault> {
        let concern = match limit {
            Some(_) => limited(&self.concern),
            None => self.concern.clone(),
        };
        command.insert("writeConcern", concern);
        confirmed(self.call_within(command, limit).await?)
    }

    async fn call_within(&self, command: Document, limit: Option<Duration>) -> Result<Document, Fault> {
        self.call_in(self.database.clone(), command, limit).await
    }

    async fn call_in(
        &self,
        database: Database,
        command: Document,
        limit: Option<Duration>,
    ) -> Result<Document, Fault> {
        let work = async move {
            let answer = database.run_command(command);
            match limit {
                Some(limit) => tokio::time::timeout(limit, answer.into_future())
                    .await
                    .ok()
                    .transpose(),
                None => answer.await.map(Some),
            }
        };
        let answer = run_on(self.runtime(), &self.url, work).await?;
        answer.ok_or_else(|| Fault::Store(error::silent(&self.url)))
    }

    /// As [`write`](Self::write), to the server's own database.
    pub(crate) async fn write_admin(&self, mut command: Document) -> Result<Document, Fault> {
        command.insert("writeConcern", limited(&self.concern));
        confirmed(self.call_admin(command).await?)
    }

    /// Sends a command to the server's own database.
    pub(crate) async fn call_admin(&self, command: Document) -> Result<Document, Fault> {
        let admin = self.database.client().database("admin");
        self.call_in(admin, command, Some(SILENT)).await
    }

    /// Sends a command that answers with documents, page by page; `hide` makes of each what its reader may see.
    ///
    /// The documents keep the link: they come to their end also when the store is closed meanwhile.
    pub(crate) fn find(
        self: &Arc<Self>,
        command: Document,
        kind: ErrorKind,
        hide: fn(&mut seed::Document),
    ) -> Documents {
        let (mut tell, found) = mpsc::channel::<Result<Option<seed::Document>>>(PAGE as usize);
        let (database, url) = (self.database.clone(), self.url.clone());
        self.runtime().spawn(async move {
            let mut command = command;
            match command.get_mut("cursor") {
                Some(Bson::Document(cursor)) => cursor.insert("batchSize", PAGE),
                _ => command.insert("batchSize", PAGE),
            };
            let hint = command.remove("hint");
            let hinted = hint.map(|hint| {
                let mut hinted = command.clone();
                hinted.insert("hint", hint);
                hinted
            });
            let asked = hinted.as_ref().unwrap_or(&command).clone();
            let mut opened = database.run_cursor_command(asked).batch_size(PAGE).await;
            // Another process may have taken the index away; what it served is found without it.
            if hinted.is_some() && opened.as_ref().is_err_and(error::is_unknown_hint) {
                opened = database.run_cursor_command(command).batch_size(PAGE).await;
            }
            let mut cursor = match opened {
                Ok(cursor) => cursor.with_type::<RawDocumentBuf>(),
                Err(fault) => {
                    // Whoever asked may have gone.
                    let _ = tell
                        .send(Err(error::of_driver(&url, &fault).into_error(kind)))
                        .await;
                    return;
                }
            };
            while let Some(next) = cursor.next().await {
                let next = match next {
                    Ok(document) => from_raw(&document).map(|mut document| {
                        hide(&mut document);
                        Some(document)
                    }),
                    Err(fault) => Err(error::of_driver(&url, &fault).into_error(kind)),
                };
                let is_last = next.is_err();
                if tell.send(next).await.is_err() || is_last {
                    return;
                }
            }
            // An end that is not told is none.
            let _ = tell.send(Ok(None)).await;
        });
        let link = Arc::clone(self);
        stream::try_unfold((found, link), async |(mut found, link)| {
            match found.next().await {
                Some(Ok(Some(document))) => Ok(Some((document, (found, link)))),
                Some(Ok(None)) => Ok(None),
                Some(Err(fault)) => Err(fault),
                None => Err(closed()),
            }
        })
        .boxed()
    }

    /// Changes one document and returns it, as it was before or as it is after.
    pub(crate) async fn find_and_modify(
        &self,
        collection: &str,
        request: FindAndModify,
    ) -> Result<Option<seed::Document>, Fault> {
        let collection = self.database.collection::<RawDocumentBuf>(collection);
        let FindAndModify {
            filter,
            order,
            change,
            array_filters,
            returns,
        } = request;
        let work = async move {
            match change {
                Change::Update(update) => {
                    let mut asked = collection.find_one_and_update(filter, update).sort(order);
                    if let Some(filters) = array_filters {
                        asked = asked.array_filters(filters);
                    }
                    asked.return_document(returns).await
                }
                Change::Replace(replacement) => {
                    let replacement = RawDocumentBuf::try_from(&replacement)?;
                    let asked = collection.find_one_and_replace(filter, replacement).sort(order);
                    asked.return_document(returns).await
                }
            }
        };
        let work = async { tokio::time::timeout(SILENT, work).await.ok().transpose() };
        let changed: Option<Option<RawDocumentBuf>> = run_on(self.runtime(), &self.url, work).await?;
        let changed = changed.ok_or_else(|| Fault::Store(error::silent(&self.url)))?;
        let read = changed.map(|document| from_raw(&document));
        read.transpose().map_err(Fault::Store)
    }

    /// Asks the server what it is.
    pub(crate) async fn hello(&self) -> Result<Document, Fault> {
        self.call_admin(doc! { "hello": 1 }).await
    }

    /// Runs something on the threads of the link for as long as it takes.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime().spawn(work);
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }
}

/// Makes a runtime with a thread of its own.
fn new_runtime() -> Result<Runtime> {
    let failed = |cause: std::io::Error| {
        let what = "a thread for the connection cannot be started";
        Error::new(ErrorKind::Unavailable, what).with_source(cause)
    };
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("seed-mongo")
        .enable_all()
        .build()
        .map_err(failed)
}

/// Does something on a runtime, and waits for it on whatever executor the caller has.
async fn run_on<T: Send + 'static>(
    runtime: &Runtime,
    url: &str,
    work: impl Future<Output = Result<T, mongodb::error::Error>> + Send + 'static,
) -> Result<T, Fault> {
    let (tell, done) = oneshot::channel();
    runtime.spawn(async move {
        // Whoever asked may have gone; what was asked is done all the same.
        let _ = tell.send(work.await);
    });
    match done.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(fault)) => Err(error::of_driver(url, &fault)),
        Err(_) => Err(Fault::Store(closed())),
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Unavailable, "the store is closed")
}

/// Looks whether a write is as safe as was asked for.
fn confirmed(answer: Document) -> Result<Document, Fault> {
    match answer.get_document("writeConcernError") {
        Ok(fault) => {
            let message = fault.get_str("errmsg").unwrap_or_default();
            Err(Fault::Store(unsafe_write(message)))
        }
        Err(_) => Ok(answer),
    }
}

/// Reads a count from an answer.
pub(crate) fn count(answer: &Document, name: &str) -> Result<u64> {
    let number = match answer.get(name) {
        Some(Bson::Int32(number)) => u64::try_from(*number).ok(),
        Some(Bson::Int64(number)) => u64::try_from(*number).ok(),
        Some(Bson::Double(number)) if *number >= 0.0 => Some(*number as u64),
        _ => None,
    };
    number.ok_or_else(|| unexpected(name))
}

/// Returns the documents of an array in an answer; none if it is not there.
pub(crate) fn documents<'a>(answer: &'a Document, name: &str) -> impl Iterator<Item = &'a Document> {
    answer
        .get_array(name)
        .into_iter()
        .flatten()
        .filter_map(Bson::as_document)
}
