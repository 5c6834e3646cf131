//! Where the server is, and how it is spoken to.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::{Acknowledgment, ClientOptions, ConnectionString, WriteConcern};
use seed::clock::Clock;
use seed::store::url::without_password;
use seed::{Error, ErrorKind, Result};

/// The database of a URL that names none.
const DATABASE: &str = "seed";

/// How long it may take to reach a server.
const CONNECT: Duration = Duration::from_secs(3);

/// How long the other members have to confirm a write, unless the URL says otherwise.
const CONFIRMED: Duration = Duration::from_secs(10);

/// How many connections are made at the most; each call takes one for itself.
const CONNECTIONS: u32 = 16;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    connection: ConnectionString,
    /// The URL as it may be shown.
    pub(crate) shown: String,
    pub(crate) database: String,
    pub(crate) clock: Option<Arc<dyn Clock>>,
    /// What a write waits for.
    pub(crate) concern: Document,
}

impl Options {
    /// Reads a URL: `mongodb://USER:PASSWORD@HOST:PORT/DATABASE` or `mongodb+srv://…`, with the options that MongoDB's
    /// drivers know behind a question mark.
    ///
    /// The database is `seed` if none is named. A write waits for a majority of the members and their journals, unless
    /// `w` and `journal` say something else.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if it is another URL or one that cannot be read, or if `w=0` asks for writes that
    /// nobody confirms.
    pub fn from_url(url: &str) -> Result<Self> {
        let shown = without_password(url);
        let refused = |what: &str| Error::new(ErrorKind::Unsupported, format!("{shown:?} {what}"));
        if !url.starts_with("mongodb://") && !url.starts_with("mongodb+srv://") {
            return Err(refused(
                "is not the URL of a MongoDB server: write mongodb://HOST:PORT/DATABASE",
            ));
        }
        let connection = ConnectionString::parse(url)
            // The cause may tell the password.
            .map_err(|_| refused("cannot be read: write mongodb://USER:PASSWORD@HOST:PORT/DATABASE"))?;
        let concern = concern(connection.write_concern.as_ref()).ok_or_else(|| {
            refused("asks for writes that nobody confirms, which loses jobs: leave out `w=0`")
        })?;
        let database = connection.default_database.clone();
        Ok(Self {
            database: database.unwrap_or_else(|| DATABASE.to_owned()),
            connection,
            shown,
            clock: None,
            concern,
        })
    }

    /// Uses a clock of the caller's in place of the server's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Uses another database than the URL names. Stores with different databases know nothing of each other.
    #[must_use]
    pub fn database(mut self, name: &str) -> Self {
        name.clone_into(&mut self.database);
        self
    }

    /// Returns what a write waits for, as the driver has it.
    fn write_concern(&self) -> WriteConcern {
        let mut concern = self.connection.write_concern.clone().unwrap_or_default();
        concern.w.get_or_insert(Acknowledgment::Majority);
        concern.journal.get_or_insert(true);
        concern.w_timeout.get_or_insert(CONFIRMED);
        concern
    }

    /// Returns what the driver is told. This looks names up where the URL asks for it.
    pub(crate) async fn for_driver(&self) -> Result<ClientOptions, mongodb::error::Error> {
        let mut options = ClientOptions::parse(self.connection.clone()).await?;
        options.server_selection_timeout.get_or_insert(CONNECT);
        options.connect_timeout.get_or_insert(CONNECT);
        options.max_pool_size.get_or_insert(CONNECTIONS);
        options.write_concern = Some(self.write_concern());
        options.app_name.get_or_insert_with(|| "seed".to_owned());
        Ok(options)
    }
}

/// Returns what a write waits for; none if that is nothing.
fn concern(asked: Option<&WriteConcern>) -> Option<Document> {
    let w = match asked.and_then(|asked| asked.w.as_ref()) {
        None | Some(Acknowledgment::Majority) => Bson::from("majority"),
        Some(Acknowledgment::Nodes(0)) => return None,
        Some(Acknowledgment::Nodes(nodes)) => Bson::from(i64::from(*nodes)),
        Some(Acknowledgment::Custom(name)) => Bson::from(name.as_str()),
        // A kind that a later driver knows, and that is at least as safe as it says.
        Some(_) => Bson::from("majority"),
    };
    let journal = asked.and_then(|asked| asked.journal).unwrap_or(true);
    let mut concern = doc! { "w": w, "j": journal };
    if let Some(limit) = asked.and_then(|asked| asked.w_timeout) {
        concern.insert("wtimeout", millis(limit));
    }
    Some(concern)
}

/// Returns what a write waits for that is given up when it takes long: the server must know of that, or what nobody waits
/// for any more would stay on it until the missing members are back.
pub(crate) fn limited(concern: &Document) -> Document {
    let mut concern = concern.clone();
    if !concern.contains_key("wtimeout") {
        concern.insert("wtimeout", millis(CONFIRMED));
    }
    concern
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read() {
        let options =
            Options::from_url("mongodb://me:secret@host:7000/app?w=2&journal=false&wtimeoutMS=50").unwrap();
        assert_eq!(options.database, "app");
        assert_eq!(
            options.shown,
            "mongodb://…@host:7000/app?w=2&journal=false&wtimeoutMS=50"
        );
        assert_eq!(
            options.concern,
            doc! { "w": 2_i64, "j": false, "wtimeout": 50_i64 }
        );
    }

    #[test]
    fn writes_are_as_safe_as_can_be_unless_the_url_says_otherwise() {
        let options = Options::from_url("mongodb://host").unwrap();
        assert_eq!(options.database, "seed");
        assert_eq!(options.concern, doc! { "w": "majority", "j": true });
        assert_eq!(
            limited(&options.concern),
            doc! { "w": "majority", "j": true, "wtimeout": 10_000_i64 }
        );
    }

    #[test]
    fn what_is_no_url_is_refused_without_the_password() {
        for url in [
            "mongodb:host",
            "http://:secret@host",
            "mongodb://me:secret@",
            "mongodb://me:secret@host/db?w=0",
            "mongodb://me:secret@host/db?retryWrites=perhaps",
        ] {
            let error = Options::from_url(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
