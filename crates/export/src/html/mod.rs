//! stub
use crate::graph::Graph;
use crate::{layout, svg};
pub(crate) fn render(graph: &Graph<'_>) -> String {
    svg::element(&layout::draw(graph))
}
