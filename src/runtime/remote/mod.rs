//! The console as a client of another account: it reads that account's disaster-recovery API and calls it, and keeps nothing.
//!
//! Such an account tells its groups, their states and replication points, and its stable URLs. It doesn't tell objects,
//! failover steps, loss, activity or tokens; the window says so.

mod act;
mod login;
mod read;

pub use login::{AccountLogin, AccountSource};

use super::intent::IntentId;
use super::{DeploymentView, Intent, Notice, RuntimeError, Snapshot};
use crate::connect::{AccountClient, ConnectError, ConnectSettings};
use crate::control::view::AccountView;
use crate::domain::{Clock, GroupState};
use crate::net::Backoff;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, OnceCell, mpsc, oneshot, watch};

/// How long the account is left alone between two readings.
const PAUSE: Duration = Duration::from_secs(3);
/// The same while a group is on its way from one state to another.
const BRISK: Duration = Duration::from_secs(1);
/// After a failure the waits grow.
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(60));

/// What the window needs of it.
pub(super) struct Remote {
    settings: ConnectSettings,
    account_id: Option<String>,
    /// Made when the host first told its account's id.
    client: OnceCell<AccountClient>,
    clock: Arc<dyn Clock>,
    /// Something was changed here, so the account is read again at once.
    changed: Notify,
}

impl Remote {
    /// Reads the account once, so that a wrong login is known before the window opens. A patient start doesn't mind a host
    /// that doesn't respond yet: a wall display comes up before the machine that it shows.
    pub async fn start(
        source: AccountSource,
        clock: Arc<dyn Clock>,
        patient: bool,
    ) -> Result<(Self, Snapshot), RuntimeError> {
        let settings = source.settings()?;
        let remote =
            Self { settings, account_id: source.account_id, client: OnceCell::new(), clock, changed: Notify::new() };
        let first = match remote.read(None).await {
            Ok(account) => remote.snapshot(Arc::new(account)),
            Err(error) if patient && error.is_transient() => {
                log(1, &error);
                remote.unread(&error)
            }
            Err(error) => return Err(error.into()),
        };
        Ok((remote, first))
    }

    async fn client(&self) -> Result<&AccountClient, ConnectError> {
        self.client.get_or_try_init(|| AccountClient::connect(&self.settings, self.account_id.as_deref())).await
    }

    async fn read(&self, before: Option<&AccountView>) -> Result<AccountView, ConnectError> {
        read::account(self.client().await?, before, self.clock.now()).await
    }

    fn snapshot(&self, account: Arc<AccountView>) -> Snapshot {
        let url = self.client.get().map_or(self.settings.url.as_str(), AccountClient::url);
        let account_url = Some(url.to_owned());
        Snapshot {
            taken_at: self.clock.now(),
            interval_ms: u64::try_from((PAUSE * 3).as_millis()).unwrap_or_default(),
            deployment: DeploymentView { account_url, ..DeploymentView::default() },
            account,
            session: super::SessionView::default(),
            sandbox: None,
        }
    }

    /// What stands there before anything could be read.
    fn unread(&self, error: &ConnectError) -> Snapshot {
        let mut snapshot = self.snapshot(Arc::default());
        snapshot.deployment.unread = Some(error.to_string());
        snapshot
    }

    /// Reads the account until the window is gone. What can't be read again is left as it was, and grows old visibly.
    async fn poll(&self, snapshots: watch::Sender<Arc<Snapshot>>, wake: impl Fn()) {
        let mut failures = 0_u32;
        loop {
            let before = snapshots.borrow().account.clone();
            let moving = before.groups.iter().any(|view| is_moving(view.group.state));
            let pause = match failures {
                0 if moving => BRISK,
                0 => PAUSE,
                failures => BACKOFF.drawn(failures),
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.changed.notified() => {}
                () = snapshots.closed() => return,
            }
            match self.read(Some(&before)).await {
                Ok(account) => {
                    if failures > 0 {
                        tracing::info!(url = self.settings.url, "the account responds again");
                    }
                    failures = 0;
                    snapshots.send_replace(Arc::new(self.snapshot(Arc::new(account))));
                    wake();
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    if snapshots.borrow().deployment.unread.is_some() {
                        snapshots.send_replace(Arc::new(self.unread(&error)));
                    } else {
                        log(failures, &error);
                    }
                    wake();
                }
            }
        }
    }

    /// Serves the window until it stops.
    pub async fn serve(
        self,
        mut asked: mpsc::Receiver<(IntentId, Intent)>,
        notices: mpsc::UnboundedSender<Notice>,
        snapshots: watch::Sender<Arc<Snapshot>>,
        wake: Arc<dyn Fn() + Send + Sync>,
        stopped: oneshot::Receiver<()>,
    ) {
        let remote = Arc::new(self);
        let (polled, woken) = (remote.clone(), wake.clone());
        let poller = tokio::spawn(async move { polled.poll(snapshots, move || woken()).await });
        let server = tokio::spawn(async move {
            while let Some((id, intent)) = asked.recv().await {
                let (remote, notices, wake) = (remote.clone(), notices.clone(), wake.clone());
                tokio::spawn(async move {
                    let outcome = match remote.client().await {
                        Ok(client) => act::perform(client, intent).await,
                        Err(error) => Err(act::refusal(error)),
                    };
                    remote.changed.notify_one();
                    let _ = notices.send(Notice { intent: id, outcome });
                    wake();
                });
            }
        });
        let _ = stopped.await;
        server.abort();
        poller.abort();
        let _ = (server.await, poller.await);
    }
}

fn is_moving(state: GroupState) -> bool {
    !matches!(
        state,
        GroupState::Active | GroupState::CreationFailed | GroupState::FailoverFailed | GroupState::DeletionFailed
    )
}

/// One line for an outage, not one a try.
fn log(failures: u32, error: &ConnectError) {
    if failures == 1 {
        tracing::warn!(%error, "the account can't be read; trying again");
    }
}
