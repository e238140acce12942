"""A reference venue whose prices lead the synthetic ones, in the protocol of Binance's USD-M futures."""
