//! Directed graphs over small numbers: strongly connected components, shortest cycles.

/// A component larger than this is searched for a short cycle from so many of its nodes only.
const STARTS: usize = 256;

/// Edges by source; each may stand there once.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    edges: Vec<(u32, u32)>,
    /// Where a node's edges begin, once settled.
    first: Vec<usize>,
}

impl Graph {
    pub(crate) fn add(&mut self, from: u32, to: u32) {
        self.edges.push((from, to));
    }

    /// The cycles: of each strongly connected component with more than one node the shortest one
    /// (of a component with very many nodes: a short one). Each begins with its smallest node.
    pub(crate) fn cycles(mut self) -> Vec<Vec<u32>> {
        self.settle();
        let components = self.components();
        components
            .iter()
            .map(|nodes| self.shortest(nodes))
            .collect()
    }

    fn settle(&mut self) {
        self.edges.sort_unstable();
        self.edges.dedup();
        let nodes = self.edges.iter().map(|(from, to)| from.max(to) + 1);
        let nodes = nodes.max().unwrap_or(0);
        let begin = |node: u32| self.edges.partition_point(|(from, _)| *from < node);
        self.first = (0..=nodes).map(begin).collect();
    }

    fn of(&self, node: u32) -> &[(u32, u32)] {
        let node = node as usize;
        &self.edges[self.first[node]..self.first[node + 1]]
    }

    /// Components of more than one node. (Tarjan, without recursion: paths may be long.)
    fn components(&self) -> Vec<Vec<u32>> {
        let nodes = self.first.len().saturating_sub(1);
        let mut search = Search {
            graph: self,
            index: vec![UNSEEN; nodes],
            low: vec![0; nodes],
            on_stack: vec![false; nodes],
            stack: Vec::new(),
            next: 0,
            found: Vec::new(),
        };
        for node in 0..nodes as u32 {
            if search.index[node as usize] == UNSEEN {
                search.from(node);
            }
        }
        search.found
    }

    fn shortest(&self, component: &[u32]) -> Vec<u32> {
        let mut best: Vec<u32> = Vec::new();
        for &start in component.iter().take(STARTS) {
            let bound = if best.is_empty() {
                usize::MAX
            } else {
                best.len()
            };
            if let Some(cycle) = self.cycle_from(start, component, bound) {
                best = cycle;
            }
            if best.len() == 2 {
                break;
            }
        }
        let least = (0..best.len()).min_by_key(|at| best[*at]).unwrap_or(0);
        best.rotate_left(least);
        best
    }

    /// The shortest cycle through `start`, if it is shorter than `bound`; by breadth.
    fn cycle_from(&self, start: u32, component: &[u32], bound: usize) -> Option<Vec<u32>> {
        let mut came_from = crate::hash::Map::default();
        let mut row = vec![start];
        for _ in 1..bound {
            let mut next = Vec::new();
            for &(from, to) in row.iter().flat_map(|node| self.of(*node)) {
                if to == start {
                    let mut cycle = vec![from];
                    while let Some(&before) = came_from.get(&cycle[cycle.len() - 1]) {
                        cycle.push(before);
                    }
                    cycle.reverse();
                    return Some(cycle);
                }
                let inside = component.binary_search(&to).is_ok();
                if inside && !came_from.contains_key(&to) {
                    came_from.insert(to, from);
                    next.push(to);
                }
            }
            if next.is_empty() {
                return None;
            }
            row = next;
        }
        None
    }
}

const UNSEEN: u32 = u32::MAX;

struct Search<'g> {
    graph: &'g Graph,
    index: Vec<u32>,
    low: Vec<u32>,
    on_stack: Vec<bool>,
    stack: Vec<u32>,
    next: u32,
    found: Vec<Vec<u32>>,
}

impl Search<'_> {
    fn from(&mut self, root: u32) {
        // A node, and how many of its edges were followed.
        let mut path = vec![(root, 0)];
        self.enter(root);
        while let Some((node, followed)) = path.last_mut() {
            let (node, edge) = (*node, self.graph.of(*node).get(*followed));
            *followed += 1;
            match edge {
                Some(&(_, to)) if self.index[to as usize] == UNSEEN => {
                    self.enter(to);
                    path.push((to, 0));
                }
                Some(&(_, to)) if self.on_stack[to as usize] => {
                    self.lower(node, self.index[to as usize]);
                }
                Some(_) => {}
                None => {
                    path.pop();
                    if let Some((parent, _)) = path.last() {
                        self.lower(*parent, self.low[node as usize]);
                    }
                    self.leave(node);
                }
            }
        }
    }

    fn enter(&mut self, node: u32) {
        let at = node as usize;
        (self.index[at], self.low[at]) = (self.next, self.next);
        self.next += 1;
        self.stack.push(node);
        self.on_stack[at] = true;
    }

    fn lower(&mut self, node: u32, to: u32) {
        let low = &mut self.low[node as usize];
        *low = to.min(*low);
    }

    /// The root of a component takes it off the stack.
    fn leave(&mut self, node: u32) {
        if self.low[node as usize] != self.index[node as usize] {
            return;
        }
        let begin = self.stack.iter().rposition(|other| *other == node);
        let mut component = self.stack.split_off(begin.unwrap_or(0));
        for member in &component {
            self.on_stack[*member as usize] = false;
        }
        if component.len() > 1 {
            component.sort_unstable();
            self.found.push(component);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycles(edges: &[(u32, u32)]) -> Vec<Vec<u32>> {
        let mut graph = Graph::default();
        for (from, to) in edges {
            graph.add(*from, *to);
        }
        graph.cycles()
    }

    #[test]
    fn a_graph_without_cycles_has_none() {
        assert!(cycles(&[]).is_empty());
        assert!(cycles(&[(0, 1), (1, 2), (0, 2), (3, 2), (4, 4)]).is_empty());
    }

    #[test]
    fn the_shortest_cycle_of_a_component_is_its_witness() {
        let edges = [(5, 1), (1, 2), (2, 3), (3, 5), (3, 2), (7, 5), (1, 9)];
        assert_eq!(cycles(&edges), [[2, 3]]);
        assert_eq!(cycles(&edges[..4]), [[1, 2, 3, 5]]);
        assert_eq!(cycles(&[(0, 1), (1, 0), (2, 3), (3, 4), (4, 2)]).len(), 2);
    }

    #[test]
    fn a_long_path_does_not_exhaust_the_stack() {
        let mut edges: Vec<_> = (0..100_000).map(|node| (node, node + 1)).collect();
        assert!(cycles(&edges).is_empty());
        edges.push((100_000, 99_990));
        assert_eq!(cycles(&edges)[0].len(), 11);
    }
}
