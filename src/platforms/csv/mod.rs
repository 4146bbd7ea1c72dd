//! Orders from CSV files.
