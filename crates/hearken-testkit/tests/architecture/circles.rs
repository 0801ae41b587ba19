//! Circles of imports: files that all reach each other.

/// The strongly connected components of more than one node, each sorted, the largest first (Tarjan's algorithm).
/// `arrows[a]` lists the nodes that `a` points to.
pub(crate) fn circles(arrows: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut search = Search {
        arrows,
        order: vec![None; arrows.len()],
        low: vec![0; arrows.len()],
        open: Vec::new(),
        next: 0,
        found: Vec::new(),
    };
    for node in 0..arrows.len() {
        if search.order[node].is_none() {
            search.visit(node);
        }
    }
    let mut found = search.found;
    found.sort_by_key(|circle| (usize::MAX - circle.len(), circle[0]));
    found
}

struct Search<'a> {
    arrows: &'a [Vec<usize>],
    /// When each node was first seen.
    order: Vec<Option<usize>>,
    /// The earliest node on the stack that is reachable from each.
    low: Vec<usize>,
    /// Nodes whose component is not complete.
    open: Vec<usize>,
    next: usize,
    found: Vec<Vec<usize>>,
}

impl Search<'_> {
    /// Recursive: a crate has some hundred files.
    fn visit(&mut self, node: usize) {
        let index = self.next;
        self.next += 1;
        self.order[node] = Some(index);
        self.low[node] = index;
        self.open.push(node);
        for &to in &self.arrows[node] {
            match self.order[to] {
                None => {
                    self.visit(to);
                    self.low[node] = self.low[node].min(self.low[to]);
                }
                Some(seen) if self.open.contains(&to) => {
                    self.low[node] = self.low[node].min(seen);
                }
                Some(_) => {}
            }
        }
        if self.low[node] == index {
            let start = self.open.iter().rposition(|open| *open == node);
            let mut circle = self
                .open
                .split_off(start.expect("the node is on the stack"));
            circle.sort_unstable();
            if circle.len() > 1 {
                self.found.push(circle);
            }
        }
    }
}

#[test]
fn circles_are_found_whole_and_apart() {
    // 0 -> 1 -> 2 -> 3 -> 0 with a chord, 4 <-> 5, and 6 that only looks at the others.
    let arrows = [
        vec![1, 2],
        vec![2],
        vec![3, 4],
        vec![0],
        vec![5],
        vec![4],
        vec![0, 4],
    ];
    assert_eq!(circles(&arrows), [vec![0, 1, 2, 3], vec![4, 5]]);
    assert_eq!(
        circles(&[vec![1], vec![2], vec![]]),
        Vec::<Vec<usize>>::new()
    );
    assert_eq!(circles(&[vec![0]]), Vec::<Vec<usize>>::new());
}
