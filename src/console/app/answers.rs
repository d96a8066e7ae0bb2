//! What the window sends, and what it makes of the answers.

use super::ConsoleApp;
use crate::console::action::{Action, GroupTab, Route};
use crate::console::notices::{Toast, toast_of};
use crate::console::theme::Tone;
use crate::domain::Timestamp;
use crate::runtime::{Intent, IntentId, Notice, NoticeDetail};
use tokio::sync::mpsc;

impl ConsoleApp {
    pub(super) fn take_notices(&mut self, now: Timestamp) {
        while let Ok(notice) = self.link.notices.try_recv() {
            // An answer to an intent that this window did not send is someone else's.
            let Some(intent) = self.awaited.remove(&notice.intent) else { continue };
            self.take_notice(&intent, &notice, now);
        }
        if self.link.intents.is_closed() && !self.awaited.is_empty() {
            self.awaited.clear();
            let sentence = "The runtime stopped before it answered. Restart the console to see whether it was done.";
            self.notices.push(Toast { tone: Tone::Bad, sentence: sentence.to_owned(), until: None });
        }
        self.notices.expire(now);
    }

    fn take_notice(&mut self, intent: &Intent, notice: &Notice, now: Timestamp) {
        let refusal = notice.outcome.as_ref().err();
        // Its answer is in the snapshot, and so is why there is none.
        let mut shown_in_place = matches!(intent, Intent::EstimateLoss { .. });
        if let Intent::ReadHistory { id, since } = intent {
            shown_in_place = true;
            if self.group.0.as_ref() == Some(id) {
                match &notice.outcome {
                    Ok(NoticeDetail::History(history)) => self.group.1.answered(*since, Ok(history)),
                    Ok(_) => {}
                    Err(refusal) => self.group.1.answered(*since, Err(refusal)),
                }
            }
        } else if let (Intent::CheckReadinessOf { spec }, Ok(NoticeDetail::Readiness(report))) =
            (intent, &notice.outcome)
        {
            self.create.readiness = Some(((**spec).clone(), (**report).clone()));
            shown_in_place = self.route == Route::CreateGroup;
        } else if let Intent::CreateGroup { spec, validate_only } = intent {
            let next = self.create.answered(spec, *validate_only, &notice.outcome);
            // A person who has gone elsewhere in the meantime is told there, and not called back.
            if self.route == Route::CreateGroup {
                shown_in_place = refusal.is_some() || *validate_only;
                if let Some(Action::Go(route)) = next {
                    self.route = route;
                }
            }
        } else if let Some(dialog) = self.dialog.as_mut().filter(|dialog| dialog.asked_for(intent)) {
            match &notice.outcome {
                Err(refusal) => {
                    dialog.refused(intent, refusal);
                    shown_in_place = true;
                }
                Ok(detail) if dialog.done(detail) => shown_in_place = true,
                Ok(_) => {
                    self.dialog = None;
                    match intent {
                        Intent::DeleteGroup { .. } => self.route = Route::Groups,
                        // The person who confirmed a failover wants to see it.
                        // One that waits for approval has nothing to show yet.
                        Intent::FailOver { id, .. } | Intent::Approve { id, .. } | Intent::UndoFailover { id }
                            if matches!(notice.outcome, Ok(NoticeDetail::Group(_))) =>
                        {
                            self.route = Route::Run(id.clone(), None);
                        }
                        _ => {}
                    }
                }
            }
        } else if let (Intent::UpdateGroup { id, .. }, Route::EditGroup(shown)) = (intent, &self.route)
            && id == shown
        {
            match refusal {
                Some(refusal) => {
                    self.edit.iter_mut().for_each(|form| form.refused(refusal));
                    shown_in_place = true;
                }
                None => {
                    self.edit = None;
                    self.route = Route::Group(id.clone(), GroupTab::Overview);
                }
            }
        }
        if !shown_in_place {
            self.notices.push(toast_of(intent, &notice.outcome, now));
        }
    }

    pub(super) fn send(&mut self, intent: Intent) {
        self.last_intent += 1;
        let id = IntentId(self.last_intent);
        match self.link.intents.try_send((id, intent.clone())) {
            Ok(()) => {
                self.awaited.insert(id, intent);
            }
            Err(error) => {
                let sentence = match error {
                    mpsc::error::TrySendError::Full(_) => {
                        "The runtime is busy and didn't take the request. Try again in a moment."
                    }
                    mpsc::error::TrySendError::Closed(_) => {
                        "The runtime has stopped. Restart the console to make changes."
                    }
                };
                self.notices.push(Toast { tone: Tone::Bad, sentence: sentence.to_owned(), until: None });
            }
        }
    }
}
