//! Draft dashboards.

use super::RegionClient;
use crate::connect::error::{ConnectError, optional};
use crate::connect::http::Call;
use crate::wire::dashboards::{Dashboard, ListDashboards, PREFIX, PublishedDashboard};
use reqwest::Method;

impl RegionClient {
    /// Every draft that isn't in the trash, without its definition and path.
    pub async fn dashboards(&self) -> Result<Vec<Dashboard>, ConnectError> {
        self.transport.list::<ListDashboards>(Call::get(PREFIX, &[]).query("page_size", 100)).await
    }

    /// One draft, whole.
    pub async fn dashboard(&self, id: &str) -> Result<Option<Dashboard>, ConnectError> {
        optional(self.transport.send(Call::get(PREFIX, &[id])).await)
    }

    /// Creates a draft.
    pub async fn create_dashboard(&self, dashboard: &Dashboard) -> Result<Dashboard, ConnectError> {
        self.transport.send(Call::post(PREFIX, &[]).body(dashboard)).await
    }

    /// Changes a draft; fields that aren't sent stay.
    pub async fn update_dashboard(&self, id: &str, dashboard: &Dashboard) -> Result<Dashboard, ConnectError> {
        self.transport.send(Call::new(Method::PATCH, PREFIX, &[id]).body(dashboard)).await
    }

    /// Moves a draft to the trash.
    pub async fn trash_dashboard(&self, id: &str) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::new(Method::DELETE, PREFIX, &[id])).await
    }

    /// Whether readers see a published version of a draft.
    pub async fn is_published(&self, id: &str) -> Result<bool, ConnectError> {
        let published = self.transport.send::<PublishedDashboard>(Call::get(PREFIX, &[id, "published"])).await;
        Ok(optional(published)?.is_some())
    }
}
