//! A stand-in of TikTok Shop.
