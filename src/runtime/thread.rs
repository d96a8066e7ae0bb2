//! The runtime on a thread of its own, for a window that must never wait for it.

use super::remote::{AccountSource, Remote};
use super::session::Session;
use super::{DataDir, Engine, EngineOptions, Intent, IntentId, Notice, RuntimeError, Snapshot, publish};
use crate::domain::Clock;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// Intents that may wait; a window that asks for more than this is told to wait.
const INTENTS: usize = 64;

/// A runtime on its own thread. Dropping it stops the runtime at a commit boundary and waits for that.
pub struct RuntimeThread {
    /// The newest snapshot.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Where intents go.
    pub intents: mpsc::Sender<(IntentId, Intent)>,
    /// The clock by which the runtime goes, for a window whose ages must agree with it.
    pub clock: Arc<dyn Clock>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl RuntimeThread {
    /// Starts the runtime and waits until it is ready.
    ///
    /// `wake` is called from the runtime's thread whenever there is a new snapshot or notice to look at.
    pub fn start(
        data_dir: DataDir,
        options: EngineOptions,
        clock: Arc<dyn Clock>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<(Self, mpsc::UnboundedReceiver<Notice>), RuntimeError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .worker_threads(2)
            .thread_name("runtime")
            .build()
            .map_err(|source| RuntimeError::System { source })?;
        let engine = runtime.block_on(Engine::start(data_dir, options, clock))?;
        let steady = engine.control().clock();
        let session = Arc::new(runtime.block_on(Session::start(engine.control().clone()))?);
        let first =
            publish::snapshot(engine.control(), &session, engine.sandbox().map(Arc::as_ref), &engine.deployment());
        let (snapshots_in, snapshots) = watch::channel(Arc::new(first));
        let (intents, mut asked) = mpsc::channel::<(IntentId, Intent)>(INTENTS);
        let (notices, answered) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("runtime".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let wake = Arc::new(wake);
                let woken = wake.clone();
                let publisher = tokio::spawn(publish::publish(
                    engine.control().clone(),
                    session.clone(),
                    engine.sandbox().cloned(),
                    engine.deployment(),
                    engine.system_tables(),
                    snapshots_in,
                    move || woken(),
                ));
                let sandbox = engine.sandbox().cloned();
                let data_dir: Arc<Path> = engine.data_dir().into();
                let server = tokio::spawn(async move {
                    while let Some((id, intent)) = asked.recv().await {
                        let (session, sandbox, data_dir) = (session.clone(), sandbox.clone(), data_dir.clone());
                        let (notices, wake) = (notices.clone(), wake.clone());
                        // Each on its own: a slow region must not hold up another click.
                        tokio::spawn(async move {
                            let outcome = session.perform(sandbox.as_deref(), &data_dir, intent).await;
                            let _ = notices.send(Notice { intent: id, outcome });
                            wake();
                        });
                    }
                });
                // An error means that the handle was dropped, which is the same wish.
                let _ = stopped.await;
                server.abort();
                publisher.abort();
                let _ = (server.await, publisher.await);
                engine.stop().await;
            });
        });
        let thread = thread.map_err(|source| RuntimeError::System { source })?;
        Ok((Self { snapshots, intents, clock: steady, stop: Some(stop), thread: Some(thread) }, answered))
    }

    /// The same as a client of another account, which keeps nothing here. It is read once before this returns; a `patient`
    /// start goes on trying if it doesn't respond.
    pub fn start_for_account(
        source: AccountSource,
        patient: bool,
        clock: Arc<dyn Clock>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<(Self, mpsc::UnboundedReceiver<Notice>), RuntimeError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .worker_threads(1)
            .thread_name("account")
            .build()
            .map_err(|source| RuntimeError::System { source })?;
        let (remote, first) = runtime.block_on(Remote::start(source, clock.clone(), patient))?;
        let (snapshots_in, snapshots) = watch::channel(Arc::new(first));
        let (intents, asked) = mpsc::channel::<(IntentId, Intent)>(INTENTS);
        let (notices, answered) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = move || runtime.block_on(remote.serve(asked, notices, snapshots_in, Arc::new(wake), stopped));
        let thread = std::thread::Builder::new().name("account".to_owned()).spawn(serve);
        let thread = Some(thread.map_err(|source| RuntimeError::System { source })?);
        Ok((Self { snapshots, intents, clock, stop: Some(stop), thread }, answered))
    }

    /// Stops the runtime at a commit boundary and waits for it.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for RuntimeThread {
    fn drop(&mut self) {
        self.end();
    }
}
