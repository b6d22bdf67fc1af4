//! Pure machines: catalog, transactions, consumer groups.
