//! A store that fails when it is told to, for tests of what runs on a store.
//!
//! [`Faulty`] does what the store below it does, but for the faults that were ordered: at the nth call it refuses, does
//! its work and loses the answer, is cut off for good, or waits. So every place where a process may die or a network
//! may break can be gone through, one call after the other, and no test has to be lucky.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use async_trait::async_trait;
use futures::StreamExt;
use futures::future::BoxFuture;

use crate::error::{Error, ErrorKind, Result};
use crate::plan::CollectionSpec;
use crate::store::{
    Aggregate, Capabilities, Count, Delete, Documents, Find, FindAndUpdate, Insert, InsertOutcome, Store,
    Subscription, Update, UpdateOutcome, Watch, WriteBatch, WriteOutcome,
};
use crate::value::{DateTime, Document};

/// A call of [`Store`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Call {
    /// [`Store::ensure`]
    Ensure,
    /// [`Store::insert`]
    Insert,
    /// [`Store::find`]
    Find,
    /// [`Store::count`]
    Count,
    /// [`Store::aggregate`]
    Aggregate,
    /// [`Store::find_and_update`]
    FindAndUpdate,
    /// [`Store::write`]
    Write,
    /// [`Store::update`]
    Update,
    /// [`Store::delete`]
    Delete,
    /// [`Store::explain`]
    Explain,
    /// [`Store::drop_collection`]
    DropCollection,
    /// [`Store::watch`]
    Watch,
    /// [`Store::publish`]
    Publish,
    /// [`Store::subscribe`]
    Subscribe,
    /// [`Store::now`]
    Now,
}

impl Call {
    /// The calls that change documents.
    pub const WRITES: &'static [Self] = &[
        Self::Insert,
        Self::FindAndUpdate,
        Self::Write,
        Self::Update,
        Self::Delete,
    ];
}

/// What goes wrong at a call. The caller sees [`ErrorKind::Unavailable`] in all cases but the last.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The call fails before anything is done.
    Refuse,
    /// The call is carried out, and its answer is lost.
    LoseAnswer,
    /// The call and all that follow fail, finds that are under way too, until the store is [mended](Faulty::mend).
    Cut,
    /// The call is carried out after a wait.
    Delay(Wait),
}

/// For how long a call is delayed. No clock is asked: a test says when it is over.
#[derive(Clone)]
pub struct Wait(Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>);

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wait")
    }
}

impl Wait {
    /// Waits for the future that `make` gives, made anew for each call.
    pub fn until<F>(make: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(make())))
    }

    /// Gives other tasks so many turns first.
    pub fn turns(turns: usize) -> Self {
        Self::until(move || {
            let mut left = turns;
            std::future::poll_fn(move |context| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                context.waker().wake_by_ref();
                Poll::Pending
            })
        })
    }
}

/// A store with ordered faults. Clones share the store and the orders.
///
/// # Example
/// ```
/// # use std::sync::Arc;
/// use seed::faulty::{Call, Fault, Faulty};
/// use seed::{ErrorKind, Store, StoreExt, doc};
///
/// # async fn example(store: Arc<dyn Store>) -> seed::Result<()> {
/// let store = Faulty::over(store);
/// store.fail(2, &[Call::Insert], Fault::LoseAnswer);
/// store.insert_one("jobs", doc! { "_id": 1 }).await?;
/// let lost = store.insert_one("jobs", doc! { "_id": 2 }).await.unwrap_err();
/// assert_eq!(lost.kind(), ErrorKind::Unavailable);
/// assert!(store.get("jobs", 2.into()).await?.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Faulty {
    store: Arc<dyn Store>,
    orders: Arc<Mutex<Orders>>,
}

#[derive(Debug, Default)]
struct Orders {
    waiting: Vec<Order>,
    refused: Vec<Call>,
    is_cut: bool,
    made: HashMap<Call, u64>,
}

#[derive(Debug)]
struct Order {
    /// How many more calls it lets by.
    left: u64,
    /// Which calls it counts; all if none are named.
    calls: Vec<Call>,
    fault: Fault,
}

impl Faulty {
    /// Makes a store that does what `store` does, until a fault is ordered.
    pub fn over(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            orders: Arc::default(),
        }
    }

    /// Orders a fault at the `nth` call from now on, 1 being the next, counting these kinds of calls or all if none
    /// are named. Several orders count each on its own; of those that come due at one call the first is carried out.
    pub fn fail(&self, nth: u64, calls: &[Call], fault: Fault) {
        let calls = calls.to_vec();
        self.orders().waiting.push(Order {
            left: nth.saturating_sub(1),
            calls,
            fault,
        });
    }

    /// Cuts the store off: all calls fail, finds that are under way too, until it is [mended](Self::mend).
    pub fn cut(&self) {
        self.orders().is_cut = true;
    }

    /// Refuses all calls of a kind, until the store is [mended](Self::mend).
    pub fn refuse(&self, call: Call) {
        self.orders().refused.push(call);
    }

    /// Takes all orders back, ends a cut, and refuses nothing more.
    pub fn mend(&self) {
        let mut orders = self.orders();
        orders.waiting.clear();
        orders.refused.clear();
        orders.is_cut = false;
    }

    /// Returns how many calls of these kinds were made so far, or of all kinds if none are named.
    pub fn calls(&self, calls: &[Call]) -> u64 {
        let orders = self.orders();
        let counted = orders
            .made
            .iter()
            .filter(|(call, _)| calls.is_empty() || calls.contains(call));
        counted.map(|(_, made)| made).sum()
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a call out with the fault that is due. Work that is refused is not even begun.
    async fn carry_out<T: Send>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let fault = self.orders().due(call);
        match fault {
            None => work.await,
            Some(Fault::Refuse) => Err(unavailable("the store refused the call, as it was told to")),
            Some(Fault::Cut) => Err(cut_off()),
            Some(Fault::LoseAnswer) => {
                // Even the fault of a call that failed is an answer, so it is lost as well.
                drop(work.await);
                Err(unavailable(
                    "the answer was lost, as was ordered: look before trying again",
                ))
            }
            Some(Fault::Delay(wait)) => {
                (wait.0)().await;
                work.await
            }
        }
    }

    /// Ends a stream with an error once the store is cut off.
    fn breakable(&self, documents: Documents) -> Documents {
        let orders = Arc::clone(&self.orders);
        let is_cut = move || orders.lock().unwrap_or_else(PoisonError::into_inner).is_cut;
        let broken = move |document| if is_cut() { Err(cut_off()) } else { document };
        let mut has_failed = false;
        let until_failed = move |document: &Result<Document>| {
            let goes_on = !has_failed;
            has_failed |= document.is_err();
            futures::future::ready(goes_on)
        };
        documents.map(broken).take_while(until_failed).boxed()
    }
}

impl Orders {
    /// Counts a call and returns the fault that is due at it.
    fn due(&mut self, call: Call) -> Option<Fault> {
        *self.made.entry(call).or_default() += 1;
        if self.is_cut {
            return Some(Fault::Cut);
        }
        if self.refused.contains(&call) {
            return Some(Fault::Refuse);
        }
        let mut due = None;
        self.waiting.retain_mut(|order| {
            if !order.calls.is_empty() && !order.calls.contains(&call) {
                return true;
            }
            if order.left > 0 {
                order.left -= 1;
                return true;
            }
            due.get_or_insert_with(|| order.fault.clone());
            false
        });
        self.is_cut = matches!(due, Some(Fault::Cut));
        due
    }
}

fn cut_off() -> Error {
    unavailable("the store is cut off until it is mended")
}

fn unavailable(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}

#[async_trait]
impl Store for Faulty {
    async fn ensure(&self, spec: &CollectionSpec) -> Result<()> {
        self.carry_out(Call::Ensure, self.store.ensure(spec)).await
    }

    async fn insert(&self, request: Insert) -> Result<Vec<InsertOutcome>> {
        self.carry_out(Call::Insert, self.store.insert(request)).await
    }

    async fn find(&self, request: Find) -> Result<Documents> {
        let documents = self.carry_out(Call::Find, self.store.find(request)).await?;
        Ok(self.breakable(documents))
    }

    async fn count(&self, request: Count) -> Result<u64> {
        self.carry_out(Call::Count, self.store.count(request)).await
    }

    async fn aggregate(&self, request: Aggregate) -> Result<Vec<Document>> {
        self.carry_out(Call::Aggregate, self.store.aggregate(request))
            .await
    }

    async fn find_and_update(&self, request: FindAndUpdate) -> Result<Vec<Document>> {
        self.carry_out(Call::FindAndUpdate, self.store.find_and_update(request))
            .await
    }

    async fn write(&self, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        self.carry_out(Call::Write, self.store.write(batch)).await
    }

    async fn update(&self, request: Update) -> Result<UpdateOutcome> {
        self.carry_out(Call::Update, self.store.update(request)).await
    }

    async fn delete(&self, request: Delete) -> Result<u64> {
        self.carry_out(Call::Delete, self.store.delete(request)).await
    }

    async fn explain(&self, request: Find) -> Result<Document> {
        self.carry_out(Call::Explain, self.store.explain(request)).await
    }

    async fn drop_collection(&self, collection: &str) -> Result<()> {
        self.carry_out(Call::DropCollection, self.store.drop_collection(collection))
            .await
    }

    async fn watch(&self, collection: &str) -> Result<Watch> {
        self.carry_out(Call::Watch, self.store.watch(collection)).await
    }

    async fn publish(&self, topic: &str, message: Document) -> Result<()> {
        self.carry_out(Call::Publish, self.store.publish(topic, message))
            .await
    }

    async fn subscribe(&self, topic: &str) -> Result<Subscription> {
        self.carry_out(Call::Subscribe, self.store.subscribe(topic)).await
    }

    async fn now(&self) -> Result<DateTime> {
        self.carry_out(Call::Now, self.store.now()).await
    }

    fn detached(&self) -> Result<Arc<dyn Store>> {
        let store = self.store.detached()?;
        let orders = Arc::clone(&self.orders);
        Ok(Arc::new(Self { store, orders }))
    }

    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(orders: &mut Orders, calls: &[Call]) -> Vec<&'static str> {
        let name = |fault: Option<Fault>| match fault {
            None => "",
            Some(Fault::Refuse) => "refuse",
            Some(Fault::LoseAnswer) => "lose",
            Some(Fault::Cut) => "cut",
            Some(Fault::Delay(_)) => "delay",
        };
        calls.iter().map(|&call| name(orders.due(call))).collect()
    }

    fn order(left: u64, calls: &[Call], fault: Fault) -> Order {
        Order {
            left,
            calls: calls.to_vec(),
            fault,
        }
    }

    #[test]
    fn an_order_counts_its_kinds_of_calls_alone_and_is_carried_out_once() {
        let mut orders = Orders {
            waiting: vec![order(1, &[Call::Insert, Call::Write], Fault::Refuse)],
            ..Orders::default()
        };
        let calls = [Call::Insert, Call::Find, Call::Write, Call::Write];
        assert_eq!(told(&mut orders, &calls), ["", "", "refuse", ""]);
        assert_eq!(orders.made[&Call::Write], 2);
    }

    #[test]
    fn a_cut_stays() {
        let mut orders = Orders {
            waiting: vec![order(1, &[], Fault::Cut), order(2, &[], Fault::Refuse)],
            ..Orders::default()
        };
        assert_eq!(told(&mut orders, &[Call::Now; 4]), ["", "cut", "cut", "cut"]);
    }

    #[test]
    fn a_wait_is_over_after_its_turns() {
        let mut wait = (Wait::turns(2).0)();
        let mut polls = 0;
        futures::executor::block_on(std::future::poll_fn(|context| {
            polls += 1;
            wait.as_mut().poll(context)
        }));
        assert_eq!(polls, 3);
    }
}
