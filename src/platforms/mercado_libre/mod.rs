//! Mercado Libre, local sites and Global Selling.
