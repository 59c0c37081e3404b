//! The map and the mapper's health where people already look: a real Prometheus, and the OTLP receiver of the
//! OpenTelemetry Collector.

mod collector;
mod prometheus;
mod receiver;
mod scraper;
