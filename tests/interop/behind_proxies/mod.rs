//! The samples in `deploy`, in the programs they are for: a tool and a robot made with the libraries
//! that real ones are made with find each other through each proxy, with TLS, and an agent's parts
//! find each other among several instances.
//!
//! Where a program or the Python parts are missing, these tests say `skipped: needs …`.

mod one;
mod proxy;
mod several;
