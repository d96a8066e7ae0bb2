//! How many files and connections this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connections of one listener at most.
const MOST_CONNECTIONS: usize = 1024;
/// Of the file descriptors, one listener's connections get one in so many: there are several listeners, and tables to copy.
const SHARE: u64 = 8;

/// Allows this process as many open files as the system lets it have. Many systems begin with 1,024.
pub fn raise_descriptor_limit() {
    let now = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: now.maximum, maximum: now.maximum };
    if now.current != now.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// Connections that one listener may hold open, as far as the limit of open files allows.
pub fn most_connections() -> usize {
    share_of(getrlimit(Resource::Nofile).current)
}

/// None means no limit.
fn share_of(descriptors: Option<u64>) -> usize {
    descriptors.map_or(MOST_CONNECTIONS, |all| {
        usize::try_from(all / SHARE).unwrap_or(MOST_CONNECTIONS).clamp(16, MOST_CONNECTIONS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        assert_eq!(share_of(None), 1024);
        assert_eq!(share_of(Some(1 << 20)), 1024);
        assert_eq!(share_of(Some(1024)), 128);
        assert_eq!(share_of(Some(64)), 16);
    }

    #[test]
    fn the_limit_is_raised_as_far_as_the_system_allows() {
        raise_descriptor_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
