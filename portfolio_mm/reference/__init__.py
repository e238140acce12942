"""Public feeds of other venues: Binance's USD-M futures (documentation: developers.binance.com, derivatives)."""
