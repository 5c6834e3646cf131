//! The way to the server: a connection, made anew whenever it is lost.
//!
//! It lives on a thread of its own with a small runtime, so that calls from any executor get through however busy that is;
//! or on the caller's runtime, where a call wakes no other thread. A connection that is lost takes everything on its way
//! with it, as unavailable: nothing waits in a queue and is carried out behind its caller's back once the server is back.
//! The next connection is tried at once, then again and again with short pauses.

use std::sync::Arc;
use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::{ClientLike, EventInterface};
use fred::types::config::{ConnectionConfig, PerformanceConfig, TcpConfig, UnresponsiveConfig};
use fred::types::{ClusterHash, CustomCommand, Resp3Frame, Value};
use futures::future::{BoxFuture, Either, select};
use seed::{Error, ErrorKind, Result};
use tokio::sync::watch;
use tokio::task::unconstrained;

use crate::error;
use crate::options::Options;

/// How long a connection may take to be made, and the server to answer the first words.
const CONNECT: Duration = Duration::from_secs(3);

/// After this long without an answer a connection is given up.
const SILENT: Duration = Duration::from_secs(15);

/// The pauses between attempts to connect: the first after one failed, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// What is done with each new connection before it is used.
pub(crate) type Prepare = Box<dyn Fn(Client) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Where a connection lives.
#[derive(Debug)]
pub(crate) enum Place {
    /// On a thread of its own, of this name.
    Thread(&'static str),
    /// On the caller's runtime.
    Runtime(tokio::runtime::Handle),
}

/// A way to the server.
#[derive(Debug)]
pub(crate) struct Link {
    url: String,
    state: watch::Receiver<State>,
    /// The connection ends when this is gone.
    _open: watch::Sender<()>,
}

#[derive(Clone, Debug)]
enum State {
    /// A connection is being made; there was one, or none yet.
    Connecting,
    Up(Arc<Session>),
    /// The last attempt failed for this reason; the next one comes soon.
    Down(Error),
}

/// One connection, as long as it lasts.
#[derive(Debug)]
pub(crate) struct Session {
    client: Client,
    is_over: watch::Receiver<bool>,
}

impl Link {
    /// Begins to keep a connection; `prepare` is done with each before it is used.
    pub(crate) fn start(options: &Options, place: Place, prepare: Prepare) -> Result<Self> {
        let (tell, state) = watch::channel(State::Connecting);
        let (open, is_open) = watch::channel(());
        let keeper = Keeper {
            options: options.clone(),
            prepare,
            tell,
        };
        match place {
            Place::Thread(name) => start_thread(name, keeper.keep(is_open))?,
            Place::Runtime(runtime) => drop(runtime.spawn(keeper.keep(is_open))),
        }
        Ok(Self {
            url: options.shown.clone(),
            state,
            _open: open,
        })
    }

    /// Waits for the first connection.
    pub(crate) async fn ready(&self) -> Result<()> {
        self.session().await.map(drop)
    }

    /// Sends a command to the node that has a slot, or to any, and waits for its answer.
    pub(crate) async fn call(
        &self,
        command: &'static str,
        slot: Option<u16>,
        arguments: Vec<Value>,
    ) -> Result<Resp3Frame> {
        let hash = slot.map_or(ClusterHash::Random, ClusterHash::Custom);
        let command = CustomCommand::new_static(command, hash, false);
        let answer = self
            .run(|client| async move { client.custom_raw(command, arguments).await })
            .await?;
        match answer {
            Resp3Frame::SimpleError { data, .. } => Err(error::of_answer(&self.url, &data)),
            Resp3Frame::BlobError { data, .. } => {
                Err(error::of_answer(&self.url, &String::from_utf8_lossy(&data)))
            }
            frame => Ok(frame),
        }
    }

    /// Does something with the connection that is there; fails as unavailable once it is lost.
    pub(crate) async fn run<T, F>(&self, work: impl FnOnce(Client) -> F) -> Result<T>
    where
        F: Future<Output = Result<T, fred::error::Error>>,
    {
        let session = self.session().await?;
        let mut is_over = session.is_over.clone();
        let work = std::pin::pin!(work(session.client.clone()));
        let over = std::pin::pin!(is_over.wait_for(|is_over| *is_over));
        let lost = || fred::error::Error::new(fred::error::ErrorKind::IO, "Connection closed.");
        // A caller may drive this by an executor of its own on a thread of tokio's. That wakes what has used up its turn
        // only when it has the thread back, which the caller does not give.
        let done = match unconstrained(select(work, over)).await {
            Either::Left((done, _)) => done,
            Either::Right(_) => Err(lost()),
        };
        done.map_err(|cause| error::of_driver(&self.url, &cause))
    }

    async fn session(&self) -> Result<Arc<Session>> {
        if let State::Up(session) = &*self.state.borrow() {
            return Ok(Arc::clone(session));
        }
        let mut state = self.state.clone();
        let settled = unconstrained(state.wait_for(|state| !matches!(state, State::Connecting))).await;
        match settled.as_deref() {
            Ok(State::Up(session)) => Ok(Arc::clone(session)),
            Ok(State::Down(fault)) => Err(fault.clone()),
            Ok(State::Connecting) | Err(_) => Err(error::of_driver(
                &self.url,
                &fred::error::Error::new(fred::error::ErrorKind::IO, "The store is closed."),
            )),
        }
    }

    /// Tells whether there is a connection, as far as is known.
    pub(crate) fn is_up(&self) -> bool {
        matches!(&*self.state.borrow(), State::Up(_))
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

fn start_thread(name: &str, work: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    let failed = |cause: std::io::Error| {
        Error::new(
            ErrorKind::Unavailable,
            "a thread for the connection cannot be started",
        )
        .with_source(cause)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || runtime.block_on(work))
        .map(drop)
        .map_err(failed)
}

/// Keeps the connection.
struct Keeper {
    options: Options,
    prepare: Prepare,
    tell: watch::Sender<State>,
}

impl Keeper {
    async fn keep(self, mut is_open: watch::Receiver<()>) {
        let mut pause = Duration::ZERO;
        loop {
            let attempt = self.connect_once();
            let closed = async { while is_open.changed().await.is_ok() {} };
            match select(std::pin::pin!(attempt), std::pin::pin!(closed)).await {
                // There was a connection, so that the next one may be there at once.
                Either::Left((Ok(()), _)) => pause = Duration::ZERO,
                Either::Left((Err(fault), _)) => {
                    self.tell.send_replace(State::Down(fault));
                    pause = (pause * 2).clamp(PAUSES.0, PAUSES.1);
                }
                Either::Right(_) => return,
            }
            if !pause.is_zero() {
                let closed = async { while is_open.changed().await.is_ok() {} };
                let slept = tokio::time::timeout(pause, closed).await;
                if slept.is_ok() {
                    return;
                }
            }
        }
    }

    /// Makes a connection and waits until it is lost.
    async fn connect_once(&self) -> Result<()> {
        let url = &self.options.shown;
        let client = self.new_client();
        let mut unresponsive = client.unresponsive_rx();
        let task = client
            .init()
            .await
            .map_err(|cause| error::of_connecting(url, &cause))?;
        let (end, is_over) = watch::channel(false);
        let prepared = (self.prepare)(client.clone());
        if let Err(fault) = prepared.await {
            drop(client.quit().await);
            return Err(fault);
        }
        self.tell.send_replace(State::Up(Arc::new(Session {
            client: client.clone(),
            is_over,
        })));
        // The task ends with the connection, for it has no policy to make another.
        let silence = async {
            if unresponsive.recv().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        drop(select(std::pin::pin!(task), std::pin::pin!(silence)).await);
        self.tell.send_replace(State::Connecting);
        end.send_replace(true);
        Ok(())
    }

    fn new_client(&self) -> Client {
        let connection = ConnectionConfig {
            connection_timeout: CONNECT,
            internal_command_timeout: CONNECT,
            max_command_attempts: 1,
            unresponsive: UnresponsiveConfig {
                max_timeout: Some(SILENT),
                interval: Duration::from_secs(1),
            },
            tcp: TcpConfig {
                nodelay: Some(true),
                ..TcpConfig::default()
            },
            ..ConnectionConfig::default()
        };
        let performance = PerformanceConfig {
            broadcast_channel_capacity: 4_096,
            ..PerformanceConfig::default()
        };
        Client::new(
            self.options.config.clone(),
            Some(performance),
            Some(connection),
            None,
        )
    }
}
