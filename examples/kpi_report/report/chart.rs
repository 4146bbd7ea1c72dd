//! Charts as SVG, drawn for people. Positions are floats; every number that is written out comes
//! from exact ratios elsewhere.

use std::fmt::Write as _;

/// A text that is safe inside of HTML and SVG, also in attributes. Control characters, which no
/// document may hold, become a visible mark.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            character if unseen(character) => safe.push('\u{FFFD}'),
            character => safe.push(character),
        }
    }
    safe
}

/// Whether a character does something other than stand there: controls, and marks that turn the
/// direction of the text around them.
pub fn unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        || matches!(character, '\u{FFFE}' | '\u{FFFF}')
}

/// A point of a line: how high, what it says when pointed at, and whether it is only a part.
pub struct Point {
    pub value: f64,
    pub says: String,
    pub partial: bool,
}

pub struct Line {
    pub name: &'static str,
    pub class: &'static str,
    pub points: Vec<Option<Point>>,
}

pub struct Scale {
    pub least: f64,
    pub most: f64,
    pub unit: &'static str,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 34.0;

/// A round number not below `most`, for the top of an axis.
pub fn round_up(most: u64) -> f64 {
    let mut step = 1_u64;
    loop {
        for factor in [4, 6, 8, 10, 12, 16, 20, 24, 32] {
            if most <= step.saturating_mul(factor) {
                return as_float(step.saturating_mul(factor));
            }
        }
        let Some(next) = step.checked_mul(10) else { return as_float(most) };
        step = next;
    }
}

#[allow(clippy::cast_precision_loss, reason = "a position in a picture")]
pub fn as_float(count: u64) -> f64 {
    count as f64
}

fn place(index: usize, count: usize) -> f64 {
    let steps = as_float(u64::try_from(count.saturating_sub(1)).unwrap_or(u64::MAX)).max(1.0);
    let index = as_float(u64::try_from(index).unwrap_or(u64::MAX));
    if count <= 1 {
        (LEFT + WIDTH - RIGHT) / 2.0
    } else {
        LEFT + index / steps * (WIDTH - LEFT - RIGHT)
    }
}

fn begin(svg: &mut String, title: &str, height: f64) {
    let title = escaped(title);
    let _ = write!(
        svg,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>"
    );
}

fn axis(svg: &mut String, scale: &Scale) {
    for step in 0..=4_u32 {
        let share = f64::from(step) / 4.0;
        let value = scale.least + share * (scale.most - scale.least);
        let y = height_of(value, scale);
        let text =
            if value.fract().abs() < 1e-9 { format!("{value:.0}") } else { format!("{value:.1}") };
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
            scale.unit
        );
    }
}

fn height_of(value: f64, scale: &Scale) -> f64 {
    let share = (value - scale.least) / (scale.most - scale.least).max(f64::MIN_POSITIVE);
    HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
}

/// Lines over labels. A hollow point is only a part of its period; where nothing is known the line
/// has a gap. `target` is drawn across with its words.
pub fn lines(
    title: &str,
    labels: &[String],
    lines: &[Line],
    scale: &Scale,
    target: Option<(f64, &str)>,
) -> String {
    let mut svg = String::new();
    begin(&mut svg, title, HEIGHT);
    axis(&mut svg, scale);
    let every = labels.len().div_ceil(9).max(1);
    for (index, label) in labels.iter().enumerate().step_by(every) {
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            place(index, labels.len()).clamp(LEFT, WIDTH - 34.0),
            HEIGHT - 12.0,
            escaped(label)
        );
    }
    if let Some((value, words)) = target {
        // Its words stand beside the legend: inside of the chart they would hide points.
        let y = height_of(value, scale);
        let right = WIDTH - RIGHT;
        let _ = write!(
            svg,
            "<line class=\"target\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right:.1}\" y2=\"{y:.1}\"/><text x=\"{right:.1}\" y=\"16\" text-anchor=\"end\" class=\"targettext\">- - {}</text>",
            escaped(words)
        );
    }
    let mut legend = LEFT;
    for line in lines {
        let class = line.class;
        for run in runs(&line.points) {
            let path: Vec<String> = run
                .iter()
                .map(|(index, point)| {
                    let (x, y) = (place(*index, labels.len()), height_of(point.value, scale));
                    format!("{x:.1},{y:.1}")
                })
                .collect();
            let _ = write!(svg, "<polyline class=\"line {class}\" points=\"{}\"/>", path.join(" "));
        }
        let known = line.points.iter().enumerate();
        for (index, point) in known.filter_map(|(index, point)| Some((index, point.as_ref()?))) {
            let hollow = if point.partial { " hollow" } else { "" };
            let _ = write!(
                svg,
                "<circle class=\"dot {class}{hollow}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"><title>{}</title></circle>",
                place(index, labels.len()),
                height_of(point.value, scale),
                escaped(&point.says)
            );
        }
        let _ = write!(
            svg,
            "<circle class=\"dot {class}\" cx=\"{:.1}\" cy=\"12\" r=\"4\"/><text x=\"{:.1}\" y=\"16\">{}</text>",
            legend + 5.0,
            legend + 14.0,
            escaped(line.name)
        );
        legend += 200.0;
    }
    svg.push_str("</svg>");
    svg
}

/// Stretches of whole points without a gap.
fn runs(points: &[Option<Point>]) -> Vec<Vec<(usize, &Point)>> {
    let mut runs = vec![Vec::new()];
    for (index, point) in points.iter().enumerate() {
        match (point, runs.last_mut()) {
            (Some(point), Some(run)) if !point.partial => run.push((index, point)),
            (Some(_), Some(_)) | (None, _) => runs.push(Vec::new()),
            (Some(_), None) => {}
        }
    }
    runs.retain(|run| run.len() > 1);
    runs
}

/// Upright bars: label, count, what it says when pointed at.
pub fn columns(title: &str, bars: &[(String, u64, String)]) -> String {
    let mut svg = String::new();
    begin(&mut svg, title, HEIGHT);
    let most = bars.iter().map(|(_, count, _)| *count).max().unwrap_or(0);
    let scale = Scale { least: 0.0, most: round_up(most.max(1)), unit: "" };
    axis(&mut svg, &scale);
    let count = as_float(u64::try_from(bars.len()).unwrap_or(1)).max(1.0);
    let step = (WIDTH - LEFT - RIGHT) / count;
    let mut x = LEFT;
    for (label, value, says) in bars {
        let y = height_of(as_float(*value), &scale);
        let _ = write!(
            svg,
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x + step * 0.12,
            step * 0.76,
            HEIGHT - BOTTOM - y,
            escaped(says),
            x + step / 2.0,
            HEIGHT - 18.0,
            escaped(label)
        );
        x += step;
    }
    svg.push_str("</svg>");
    svg
}

/// Lying bars: label, share of the longest in thousandths, what stands behind the bar.
pub fn bars(title: &str, bars: &[(String, u64, String)]) -> String {
    const ROW: f64 = 24.0;
    const NAMES: f64 = 190.0;
    const WORDS: f64 = 210.0;
    let mut svg = String::new();
    let rows = as_float(u64::try_from(bars.len()).unwrap_or(0));
    begin(&mut svg, title, rows * ROW + 8.0);
    let most = as_float(bars.iter().map(|(_, value, _)| *value).max().unwrap_or(0)).max(1.0);
    let mut y = 4.0;
    for (label, value, words) in bars {
        let length = as_float(*value) / most * (WIDTH - NAMES - WORDS);
        let short: String = if label.chars().count() > 26 {
            label.chars().take(25).chain(['…']).collect()
        } else {
            label.clone()
        };
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><rect class=\"bar\" x=\"{NAMES}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"{:.1}\"><title>{}</title></rect><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            NAMES - 8.0,
            y + 15.0,
            escaped(&short),
            y + 3.0,
            ROW - 7.0,
            escaped(label),
            NAMES + length + 6.0,
            y + 15.0,
            escaped(words)
        );
        y += ROW;
    }
    svg.push_str("</svg>");
    svg
}
