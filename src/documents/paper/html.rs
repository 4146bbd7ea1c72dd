//! A paper as one HTML file without scripts, pictures or fonts from elsewhere.

use std::fmt::Write as _;

use super::layout::qr_instead;
use super::{Block, Cell, Paper, Table};

const STYLE: &str = "body{font:14px/1.35 system-ui,'Noto Sans',sans-serif;color:#000;margin:1.5em auto;max-width:60em;\
padding:0 1em}h1{font-size:1.6em;margin:0 0 .4em}h2{font-size:1.15em;margin:1.2em 0 .3em}\
table{border-collapse:collapse;width:100%;margin:.4em 0 1em}thead{display:table-header-group}\
th{background:#e0e0e0;text-align:left;font-size:.85em;padding:.3em}\
td{border-bottom:1px solid #888;padding:.3em;vertical-align:top}tr{break-inside:avoid}\
td,dd,p{overflow-wrap:anywhere;white-space:pre-line}\
dl{display:flex;flex-wrap:wrap;gap:.4em 2em;margin:.4em 0}dt{font-size:.8em}dd{margin:0;font-weight:bold}\
.tick{display:inline-block;width:.9em;height:.9em;border:1px solid #000}\
.code{width:22em;max-width:100%}.qr{width:9em}.code span,.qr span{display:block;text-align:center}\
.lines{display:flex;gap:2em;margin:3.5em 0 1em}.lines div{flex:1;border-top:1px solid #000;font-size:.85em}\
.new{break-before:page}";

/// Writes a paper.
pub(super) fn html(paper: &Paper) -> String {
    let mut text = String::new();
    let title = escaped(&paper.title);
    let (width, height) = (paper.size.width, paper.size.height);
    let _ = write!(
        text,
        "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}@page{{size:{}.{:03}in {}.{:03}in}}</style></head><body><h1>{title}</h1>\n",
        paper.language,
        width / 1_000,
        width % 1_000,
        height / 1_000,
        height % 1_000,
    );
    for block in &paper.blocks {
        match block {
            Block::Heading(words) => _ = writeln!(text, "<h2>{}</h2>", escaped(words)),
            Block::Text(words) => _ = writeln!(text, "<p>{}</p>", escaped(words)),
            Block::Strong(words) => {
                _ = writeln!(text, "<p><strong>{}</strong></p>", escaped(words));
            }
            Block::Fields(fields) => {
                text.push_str("<dl>");
                for (name, value) in fields {
                    let _ = write!(
                        text,
                        "<div><dt>{}</dt><dd>{}</dd></div>",
                        escaped(name),
                        escaped(value)
                    );
                }
                text.push_str("</dl>\n");
            }
            Block::Table(table) => write_table(&mut text, table),
            Block::Code128(code) => {
                let words = escaped(code.text());
                let (class, picture) = match qr_instead(code, paper) {
                    Some(qr) => ("qr", qr.svg()),
                    None => ("code", code.svg(code.modules() / 5)),
                };
                let _ =
                    writeln!(text, "<div class=\"{class}\">{picture}<span>{words}</span></div>");
            }
            Block::Qr(code) => _ = writeln!(text, "<div class=\"qr\">{}</div>", code.svg()),
            Block::Lines(lines) => {
                text.push_str("<div class=\"lines\">");
                for line in lines {
                    let _ = write!(text, "<div>{}</div>", escaped(line));
                }
                text.push_str("</div>\n");
            }
            Block::NewPage => text.push_str("<div class=\"new\"></div>\n"),
        }
    }
    text.push_str("</body></html>\n");
    text
}

fn write_table(text: &mut String, table: &Table) {
    text.push_str("<table><thead><tr>");
    for column in &table.columns {
        let _ = write!(text, "<th>{}</th>", escaped(&column.title));
    }
    text.push_str("</tr></thead><tbody>\n");
    for row in &table.rows {
        text.push_str("<tr>");
        for (cell, _) in row.iter().zip(&table.columns) {
            match cell {
                Cell::Text(words) => _ = write!(text, "<td>{}</td>", escaped(words)),
                Cell::Strong(words) => {
                    _ = write!(text, "<td><strong>{}</strong></td>", escaped(words));
                }
                Cell::Tick => text.push_str("<td><span class=\"tick\"></span></td>"),
            }
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table>\n");
}

/// What a buyer wrote must stay text.
fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '"' => plain.push_str("&quot;"),
            '\'' => plain.push_str("&#39;"),
            '\n' | '\t' => plain.push(letter),
            // They would turn round what stands beside the text.
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {}
            other if other.is_control() => plain.push('\u{FFFD}'),
            other => plain.push(other),
        }
    }
    plain
}
