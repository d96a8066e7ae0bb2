//! A workspace's URL, as people write it.

use url::Url;

/// The workspace that a URL names by `?o=` or `?w=`, as that of a host which serves several.
pub fn workspace_in(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let pairs = url::form_urlencoded::parse(query.split('#').next().unwrap_or_default().as_bytes());
    let named = |(key, id): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
        (matches!(&*key, "o" | "w") && !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
            .then(|| id.into_owned())
    };
    pairs.filter_map(named).next()
}

/// Reads a workspace URL as people write it: with or without scheme, with whatever path and query.
pub fn parse_base(text: &str) -> Result<Url, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it has no workspace URL".to_owned());
    }
    let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let mut url = Url::parse(&full).map_err(|error| format!("{text:?} is not a URL ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(format!("{text:?} is not an http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("its URL contains a user name or password, which belong in the login".to_owned());
    }
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_url_is_read_as_people_write_it() {
        for text in ["dbc-1.example.com", " https://dbc-1.example.com/?o=12#x ", "https://dbc-1.example.com"] {
            assert_eq!(parse_base(text).expect("a URL").as_str(), "https://dbc-1.example.com/");
        }
        assert!(parse_base("").is_err());
        assert!(parse_base("ftp://x").is_err());
        assert!(parse_base("https://user:hunter2@host").is_err_and(|problem| !problem.contains("hunter2")));
    }

    #[test]
    fn a_url_may_name_one_of_the_workspaces_of_its_host() {
        assert_eq!(workspace_in("https://dbc-1.example.com/?o=12#x").as_deref(), Some("12"));
        assert_eq!(workspace_in("https://x/login?next=a&w=7").as_deref(), Some("7"));
        assert_eq!(workspace_in("https://x/?o=abc"), None);
        assert_eq!(workspace_in("https://x/"), None);
    }
}
