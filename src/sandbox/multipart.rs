//! Reads `multipart/form-data`, in which official clients upload workspace objects.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

/// The form's fields as a JSON object: a file's bytes in base64, everything else as text, and `true` as a boolean.
///
/// None where the body is no such form.
pub(super) fn fields(content_type: &str, body: &[u8]) -> Option<Value> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="))?;
    let delimiter = format!("\r\n--{}", boundary.trim_matches('"'));
    // The first delimiter has no line before it.
    let mut rest = body.strip_prefix(&delimiter.as_bytes()[2..])?;
    let mut found = Map::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(Value::Object(found));
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head_end = position(rest, b"\r\n\r\n")?;
        let (name, is_file) = disposition(std::str::from_utf8(&rest[..head_end]).ok()?)?;
        rest = &rest[head_end + 4..];
        let content_end = position(rest, delimiter.as_bytes())?;
        let content = &rest[..content_end];
        let value = match std::str::from_utf8(content) {
            _ if is_file => BASE64_STANDARD.encode(content).into(),
            Ok("true") => true.into(),
            Ok(text) => text.into(),
            Err(_) => return None,
        };
        found.insert(name, value);
        rest = &rest[content_end + delimiter.len()..];
    }
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// A part's name, and whether it is a file.
fn disposition(headers: &str) -> Option<(String, bool)> {
    let line = headers.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let mut parameters = line.split(';').map(str::trim);
    let name = parameters.clone().find_map(|p| p.strip_prefix("name="))?;
    let is_file = parameters.any(|p| p.starts_with("filename=") || p.starts_with("filename*="));
    Some((name.trim_matches('"').to_owned(), is_file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_form_is_read_whatever_its_file_holds() {
        let body = b"--b1\r\nContent-Disposition: form-data; name=\"path\"\r\n\r\n/Shared/x\r\n\
            --b1\r\nContent-Disposition: form-data; name=\"overwrite\"\r\n\r\ntrue\r\n\
            --b1\r\nContent-Disposition: form-data; name=\"content\"; filename=\"content\"\r\n\r\n\xff\r\n--b\r\n\r\n--b1--\r\n";
        let found = fields("multipart/form-data; boundary=b1", body).expect("a form");
        let content = BASE64_STANDARD.encode(b"\xff\r\n--b\r\n");
        assert_eq!(found, json!({"path": "/Shared/x", "overwrite": true, "content": content}));
    }

    #[test]
    fn what_is_no_form_is_none() {
        for (kind, body) in [
            ("application/json", "{}"),
            ("multipart/form-data", ""),
            ("multipart/form-data; boundary=b", ""),
            ("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx"),
            ("multipart/form-data; boundary=b", "--b\r\n\r\n\r\nx\r\n--b--"),
        ] {
            assert_eq!(fields(kind, body.as_bytes()), None, "{body:?}");
        }
    }
}
