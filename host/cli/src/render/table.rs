//! Tables without lines that fit their screen: columns that carry least go first, then long texts wrap between words.

use std::fmt::Display;

use comfy_table::{
    Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, Row, Table, Width,
    presets,
};
use quotagate::text;

use super::style;

/// Between two columns.
const GAP: usize = 2;

/// A column and what may happen to it on a narrow screen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column<'a> {
    /// Its title.
    pub(crate) title: &'a str,
    /// Whether numbers in it should line up.
    pub(crate) right: bool,
    /// Its rank among the columns that may be left out, the lowest first; none for one that stays.
    pub(crate) dispensable: Option<u8>,
    /// The fewest characters to which its texts may be wrapped; none for texts that stay on one line.
    pub(crate) wraps_to: Option<usize>,
}

impl<'a> Column<'a> {
    /// A column that always stays and never wraps.
    pub(crate) const fn new(title: &'a str) -> Self {
        Self {
            title,
            right: false,
            dispensable: None,
            wraps_to: None,
        }
    }

    /// The same with numbers in it.
    pub(crate) const fn right(mut self) -> Self {
        self.right = true;
        self
    }

    /// The same, left out where there is no room.
    pub(crate) const fn dispensable(mut self, rank: u8) -> Self {
        self.dispensable = Some(rank);
        self
    }

    /// The same, wrapped where there is no room.
    pub(crate) const fn wraps_to(mut self, characters: usize) -> Self {
        self.wraps_to = Some(characters);
        self
    }
}

/// A cell of a table, fit to be shown: the one way to make one.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where its text is cleaned"
)]
pub(crate) fn cell(content: impl Display) -> Cell {
    Cell::new(text::line(&content.to_string()))
}

/// Renders rows, each with a cell per column, into lines that are no wider than `width`.
pub(crate) fn render(columns: &[Column<'_>], rows: Vec<Vec<Cell>>, width: Option<usize>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.enforce_styling();
    table.style_text_only();
    let titles = columns.iter().map(|column| {
        let cell = cell(column.title).add_attribute(Attribute::Bold);
        cell.set_alignment(alignment(column))
    });
    table.set_header(titles.collect::<Vec<_>>());
    for row in rows {
        let cells = row
            .into_iter()
            .zip(columns)
            .map(|(cell, column)| cell.set_alignment(alignment(column)));
        table.add_row(Row::from(cells.collect::<Vec<_>>()));
    }
    let natural: Vec<usize> = table
        .column_max_content_widths()
        .into_iter()
        .map(usize::from)
        .collect();
    let widths = fit(columns, &natural, width);
    table.set_content_arrangement(ContentArrangement::Disabled);
    if width.is_some() {
        // Only for the constraints: the widths add up to no more than the screen has.
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::MAX);
    }
    for (column, width) in table.column_iter_mut().zip(&widths) {
        column.set_padding((0, u16::try_from(GAP).unwrap_or(0)));
        column.set_constraint(match width {
            None => ColumnConstraint::Hidden,
            Some(width) => ColumnConstraint::Absolute(Width::Fixed(
                u16::try_from(width + GAP).unwrap_or(u16::MAX),
            )),
        });
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    style::ours(&text)
}

const fn alignment(column: &Column<'_>) -> CellAlignment {
    if column.right {
        CellAlignment::Right
    } else {
        CellAlignment::Left
    }
}

/// The width of each column; none for one that is left out.
fn fit(columns: &[Column<'_>], natural: &[usize], screen: Option<usize>) -> Vec<Option<usize>> {
    let mut widths: Vec<Option<usize>> = natural.iter().copied().map(Some).collect();
    let Some(screen) = screen else {
        return widths;
    };
    let total = |widths: &[Option<usize>]| {
        let shown = widths.iter().flatten();
        shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
    };
    let narrowed = |widths: &[Option<usize>]| -> Vec<Option<usize>> {
        let columns = columns.iter().zip(widths);
        columns
            .map(|(column, width)| {
                let least = column.wraps_to.unwrap_or(usize::MAX);
                width.map(|width| width.min(least))
            })
            .collect()
    };
    // Leave out what carries least until the rest fits with every long text wrapped as far as it may be.
    while total(&widths) > screen && total(&narrowed(&widths)) > screen {
        let shown = columns
            .iter()
            .zip(&mut widths)
            .filter(|(_, width)| width.is_some());
        let next = shown
            .filter_map(|(column, width)| Some((column.dispensable?, width)))
            .min_by_key(|(rank, _)| *rank);
        match next {
            Some((_, width)) => *width = None,
            None => break,
        }
    }
    if total(&widths) <= screen {
        return widths;
    }
    let mut least = narrowed(&widths);
    if total(&least) > screen {
        let excess = total(&least) - screen;
        squeeze(&mut least, excess);
        return least;
    }
    // Give back to the wrapped texts what room is left, from the first column on: a name that wraps doubles every row,
    // a sentence only its own.
    let mut fitted = narrowed(&widths);
    let mut spare = screen.saturating_sub(total(&fitted));
    for (width, wanted) in fitted.iter_mut().zip(&widths) {
        if let (Some(width), Some(wanted)) = (width, wanted) {
            let more = wanted.saturating_sub(*width).min(spare);
            *width += more;
            spare -= more;
        }
    }
    fitted
}

/// Takes so many characters off the widest columns, one after the other: on a screen that is narrower than any table should
/// be, everything wraps.
fn squeeze(widths: &mut [Option<usize>], excess: usize) {
    for _ in 0..excess {
        let shown = widths.iter_mut().flatten();
        match shown.max_by_key(|width| **width) {
            Some(widest) if *widest > 1 => *widest -= 1,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column<'static>; 4] = [
        Column::new("TYPE").wraps_to(8),
        Column::new("GPUS").right().dispensable(0),
        Column::new("REGION"),
        Column::new("REASON").wraps_to(10),
    ];

    fn lines(width: Option<usize>) -> Vec<String> {
        let row = [
            "platform preset",
            "8",
            "eu-north1",
            "GPU quota: 2 of 32 free, needs 8",
        ];
        let text = render(&COLUMNS, vec![row.into_iter().map(cell).collect()], width);
        let plain = anstream::adapter::strip_str(&text).to_string();
        plain.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_wide_screen_shows_everything_on_one_line() {
        let wide = lines(None);
        assert_eq!(wide.len(), 2);
        assert_eq!(
            wide[1],
            "platform preset     8  eu-north1  GPU quota: 2 of 32 free, needs 8"
        );
        assert_eq!(lines(Some(200)), wide);
    }

    #[test]
    fn a_narrow_screen_is_never_exceeded() {
        for width in 12..80 {
            let narrow = lines(Some(width));
            assert!(
                narrow.iter().all(|line| line.chars().count() <= width),
                "{width}: {narrow:#?}"
            );
        }
        let narrow = lines(Some(35)).join("\n");
        assert!(!narrow.contains("GPUS"), "{narrow}");
        assert!(narrow.contains("REASON"), "{narrow}");
    }
}
