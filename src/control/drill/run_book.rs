//! The run-book of a group's drills.

use crate::control::group::GroupChange;
use crate::control::{Control, ControlError, audit};
use crate::domain::{GroupId, RunBook};
use std::sync::Arc;

impl Control {
    /// Sets what people wrote about the steps of a group's drills. A drill that runs keeps what it began with.
    pub async fn set_run_book(&self, actor: &str, id: &GroupId, book: RunBook) -> Result<String, ControlError> {
        if let Some(sentence) = book.problem() {
            return Err(ControlError::BadArgument { sentence });
        }
        let book = book.tidied();
        let handle = self.handle(id)?;
        let mut change = GroupChange::of(&handle).await;
        let before = change.run_book.clone();
        if *before == book {
            return Ok(format!("The run-book of {id} is as it was."));
        }
        let message = format!("{actor} changed the run-book of {id}.");
        let mut line = audit::line(self.now(), actor, "drill.run_book", id.as_str(), message.clone());
        audit::show_change(&mut line, Some(before.as_ref()), Some(&book));
        change.run_book = Arc::new(book);
        change.log(line);
        change.commit(self).await?;
        Ok(message)
    }
}
