//! Delivers alerts one after another, and tries again.

use super::sink::Queued;
use super::webhook::Undelivered;
use crate::control::{Control, audit};
use crate::domain::{Alert, Timestamp};
use crate::net::Backoff;
use chrono::TimeDelta;
use std::time::Duration;

/// How long a webhook may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// No pause between two tries is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// An alert that couldn't be delivered for so long is news no more.
const GIVE_UP: TimeDelta = TimeDelta::hours(2);

/// Delivers what waits until the runtime stops.
pub async fn keep_delivering(control: Control) {
    let mut stopping = control.stopping();
    loop {
        let pause = tokio::select! {
            pause = deliver_next(&control) => pause,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        if pause == Duration::ZERO {
            continue;
        }
        tokio::select! {
            () = control.inner.alerts.wake.notified() => {}
            () = tokio::time::sleep(pause.min(LONGEST_PAUSE)) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// Delivers the first one that waits, if it is due; how long there is nothing to do then.
async fn deliver_next(control: &Control) -> Duration {
    let Some(next) = control.inner.alerts.state.lock().await.queue.front().cloned() else { return Duration::MAX };
    let now = control.now();
    let Some((webhook, topics)) = control.webhook() else {
        drop_all(control).await;
        return Duration::ZERO;
    };
    if next.alert.event.topic().is_some_and(|topic| !topics.contains(&topic)) {
        end(control, &next.alert).await;
        return Duration::ZERO;
    }
    // A clock that was set back makes no wait longer than the longest pause.
    let left = (next.due - now).to_std().unwrap_or_default().min(LONGEST_PAUSE);
    if left > Duration::ZERO {
        return left;
    }
    match webhook.send(&next.alert, PATIENCE).await {
        Ok((status, _)) => delivered(control, &next.alert, &format!("The webhook returned {status}.")).await,
        Err(undelivered) => failed(control, &next, undelivered, now).await,
    }
    Duration::ZERO
}

async fn delivered(control: &Control, alert: &Alert, sentence: &str) {
    control.inner.alerts.note(control.now(), true, sentence);
    let recovers = control
        .edit_alerts(|state| {
            state.queue.retain(|queued| queued.alert != *alert);
            std::mem::take(&mut state.fails)
        })
        .await;
    if recovers {
        tracing::info!("the webhook takes notifications again");
    }
    control.touch();
}

async fn failed(control: &Control, next: &Queued, undelivered: Undelivered, now: Timestamp) {
    let Undelivered { sentence, is_final } = undelivered;
    control.inner.alerts.note(control.now(), false, &sentence);
    let attempts = next.attempts.saturating_add(1);
    let gives_up = is_final || now - next.alert.at > GIVE_UP;
    let pause = Backoff::new(control.inner.settings.alerts.retry, LONGEST_PAUSE).drawn(attempts);
    let due = now + TimeDelta::from_std(pause).unwrap_or_default();
    let was_failing = control
        .edit_alerts(|state| {
            if gives_up {
                state.queue.retain(|queued| queued.alert != next.alert);
            } else if let Some(queued) = state.queue.iter_mut().find(|queued| queued.alert == next.alert) {
                (queued.attempts, queued.due) = (attempts, due);
            }
            std::mem::replace(&mut state.fails, true)
        })
        .await;
    let text = &next.alert.text;
    if gives_up {
        let message = format!("A notification was dropped after {attempts} tries. {sentence} It said: {text}");
        note(control, "notifications.dropped", message).await;
    } else if !was_failing {
        let message = format!(
            "A notification couldn't be delivered. {sentence} It is tried again for two hours. It says: {text}"
        );
        note(control, "notifications.failed", message).await;
    }
    control.touch();
}

async fn end(control: &Control, alert: &Alert) {
    control.edit_alerts(|state| state.queue.retain(|queued| queued.alert != *alert)).await;
}

/// There is no webhook any more, so nothing waits for it.
async fn drop_all(control: &Control) {
    control.edit_alerts(|state| state.queue.clear()).await;
}

/// Writes a line of the audit log.
async fn note(control: &Control, action: &str, message: String) {
    tracing::warn!("{message}");
    let line = audit::line(control.now(), "runtime", action, "notifications", message);
    let stored = line.clone();
    let written =
        control.durably((), move |tx| tx.add_activity(&stored), move |control, ()| control.show_activity(line));
    if let Err(error) = written.await {
        tracing::warn!(%error, "a failed notification couldn't be written down");
    }
}

/// What came of telling something at once.
pub enum Told {
    Delivered,
    /// There is no webhook, or notifications of this kind are off; the text says which.
    Off(&'static str),
    /// It failed, and why. It is tried again.
    Later(String),
}

impl Control {
    /// Tells people of something now, within `patience`. What fails is tried again.
    pub(in crate::control) async fn tell_now(&self, alert: Alert, patience: Duration) -> Told {
        let Some((webhook, topics)) = self.webhook() else { return Told::Off("No webhook is set.") };
        if alert.event.topic().is_some_and(|topic| !topics.contains(&topic)) {
            return Told::Off("Notifications of this kind are switched off.");
        }
        match webhook.send(&alert, patience).await {
            Ok((status, _)) => {
                self.inner.alerts.note(self.now(), true, &format!("The webhook returned {status}."));
                Told::Delivered
            }
            Err(undelivered) => {
                self.tell(alert).await;
                Told::Later(undelivered.sentence)
            }
        }
    }
}
