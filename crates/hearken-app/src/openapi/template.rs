//! Patterns as OpenAPI writes paths: `/users/{id}`.

use crate::pattern::{Part, Pattern};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

/// A path without optional groups.
pub(super) struct Template {
    pub(super) text: String,
    /// Its parameters: the name in the pattern, the name in the template, and whether it is a wildcard.
    pub(super) names: Vec<(String, String, bool)>,
}

/// What a path has in encoded form only.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// One template for each way in which the groups of a pattern may be there.
pub(super) fn templates(pattern: &Pattern) -> Vec<Template> {
    let names: Vec<&str> = pattern.names().collect();
    let alternatives = pattern.alternatives().iter();
    let templates = alternatives.map(|parts| {
        let mut template = Template {
            text: String::new(),
            names: Vec::new(),
        };
        for part in parts {
            match part {
                Part::Text(text) => {
                    template.text += &percent_encode(text, ENCODED).to_string();
                }
                Part::Capture(capture) => {
                    let name = names.get(capture.name).copied().unwrap_or_default();
                    let written = name.replace(['{', '}', '/', '?', '#'], "_");
                    template.text += &format!("{{{written}}}");
                    let known = template.names.iter().any(|(known, ..)| known == name);
                    if !known {
                        template
                            .names
                            .push((name.to_owned(), written, capture.wildcard));
                    }
                }
            }
        }
        if template.text.is_empty() {
            template.text.push('/');
        }
        template
    });
    templates.collect()
}

/// A template without the names of its parameters: two that have this in common are one path.
pub(super) fn shape(template: &str) -> String {
    let mut shape = String::new();
    let mut inside = false;
    for c in template.chars() {
        match c {
            '{' => inside = true,
            '}' => {
                inside = false;
                shape.push_str("{}");
            }
            c if !inside => shape.push(c),
            _ => {}
        }
    }
    shape
}
