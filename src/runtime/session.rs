//! Who the window acts as: the console itself, or the holder of a token that was entered in it.

use super::perform::perform;
use super::{Intent, IntentError, NoticeDetail, RuntimeError};
use crate::control::{Caller, Control};
use crate::domain::{Asker, Right, Role};
use crate::sandbox::Sandbox;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whether the window must be signed in.
const REQUIRED_KEY: &str = "window.requires_token";
/// The window's own id and name.
const WINDOW: &str = "window";
const NAME: &str = "console";

/// Who the window acts as, as screens show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// The name in the audit log.
    pub name: String,
    /// The id that a second person must not have.
    pub id: String,
    /// What may be done.
    pub role: Role,
    /// Whether a token was entered.
    pub signed_in: bool,
    /// Whether the window only shows things until a token is entered.
    pub token_required: bool,
}

impl Default for SessionView {
    fn default() -> Self {
        let (name, id) = (NAME.to_owned(), WINDOW.to_owned());
        Self { name, id, role: Role::Admin, signed_in: false, token_required: false }
    }
}

impl SessionView {
    /// Why the window may not do something, as a sentence; None where it may.
    pub fn refusal(&self, right: Right) -> Option<String> {
        if self.role.may(right) {
            return None;
        }
        let (name, role, label) = (&self.name, self.role, right.label());
        Some(match self.signed_in {
            true => {
                format!("{name} has the role {role}, which may not {label}. Sign in with another token in Settings.")
            }
            false => format!("This window needs a token to {label}. Sign in in Settings."),
        })
    }
}

/// The window's session.
pub struct Session {
    control: Control,
    /// The id of the token or client.
    holder: Mutex<Option<String>>,
    required: AtomicBool,
}

impl Session {
    /// A window into which no token was entered yet.
    pub async fn start(control: Control) -> Result<Self, RuntimeError> {
        let required = control.setting(REQUIRED_KEY).await?.as_deref() == Some("true");
        Ok(Self { control, holder: Mutex::default(), required: AtomicBool::new(required) })
    }

    fn holder(&self) -> MutexGuard<'_, Option<String>> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who the window acts as now. A token that was revoked in the meantime is none.
    pub fn view(&self) -> SessionView {
        let holder = self.holder().clone();
        let caller: Option<Caller> = holder.and_then(|id| self.control.holder(&id));
        let token_required = self.required.load(Ordering::Relaxed);
        match caller {
            Some(Caller { id, name, role }) => SessionView { name, id, role, signed_in: true, token_required },
            None if token_required => SessionView { role: Role::Viewer, token_required, ..SessionView::default() },
            None => SessionView::default(),
        }
    }

    /// Does what an intent asks for, if the window may.
    pub async fn perform(
        &self,
        sandbox: Option<&Sandbox>,
        data_dir: &Path,
        intent: Intent,
    ) -> Result<NoticeDetail, IntentError> {
        let session = self.view();
        if let Some(sentence) = session.refusal(intent.right()) {
            return Err(refused(sentence));
        }
        let done = match intent {
            Intent::SignIn { token } => {
                let caller = self.control.authenticate(token.expose().trim());
                let caller = caller.ok_or_else(|| {
                    refused("That isn't a token of this account, or it was revoked. Copy it again.".to_owned())
                })?;
                let words = format!("This window acts as {} with the role {}.", caller.name, caller.role);
                *self.holder() = Some(caller.id);
                words
            }
            Intent::SignOut => {
                *self.holder() = None;
                "Signed out.".to_owned()
            }
            Intent::SetSignInRequired { required } => {
                if required && !session.signed_in {
                    return Err(refused(
                        "Sign in with an admin's token first, so that you don't lock yourself out.".to_owned(),
                    ));
                }
                self.control
                    .set_audited_setting(&session.name, REQUIRED_KEY, if required { "true" } else { "false" })
                    .await
                    .map_err(|error| refused(error.to_string()))?;
                self.required.store(required, Ordering::Relaxed);
                match required {
                    true => "This window needs a token from now on.".to_owned(),
                    false => "This window needs no token any more.".to_owned(),
                }
            }
            intent => {
                let by = Asker { id: session.id, name: session.name };
                return perform(&self.control, sandbox, data_dir, &by, intent).await;
            }
        };
        self.control.show_again();
        Ok(NoticeDetail::Done(done))
    }
}

fn refused(sentence: String) -> IntentError {
    IntentError { sentence, violations: Vec::new(), stale: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_that_may_not_is_told_how_to_go_on() {
        assert_eq!(SessionView::default().refusal(Right::FailOver), None, "the console's own window may do everything");
        let viewer = SessionView { name: "ada".into(), role: Role::Viewer, signed_in: true, ..SessionView::default() };
        assert_eq!(
            viewer.refusal(Right::FailOver).as_deref(),
            Some("ada has the role viewer, which may not fail over. Sign in with another token in Settings.")
        );
        let nobody = SessionView { role: Role::Viewer, token_required: true, ..SessionView::default() };
        assert!(nobody.refusal(Right::Change).is_some_and(|said| said.contains("needs a token")));
    }
}
