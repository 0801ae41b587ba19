//! The difference of two logs, line by line.

/// Both logs as one text: a line that only the first has begins with `-`, one that only the second has with `+`.
///
/// ```
/// let (one, other) = (["a".to_string()], ["b".to_string()]);
/// assert_eq!(hearken_testkit::diff(&one, &other), "    - a\n    + b\n");
/// ```
#[must_use]
pub fn diff(expected: &[String], actual: &[String]) -> String {
    // longest[i][j]: how many lines the rest of both logs from i and j have in common, in order.
    let mut longest = vec![vec![0_usize; actual.len() + 1]; expected.len() + 1];
    for i in (0..expected.len()).rev() {
        for j in (0..actual.len()).rev() {
            longest[i][j] = if expected[i] == actual[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, String::new());
    while i < expected.len() || j < actual.len() {
        let (mark, line) = match (expected.get(i), actual.get(j)) {
            (Some(one), Some(other)) if one == other => {
                i += 1;
                j += 1;
                (' ', one)
            }
            (Some(one), other) if other.is_none() || longest[i + 1][j] >= longest[i][j + 1] => {
                i += 1;
                ('-', one)
            }
            (_, Some(other)) => {
                j += 1;
                ('+', other)
            }
            (_, None) => break,
        };
        out.push_str(&format!("    {mark} {line}\n"));
    }
    out
}
