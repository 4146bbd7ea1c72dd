//! A stand-in of Mercado Libre.
