//! The difference of two texts, line by line. Pure.

/// The most lines of a difference that are shown.
const SHOWN: usize = 60;
/// Beyond so many lines on a side the longest common part is no longer looked for.
const MOST: usize = 3_000;

/// What turns `left` into `right`: lines only left begin with `-`, lines only right with `+`.
/// Empty if they are equal.
pub(super) fn diff(left: &[String], right: &[String]) -> Vec<String> {
    let same = |(a, b): &(&String, &String)| a == b;
    let head = left.iter().zip(right).take_while(same).count();
    let (left, right) = (&left[head..], &right[head..]);
    let tail = left.iter().rev().zip(right.iter().rev());
    let tail = tail.take_while(same).count();
    let (left, right) = (&left[..left.len() - tail], &right[..right.len() - tail]);
    let mut lines = if left.len() > MOST || right.len() > MOST {
        one_sided('-', left).chain(one_sided('+', right)).collect()
    } else {
        changes(left, right)
    };
    if lines.len() > SHOWN {
        let more = lines.len() - SHOWN;
        lines.truncate(SHOWN);
        lines.push(format!("… and {more} lines more"));
    }
    lines
}

fn one_sided(mark: char, lines: &[String]) -> impl Iterator<Item = String> {
    lines.iter().map(move |line| format!("{mark} {line}"))
}

/// By the longest common subsequence.
fn changes(left: &[String], right: &[String]) -> Vec<String> {
    let width = right.len() + 1;
    let mut common = vec![0_u32; (left.len() + 1) * width];
    for (i, a) in left.iter().enumerate().rev() {
        for (j, b) in right.iter().enumerate().rev() {
            common[i * width + j] = if a == b {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < left.len() && j < right.len() {
        if left[i] == right[j] {
            (i, j) = (i + 1, j + 1);
        } else if common[(i + 1) * width + j] >= common[i * width + j + 1] {
            lines.push(format!("- {}", left[i]));
            i += 1;
        } else {
            lines.push(format!("+ {}", right[j]));
            j += 1;
        }
    }
    lines.extend(one_sided('-', &left[i..]));
    lines.extend(one_sided('+', &right[j..]));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(diff(&lines("a b c"), &lines("a b c")), [""; 0]);
        assert_eq!(diff(&[], &[]), [""; 0]);
    }

    #[test]
    fn only_what_changed_is_shown_in_its_order() {
        assert_eq!(
            diff(&lines("a b c d e"), &lines("a x c d y z e")),
            ["- b", "+ x", "+ y", "+ z"]
        );
        assert_eq!(diff(&lines("a b"), &lines("a")), ["- b"]);
        assert_eq!(diff(&lines("a"), &lines("a b")), ["+ b"]);
        assert_eq!(diff(&lines("a a b"), &lines("a b")), ["- a"]);
    }

    #[test]
    fn a_long_difference_is_cut_and_says_so() {
        let numbers: Vec<String> = (0..5_000).map(|n| n.to_string()).collect();
        let shown = diff(&numbers, &lines("x y"));
        assert_eq!(shown.len(), SHOWN + 1);
        assert_eq!(shown[SHOWN], "… and 4942 lines more");
    }
}
