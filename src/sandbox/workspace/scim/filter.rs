//! SCIM filters: comparisons joined by `and`, or by `or`.

use serde_json::Value;

/// Which entries of a list are wanted.
#[derive(Debug, PartialEq)]
pub struct Filter {
    comparisons: Vec<Comparison>,
    /// Whether one of them is enough.
    any: bool,
}

#[derive(Debug, PartialEq)]
struct Comparison {
    path: Vec<String>,
    operator: String,
    wanted: String,
}

impl Filter {
    /// None where the text isn't a filter that is understood.
    pub fn parse(text: &str) -> Option<Self> {
        let words = words(text)?;
        let mut comparisons = Vec::new();
        let mut joins = Vec::new();
        for chunk in words.chunks(4) {
            let (path, operator) = (chunk.first()?, chunk.get(1)?.to_ascii_lowercase());
            let wanted = chunk.get(2)?.clone();
            if !["eq", "ne", "co", "sw"].contains(&operator.as_str()) {
                return None;
            }
            comparisons.push(Comparison { path: path.split('.').map(str::to_owned).collect(), operator, wanted });
            joins.extend(chunk.get(3).map(|join| join.to_ascii_lowercase()));
        }
        let any = joins.first().is_some_and(|join| join == "or");
        let wanted = if any { "or" } else { "and" };
        let fits = joins.len() + 1 == comparisons.len() && joins.iter().all(|join| join == wanted);
        fits.then_some(Self { comparisons, any })
    }

    pub fn holds(&self, entry: &Value) -> bool {
        let mut each = self.comparisons.iter().map(|comparison| comparison.holds(entry));
        if self.any { each.any(|holds| holds) } else { each.all(|holds| holds) }
    }
}

impl Comparison {
    fn holds(&self, entry: &Value) -> bool {
        let equal = self.values(entry).iter().any(|value| {
            let (value, wanted) = (value.to_lowercase(), self.wanted.to_lowercase());
            match self.operator.as_str() {
                "co" => value.contains(&wanted),
                "sw" => value.starts_with(&wanted),
                _ => value == wanted,
            }
        });
        equal != (self.operator == "ne")
    }

    /// What the entry holds at the path; of a list, what each of its values does.
    fn values(&self, entry: &Value) -> Vec<String> {
        let mut found = vec![entry.clone()];
        for part in &self.path {
            let inner = |value: Value| match &value {
                Value::Array(entries) => entries.iter().map(|entry| entry[part.as_str()].clone()).collect(),
                _ => vec![value[part.as_str()].clone()],
            };
            found = found.into_iter().flat_map(inner).collect();
        }
        found
            .into_iter()
            .filter_map(|value| match value {
                Value::String(text) => Some(text),
                Value::Bool(truth) => Some(truth.to_string()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .collect()
    }
}

/// Words, of which a quoted one may hold spaces.
fn words(text: &str) -> Option<Vec<String>> {
    let (mut found, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => (quoted, begun) = (!quoted, true),
            '\\' if quoted => word.push(letters.next()?),
            ' ' if !quoted => {
                if begun {
                    found.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            letter => {
                word.push(letter);
                begun = true;
            }
        }
    }
    if begun {
        found.push(word);
    }
    (!quoted && !found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn filters_find_what_they_name() {
        let entry = json!({"userName": "Ana@example.com", "active": true, "emails": [{"value": "a@b"}], "id": "7"});
        for (text, holds) in [
            (r#"userName eq "ana@example.com""#, true),
            ("userName eq ana@example.com", true),
            (r#"userName sw "ana" and active eq true"#, true),
            (r#"userName ne "ana@example.com""#, false),
            (r#"emails.value co "@" "#, true),
            (r#"id eq "8" or id eq "7""#, true),
            (r#"displayName eq "x""#, false),
        ] {
            assert_eq!(Filter::parse(text).map(|filter| filter.holds(&entry)), Some(holds), "{text}");
        }
        for wrong in ["", "userName", "userName is x", "a eq b and", r#"a eq "b"#, "a eq b and c eq d or e eq f"] {
            assert_eq!(Filter::parse(wrong), None, "{wrong}");
        }
    }
}
