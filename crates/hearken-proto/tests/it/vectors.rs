//! Runs every case of every page at every cut; `UPDATE_EXPECT=1` writes the current events into the pages instead.

use hearken_testkit::{Page, check_differential};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");

pub(crate) fn pages() -> Vec<Page> {
    Page::read_all(FOLDER).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
#[expect(clippy::print_stdout, reason = "the number of cases is a promise")]
fn every_case_yields_its_events_at_every_cut() {
    let mut pages = pages();
    let cases: usize = pages.iter().map(|page| page.cases.len()).sum();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        for page in &mut pages {
            page.rewrite().expect("the page can be written");
        }
    }
    let failures: Vec<String> = pages
        .iter()
        .flat_map(|page| &page.cases)
        .filter_map(|case| case.run().err())
        .collect();
    println!("{cases} cases in {} pages", pages.len());
    let failed = failures.len();
    assert!(
        failed == 0,
        "{failed} cases failed\n\n{}",
        failures.concat()
    );
    assert!(cases >= 250, "{cases} cases are too few");
}

#[test]
fn accepted_cases_are_read_alike_by_another_parser() {
    for case in pages().iter().flat_map(|page| &page.cases) {
        check_differential(&case.bytes);
    }
}
