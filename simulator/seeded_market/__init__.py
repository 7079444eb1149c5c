"""The seeded world of the scenario `market`: days, minutes inside days, trades inside hours.

Bars come first: a day's one-minute bars are drawn for all markets at once, and an hour's trades are
made so that they reproduce those bars. So any moment and any trade id can be asked of at the cost
of one day's bars and one hour's trades.
"""
