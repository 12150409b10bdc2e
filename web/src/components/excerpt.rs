//! Source and target drawn over each other, the points that differ marked, and their values beside it.
//!
//! The drawing is a slider over its times: arrow keys go from one to the next, and what stands there is said.

use crate::state::format;
use crate::state::picture::{Column, Dot, Picture, Shape, values};
use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::html::Div;
use leptos::prelude::*;
use std::sync::Arc;
use tsink_migrate_engine::report::Excerpt;

/// The drawing with its values.
#[component]
pub fn ExcerptPicture(
    /// Both sides around a difference.
    excerpt: Excerpt,
) -> impl IntoView {
    let picture = Arc::new(Picture::of(&excerpt));
    let first = picture.columns.iter().position(|column| column.differs).unwrap_or(0);
    let cursor = RwSignal::new(first);
    let spoken = picture.spoken();
    view! {
        <figure class="excerpt" data-testid="excerpt">
            <div class="excerpt-split">
                <div>
                    <Plot picture=picture.clone() cursor spoken />
                    <Legend picture=picture.clone() />
                </div>
                <Values picture cursor />
            </div>
        </figure>
    }
}

#[component]
fn Plot(picture: Arc<Picture>, cursor: RwSignal<usize>, spoken: String) -> impl IntoView {
    let last = picture.columns.len().saturating_sub(1);
    let here = {
        let picture = picture.clone();
        move || picture.columns.get(cursor.get()).map(Column::words).unwrap_or_default()
    };
    let on_key = move |event: KeyboardEvent| {
        let to = match event.key().as_str() {
            "ArrowLeft" | "ArrowDown" => cursor.get_untracked().saturating_sub(1),
            "ArrowRight" | "ArrowUp" => (cursor.get_untracked() + 1).min(last),
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        event.prevent_default();
        cursor.set(to);
    };
    let place = NodeRef::<Div>::new();
    let on_mouse = {
        let picture = picture.clone();
        move |event: MouseEvent| {
            let Some(element) = place.get_untracked() else { return };
            let area = element.get_bounding_client_rect();
            let x = (f64::from(event.client_x()) - area.left()) / area.width().max(1.0) * 100.0;
            let apart = |column: &Column| (column.x - x).abs();
            let nearest = picture.columns.iter().enumerate().min_by(|a, b| apart(a.1).total_cmp(&apart(b.1)));
            if let Some((at, _)) = nearest {
                cursor.set(at);
            }
        }
    };
    let top = picture.range.map(|(high, _)| format::number(high));
    let bottom = picture.range.map(|(_, low)| format::number(low));
    let edge = |column: Option<&Column>| column.map(|column| format::instant(column.at_ms));
    let (from, to) = (edge(picture.columns.first()), edge(picture.columns.last()));
    view! {
        <div class="excerpt-range mono" aria-hidden="true">{top}</div>
        <div
            class="excerpt-plot"
            node_ref=place
            role="slider"
            tabindex="0"
            aria-label=spoken
            aria-valuemin="0"
            aria-valuemax=last.to_string()
            aria-valuenow=move || cursor.get().to_string()
            aria-valuetext=here.clone()
            data-testid="excerpt-plot"
            on:keydown=on_key
            on:mousemove=on_mouse.clone()
            on:click=on_mouse
        >
            {drawing(&picture, cursor)}
        </div>
        <div class="excerpt-range mono" aria-hidden="true">{bottom}</div>
        <div class="chart-axis mono" aria-hidden="true"><span>{from}</span><span>{to}</span></div>
        <p class="mono small excerpt-here" data-testid="excerpt-here">{here}</p>
    }
}

fn per_cent(place: f64) -> String {
    format!("{place:.2}%")
}

fn drawing(picture: &Arc<Picture>, cursor: RwSignal<usize>) -> impl IntoView + use<> {
    let bands = picture.bands.iter().map(|(from, to)| {
        view! { <rect class="band" x=per_cent(*from) y="0" width=per_cent(to - from) height="100%" /> }
    });
    let dots = |is_source: bool| {
        picture
            .columns
            .iter()
            .flat_map(move |column| {
                let side = if is_source { &column.source } else { &column.target };
                side.iter().map(move |dot| mark(column, dot, is_source))
            })
            .collect_view()
    };
    let at = {
        let picture = picture.clone();
        move || picture.columns.get(cursor.get()).map_or_else(|| "0%".to_owned(), |column| per_cent(column.x))
    };
    view! {
        <svg width="100%" height="100%" aria-hidden="true" focusable="false">
            {bands.collect_view()}
            <line class="cursor" x1=at.clone() x2=at y1="0" y2="100%" />
            <svg width="100%" height="100%" viewBox="0 0 100 100" preserveAspectRatio="none">
                <path class="line source" d=picture.source.clone() />
                <path class="line target" d=picture.target.clone() />
            </svg>
            {dots(true)}
            {dots(false)}
        </svg>
    }
}

/// A sign at its place: as large on any screen, whatever the drawing's width.
fn mark(column: &Column, dot: &Dot, is_source: bool) -> impl IntoView + use<> {
    let class = format!(
        "sign {} {}{}",
        if is_source { "source" } else { "target" },
        shape_class(dot.shape),
        if column.differs { " differs" } else { "" }
    );
    view! {
        <svg class="at" x=per_cent(column.x) y=per_cent(dot.y)>
            <path class=class d=shape_path(dot.shape, is_source) />
        </svg>
    }
}

fn shape_class(shape: Shape) -> &'static str {
    match shape {
        Shape::Number(_) => "number",
        Shape::Nan => "nan",
        _ => "closed",
    }
}

/// The source's signs are larger, so that the target's can lie upon them and both be seen.
fn shape_path(shape: Shape, is_source: bool) -> &'static str {
    match (shape, is_source) {
        (Shape::Number(_), true) => "M-4.5 0A4.5 4.5 0 1 0 4.5 0A4.5 4.5 0 1 0 -4.5 0Z",
        (Shape::Number(_), false) => "M-2.5 0A2.5 2.5 0 1 0 2.5 0A2.5 2.5 0 1 0 -2.5 0Z",
        (Shape::Nan, true) => "M-5.5 -5.5L5.5 5.5M5.5 -5.5L-5.5 5.5",
        (Shape::Nan, false) => "M-3.5 -3.5L3.5 3.5M3.5 -3.5L-3.5 3.5",
        (Shape::Stale, true) => "M0 -7L7 0L0 7L-7 0Z",
        (Shape::Stale, false) => "M0 -4L4 0L0 4L-4 0Z",
        (Shape::High, true) => "M0 -6L6 5L-6 5Z",
        (Shape::High, false) => "M0 -3L3.5 3L-3.5 3Z",
        (Shape::Low, true) => "M0 6L6 -5L-6 -5Z",
        (Shape::Low, false) => "M0 3L3.5 -3L-3.5 -3Z",
        (Shape::Other, true) => "M-6 -6L6 -6L6 6L-6 6Z",
        (Shape::Other, false) => "M-3 -3L3 -3L3 3L-3 3Z",
    }
}

#[component]
fn Legend(picture: Arc<Picture>) -> impl IntoView {
    let all = || picture.columns.iter().flat_map(|column| column.source.iter().chain(&column.target));
    let odd = [
        (Shape::Nan, "NaN"),
        (Shape::Stale, "stale marker"),
        (Shape::High, "+Inf"),
        (Shape::Low, "-Inf"),
        (Shape::Other, "no value"),
    ];
    let odd =
        odd.into_iter().filter(|(shape, _)| all().any(|dot| dot.shape == *shape)).map(|(shape, word)| {
            let class = format!("sign source {}", shape_class(shape));
            view! { <li>{swatch(class, shape_path(shape, true))}{word}</li> }
        });
    let round = |class: &str, is_source| swatch(class.to_owned(), shape_path(Shape::Number(0.0), is_source));
    view! {
        <ul class="legend">
            <li>{round("sign source number", true)}"source"</li>
            <li>{round("sign target number", false)}"target"</li>
            <li>{round("sign source number differs", true)}"differs, source"</li>
            <li>{round("sign target number differs", false)}"differs, target"</li>
            {odd.collect_view()}
        </ul>
        {(picture.omitted > 0).then(|| view! {
            <p class="dim small">{format!("{} more times are not drawn.", format::count(picture.omitted as u64))}</p>
        })}
    }
}

fn swatch(class: String, path: &'static str) -> impl IntoView {
    view! {
        <svg class="excerpt-swatch" viewBox="-8 -8 16 16" aria-hidden="true" focusable="false">
            <path class=class d=path />
        </svg>
    }
}

/// The values as a table: the drawing for those who would rather read.
#[component]
fn Values(picture: Arc<Picture>, cursor: RwSignal<usize>) -> impl IntoView {
    let rows = picture.columns.iter().enumerate().map(|(at, column)| {
        let state = if column.differs { "differs" } else { "" };
        view! {
            <tr
                class=state
                aria-current=move || (cursor.get() == at).then_some("true")
                on:click=move |_| cursor.set(at)
            >
                <th scope="row" class="mono">{format::instant(column.at_ms)}</th>
                <td class="num">{values(&column.source)}</td>
                <td class="num">{values(&column.target)}</td>
                <td>{state}</td>
            </tr>
        }
    });
    view! {
        <div class="excerpt-values" tabindex="0" role="region" aria-label="Values of both sides">
            <table class="figures-table" data-testid="excerpt-values">
                <thead>
                    <tr>
                        <th scope="col">"time, UTC"</th>
                        <th scope="col" class="num">"source"</th>
                        <th scope="col" class="num">"target"</th>
                        <td></td>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}
