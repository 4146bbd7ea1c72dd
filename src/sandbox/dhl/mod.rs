//! Stand-ins of the products that sell labels.

mod travel;

pub mod ecommerce;
pub mod express;
