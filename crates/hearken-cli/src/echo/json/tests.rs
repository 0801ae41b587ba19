//! Tests without a server.

use super::*;

#[test]
fn values_of_fields_become_text() {
    assert_eq!(text_of("é".as_bytes()), "é");
    assert_eq!(text_of(b"\xe9t\xe9"), "été");
}

#[test]
fn fields_keep_order_and_case_and_repeated_ones_become_a_list() {
    let mut fields = hearken::Fields::new();
    for (name, value) in [("b", "1"), ("A", "2"), ("a", "\"3\""), ("C", "")] {
        fields.append(name, value).expect("a legal field");
    }
    let text = serde_json::to_string(&FieldObject(fields.view())).expect("JSON");
    assert_eq!(text, r#"{"b":"1","A":["2","\"3\""],"C":""}"#);
}
