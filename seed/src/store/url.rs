//! Showing the URLs that stores are named by.

/// Returns a URL as it may be shown: without the user and the password that it may carry.
pub fn without_password(url: &str) -> String {
    match url
        .split_once("//")
        .and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1)))
    {
        Some((scheme, host)) => format!("{scheme}//…@{host}"),
        None => url.to_owned(),
    }
}
